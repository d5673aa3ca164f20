"""One client's place in a conversation: what it is told, the person who speaks through it, its listener."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import numpy as np
import structlog

from parley.conversation.audience import AListener
from parley.conversation.circle import Place
from parley.conversation.conversation import Conversation
from parley.conversation.followers import Tell
from parley.conversation.listener import Outlet
from parley.conversation.person import Person
from parley.conversation.settings import SessionSettings
from parley.errors import ProtocolError

log = structlog.get_logger("conversation")


_HOST = Place()


class Connection:
    """Speaks and listens while it is entered (``async with``), and leaves however that ends."""

    def __init__(
        self,
        conversation: Conversation,
        settings: SessionSettings,
        tell: Tell,
        place: Place = _HOST,
    ) -> None:
        """Join at once; `aclose` leaves. `tell` gets every notification.

        Raises `ProtocolError` where somebody else has the name.
        """
        self.conversation = conversation
        self.place = place
        self.name = place.name
        self._settings = settings
        self._person: Person | None = None
        self._set_vad: tuple[float, float] | None = None
        self.sent_away = asyncio.Event()
        """Set when the host wants this client to go; the transport closes its connection then."""
        conversation.join(place, tell, self.break_down, self.sent_away.set)
        self._joined = True
        self.broken = asyncio.Event()
        """Set when this client cannot be talked with any more; the transport closes its connection then."""

    def listen(self, make: Callable[[Outlet], AListener]) -> AListener:
        """Hear the conversation from now on: `make` is given its outlet and returns the listener."""
        return self.conversation.listen(self.name, make, self.break_down)

    async def __aenter__(self) -> Self:
        """Begin to speak, if it is to; raises what a model raises that is to take the turns itself."""
        try:
            await self._enter()
        except BaseException:
            await self.aclose()
            raise
        return self

    async def _enter(self) -> None:
        self.conversation.begin()
        if self.place.host and self._settings != self.conversation.settings:
            self.conversation.update(self._settings)
        if self.place.speaks:
            own = None if self.place.host else self._settings
            self._person = await self.conversation.enter(self.name, own, self.break_down)
            if self._set_vad is not None:
                self._person.input.set_vad(*self._set_vad)
        self.conversation.tell_who_is_here()
        self.conversation.greet()

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """See `aclose`."""
        await self.aclose()

    async def aclose(self) -> None:
        """Leave, once: the name may soon be somebody else's. What nobody is there to hear any more is cut."""
        if self._joined:
            self._joined = False
            await self.conversation.leave(self.name)

    # -- input ----------------------------------------------------------------------------------------

    @property
    def person(self) -> Person:
        """Who speaks through it; raises `ProtocolError` where nobody does."""
        if self._person is None:
            raise ProtocolError("this connection only listens", field="type", code="unsupported")
        return self._person

    def append_audio(self, samples: Any, rate_hz: int) -> None:
        """Add input audio; raises `Overloaded` when far too much waits."""
        person = self.person
        if self.conversation.circle.is_muted(self.name):
            samples = np.zeros_like(samples)  # time goes on, and a turn that had begun ends
        person.listening.append(samples, rate_hz)
        self.conversation.overheard(self.name, samples, rate_hz)

    @property
    def uncommitted_s(self) -> float:
        """Seconds of input audio since the last commit or clear."""
        return self.person.input.uncommitted_s

    def commit_input(self) -> None:
        """The turn is over (push to talk). Raises `ProtocolError` where the model takes turns itself."""
        self.conversation.refuse_where_the_model_takes_turns("input_audio_buffer.commit")
        self.person.input.mark("commit")

    def clear_input(self) -> None:
        """Throw uncommitted audio away."""
        self.person.clear_input()

    # -- settings -------------------------------------------------------------------------------------

    @property
    def settings(self) -> SessionSettings:
        """As they stand for this client."""
        return self.conversation.settings if self.place.host else self._settings

    def update(self, settings: SessionSettings) -> None:
        """Replace the settings; they count from the next turn or response on. Of a guest's, those of its person do."""
        self._settings = settings
        if self.place.host:
            self.conversation.update(settings)
        elif self._person is not None:
            self.conversation.update_person(self._person, settings)

    def set_vad(self, threshold: float, pre_roll_s: float) -> None:
        """Probability from which sound counts as speech, and how much before it belongs to the turn."""
        self._set_vad = threshold, pre_roll_s
        if self._person is not None:
            self._person.input.set_vad(threshold, pre_roll_s)

    # -- what was heard -------------------------------------------------------------------------------

    def truncate_item(self, item_id: str, audio_end_ms: int) -> None:
        """The client says how much of an answer it heard; clamped to what was sent."""
        self.conversation.truncate_item(item_id, audio_end_ms, self.name)

    def correct_heard(self, response_id: str, until_s: float) -> None:
        """A late, better position, also of a response that is over."""
        self.conversation.correct_heard(response_id, until_s, self.name)

    def break_down(self, why: str, fault: BaseException) -> None:
        """This client cannot be talked with any more; the conversation and its other clients go on."""
        log.error("connection breaks down", session=self.conversation.id, name=self.name, why=why, exc_info=fault)
        self.broken.set()
