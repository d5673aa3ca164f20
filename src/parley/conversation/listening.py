"""What a person's sound goes to: the input pipeline, and a duplex model that takes turns itself; how that changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from parley.audio.pcm import Int16
from parley.conversation.context import Context
from parley.conversation.engines.duplex import opening_of
from parley.conversation.engines.duplex_runner import DuplexRunner
from parley.conversation.input.pipeline import InputPipeline
from parley.conversation.responses.runner import ResponseRunner
from parley.models.interfaces import DuplexModel, DuplexOpening


class Listening:
    """To one person. The pipeline always listens: beside a duplex model it only writes down what is said."""

    def __init__(
        self,
        context: Context,
        pipeline: InputPipeline,
        runner: ResponseRunner,
        broke: Callable[[str, BaseException], None],
    ) -> None:
        """`broke` hears that nothing is examined any more, and why."""
        self._context = context
        self._pipeline = pipeline
        self._runner = runner
        self._broke = broke
        self.model: DuplexModel | None = None
        """Which listens beside the pipeline."""
        self._going = asyncio.Lock()
        self._closed = False
        self._duplex: DuplexRunner | None = None
        self._pipeline_task: asyncio.Task[None] | None = None
        self._duplex_task: asyncio.Task[None] | None = None

    async def go_to(self, model: DuplexModel | None) -> None:
        """Let `model` listen, too, from now on, None: the pipeline alone.

        Raises what `open_slot` raises; who listened until then goes on listening. Nobody listens to who left meanwhile.
        """
        async with self._going:
            slot = await model.open_slot(self._opening()) if model is not None else None
            await self._stop_duplex()
            if self._closed:
                if slot is not None:
                    await slot.aclose()
                return
            if self._pipeline_task is None:
                self._pipeline_task = self._run(self._pipeline.run(), "input")
            if model is not None and slot is not None:
                self._duplex = DuplexRunner(self._pipeline.participant, self._context, self._runner, slot, model)
                self._duplex_task = self._run(self._duplex.run(), "duplex")
            self.model = model

    def _opening(self) -> DuplexOpening:
        return opening_of(self._context.agent().settings.instructions, self._context.history.items)

    def _run(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = self._context.spawn(work, name)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        ours = task in (self._pipeline_task, self._duplex_task) and not task.cancelled()
        if ours and (fault := task.exception()) is not None:
            self._broke("nobody listens to it any more", fault)

    @property
    def takes_turns(self) -> bool:
        """Whether a model listens that takes turns itself."""
        return self._duplex is not None

    def append(self, samples: Int16, rate_hz: int) -> None:
        """Add input; raises `Overloaded` when far too much waits."""
        if self._duplex is not None:
            self._duplex.append(samples, rate_hz)
        self._pipeline.append(samples, rate_hz)

    def whisper(self, text: str) -> None:
        """Let a model that takes turns itself know something, see `DuplexRunner.whisper`; where none is nobody does."""
        if self._duplex is not None:
            self._duplex.whisper(text)

    async def _stop_duplex(self) -> None:
        task, self._duplex_task = self._duplex_task, None
        await _cancelled(task)
        duplex, self._duplex = self._duplex, None
        if duplex is not None:
            await duplex.aclose()

    async def aclose(self) -> None:
        """Nobody listens any more; a model's slot is free."""
        self._closed = True
        await self._stop_duplex()
        task, self._pipeline_task = self._pipeline_task, None
        await _cancelled(task)


async def _cancelled(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.wait([task])
