"""``/v1/audio/speech`` as the OpenAI audio interface has it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, model_validator
from starlette.responses import Response, StreamingResponse

from parley.audio import files
from parley.audio.pcm import Int16
from parley.audio.resample import LiveResampler
from parley.conversation.offline import say_pieces, sayable
from parley.errors import ModelError, ParleyError, ProtocolError
from parley.languages import code_of, knows
from parley.models.interfaces import SpeakingStyle
from parley.models.speakers import grouped
from parley.server.answers import sent_event
from parley.server.rest import caller_of
from parley.server.state import ServerState
from parley.transports.mapping import Voices, check_model

router = APIRouter()
_LOADED_S = 60.0
_PCM_HZ = 24000
_CHUNKS_AHEAD = 64
_WHOLE_WITHIN_S = 0.5


class SpeechRequest(BaseModel):
    """Body of ``POST /v1/audio/speech``; a field that is null is as good as absent."""

    input: str = Field(min_length=1, max_length=20_000)
    model: str = "tts-1"
    voice: str | dict[str, str] = "alloy"
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    speed: float = Field(1.0, ge=0.25, le=4.0)
    instructions: str | None = None
    stream_format: Literal["audio", "sse"] = "audio"
    language: str | None = None
    emotion: Literal["neutral", "happy", "sad", "angry", "calm"] = "neutral"
    intensity: float = Field(0.5, ge=0, le=1)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        return {k: v for k, v in given.items() if v is not None} if isinstance(given, dict) else given


@router.post("/v1/audio/speech")
async def speech(request: Request, body: SpeechRequest) -> Response:
    """Say a text; the sound is streamed as it is made, once there is some of it."""
    state: ServerState = request.app.state.parley
    name = _voice(state.loaded_models.available.voices, body)
    state.loaded_models.available.voices.check_speed(name, body.speed, "speed")
    state.loaded_models.available.voices.check_emotion(name, body.emotion, "emotion")
    synthesizer = state.loaded_models.voices[name]
    if not state.loaded_models.voice_is_here(name):  # else another one would stand in
        await state.loaded_models.bring_voice(name, _LOADED_S)
    language = _language(body.language, name, synthesizer.languages)
    style = SpeakingStyle(name, body.speed, language, body.emotion, body.intensity)
    pieces = await sayable(body.input, style, synthesizer)
    if not (said := sum(bool(piece.words) for piece in pieces)):
        raise ProtocolError("'input' has nothing in it that can be said", field="input", code="nothing_to_say")
    sound = _Sound(say_pieces(synthesizer, pieces, style, caller_of(request)))
    try:
        await sound.begin(body.input)
        encoder = _Encoder(synthesizer.rate_hz, body.response_format)
        if body.stream_format == "sse":
            return _Streamed(_events(sound, encoder), sound, "text/event-stream")
        media_type = files.MEDIA_TYPES[body.response_format]
        if body.response_format == "wav" and await sound.whole(None if said == 1 else _WHOLE_WITHIN_S):
            samples = [chunk async for chunk in sound.chunks()]
            header = files.wav_header(sum(map(len, samples)), synthesizer.rate_hz)
            return Response(header + b"".join(chunk.tobytes() for chunk in samples), media_type=media_type)
        return _Streamed(_encoded(sound, encoder), sound, media_type)
    except BaseException:
        await sound.aclose()
        raise


def _voice(voices: Voices, body: SpeechRequest) -> str:
    """The voice that is wanted, of the model that is; raises `ProtocolError`."""
    wanted = body.voice if isinstance(body.voice, str) else body.voice.get("id", "")
    check_model(body.model, models := grouped(voices.known))
    return voices.resolve_of(body.model, wanted) if body.model in models else voices.resolve(wanted, "voice")


def _language(written: str | None, voice: str, spoken: Any) -> str | None:
    """The language that the voice is to speak; raises `ProtocolError` for one that it cannot."""
    if written is None:
        return None
    try:
        code = code_of(written)
    except ValueError as fault:
        raise ProtocolError(f"'language': {fault}", field="language") from None
    if not knows(spoken or ("*",), code):  # of a voice whose worker is gone nobody knows
        raise ProtocolError(
            f"the voice '{voice}' does not speak '{code}', it speaks {', '.join(spoken)}",
            field="language", code="language_not_supported",
        )  # fmt: skip
    return code


class _Sound:
    """Speech that is made while it is sent, so far ahead."""

    def __init__(self, chunks: AsyncGenerator[Int16, None]) -> None:
        self._made: asyncio.Queue[Int16 | Exception | None] = asyncio.Queue(_CHUNKS_AHEAD)
        self._first: list[Int16 | None] = []
        self._making = asyncio.create_task(self._make(chunks), name="speech")

    async def _make(self, chunks: AsyncGenerator[Int16, None]) -> None:
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    if len(chunk):
                        await self._made.put(chunk)
        except Exception as fault:  # noqa: BLE001 - `_next` raises it
            await self._made.put(fault)
        else:
            await self._made.put(None)

    async def begin(self, text: str) -> None:
        """Wait for the first of it; raises what the voice raised, where it made no sound at all `ModelError`.

        Of a text in letters that it cannot read a voice makes none: `ProtocolError`.
        """
        first = await self._next()
        if first is None and not any(char.isascii() and char.isalnum() for char in text):
            message = "the voice made no sound of 'input': is it in a language that it speaks?"
            raise ProtocolError(message, field="input", code="nothing_to_say")
        if first is None:
            raise ModelError("the voice made no sound of the text")
        self._first.append(first)

    async def whole(self, within_s: float | None) -> bool:
        """Whether all of it is there, after waiting at most so long (None: until it is)."""
        try:
            async with asyncio.timeout(within_s):
                while len(self._first) < _CHUNKS_AHEAD:
                    self._first.append(await self._next())
                    if self._first[-1] is None:
                        return True
        except TimeoutError:
            pass
        return False

    async def _next(self) -> Int16 | None:
        made = await self._made.get()
        if isinstance(made, Exception):
            raise made
        return made

    async def chunks(self) -> AsyncIterator[Int16]:
        """All of it, as it is made; raises what the voice raises."""
        for chunk in self._first:
            if chunk is None:
                return
            yield chunk
        while (made := await self._next()) is not None:
            yield made

    async def aclose(self) -> None:
        """Stop the voice."""
        self._making.cancel()
        await asyncio.wait([self._making])


class _Streamed(StreamingResponse):
    """The voice stops with its answer, however that ends."""

    def __init__(self, content: AsyncIterator[bytes], sound: _Sound, media_type: str) -> None:
        super().__init__(content, media_type=media_type)
        self._sound = sound

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._sound.aclose()


class _Encoder:
    """Chunks of a voice as bytes of a format; PCM is always 24 kHz."""

    def __init__(self, rate_hz: int, kind: str) -> None:
        self._resampler = LiveResampler(rate_hz, _PCM_HZ) if kind == "pcm" else None
        self._encoder = files.StreamEncoder(_PCM_HZ if kind == "pcm" else rate_hz, kind)

    async def push(self, chunk: Int16) -> bytes:
        """What is ready after a chunk."""
        samples = self._resampler.push(chunk) if self._resampler else chunk
        return await asyncio.to_thread(self._encoder.push, samples)

    async def finish(self) -> bytes:
        """The rest."""
        tail = self._encoder.push(self._resampler.flush()) if self._resampler else b""
        return tail + await asyncio.to_thread(self._encoder.finish)


async def _encoded(sound: _Sound, encoder: _Encoder) -> AsyncIterator[bytes]:
    async for chunk in sound.chunks():
        yield await encoder.push(chunk)
    yield await encoder.finish()


async def _events(sound: _Sound, encoder: _Encoder) -> AsyncIterator[bytes]:
    """Server-sent events: the same bytes in pieces, then the end, or the error that was one."""
    try:
        async for data in _encoded(sound, encoder):
            if data:
                yield sent_event({"type": "speech.audio.delta", "audio": base64.b64encode(data).decode()})
    except ParleyError as fault:
        error = {"type": "server_error", "code": "model_failed", "message": str(fault), "param": None}
        yield sent_event({"type": "error", "error": error})
        return
    usage = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}  # a voice here counts none
    yield sent_event({"type": "speech.audio.done", "usage": usage})
