"""From a stream of text to sound: chunk, make speakable, synthesise, map words back to the writing.

Text is taken as it comes and never waits for the voice, so that a call behind a sentence is known before the sentence
was said. What is written is said when a piece of it is complete, and, when the listener has nearly heard everything,
as far as it is there: a clause, then words.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from parley.audio.pcm import silence
from parley.conversation.engines.base import (
    AlivePart,
    AwaitsTextPart,
    CutShortPart,
    Emit,
    PiecePart,
    ResponseRequest,
    RetractPart,
    SpeechPart,
    TextPart,
    ToolPart,
    UsagePart,
    WrittenPart,
)
from parley.conversation.output.text_chunker import Chunker, Piece
from parley.conversation.output.text_normalizer import SpokenText, made_speakable
from parley.errors import ModelError
from parley.models.interfaces import ChatDelta
from parley.models.word_times import timed_speech
from parley.turns.ledger import SpokenWord

_DRY_S = 0.4
"""With so little sound left a clause is said that has no sentence's end yet: making its sound takes a while."""
_SILENT_S = 0.5
"""After so long without sound, with words waiting, some of them are said that are no clause ..."""
_FEW_WORDS = 3
_LONG_SILENT_S = 1.2
"""... and after so long fewer than that."""
_NOTHING_S = 0.01
_MOST_CHARS = 200_000


class _Script:
    """The text on its way to the voice: one writes, one says."""

    def __init__(self, before: str) -> None:
        """`before`: the answer's beginning, which has its sound."""
        self._before = before
        self._text = ""
        self._chunker = Chunker(before)
        self._pieces: deque[Piece] = deque()
        self._changed = asyncio.Event()
        self._closed = False
        self._waits_since: float | None = None
        """Since when there has been text that is not said yet."""
        self.retractions = 0
        self.voiced = False
        """Whether anything of it has a sound."""

    def write(self, text: str) -> None:
        """More of the answer."""
        self._text += text
        if len(self._text) > _MOST_CHARS:
            raise ModelError(f"the language model wrote more than {_MOST_CHARS} characters")
        waited = self._chunker.holds_words
        self._pieces += self._chunker.push(text)
        if not self._chunker.holds_words:
            self._waits_since = None
        elif not waited or self._waits_since is None or self._pieces:
            self._waits_since = asyncio.get_running_loop().time()
        self._changed.set()

    def complete(self) -> None:
        """What is written so far is complete, whatever its end looks like (a call follows, or nothing)."""
        self._pieces += self._chunker.flush()
        self._changed.set()

    def close(self) -> None:
        """Nothing follows."""
        self.complete()
        self._closed = True

    def retract(self) -> None:
        """Forget everything that was written."""
        self._text = self._before = ""
        self._chunker = Chunker()
        self._pieces.clear()
        self.voiced = False
        self.retractions += 1
        self._changed.set()

    def rewind(self, spoken: int) -> None:
        """What stands behind the first `spoken` characters of the answer is to be said again."""
        whole = self._before + self._text
        self._chunker = Chunker(whole[:spoken])
        self._pieces.clear()
        self._pieces += self._chunker.push(whole[spoken:])
        if self._closed:
            self.complete()

    async def next(self, request: ResponseRequest, emit: Emit) -> Piece | None:
        """The next piece to say; None when everything was said."""
        loop = asyncio.get_running_loop()
        told, dry_since = False, loop.time()
        while True:
            if self._pieces:
                return self._pieces.popleft()
            if self._closed:
                return None
            left_s, now = request.left_s(), loop.time()
            dry_since = now if left_s > _NOTHING_S else dry_since
            silent_s = now - max(dry_since, self._waits_since or now)
            if left_s <= _DRY_S:
                words = 1 if silent_s >= _LONG_SILENT_S else _FEW_WORDS if silent_s >= _SILENT_S else None
                self._pieces += self._chunker.hurry(words)
                if self._pieces:
                    self._waits_since = None
                    continue
            if not told:
                told = True
                await emit(AwaitsTextPart())
            await self._wait(left_s, silent_s)

    async def _wait(self, left_s: float, silent_s: float) -> None:
        """Until there is more text, or so little sound that less text will do."""
        self._changed.clear()
        looks = [left_s - _DRY_S] if left_s > _DRY_S else [s - silent_s for s in (_SILENT_S, _LONG_SILENT_S)]
        wait_s = min((s for s in looks if 0 < s < math.inf), default=None)
        if self._waits_since is None:
            wait_s = None  # there is nothing that could be said
        try:
            async with asyncio.timeout(None if wait_s is None else wait_s + 0.01):
                await self._changed.wait()
        except TimeoutError:
            return


async def speak_deltas(deltas: AsyncGenerator[ChatDelta, None], request: ResponseRequest, emit: Emit) -> None:
    """Pass text on as it comes and say it piece by piece, both at once; what was written before a fault is said."""
    script = _Script(request.begun.text[: request.begun.spoken] if request.begun else "")
    try:
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(_read(deltas, script, request, emit), name="answer-text")
            group.create_task(_voice(script, request, emit), name="answer-speech")
    except ExceptionGroup as faults:
        raise faults.exceptions[0] from None
    if (fault := reading.result()) is not None:
        raise fault


async def _read(
    deltas: AsyncGenerator[ChatDelta, None], script: _Script, request: ResponseRequest, emit: Emit
) -> ModelError | None:
    """Take the text; returns the fault that ended it, for when everything before it was said."""
    begun = request.begun
    if begun is not None:
        script.write(begun.text[begun.spoken :])
    fault = None
    try:
        async with aclosing(deltas):
            async for delta in deltas:
                await _take(delta, script, emit)
    except ModelError as broke:
        fault = broke
    else:
        await emit(WrittenPart())
    script.close()
    return fault


async def _take(delta: ChatDelta, script: _Script, emit: Emit) -> None:
    if delta.retracts:
        script.retract()
        await emit(RetractPart())
    elif delta.text:
        await emit(TextPart(delta.text))
        script.write(delta.text)
    if delta.tool_call is not None:
        script.complete()
        await emit(ToolPart(delta.tool_call))
    if delta.finish_reason == "length":
        await emit(CutShortPart())
    if delta.usage is not None:
        await emit(UsagePart(delta.usage))
    if delta == ChatDelta():
        await emit(AlivePart())


async def _voice(script: _Script, request: ResponseRequest, emit: Emit) -> None:
    """Say everything; a voice that gives no sound is asked anew, from the first word without one."""
    while True:
        saying = asyncio.create_task(_say(script, request, emit), name="answer-voice")
        stalled = asyncio.create_task(request.voice_stalled.wait(), name="answer-voice-stalled")
        try:
            await asyncio.wait({saying, stalled}, return_when=asyncio.FIRST_COMPLETED)
            if saying.done():
                return saying.result()
        finally:
            saying.cancel()
            stalled.cancel()
            await asyncio.wait({saying, stalled})
        request.voice_stalled.clear()
        script.rewind(request.spoken_chars())


async def _say(script: _Script, request: ResponseRequest, emit: Emit) -> None:
    if request.synthesizer is None:
        return
    while (piece := await script.next(request, emit)) is not None:
        await say_piece(piece, request, emit, script)


async def say_piece(piece: Piece, request: ResponseRequest, emit: Emit, script: _Script) -> None:
    """Synthesise one piece and the pause behind it, unless it is retracted meanwhile."""
    voice, retractions = request.synthesizer, script.retractions
    if voice is None:
        return
    style = piece.manner.of(request.style, voice)
    spoken = await made_speakable(piece.text, style, voice)
    if any(map(str.isalnum, spoken.text)):
        style = replace(style, pronounced=spoken.pronounced)
        await _synthesize(piece, spoken, replace(request, style=style), emit, script)
        words: tuple[SpokenWord, ...] = ()
    else:  # what has no sound was heard with what stands before it
        words = (SpokenWord(piece.start + len(piece.text.rstrip()), 0.0, 0.0),) if script.voiced else ()
    if (piece.pause_s or words) and script.retractions == retractions:
        await emit(SpeechPart(silence(piece.pause_s, voice.rate_hz), voice.rate_hz, words))


async def _synthesize(piece: Piece, spoken: SpokenText, request: ResponseRequest, emit: Emit, script: _Script) -> None:
    voice = request.synthesizer
    assert voice is not None
    await emit(PiecePart())
    passed_s, retractions = 0.0, script.retractions
    chunks = timed_speech(voice, spoken.text, request.style, request.caller)
    async with aclosing(chunks):
        async for chunk in chunks:
            if script.retractions != retractions:
                return
            words = tuple(
                SpokenWord(
                    piece.start + spoken.written_end(w.text_end), w.start_s - passed_s, w.end_s - passed_s, w.estimated
                )
                for w in chunk.words
            )
            script.voiced = True
            await emit(SpeechPart(chunk.samples, voice.rate_hz, words))
            passed_s += len(chunk.samples) / voice.rate_hz
