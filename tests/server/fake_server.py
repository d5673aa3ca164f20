"""The application with fake models, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np

from parley.audio import files
from parley.config import Config
from parley.conversation.engines.cascade import Cascade
from parley.conversation.settings import SessionModels
from parley.models.fakes import FakeChat, FakeRecognizer, FakeSynthesizer, FakeVad, tone
from parley.models.interfaces import ModelSpec, Recognizer, Synthesizer
from parley.server.app import create_app
from parley.server.security import Gate
from parley.server.state import ServerState
from parley.transports.mapping import AvailableModels, Hearing, Voices


def state_with(
    *, voices: Mapping[str, Synthesizer] | None = None, recognizers: Mapping[str, Recognizer] | None = None,
    chat: Any = None, gate: Gate | None = None, **config: Any,
) -> ServerState:  # fmt: skip
    """A server's state around fakes; the first voice and recogniser are the defaults."""
    voices = voices or {"fake-voice": FakeSynthesizer()}
    recognizers = recognizers or {"fake-ears": FakeRecognizer()}
    first, (ears, recognizer) = next(iter(voices)), next(iter(recognizers.items()))
    chat = chat or FakeChat()
    loaded_models: Any = SimpleNamespace(
        voice_is_here=lambda _: True,
        voices=voices,
        specs={"llm": ModelSpec(chat.name, "fake"), "asr": ModelSpec(ears, "fake"), "tts": ModelSpec(first, "fake")},
        for_sessions=SessionModels(FakeVad(), recognizer, Cascade(chat), voices=voices, recognizers=recognizers),
        available=AvailableModels(
            Voices(first, tuple(voices), dict.fromkeys(("alloy", "nova", "onyx", "fable"), first),
                   fixed_speed=lambda name: voices[name].fixed_speed, emotions=lambda name: voices[name].emotions),
            frozenset({chat.name}), {n: Hearing(r.languages, r.guided_by) for n, r in recognizers.items()},
        ),
        llms={chat.name: chat},
        models={"llm": chat},
        all_of=lambda part: {chat.name: chat} if part == "llm" else dict(recognizers),
    )  # fmt: skip
    return ServerState(Config.model_validate(config), loaded_models, gate or Gate(None, []))


@asynccontextmanager
async def served(**made_of: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it."""
    transport = httpx.ASGITransport(create_app(state_with(**made_of)))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=30) as client:
        yield client


def recording(*seconds: float) -> bytes:
    """A WAV in which a voice sounds that long each time, with two seconds of silence around."""
    quiet = np.zeros(32000, np.int16)
    parts = [quiet, *(part for s in seconds for part in (tone(s, 16000), quiet))]
    return b"".join(files.encode(parts, 16000, "wav"))
