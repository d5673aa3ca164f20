"""What became of a response: how much of it was heard, told at its end and corrected when it is known better."""

from __future__ import annotations

from parley.conversation import notifications as nt
from parley.conversation.context import Context
from parley.conversation.responses.response import Response
from parley.errors import ProtocolError
from parley.turns.actions import Ending

_REMEMBERED = 16  # responses whose heard position may still be corrected


class Outcomes:
    """Responses that are over, as long as late truth about them may come."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._over: dict[str, Response] = {}

    def heard_chars(self, response: Response, ending: Ending) -> int | None:
        """Length of its text that was heard; None when all of it counts."""
        if ending is Ending.FINISHED or not response.speaks or response.message is None:
            return None
        ledger, text = self._context.ledger, response.message.text
        whole = response.produced and _with_the_silent_end(text, ledger.spoken_chars(response.key)) == len(text)
        return None if whole and ledger.all_heard(response.key) else ledger.heard_chars(response.key)

    def finish(self, response: Response, ending: Ending, reason: str) -> None:
        """Tell how it ended and remember it for late truth."""
        context = self._context
        if ending is Ending.FINISHED and response.cut_short:
            reason = "max_output_tokens"
        for index, item in enumerate(response.items):
            if not response.options.out_of_band and item.id in context.history:  # else the client deleted it meanwhile
                context.history.update(
                    item.id, text=item.text, heard=item.heard, status=item.status, arguments=item.arguments
                )
            response.tell_done(index)
        context.emit(
            nt.ResponseEnded(
                response.id, ending, reason, tuple(response.items), response.usage, response.options.metadata,
                response.options.out_of_band,
            )
        )  # fmt: skip
        self._over[response.id] = response
        while len(self._over) > _REMEMBERED:
            oldest = self._over.pop(next(iter(self._over)))
            context.ledger.forget(oldest.key)

    def forget_answers(self, participant: str, turn: int) -> list[str]:
        """What was answered to a turn never was: ids of items that go. Calls that were made stay: they have effects."""
        answers = [r for r in self._over.values() if (r.participant, r.turn) == (participant, turn)]
        for response in answers:
            self._context.ledger.forget(self._over.pop(response.id).key)
        items = [i for r in answers for i in r.items if i.id in self._context.history]
        return [i.id for i in items if i.kind != "function_call" or i.status != "completed"]

    def speaking(self, item_id: str) -> str | None:
        """Id of the spoken response that an item is of."""
        spoken = (r for r in self._over.values() if r.speaks and r.message is not None and r.message.id == item_id)
        return next((r.id for r in spoken), None)

    def correct(self, response_id: str, until_s: float, listener: str) -> None:
        """A listener had heard it so far: history follows. One that is forgotten or silent is left alone."""
        response, context = self._over.get(response_id), self._context
        if response is None or response.message is None or not response.speaks:
            return
        position = context.ledger.corrected(listener, response.key, until_s)
        message = response.message
        chars = _with_the_silent_end(message.text, context.ledger.heard_chars(response.key))
        heard = None if response.produced and chars >= len(message.heard_text) and message.heard is None else chars
        if heard == message.heard or response.options.out_of_band:
            return
        try:
            item = context.history.update(message.id, heard=heard)
        except ProtocolError:
            return  # the item was deleted meanwhile
        response.items = [item if i.id == item.id else i for i in response.items]
        context.emit(nt.HeardChanged(response.id, item.id, item.text, item.heard_text, round(position * 1000)))


def _with_the_silent_end(text: str, chars: int) -> int:
    """Where what was heard of `text` ends: what has no words behind it makes no sound and is heard with them."""
    return chars if any(map(str.isalnum, text[chars:])) else len(text)
