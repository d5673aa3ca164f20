"""A listener's loudspeaker without the loudspeaker: buffers, pauses, flushes, and knows what was played."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from parley.audio.jitter import JitterBuffer
from parley.audio.pcm import Int16

_MOST_VOICES_S = 0.4
_LEAST_VOICES_S = 0.04


@dataclass(slots=True)
class _Chunk:
    response: str
    samples: Int16


class Player:
    """Plays responses in order. `take` is called by the audio clock; everything else by the connection."""

    def __init__(self, rate_hz: int, start_buffer_s: float = 0.0) -> None:
        """With a start buffer, a response begins when that much of it is there, or as long after its first sound."""
        self.rate_hz = rate_hz
        self.total = 0
        """Samples of any response that were played."""
        self.playing = ""
        """The response that the last of them belongs to."""
        self._start_buffer = round(start_buffer_s * rate_hz)
        self._held_back = 0
        self._chunks: deque[_Chunk] = deque()
        self.voices = JitterBuffer(rate_hz, least_s=_LEAST_VOICES_S, most_s=_MOST_VOICES_S)
        """What other people say, which neither pauses nor waits."""
        self._played: dict[str, int] = {}
        self._ended: set[str] = set()
        self._paused = False

    def push(self, response: str, samples: Int16) -> None:
        """Queue sound of a response."""
        self._played.setdefault(response, 0)
        if len(samples):
            self._chunks.append(_Chunk(response, samples))

    def end(self, response: str) -> None:
        """No more sound of it will come."""
        self._ended.add(response)

    def pause(self) -> None:
        """Give silence until resumed."""
        self._paused = True

    def resume(self) -> None:
        """Go on."""
        self._paused = False

    def flush(self) -> None:
        """Forget everything that is not played."""
        self._chunks.clear()
        self._paused = False

    @property
    def pending(self) -> bool:
        """Whether something is there that was not played."""
        return bool(self._chunks)

    def position_s(self, response: str) -> float:
        """Seconds of the response that were played."""
        return self._played.get(response, 0) / self.rate_hz

    def finished(self) -> list[str]:
        """Responses that ended and are played out, each reported once."""
        waiting = {c.response for c in self._chunks}
        done = [r for r in self._ended if r not in waiting]
        self._ended.difference_update(done)
        return done

    def take(self, count: int) -> Int16:
        """The next `count` samples; silence where there is nothing."""
        out = np.zeros(count, np.int16)
        if self._must_wait(count):
            return out
        at = 0
        while at < count and self._chunks and not self._paused:
            chunk = self._chunks[0]
            part = chunk.samples[: count - at]
            out[at : at + len(part)] = part
            at += len(part)
            self.total += len(part)
            self.playing = chunk.response
            self._played[chunk.response] = self._played.get(chunk.response, 0) + len(part)
            if len(part) == len(chunk.samples):
                self._chunks.popleft()
            else:
                chunk.samples = chunk.samples[len(part) :]
        return out

    def _must_wait(self, count: int) -> bool:
        """Whether the next response has not begun and its start buffer is not full yet."""
        if not self._start_buffer or self._paused or not self._chunks:
            return False
        response = self._chunks[0].response
        there = sum(len(c.samples) for c in self._chunks if c.response == response)
        begun = self._played.get(response, 0) > 0
        if begun or there >= self._start_buffer or response in self._ended or self._held_back >= self._start_buffer:
            self._held_back = 0
            return False
        self._held_back += count
        return True
