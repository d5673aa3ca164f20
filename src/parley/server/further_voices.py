"""Voices of the catalogue that are not loaded: one is brought and loaded when somebody asks for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal

import structlog

from parley.errors import ParleyError, ProtocolError
from parley.models.catalogue import Model
from parley.models.store import Store
from parley.server.loaded_models import LoadedModels
from parley.server.pulling import Pulling

log = structlog.get_logger("model")

State = Literal["not here", "pulling", "loading", "failed"]
_LOADED_S = 180.0


@dataclass(slots=True)
class FurtherVoice:
    """How far one is; one that is there is a voice like any other."""

    model: Model
    state: State = "not here"
    done: int = 0
    """Bytes that are here."""
    why: str = ""


@dataclass(slots=True)
class FurtherVoices:
    """What the server's own worker could load besides; one at a time."""

    loaded_models: LoadedModels
    store: Store
    found: dict[str, FurtherVoice] = field(init=False)
    _bringing: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        """Those whose files are not here."""
        self.found = {m.id: FurtherVoice(m) for m in self.loaded_models.absent_voices.values()}

    def bring(self, name: str) -> FurtherVoice:
        """Begin to bring one; raises `ProtocolError` for a name that is none of them, or while another is brought."""
        voice = self.found.get(name)
        if voice is None:
            there = ", ".join(self.found) or "none"
            raise ProtocolError(f"no further voice is called '{name[:100]}'; there are: {there}", field="voice")
        if self._bringing is not None and not self._bringing.done():
            if voice.state in ("pulling", "loading"):
                return voice
            raise ProtocolError("another voice is being brought; ask again when it is here", code="busy")
        voice.state, voice.done, voice.why = "pulling", 0, ""
        self._bringing = asyncio.create_task(self._bring(voice), name="further voice")
        return voice

    async def _bring(self, voice: FurtherVoice) -> None:
        def tell(done: int) -> None:
            voice.done = done

        try:
            await Pulling(self.store, voice.model, tell).run()
            voice.state = "loading"
            await self.loaded_models.take_voice(voice.model.id, _LOADED_S)
            del self.found[voice.model.id]
        except ParleyError as fault:
            voice.state, voice.why = "failed", str(fault)
        except Exception as fault:
            log.exception("a voice could not be brought", model=voice.model.id)
            voice.state, voice.why = "failed", str(fault)
        log.info("further voice", model=voice.model.id, state=voice.state, why=voice.why)

    async def aclose(self) -> None:
        """Stop bringing; what was fetched stays for the next time."""
        if self._bringing is not None:
            self._bringing.cancel()
            await asyncio.wait([self._bringing])
