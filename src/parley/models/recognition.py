"""A recogniser stream for models that transcribe a whole buffer at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np

from parley.audio.pcm import Float32
from parley.models.interfaces import MODEL_RATE_HZ, Caller, TimedText, Transcript

_SEGMENT_AFTER_S = 14.0
_SETTLE_AFTER_S = 2.5
_SEARCH_S = 4.0
_AUDIBLE_SHARE = 10**-3.5

Transcribe = Callable[[Float32, Transcript, Caller], Awaitable[Transcript]]
"""Samples, what was understood of their beginning before (empty if nothing), on whose behalf."""


class BufferedStream:
    """Keeps the utterance and transcribes it anew; long utterances are settled in segments.

    `finish` is asked for in a pause. If the speaker goes on, what was understood by then is kept when it
    covers 2.5 s or more, so that only what follows is transcribed again. Without pauses, everything up to the
    quietest moment is settled every 14 s: the cost of an answer does not grow with a monologue.
    """

    def __init__(self, transcribe: Transcribe) -> None:
        self._transcribe = transcribe
        self._parts: list[Float32] = []
        self._settled: list[TimedText] = []
        self._settled_parts: list[tuple[Transcript, float]] = []  # and where each begins, seconds
        self._settled_samples = 0
        self._language = ""
        self._finished: tuple[Transcript, int] | None = None
        self._earlier = Transcript("")  # of the beginning of what is not settled
        self._lock = asyncio.Lock()

    def feed(self, samples: Float32) -> None:
        """Add audio, 16 kHz."""
        self._parts.append(samples)

    async def partial(self, caller: Caller) -> Transcript:
        """Words so far (the same work as `finish`: these models have no cheaper way)."""
        async with self._lock:
            transcript, _ = await self._transcribe_all(caller)
            return transcript

    async def finish(self, caller: Caller) -> Transcript:
        """Words of everything fed so far."""
        async with self._lock:
            transcript, self._finished = await self._transcribe_all(caller)
            return transcript

    def close(self) -> None:
        """Nothing is held elsewhere."""

    async def _transcribe_all(self, caller: Caller) -> tuple[Transcript, tuple[Transcript, int]]:
        audio = self._join()
        if self._finished is not None:
            finished, self._finished = self._finished, None
            if len(audio) > finished[1] >= _SETTLE_AFTER_S * MODEL_RATE_HZ:
                self._settle(*finished)
                audio = audio[finished[1] :]
                self._parts = [audio]
        while len(audio) > _SEGMENT_AFTER_S * MODEL_RATE_HZ:
            cut = _quietest(audio[: int(_SEGMENT_AFTER_S * MODEL_RATE_HZ)])
            settled = await self._transcribe(audio[:cut], self._earlier, caller)
            self._settle(settled, cut)
            audio = audio[cut:]
            self._parts = [audio]
        rest = await self._transcribe(audio, self._earlier, caller) if len(audio) else Transcript("")
        self._earlier = rest
        return self._combine(rest, len(audio)), (rest, len(audio))

    def _join(self) -> Float32:
        audio: Float32 = np.concatenate(self._parts) if self._parts else np.empty(0, np.float32)
        self._parts = [audio]
        return audio

    def _settle(self, transcript: Transcript, samples: int) -> None:
        self._settled += self._placed(transcript, samples)
        self._settled_parts.append((transcript, self._settled_samples / MODEL_RATE_HZ))
        self._settled_samples += samples
        self._earlier = Transcript("")
        self._language = self._language or transcript.language

    def _placed(self, transcript: Transcript, samples: int) -> list[TimedText]:
        offset = self._settled_samples / MODEL_RATE_HZ
        if transcript.segments:
            return [TimedText(s.text, s.start_s + offset, s.end_s + offset) for s in transcript.segments]
        return [TimedText(transcript.text, offset, offset + samples / MODEL_RATE_HZ)] if transcript.text else []

    def _combine(self, rest: Transcript, samples: int) -> Transcript:
        segments = [*self._settled, *self._placed(rest, samples)]
        text = " ".join(s.text.strip() for s in segments if s.text.strip())
        parts = [*self._settled_parts, (rest, self._settled_samples / MODEL_RATE_HZ)]
        tokens = [t for part, _ in parts for t in part.tokens]
        counts = [len(part.tokens) or len(part.text) for part, _ in parts]  # not every recogniser tells its tokens
        sure = sum(part.mean_logprob * count for (part, _), count in zip(parts, counts, strict=True))
        words = [TimedText(w.text, w.start_s + at, w.end_s + at) for part, at in parts for w in part.words]
        silent = min((part.no_speech for part, _ in parts if part.text), default=0.0)
        return Transcript(
            text, self._language or rest.language, tuple(segments), tuple(tokens), tuple(words),
            sure / max(1, sum(counts)), silent, rest.finished,
        )  # fmt: skip


def voiced_span_s(audio: Float32) -> tuple[float, float]:
    """Where sound begins and ends that is not more than 35 dB below the loudest 20 ms, seconds."""
    hop = MODEL_RATE_HZ // 50
    energy = np.square(audio[: len(audio) // hop * hop]).reshape(-1, hop).mean(axis=1)
    loud = np.flatnonzero(energy > energy.max(initial=0.0) * _AUDIBLE_SHARE)
    if not len(loud):
        return 0.0, len(audio) / MODEL_RATE_HZ
    return float(loud[0]) * hop / MODEL_RATE_HZ, float(loud[-1] + 1) * hop / MODEL_RATE_HZ


def _quietest(audio: Float32) -> int:
    """Sample in the last seconds of `audio` around which 200 ms are quietest."""
    hop = MODEL_RATE_HZ // 50
    tail = audio[len(audio) - int(_SEARCH_S * MODEL_RATE_HZ) :]
    energy = np.square(tail[: len(tail) // hop * hop]).reshape(-1, hop).sum(axis=1)
    smooth = np.convolve(energy, np.ones(10), mode="same")
    return len(audio) - len(tail) + int(np.argmin(smooth)) * hop
