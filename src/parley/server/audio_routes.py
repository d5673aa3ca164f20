"""``/v1/audio/speech`` and ``/v1/audio/transcriptions`` as the OpenAI audio interface has them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, File, Form, Request, UploadFile
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from parley.audio import files
from parley.audio.pcm import Float32
from parley.conversation.oneshot import say_text, transcribe_recording
from parley.errors import ParleyError, UsageError
from parley.models.interfaces import MODEL_RATE_HZ, SpeakingStyle, TimedText
from parley.server.rest import caller_of
from parley.server.state import ServerState

router = APIRouter()


class SpeechRequest(BaseModel):
    """Body of ``POST /v1/audio/speech``."""

    input: str = Field(min_length=1, max_length=20_000)
    model: str = "tts-1"
    voice: str | dict[str, str] = "alloy"
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    speed: float = Field(1.0, ge=0.25, le=4.0)
    instructions: str | None = None
    stream_format: Literal["audio", "sse"] = "audio"
    language: str | None = None


@router.post("/v1/audio/speech")
async def speech(request: Request, body: SpeechRequest) -> Response:
    """Say a text; the sound is streamed as it is made."""
    state: ServerState = request.app.state.parley
    if body.stream_format == "sse":
        raise UsageError("stream_format: 'sse' is not supported; use 'audio', which is streamed too")
    wanted = body.voice if isinstance(body.voice, str) else body.voice.get("id", "")
    name = state.roster.choices.voices.resolve(wanted)
    synthesizer = state.roster.voices[name]
    encoder = files.StreamEncoder(synthesizer.rate_hz if body.response_format != "pcm" else 24000, body.response_format)
    style = SpeakingStyle(name, body.speed, body.language)

    async def sound() -> AsyncIterator[bytes]:
        from parley.audio.resample import LiveResampler

        resampler = LiveResampler(synthesizer.rate_hz, 24000) if body.response_format == "pcm" else None
        async with aclosing(say_text(synthesizer, body.input, style, caller_of(request))) as chunks:
            async for chunk in chunks:
                yield await asyncio.to_thread(encoder.push, resampler.push(chunk) if resampler else chunk)
        tail = encoder.push(resampler.flush()) if resampler else b""
        yield tail + await asyncio.to_thread(encoder.finish)

    return StreamingResponse(sound(), media_type=files.MEDIA_TYPES[body.response_format])


@router.post("/v1/audio/transcriptions")
async def transcriptions(
    request: Request,
    file: Annotated[UploadFile, File()],
    model: Annotated[str, Form()] = "whisper-1",
    language: Annotated[str | None, Form()] = None,
    response_format: Annotated[Literal["json", "text", "verbose_json", "srt", "vtt"], Form()] = "json",
    stream: Annotated[bool, Form()] = False,
) -> Response:
    """Transcribe a recording of up to 100 MB in any common format; `model` may name one of the recognisers here."""
    state: ServerState = request.app.state.parley
    recording = _Recording(state.uploads.samples(file.file, file.filename or "file"))
    cast = state.roster.cast
    recognizer = cast.recognizers.get(model, cast.recognizer)
    segments = transcribe_recording(cast.vad, recognizer, recording.blocks(), language, caller_of(request))
    if stream:
        first = await anext(segments, None)  # what cannot be read gets its status: nothing has been sent yet
        return StreamingResponse(_events(first, segments), media_type="text/event-stream")
    async with aclosing(segments):
        found = [s async for s in segments]
    text = " ".join(s.text for s in found)
    seconds = recording.seconds
    if response_format == "text":
        return PlainTextResponse(text + "\n")
    if response_format in ("srt", "vtt"):
        return PlainTextResponse(subtitles(found, response_format))
    usage = {"type": "duration", "seconds": round(seconds, 3)}
    if response_format == "json":
        return JSONResponse({"text": text, "usage": usage})
    return JSONResponse({
        "task": "transcribe", "language": language or "", "duration": seconds, "text": text, "usage": usage,
        "segments": [
            {"id": i, "start": s.start_s, "end": s.end_s, "text": s.text} for i, s in enumerate(found)
        ],
    })  # fmt: skip


class _Recording:
    """A recording that is transcribed while it is decoded, and how long it was so far."""

    def __init__(self, decoded: AsyncGenerator[Float32, None]) -> None:
        self._decoded = decoded
        self.seconds = 0.0

    async def blocks(self) -> AsyncGenerator[Float32, None]:
        """What is decoded, counted."""
        async with aclosing(self._decoded):
            async for block in self._decoded:
                self.seconds += len(block) / MODEL_RATE_HZ
                yield block


async def _events(first: TimedText | None, others: AsyncGenerator[TimedText, None]) -> AsyncIterator[bytes]:
    """Server-sent events: a delta for each segment, then the whole, or the error that ended it."""
    texts: list[str] = []
    async with aclosing(others):
        try:
            while first is not None:
                yield _event({"type": "transcript.text.delta", "delta": (" " if texts else "") + first.text})
                texts.append(first.text)
                first = await anext(others, None)
        except ParleyError as fault:
            yield _event({"type": "error", "error": {"message": str(fault)}})
            return
    yield _event({"type": "transcript.text.done", "text": " ".join(texts)})


def _event(data: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(data) + b"\n\n"


def subtitles(segments: list[TimedText], kind: str) -> str:
    """SubRip or WebVTT."""
    comma = "," if kind == "srt" else "."
    blocks = [] if kind == "srt" else ["WEBVTT\n"]
    for number, segment in enumerate(segments, start=1):
        head = f"{number}\n" if kind == "srt" else ""
        blocks.append(f"{head}{_stamp(segment.start_s, comma)} --> {_stamp(segment.end_s, comma)}\n{segment.text}\n")
    return "\n".join(blocks)


def _stamp(seconds: float, comma: str) -> str:
    ms = round(seconds * 1000)
    return f"{ms // 3600000:02}:{ms // 60000 % 60:02}:{ms // 1000 % 60:02}{comma}{ms % 1000:03}"
