"""From a stream of text to sound: chunk, make speakable, synthesise, map words back to the writing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from parley.conversation.chunker import Chunker, Piece
from parley.conversation.engines.base import (
    AnswerRequest,
    CutShortPart,
    Emit,
    PiecePart,
    SpeechPart,
    TextPart,
    ToolPart,
    UsagePart,
)
from parley.conversation.speakable import speakable
from parley.errors import ModelError
from parley.models.interfaces import ChatDelta
from parley.turns.ledger import SpokenWord

_PIECES_AHEAD = 8


async def speak_deltas(deltas: AsyncGenerator[ChatDelta, None], request: AnswerRequest, emit: Emit) -> None:
    """Pass text on as it comes and say it piece by piece, both at once."""
    pieces: asyncio.Queue[Piece | None] = asyncio.Queue(_PIECES_AHEAD)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_read(deltas, pieces, request, emit), name="answer-text")
            group.create_task(_say(pieces, request, emit), name="answer-speech")
    except* ModelError as faults:
        raise faults.exceptions[0] from None


async def nothing() -> AsyncGenerator[ChatDelta, None]:
    """A text that is all there already."""
    return
    yield


async def _read(
    deltas: AsyncGenerator[ChatDelta, None], pieces: asyncio.Queue[Piece | None], request: AnswerRequest, emit: Emit
) -> None:
    speak, begun = request.synthesizer is not None, request.begun
    chunker = Chunker(begun.spoken if begun else 0)
    for piece in chunker.push(begun.text[begun.spoken :]) if begun and speak else ():
        await pieces.put(piece)
    async with aclosing(deltas):
        async for delta in deltas:
            if delta.text:
                await emit(TextPart(delta.text))
                for piece in chunker.push(delta.text) if speak else ():
                    await pieces.put(piece)
            if delta.tool_call is not None:
                await emit(ToolPart(delta.tool_call))
            if delta.finish_reason == "length":
                await emit(CutShortPart())
            if delta.usage is not None:
                await emit(UsagePart(delta.usage))
    for piece in chunker.flush() if speak else ():
        await pieces.put(piece)
    await pieces.put(None)


async def _say(pieces: asyncio.Queue[Piece | None], request: AnswerRequest, emit: Emit) -> None:
    while (piece := await pieces.get()) is not None:
        await say_piece(piece, request, emit)


async def say_piece(piece: Piece, request: AnswerRequest, emit: Emit) -> None:
    """Synthesise one piece."""
    spoken = speakable(piece.text)
    if request.synthesizer is None or not any(c.isalnum() for c in spoken.text):
        return
    await emit(PiecePart())
    passed_s = 0.0
    chunks = request.synthesizer.synthesize(spoken.text, request.style, request.caller)
    async with aclosing(chunks):
        async for chunk in chunks:
            words = tuple(
                SpokenWord(piece.start + spoken.written_end(w.text_end), w.start_s - passed_s, w.end_s - passed_s)
                for w in chunk.words
            )
            await emit(SpeechPart(chunk.samples, request.synthesizer.rate_hz, words))
            passed_s += len(chunk.samples) / request.synthesizer.rate_hz
