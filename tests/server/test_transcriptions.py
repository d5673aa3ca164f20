"""``/v1/audio/transcriptions`` and ``translations``: what is used, what is refused, and complete answers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import httpx
import pytest
from openai.types.audio import TranscriptionVerbose, TranslationVerbose

from parley.audio.pcm import Float32
from parley.models.fakes import FakeRecognizer
from parley.models.interfaces import (
    MODEL_RATE_HZ,
    UNGUIDED,
    Caller,
    Guidance,
    RecognizerStream,
    TimedText,
    Transcript,
)
from tests.server.fake_server import recording, served


class Ears:
    """Understands two words in an utterance, a quarter of it each; remembers what it was told."""

    idle = True

    def __init__(
        self,
        languages: Sequence[str] = ("*",),
        guided_by: Collection[str] = ("prompt", "languages", "temperature", "translate", "word_times"),
    ) -> None:
        self.languages = languages
        self.guided_by = guided_by
        self.told: list[tuple[str | None, Guidance]] = []

    def open(self, language: str | None = None, guidance: Guidance = UNGUIDED) -> RecognizerStream:
        self.told.append((language, guidance))
        return _Stream(language or "te", guidance)


class _Stream:
    def __init__(self, language: str, guidance: Guidance) -> None:
        self._language, self._guidance, self._seconds = language, guidance, 0.0

    def feed(self, samples: Float32) -> None:
        self._seconds += len(samples) / MODEL_RATE_HZ

    async def partial(self, caller: Caller) -> Transcript:
        return await self.finish(caller)

    async def finish(self, caller: Caller) -> Transcript:
        quarter = self._seconds / 4
        words = (TimedText("Good", quarter, 2 * quarter), TimedText("day.", 2 * quarter, 3 * quarter))
        return Transcript(
            "Good day.", self._language, tokens=(7, 9), words=words if self._guidance.word_times else (),
            mean_logprob=-0.25, no_speech=0.125,
        )  # fmt: skip

    def close(self) -> None:
        pass


async def transcribe(client: httpx.AsyncClient, /, to: str = "transcriptions", **fields: Any) -> httpx.Response:
    sound = {"file": ("it.wav", recording(1.0, 2.0))}
    return await client.post(f"/v1/audio/{to}", files=sound, data=fields)


def verbose(field: str, units: Any) -> dict[str, Any]:
    return {"response_format": "verbose_json", field: units}


async def test_verbose_json_is_complete() -> None:
    async with served(recognizers={"ears": Ears()}) as client:
        answer = (await transcribe(client, response_format="verbose_json")).json()
    found = TranscriptionVerbose.model_validate(answer, strict=True)
    assert found.language == "telugu"
    assert found.duration == pytest.approx(9.0, abs=0.1)
    assert found.text == "Good day. Good day."
    assert found.segments is not None
    assert found.words is None
    assert [s.id for s in found.segments] == [0, 1]
    first = found.segments[0]
    assert (first.tokens, first.avg_logprob, first.no_speech_prob, first.temperature) == ([7, 9], -0.25, 0.125, 0)
    assert first.seek == pytest.approx(100 * first.start, abs=1)
    assert 0 < first.compression_ratio < 2
    assert found.segments[1].start > first.end
    assert found.usage is not None


@pytest.mark.parametrize("field", ["timestamp_granularities[]", "timestamp_granularities"])
async def test_words_have_their_times_in_the_recording(field: str) -> None:
    async with served(recognizers={"ears": Ears()}) as client:
        answer = (await transcribe(client, **verbose(field, "word"))).json()
        both = (await transcribe(client, **verbose(field, ["word", "segment"]))).json()
    found = TranscriptionVerbose.model_validate(answer)
    assert found.words is not None
    assert [w.word for w in found.words] == ["Good", "day.", "Good", "day."]
    assert found.words[0].start == pytest.approx(2.0 - 0.3 + 1.6 / 4, abs=0.2)
    assert found.words[2].start > 5.0
    assert all(w.start < w.end for w in found.words)
    assert "segments" not in answer
    assert both["segments"]
    assert both["words"] == answer["words"]


async def test_hints_reach_the_recogniser() -> None:
    ears = Ears()
    fields: dict[str, Any] = {
        "language": "en-US", "prompt": "About bridges.", "keywords[]": ["Tay", "Forth"], "temperature": "0.5",
        "languages[]": ["English", "te"], "model": "gpt-4o-transcribe", "chunking_strategy": "auto",
    }  # fmt: skip
    async with served(recognizers={"ears": ears}) as client:
        assert (await transcribe(client, **fields)).status_code == 200
    guidance = Guidance("About bridges. Tay, Forth", ("en", "te"), 0.5)
    assert set(ears.told) == {("en", guidance)}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": "x"}, "prompt"),
        ({"keywords[]": "x"}, "prompt"),
        ({"temperature": "0.2"}, "temperature"),
        ({"timestamp_granularities[]": "word", "response_format": "verbose_json"}, "timestamp_granularities"),
        ({"timestamp_granularities[]": "word"}, "timestamp_granularities"),
        ({"timestamp_granularities[]": "letter", "response_format": "verbose_json"}, "timestamp_granularities"),
        ({"language": "te-IN"}, "language"),
        ({"language": "klingon"}, "language"),
        ({"languages[]": ["en", "te"]}, "language"),
        ({"include[]": "logprobs"}, "include"),
        ({"known_speaker_names[]": "Ann"}, "known_speaker_names"),
        ({"chunking_strategy": '{"type": "server_vad"}'}, "chunking_strategy"),
        ({"temperature": "7"}, "temperature"),
        ({"response_format": "diarized_json"}, "response_format"),
    ],
)
async def test_what_a_recogniser_cannot_take_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    ears = Ears(("en",), ())
    async with served(recognizers={"ears": ears}) as client:
        answer = await transcribe(client, **fields)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    assert not ears.told


async def test_empty_fields_are_as_good_as_absent() -> None:
    empty = {"language": "", "prompt": "", "response_format": "", "temperature": "", "timestamp_granularities[]": ""}
    async with served(recognizers={"ears": Ears(("en",), ())}) as client:
        assert (await transcribe(client, **empty)).json()["text"] == "Good day. Good day."


async def test_a_translation_is_english_whatever_is_spoken() -> None:
    ears = Ears()
    async with served(recognizers={"deaf": FakeRecognizer(), "ears": ears}) as client:
        answer = await transcribe(client, "translations", model="whisper-1", response_format="verbose_json")
        plain = await transcribe(client, "translations")
    found = TranslationVerbose.model_validate(answer.json())
    assert (found.language, found.text) == ("english", "Good day. Good day.")
    assert plain.json()["text"] == found.text
    assert all(guidance.translate for _, guidance in ears.told)


async def test_nobody_who_translates_is_a_clear_refusal() -> None:
    async with served() as client:
        answer = await transcribe(client, "translations", model="whisper-1")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "translation_not_supported"
