"""What a debate has asked for and has not begun to sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from parley.conversation.conversation import Conversation
from parley.conversation.items import Item, new_id
from parley.conversation.responses.response import ResponseOptions
from parley.debate.agenda import Slot
from parley.errors import ProtocolError
from parley.turns.policies.floor import EVERYBODY

_MOST_SENTENCES = 4
_TEMPERATURE = 0.8
"""Higher than for answers: who argues is to find something new."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something that somebody is to say."""

    response: str
    speaker: str
    slot: Slot | None = None
    """Its place in the order, if it has one."""
    opens: Slot | None = None
    """The place that the moderator says these words before."""
    step: str = ""
    """Of the closing."""


class Requests:
    """Made ahead of their time, given one after the other with the format's silence between them."""

    def __init__(self, conversation: Conversation, gap_s: float) -> None:
        self._conversation = conversation
        self._gap_s = gap_s
        self._parts: list[Part] = []

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._parts)

    def say(self, speaker: str, words: str, *, opens: Slot | None = None, step: str = "") -> None:
        """Have fixed words said."""
        self._ask(Part(new_id("resp"), speaker, None, opens, step), say=words)

    def write(
        self, speaker: str, task: str, *, begins: str = "", most_tokens: int, said_before: tuple[str, ...] = (),
        slot: Slot | None = None, step: str = "",
    ) -> None:  # fmt: skip
        """Have a model write what `speaker` says behind its first words, without what was `said_before`."""
        part, prompt = Part(new_id("resp"), speaker, slot, None, step), Item(new_id("item"), role="user", text=task)
        self._ask(
            part, input=(prompt,), max_output_tokens=most_tokens, most_sentences=_MOST_SENTENCES,
            said_before=said_before, begins=begins or None, temperature=_TEMPERATURE,
        )  # fmt: skip

    def _ask(self, part: Part, **asked: Any) -> None:
        self._parts.append(part)
        try:
            self._conversation.request_response(ResponseOptions(
                participant=EVERYBODY, agents=(part.speaker,), ahead=True, gap_s=self._gap_s,
                response_id=part.response, **asked,
            ))  # fmt: skip
        except ProtocolError:
            self._parts.remove(part)
            raise

    def take(self, response: str) -> Part | None:
        """One has begun or will not begin any more; None: that was not asked for here."""
        part = next((p for p in self._parts if p.response == response), None)
        if part is not None:
            self._parts.remove(part)
        return part

    def concern(self, speaker: str) -> bool:
        """Whether somebody is to say something."""
        return any(part.speaker == speaker for part in self._parts)

    def withdraw(self) -> None:
        """Nothing of it is wanted any more."""
        parts, self._parts = self._parts, []
        for part in parts:
            self._conversation.withdraw_request(part.response)
