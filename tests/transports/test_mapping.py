"""Names of the protocol as those of this server."""

from __future__ import annotations

import pytest

from parley.errors import ProtocolError
from parley.transports.mapping import Voices, check_model

VOICES = Voices("joe", ["joe", "kokoro/af_heart", "kokoro/am_puck"], {"alloy": "joe"}, ["hibari-kore"])


@pytest.mark.parametrize(
    ("name", "voice"),
    [
        ("Alloy", "joe"),
        ("JOE", "joe"),
        ("kokoro", "kokoro"),
        ("kokoro/af_heart", "kokoro/af_heart"),
        ("am_puck", "kokoro/am_puck"),
        ("kokoro-puck", "kokoro/am_puck"),
    ],
)
def test_a_voice_is_meant_by_any_of_its_names(name: str, voice: str) -> None:
    assert VOICES.resolve(name) == voice


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("kokoro/foo", "the model 'kokoro' has af_heart, am_puck"),
        ("carl", "there are joe, kokoro/af_heart, kokoro/am_puck"),
        ("hibari-kore", r"'hibari-kore' is not on this server yet; POST /v1/parley/voices brings it \(\{\"voice\""),
    ],
)
def test_a_voice_that_is_not_here_is_refused_with_what_is(name: str, said: str) -> None:
    with pytest.raises(ProtocolError, match=said) as refused:
        VOICES.resolve(name, "voice")
    assert refused.value.field == "voice"


def test_a_voice_that_comes_in_mid_session_can_be_chosen() -> None:
    there = ["joe"]
    voices = Voices("joe", there, {})
    with pytest.raises(ProtocolError):
        voices.resolve("kokoro/af_heart")
    there.append("kokoro/af_heart")
    assert voices.resolve("kokoro/af_heart") == "kokoro/af_heart"


def test_a_models_voice_is_one_of_its_speakers() -> None:
    assert VOICES.resolve_of("kokoro", "am_puck") == "kokoro/am_puck"
    assert VOICES.resolve_of("kokoro", "kokoro/puck") == "kokoro/am_puck"
    assert VOICES.resolve_of("kokoro", "Alloy") == "kokoro"
    assert VOICES.resolve_of("joe", "alloy") == "joe"
    for model, name in (("kokoro", "joe"), ("joe", "am_puck")):
        with pytest.raises(ProtocolError, match=f"no voice is called '{model}/{name}'; the model '{model}' has "):
            VOICES.resolve_of(model, name)


@pytest.mark.parametrize(
    "name",
    ["", None, "mine", "gpt-realtime", "gpt-4o-mini-tts", "chatgpt-4o-latest", "whisper-1", "tts-1-hd", "o3-mini"],
)
def test_a_model_is_one_that_is_here_or_one_of_openais(name: str | None) -> None:
    check_model(name, ["mine"])


@pytest.mark.parametrize("name", ["gpt", "gpt-oss:20b", "whisper-large", "tts-2", "olmo", "llama3.2"])
def test_any_other_model_is_refused_with_what_there_is(name: str) -> None:
    with pytest.raises(ProtocolError, match=f"no model is called '{name}' here; there are mine, other") as refused:
        check_model(name, ["other", "mine"], "session.model")
    assert (refused.value.field, refused.value.code) == ("session.model", "model_not_found")
