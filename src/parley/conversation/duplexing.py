"""Driving a duplex model: one frame in, one frame out, at the model's pace; its speech becomes responses."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

import numpy as np
import structlog

from parley.audio.pcm import Float32, Int16, rms_dbfs, to_float
from parley.audio.resample import AdaptingResampler
from parley.conversation.answer import Answer
from parley.conversation.engines.base import SpeechPart, TextPart
from parley.errors import ModelError, Overloaded
from parley.models.interfaces import DuplexFrame, DuplexModel, DuplexSlot
from parley.turns import events as ev
from parley.turns.ledger import SpokenWord

if TYPE_CHECKING:
    from parley.conversation.answering import Answering
    from parley.conversation.session import Session

log = structlog.get_logger("conversation")

_MAX_QUEUED_S = 30.0
_AUDIBLE_DBFS = -45.0
_CLOSE_AFTER_S = 0.64


class Duplexing:
    """Feeds the session's input to a slot and plays what comes back.

    A response opens with the model's first sound or word and closes after 0.64 s of its silence. What it
    said is recorded; the model's own memory is its history.
    """

    def __init__(self, session: Session, answering: Answering, slot: DuplexSlot, model: DuplexModel) -> None:
        self._session = session
        self._answering = answering
        self._slot = slot
        self._model = model
        self._queue: deque[tuple[Int16, int]] = deque()
        self._queued_s = 0.0
        self._arrived = asyncio.Event()
        self._resampler = AdaptingResampler(model.rate_hz)
        self._rest: Float32 = np.empty(0, np.float32)
        self._answer: Answer | None = None
        self._silent_s = 0.0

    def append(self, samples: Int16, rate_hz: int) -> None:
        """Queue input; raises `Overloaded` when the model is far behind."""
        if self._queued_s > _MAX_QUEUED_S:
            raise Overloaded("the model is half a minute behind the input")
        self._queue.append((samples, rate_hz))
        self._queued_s += len(samples) / rate_hz
        self._arrived.set()

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
            out = await self._slot.step(frame)
        except ModelError as fault:
            log.error("duplex model failed", session=self._session.id, error=str(fault))
            if self._answer is not None:
                self._session.dispatch(ev.ResponseFailed(self._answer.key, str(fault)))
                self._answer = None
            raise
        self._hear(out)

    def _hear(self, out: DuplexFrame) -> None:
        session, seconds = self._session, len(out.samples) / self._model.rate_hz
        audible = bool(out.text) or rms_dbfs(out.samples) > _AUDIBLE_DBFS
        self._silent_s = 0.0 if audible else self._silent_s + seconds
        if self._answer is not None and self._answer.key not in self._answering.answers:
            self._answer = None  # cut by the client meanwhile
        if self._answer is None:
            if not audible:
                return
            session.dispatch(ev.ResponseRequested("user"))
            self._answer = next(reversed(self._answering.answers.values()), None)
            if self._answer is None:
                return
        self._take(self._answer, out)
        if self._silent_s >= _CLOSE_AFTER_S:
            self._answer.marks.produced = self._session.now
            session.playout.complete(self._answer.key)
            self._answer = None

    def _take(self, answer: Answer, out: DuplexFrame) -> None:
        session = self._session
        begins = session.playout.append(answer.key, out.samples, self._model.rate_hz)
        if out.text:
            part = TextPart(out.text)
            answer.add_text(part.text)
            self._answering.record(answer)
            assert answer.message is not None
            speech = SpeechPart(out.samples, self._model.rate_hz)
            word = SpokenWord(len(answer.message.text), begins, begins + len(speech.samples) / speech.rate_hz)
            session.ledger.add_words(answer.key, [word])

    async def aclose(self) -> None:
        """Free the slot."""
        await self._slot.aclose()
