"""From a model that is asked for answers to one that takes turns itself, or back: once nobody speaks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import structlog

from parley.conversation import notifications as nt
from parley.conversation.context import Context
from parley.conversation.person import Person
from parley.conversation.settings import SessionModels
from parley.errors import ParleyError, ProtocolError
from parley.models.interfaces import DuplexModel

log = structlog.get_logger("conversation")


class EngineChange:
    """Of one conversation; the last choice counts."""

    def __init__(
        self,
        context: Context,
        people: Mapping[str, Person],
        wanted: Callable[[], SessionModels],
        take_over: Callable[[SessionModels], None],
        *,
        rests: Callable[[], bool],
    ) -> None:
        """`wanted`: the models that are chosen now; `take_over` is told when they listen; `rests`: nobody speaks."""
        self._context = context
        self._people = people
        self._wanted = wanted
        self._take_over = take_over
        self._rests = rests
        self._changing: asyncio.Task[None] | None = None
        self._looked = asyncio.Event()

    def begin(self) -> None:
        """Another engine was chosen."""
        if self._changing is None or self._changing.done():
            self._changing = self._context.spawn(self._change(), "change engine")

    def look(self) -> None:
        """Who speaks has changed."""
        self._looked.set()

    async def _change(self) -> None:
        while (wanted := self._wanted()).engine.duplex is not self._context.models.engine.duplex:
            if not self._rests():
                self._looked.clear()
                await self._looked.wait()
                continue  # another one may have been chosen meanwhile
            try:
                await self._hand_over(wanted)
            except ParleyError as fault:
                log.warning("the model stays", session=self._context.id, error=str(fault))
                self._context.emit(nt.ModelKept(str(fault)))
                return
            self._take_over(wanted)

    async def _hand_over(self, wanted: SessionModels) -> None:
        """Let somebody else listen to the people, also to those who come meanwhile.

        Raises `ParleyError` where that cannot be, and all is as before.
        """
        before = self._context.models.engine.duplex
        duplex = wanted.engine.duplex if self._context.settings.answers else None
        try:
            while (
                person := next((p for p in self._people.values() if p.listening.model is not duplex), None)
            ) is not None:
                self._refuse_several(duplex)
                await person.listening.go_to(duplex)
            self._refuse_several(duplex)
        except ParleyError:
            for person in [p for p in self._people.values() if p.listening.model is not before]:
                await person.listening.go_to(before)
            raise

    def _refuse_several(self, duplex: DuplexModel | None) -> None:
        if duplex is not None and (len(self._people) > 1 or len(self._context.agents) > 1):
            raise ProtocolError("a model that takes turns itself talks alone with one person", code="unsupported")
