"""What was asked for: the options of requests that wait in the turn-taker, which knows them by number."""

from __future__ import annotations

from parley.conversation.responses.response import ResponseOptions

_MOST = 32  # each agent has at most one to answer
_PLAIN = ResponseOptions()


class Asked:
    """The last requests of a conversation."""

    def __init__(self) -> None:
        self._options: dict[int, ResponseOptions] = {}
        self._count = 0

    def remember(self, options: ResponseOptions) -> int:
        """The number of a new request."""
        self._count += 1
        self._options[self._count] = options
        while len(self._options) > _MOST:
            del self._options[next(iter(self._options))]
        return self._count

    def number_of(self, response_id: str) -> int | None:
        """The request for a response of that id."""
        return next((n for n, options in self._options.items() if options.response_id == response_id), None)

    def by_number(self, number: int) -> ResponseOptions:
        """What a request asked for; of one that nobody made (0), what the session's settings say."""
        return self._options.get(number, _PLAIN)
