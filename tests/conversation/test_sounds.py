"""Turns as sound: the last minute of them, in a form that servers take."""

from __future__ import annotations

import base64
import io
import wave
from typing import Any

import numpy as np
import pytest
from openai.types.chat import ChatCompletionUserMessageParam
from pydantic import TypeAdapter

from parley.conversation.responses.prompt import spoken
from parley.conversation.sounds import Sounds, sound_part
from parley.models.interfaces import MODEL_RATE_HZ


def speech(seconds: float) -> Any:
    return np.full(round(seconds * MODEL_RATE_HZ), 0.25, np.float32)


def test_a_turn_is_a_wav_file_in_the_form_of_the_chat_interface() -> None:
    part = sound_part(speech(0.5))
    assert (part["type"], part["input_audio"]["format"]) == ("input_audio", "wav")
    with wave.open(io.BytesIO(base64.b64decode(part["input_audio"]["data"]))) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (MODEL_RATE_HZ, 1, 2)
        samples = np.frombuffer(wav.readframes(wav.getnframes()), "<i2")
    assert len(samples) == 8000
    assert samples[0] == pytest.approx(8192, abs=1)


def test_a_message_of_it_is_one_of_openais_interface() -> None:
    message = {"role": "user", "content": spoken(sound_part(speech(0.5)), "Ann")}
    taken: Any = TypeAdapter(ChatCompletionUserMessageParam).validate_python(message, strict=True)
    assert [part["type"] for part in taken["content"]] == ["text", "input_audio"]


def test_when_a_minute_is_full_the_older_half_goes_at_once() -> None:
    sounds = Sounds()
    for turn in range(6):
        sounds.keep(f"t{turn}", speech(10))
    assert sounds.seconds == pytest.approx(60)
    assert all(sounds.of(f"t{turn}") for turn in range(6))
    sounds.keep("t6", speech(1))
    assert [turn for turn in range(7) if sounds.of(f"t{turn}")] == [4, 5, 6]
    sounds.keep("t7", speech(29))
    assert [turn for turn in range(8) if sounds.of(f"t{turn}")] == [4, 5, 6, 7], "nothing goes before it must"


def test_of_a_monologue_the_last_minute_is_kept() -> None:
    sounds = Sounds()
    sounds.keep("short", speech(1))
    sounds.keep("long", speech(90))
    assert sounds.of("short") is None
    part = sounds.of("long")
    assert part is not None
    assert len(base64.b64decode(part["input_audio"]["data"])) == 44 + 60 * MODEL_RATE_HZ * 2


def test_what_is_forgotten_is_not_there() -> None:
    sounds = Sounds()
    sounds.keep("a", speech(1))
    sounds.forget("a")
    sounds.forget("b")
    assert sounds.of("a") is None
    assert sounds.seconds == 0
