"""A voice on a worker, as a `Synthesizer`: survives its worker.

Sound is handed over word by word as long as more of it is there than can have been played, so that another worker can
go on at the border of a word when the first one fails.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np

from parley.audio.pcm import Int16, from_bytes
from parley.errors import ModelError, Overloaded
from parley.models.interfaces import Caller, Pronunciation, SpeakingStyle, SpeechChunk, WordTiming
from parley.models.word_times import CHARS_PER_S
from parley.v1 import worker_pb2 as pb
from parley.workers.announcement import Offer
from parley.workers.caller_codec import to_wire
from parley.workers.failover import Failover
from parley.workers.fleet import STREAM_SILENT_S, Fleet
from parley.workers.framing import RATE_HZ
from parley.workers.routing import Choice, Need

_AHEAD_MS = 200
_GRANT_MS = 100
_COMFORT_S = 0.3  # of sound in hand: then a word is handed over whole
_MOSTLY = 0.6  # of a word heard counts as heard (the ledger's rule)


class RemoteSynthesizer:
    """One model of the fleet, or one speaker of it; see `Synthesizer`."""

    rate_hz = RATE_HZ
    times_words = True
    """Its worker does that for voices that do not."""

    def __init__(self, fleet: Fleet, offer: Offer, speaker: str = "") -> None:
        """`speaker`: of the offer's voices the one that speaks, whatever a style says; "": as the style says."""
        self.offer = offer
        self.name = offer.id
        self._speaker = speaker
        self.languages: Sequence[str] = offer.languages
        self.voices: Sequence[str] = offer.voices or (offer.id,)
        self.fixed_speed = offer.fixed_speed
        self.emotions: Collection[str] = offer.emotions
        self.fallback = True
        """Whether another voice may stand in while this one is resident nowhere."""
        self._fleet = fleet
        self._streams = count(1)

    async def synthesize(self, text: str, style: SpeakingStyle, caller: Caller) -> AsyncGenerator[SpeechChunk, None]:
        """See `Synthesizer.synthesize`; a worker that fails is followed by another, from the first word not given."""
        known = not {style.language, "*"}.isdisjoint(self.languages)
        need = Need(self.name, language=style.language if known else None, fallback=self.fallback)
        said = _Said(text)
        failover = Failover(self._fleet, need, caller.owner)
        while True:
            choice = await failover.choose()
            try:
                async with aclosing(self._attempt(choice, need, said, style, caller)) as chunks:
                    async for chunk in chunks:
                        yield chunk
                return
            except (ModelError, Overloaded) as fault:
                failover.failed(choice, fault)
                said.go_on()

    async def _attempt(
        self, choice: Choice, need: Need, said: _Said, style: SpeakingStyle, caller: Caller
    ) -> AsyncGenerator[SpeechChunk, None]:
        rest = said.rest
        if not rest.strip():
            return
        self._fleet.bindings.bind(caller.owner, need, choice)
        async with self._fleet.calling(choice) as worker:
            began = time.monotonic()
            speaker = self._speaker or style.voice or ""
            request = pb.TextChunk(
                session_id=caller.owner,
                stream_id=f"{caller.owner}/{self.name}/{id(self):x}/{next(self._streams)}",
                model_id=choice.model,
                generation=1,
                text=rest,
                credit_ms=_AHEAD_MS,
                style=pb.Style(
                    voice=speaker,
                    speed=style.speed,
                    language=style.language or "",
                    emotion=style.emotion,
                    intensity=style.intensity,
                ),
                caller=to_wire(caller),
                pronounced=[
                    pb.Pronunciation(start=p.start, end=p.end, ipa=p.ipa) for p in said.still(style.pronounced)
                ],
            )
            call = worker.worker.Synthesize()
            try:
                await _write(call, request)
                unpaid_ms = 0
                first = True
                async for frame in _frames(call):
                    if first and frame.pcm:
                        worker.latencies.append(time.monotonic() - began)
                        first = False
                    if (chunk := said.take(frame)) is not None:
                        yield chunk
                    unpaid_ms += 20 if frame.pcm else 0
                    if frame.last_of_piece:
                        return
                    if unpaid_ms >= _GRANT_MS:
                        await _write(call, pb.TextChunk(credit_ms=unpaid_ms))
                        unpaid_ms = 0
                raise ModelError(f"worker {choice.worker} ended in the middle of a piece", retryable=True)
            finally:
                call.cancel()


async def _write(call: Any, chunk: pb.TextChunk) -> None:
    async with asyncio.timeout(STREAM_SILENT_S):
        await call.write(chunk)


async def _frames(call: Any) -> AsyncIterator[pb.AudioFrame]:
    """Frames and heartbeats; raises `TimeoutError` when neither comes."""
    while True:
        async with asyncio.timeout(STREAM_SILENT_S):
            frame = await call.read()
        if not isinstance(frame, pb.AudioFrame):
            return
        yield frame


def _mostly_before(word: pb.Word) -> int:
    """The sample by which a word counts as said; it is told then, so that one that is begun anew is told once."""
    return round(word.start + _MOSTLY * (word.end - word.start))


class _Said:
    """What of a text was handed over, and what is in hand."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._from_char = 0
        self._passed = 0  # samples handed over by earlier attempts
        self._given = 0  # samples of this attempt handed over
        self._in_hand: list[Int16] = []
        self._received = 0
        self._words: list[pb.Word] = []
        self._told = 0  # words handed over
        self._began: float | None = None

    @property
    def rest(self) -> str:
        """What is still to be said."""
        return self._text[self._from_char :]

    def still(self, given: Iterable[Pronunciation]) -> list[Pronunciation]:
        """Those of the text's given sounds that belong to what is still to be said."""
        at = self._from_char
        return [replace(p, start=p.start - at, end=p.end - at) for p in given if p.start >= at]

    def take(self, frame: pb.AudioFrame) -> SpeechChunk | None:
        """Take a frame; returns what may be handed over."""
        self._words += frame.words
        if frame.pcm:
            self._in_hand.append(from_bytes(frame.pcm)[: frame.samples])
            self._received += frame.samples
        until = self._received if frame.last_of_piece or not self._comfortable else self._whole_words
        if until <= self._given:
            return None
        return self._hand_over(until, everything=frame.last_of_piece)

    @property
    def _comfortable(self) -> bool:
        """Whether more was handed over than can have been played since."""
        if self._began is None or not self._words:
            return False
        given_s = (self._passed + self._given) / RATE_HZ
        return given_s - (time.monotonic() - self._began) > _COMFORT_S

    @property
    def _whole_words(self) -> int:
        """Samples up to the end of the last word that is in hand as a whole."""
        return max((w.end for w in self._words if w.end <= self._received), default=0)

    def _hand_over(self, until: int, *, everything: bool) -> SpeechChunk:
        if self._began is None:
            self._began = time.monotonic()
        sound = np.concatenate(self._in_hand)
        size = until - self._given
        self._in_hand = [sound[size:]] if len(sound) > size else []
        told = len(self._words) if everything else sum(_mostly_before(w) <= until for w in self._words)
        words = tuple(self._timing(w) for w in self._words[self._told : told])
        self._given, self._told = until, max(told, self._told)
        return SpeechChunk(sound[:size], words)

    def _timing(self, word: pb.Word) -> WordTiming:
        begins = self._passed / RATE_HZ
        return WordTiming(
            word.text_start + self._from_char,
            word.text_end + self._from_char,
            word.start / RATE_HZ + begins,
            word.end / RATE_HZ + begins,
            word.estimated,
        )

    def go_on(self) -> None:
        """The worker failed: what is left begins at the first word that was not given, or given in small part."""
        left = next((w for w in self._words if self._given < _mostly_before(w)), None)
        if left is not None:
            self._from_char += left.text_start
        elif self._words and self._given:
            self._from_char += self._words[-1].text_end
        elif self._given:
            spoken = self._from_char + round(self._given / RATE_HZ * CHARS_PER_S)
            border = self._text.find(" ", spoken)
            self._from_char = len(self._text) if border < 0 else border + 1
        self._passed += self._given
        self._given = self._received = self._told = 0
        self._in_hand, self._words = [], []
