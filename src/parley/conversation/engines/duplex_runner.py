"""Driving a duplex model: one frame in, one frame out, at the model's pace; its speech becomes responses."""

from __future__ import annotations

import asyncio
from collections import deque

import numpy as np
import structlog

from parley.audio.pcm import Float32, Int16, rms_dbfs, to_float
from parley.audio.resample import AdaptingResampler
from parley.conversation.context import Context
from parley.conversation.engines.base import SpeechPart, TextPart
from parley.conversation.responses.response import Response
from parley.conversation.responses.runner import ResponseRunner
from parley.errors import ModelError, Overloaded
from parley.models.interfaces import DuplexFrame, DuplexModel, DuplexSlot
from parley.turns import events as ev
from parley.turns.ledger import SpokenWord

log = structlog.get_logger("conversation")

_MAX_QUEUED_S = 30.0
_AUDIBLE_DBFS = -45.0
_CLOSE_AFTER_S = 0.64
_NEWS_S = 20.0


class DuplexRunner:
    """Feeds the session's input to a slot and plays what comes back.

    A response opens with the model's first sound or word and closes after 0.64 s of its silence. What it
    said is recorded; the model's own memory is its history.
    """

    def __init__(
        self, person: str, context: Context, runner: ResponseRunner, slot: DuplexSlot, model: DuplexModel
    ) -> None:
        self._person = person
        self._context = context
        self._runner = runner
        self._slot = slot
        self._model = model
        self._queue: deque[tuple[Int16, int]] = deque()
        self._queued_s = 0.0
        self._arrived = asyncio.Event()
        self._resampler = AdaptingResampler(model.rate_hz)
        self._rest: Float32 = np.empty(0, np.float32)
        self._response: Response | None = None
        self._silent_s = 0.0
        self._whisper: tuple[str, float] | None = None
        """What it is to know, and when that came."""
        self._cut = False
        """Whether what it says now was cut: the rest of that is not heard."""

    def append(self, samples: Int16, rate_hz: int) -> None:
        """Queue input; raises `Overloaded` when the model is far behind."""
        if self._queued_s > _MAX_QUEUED_S:
            raise Overloaded("the model is half a minute behind the input")
        self._queue.append((samples, rate_hz))
        self._queued_s += len(samples) / rate_hz
        self._arrived.set()

    def whisper(self, text: str) -> None:
        """Let the model know something, once nobody speaks, in place of what it was not told yet; "": nothing.

        What has waited for 20 s is not told any more.
        """
        self._whisper = (text, self._context.now) if text else None

    async def run(self) -> None:
        """Step the model for every full frame of input, for ever."""
        size = self._model.frame_samples
        while True:
            while not self._queue:
                self._arrived.clear()
                await self._arrived.wait()
            samples, rate_hz = self._queue.popleft()
            self._queued_s -= len(samples) / rate_hz
            data = np.concatenate([self._rest, to_float(self._resampler.push(samples, rate_hz))])
            full = len(data) // size * size
            self._rest = data[full:]
            for start in range(0, full, size):
                await self._step(data[start : start + size])

    async def _step(self, frame: Float32) -> None:
        try:
            await self._tell()
            out = await self._slot.step(frame)
        except ModelError as fault:
            log.error("duplex model failed", session=self._context.id, error=str(fault))
            if self._response is not None:
                self._context.dispatch(ev.ResponseFailed(self._response.key, str(fault)))
                self._response = None
            raise
        self._hear(out)

    async def _tell(self) -> None:
        if self._whisper is None or self._response is not None or self._context.hears_voice():
            return
        (text, since), self._whisper = self._whisper, None
        if self._context.now - since <= _NEWS_S:
            await self._slot.whisper(text)

    def _hear(self, out: DuplexFrame) -> None:
        context, seconds = self._context, len(out.samples) / self._model.rate_hz
        audible = bool(out.text) or rms_dbfs(out.samples) > _AUDIBLE_DBFS
        self._silent_s = 0.0 if audible else self._silent_s + seconds
        if self._response is not None and self._response.key not in self._runner.responses:
            self._response, self._cut = None, True  # by the client, meanwhile
        if self._cut:
            self._cut = self._silent_s < _CLOSE_AFTER_S
            return
        if self._response is None:
            if not audible or self._runner.responses:
                return  # nothing to hear, or something else sounds: a greeting
            context.dispatch(ev.ResponseRequested(self._person))
            self._response = next(reversed(self._runner.responses.values()), None)
            if self._response is None:
                return
        self._take(self._response, out)
        if self._silent_s >= _CLOSE_AFTER_S:
            self._response.marks.produced = self._context.now
            context.audience.complete(self._response.key)
            self._response = None

    def _take(self, response: Response, out: DuplexFrame) -> None:
        context = self._context
        begins = context.audience.append(response.key, out.samples, self._model.rate_hz)
        if out.text:
            part = TextPart(out.text)
            response.add_text(part.text)
            self._runner.producer.record(response)
            assert response.message is not None
            speech = SpeechPart(out.samples, self._model.rate_hz)
            word = SpokenWord(len(response.message.text), begins, begins + len(speech.samples) / speech.rate_hz)
            context.ledger.add_words(response.key, [word])

    async def aclose(self) -> None:
        """Free the slot."""
        await self._slot.aclose()
