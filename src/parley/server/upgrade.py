"""A better language model is brought while conversations already go on with the light one, and takes over.

Nobody asked for the light model: it is what can be had at once. Behind it a better one is pulled, loaded and measured,
and takes over between two answers where this machine carries it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import structlog

from parley.errors import ParleyError
from parley.models import advice
from parley.models.catalogue import Model
from parley.models.interfaces import Caller, ChatModel, ModelSpec, Priority, Quickening
from parley.models.plugins import close, load
from parley.models.store import Store
from parley.models.succession import Succession
from parley.server.loaded_models import LoadedModels
from parley.server.pulling import Pulling

log = structlog.get_logger("model")

State = Literal["waiting", "pulling", "loading", "quickening", "in place", "not suitable", "failed"]
_CALLER = Caller("upgrade", Priority.BACKGROUND)
_QUIET_S = 2.0
_QUICKENED = 1.5  # what is slower than is allowed by more than this is too slow in any form
_LOOK_AGAIN_S = (10.0, 30.0, 60.0, 120.0)


@dataclass(slots=True)
class Progress:
    """How far it is, for the page and the terminal."""

    model: str
    state: State = "waiting"
    done: int = 0
    """Bytes that are here."""
    total: int = 0
    why: str = ""


@dataclass(slots=True)
class Upgrade:
    """One succession. `run` it as a task beside the server; cancelling it leaves what was pulled for the next start."""

    loaded_models: LoadedModels
    model: Model
    spec: ModelSpec
    store: Store
    busy: Callable[[], bool]
    """Whether somebody is being answered, so that a measurement would be wrong."""
    tell: Callable[[Progress], None] = lambda _: None
    progress: Progress = field(init=False)

    def __post_init__(self) -> None:
        """Nothing was brought yet."""
        self.progress = Progress(self.model.id, total=self.model.size)

    async def run(self) -> None:
        """Bring it, or say why not; never raises but for being cancelled."""
        try:
            await self._bring()
        except ParleyError as fault:
            self._now("failed", why=str(fault))
        except Exception as fault:
            log.exception("the better language model is not to be had", model=self.model.id)
            self._now("failed", why=str(fault))

    async def _bring(self) -> None:
        serving = self.loaded_models.models["llm"]
        assert isinstance(serving, Succession)
        notes = advice.Notes(self.store.root)
        noted_s = notes.read().get(self.model.id)
        if noted_s is not None and noted_s <= advice.FIRST_CLAUSE_S * _QUICKENED:
            noted_s = min(noted_s, advice.FIRST_CLAUSE_S)  # a little too slow: perhaps the machine was busy then
        verdict = await self._judged(serving, lambda found_s: advice.judge(
            self.model, advice.Machine(advice.free_memory(), found_s), noted_s
        ))  # fmt: skip
        if not verdict.fits:
            self._now("not suitable", why=verdict.why)
            return
        if not self.store.is_present(self.model):
            self._now("pulling")
            await Pulling(self.store, self.model, self._pulled).run()
        self._now("loading")
        better: Any = await load(self.spec)
        try:
            verdict = await self._measured(better)
            if not verdict.fits and verdict.first_clause_s <= advice.FIRST_CLAUSE_S * _QUICKENED:
                self._now("quickening", why=verdict.why)
                if isinstance(better, Quickening) and await better.quicken():
                    await close(better)
                    better = await load(self.spec)
                    verdict = await self._measured(better)
            notes.write(self.model.id, verdict.first_clause_s)
        except BaseException:
            await close(better)
            raise
        if not verdict.fits:
            await close(better)
            self._now("not suitable", why=verdict.why)
            return
        self.loaded_models.succeed_llm(self.spec, better)
        self._now("in place", why=f"first clause after {verdict.first_clause_s * 1000:.0f} ms")

    async def _measured(self, better: ChatModel) -> advice.Verdict:
        """Of the model that is in memory, and whose share of that is taken already."""
        memory = advice.free_memory() + self.model.memory
        return await self._judged(better, lambda found_s: advice.judge(
            self.model, advice.Machine(memory, 0.0), found_s
        ))  # fmt: skip

    async def _judged(self, chat: ChatModel, judge: Callable[[float], advice.Verdict]) -> advice.Verdict:
        """By the best of several looks: a machine that is busy with something else seems slow."""
        best_s = await self._first_clause_s(chat)
        for pause_s in _LOOK_AGAIN_S:
            if judge(best_s).fits:
                break
            await asyncio.sleep(pause_s)
            best_s = min(best_s, await self._first_clause_s(chat))
        return judge(best_s)

    async def _first_clause_s(self, chat: ChatModel) -> float:
        """One look, once nobody is being answered."""
        while self.busy():  # noqa: ASYNC110 - of all conversations, rarely asked
            await asyncio.sleep(_QUIET_S)
        return await advice.first_clause_s(chat, _CALLER)

    def _pulled(self, done: int) -> None:
        self.progress.done = done
        self.tell(self.progress)

    def _now(self, state: State, why: str = "") -> None:
        self.progress.state, self.progress.why = state, why
        log.info("better language model", model=self.model.id, state=state, why=why)
        self.tell(self.progress)
