"""Cuts a recording into utterances while it is read, keeping only the sound that may still belong to one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np

from parley.audio.pcm import Float32
from parley.conversation.input.speech_segmenter import SpeechSegmenter
from parley.models.interfaces import MODEL_RATE_HZ, Vad

_PAD = int(0.3 * MODEL_RATE_HZ)
_JOIN = int(0.6 * MODEL_RATE_HZ)
_JOINED_UP_TO = 14 * MODEL_RATE_HZ
_CUT_AFTER = 60 * MODEL_RATE_HZ
"""A voice without any pause (music, a crowd) is cut here, so that it does not have to be held as a whole."""
_ONSET_LAG = MODEL_RATE_HZ
"""An onset is told at most this much later than it was, with its padding."""
_TURN_OF_OTHERS = MODEL_RATE_HZ
"""Samples after which others get the loop: silence is judged without waiting for a model."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """A stretch of speech and where it begins, in samples of 16 kHz."""

    begin: int
    sound: Float32

    @property
    def end(self) -> int:
        """The sample behind it."""
        return self.begin + len(self.sound)


async def utterances(vad: Vad, blocks: AsyncGenerator[Float32, None]) -> AsyncGenerator[Utterance, None]:
    """Stretches of speech of a recording (16 kHz, blocks of any length), padded, joined over short pauses.

    Takes `blocks` over: they are closed with it.
    """
    stream, cutter, size = vad.open(), _Cutter(), vad.window_samples
    since_others = 0
    try:
        async with aclosing(_windows(blocks, size)) as windows:
            async for window in windows:
                (probability,) = await stream.feed(window)
                for utterance in cutter.push(window, probability):
                    yield utterance
                since_others += size
                if since_others >= _TURN_OF_OTHERS:
                    since_others = 0
                    await asyncio.sleep(0)
    finally:
        stream.close()
    for utterance in cutter.flush():
        yield utterance


async def _windows(blocks: AsyncGenerator[Float32, None], size: int) -> AsyncGenerator[Float32, None]:
    rest = np.empty(0, np.float32)
    async with aclosing(blocks):
        async for block in blocks:
            data = np.concatenate([rest, block])
            full = len(data) - len(data) % size
            for start in range(0, full, size):
                yield data[start : start + size]
            rest = data[full:]


class _Cutter:
    """Edges of the voice to utterances: one is held back until it is clear that the next does not belong to it."""

    def __init__(self) -> None:
        self._activity = SpeechSegmenter()
        self._sound: deque[Float32] = deque()
        self._first = self._last = 0
        """The samples that `_sound` begins with and ends before."""
        self._open: int | None = None
        self._held: tuple[int, int] | None = None
        self._done = 0

    def push(self, window: Float32, probability: float) -> list[Utterance]:
        """Take a window; return what is complete now."""
        self._sound.append(window)
        self._last += len(window)
        found: list[Utterance] = []
        edge = self._activity.push(window, probability)
        if edge is not None and edge.started:
            self._open = max(0, edge.sample - _PAD, self._held[1] if self._held else self._done)
        elif edge is not None and self._open is not None:
            self._end(edge.sample + _PAD, found)
        self._settle(found)
        self._forget()
        return found

    def flush(self) -> list[Utterance]:
        """Return the rest: nothing follows."""
        found: list[Utterance] = []
        if self._open is not None:
            self._end(self._last, found)
        self._release(found)
        return found

    def _end(self, end: int, found: list[Utterance]) -> None:
        assert self._open is not None
        begin, self._open = self._open, None
        if self._held is not None:
            if self._joins(begin, end):
                begin = self._held[0]
            else:
                self._release(found)
        self._held = (begin, end)

    def _joins(self, begin: int, end: int) -> bool:
        assert self._held is not None
        return begin - self._held[1] < _JOIN and end - self._held[0] < _JOINED_UP_TO

    def _settle(self, found: list[Utterance]) -> None:
        """Let go of what cannot be joined any more, and of a voice that does not end."""
        if self._held is not None:
            following = self._open if self._open is not None else self._last - _ONSET_LAG
            if not self._joins(following, self._last if self._open is not None else following):
                self._release(found)
        elif self._open is not None and self._last - self._open >= _CUT_AFTER:
            self._held, self._open = (self._open, self._last), self._last
            self._release(found)

    def _release(self, found: list[Utterance]) -> None:
        if self._held is None:
            return
        (begin, end), self._held = self._held, None
        self._done = min(end, self._last)
        sound = np.concatenate(self._sound)[begin - self._first : self._done - self._first]
        found.append(Utterance(begin, sound))

    def _forget(self) -> None:
        needed = min(
            [self._last - _ONSET_LAG, *(p for p in (self._open, self._held and self._held[0]) if p is not None)]
        )
        while self._sound and self._first + len(self._sound[0]) <= needed:
            self._first += len(self._sound.popleft())
