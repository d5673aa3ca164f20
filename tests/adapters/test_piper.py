"""Speakers of one Piper network: who speaks when, on a network that only notes whom it was asked for."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from parley.adapters import piper
from parley.audio.pcm import Float32
from parley.models.interfaces import Caller, ModelSpec, Pronunciation, SpeakingStyle

CONFIG = {
    "audio": {"sample_rate": 16000}, "espeak": {"voice": "en-us"}, "language": {"family": "en"}, "num_symbols": 8,
    "inference": {"noise_scale": 0.6, "length_scale": 1, "noise_w": 0.8}, "num_speakers": 2,
    "phoneme_id_map": {mark: [number] for number, mark in enumerate("_^$ həlo")},
    "speaker_id_map": {"bea": 1, "ann": 0},
}  # fmt: skip


class Network:
    """Notes the speakers it was asked for."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.asked: list[int | None] = []

    def encode(self, ids: Any, scales: Any, speaker: int | None) -> Any:
        self.asked.append(speaker)
        return SimpleNamespace(frames=8, durations=None)

    def decode(self, _: Any, begin: int, end: int) -> Float32:
        return np.full((end - begin) * 4000, 0.1, np.float32)


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelSpec:
    monkeypatch.setattr(piper, "VitsGraph", Network)
    model = tmp_path / "two.onnx"
    (tmp_path / "two.onnx.json").write_text(json.dumps(CONFIG))
    return ModelSpec("two", "piper", {model.name: model})


async def speakers(spec: ModelSpec, **options: str) -> list[int | None]:
    """Whom the network was asked for: no name, Bea, nobody's name."""
    voice: Any = piper.load(ModelSpec(spec.id, spec.family, spec.files, options))
    voice._graph.asked.clear()
    for name in (None, "bea", "carl"):
        async for _ in voice.synthesize("Hello", SpeakingStyle(name), Caller()):
            pass
    voice.close()
    asked: list[int | None] = voice._graph.asked
    return asked


async def test_each_speaker_is_reached_by_name_and_the_usual_one_by_none(spec: ModelSpec) -> None:
    assert list(piper.load(spec).voices) == ["ann", "bea"]
    assert await speakers(spec) == [0, 1, 0]
    assert await speakers(spec, voice="bea") == [1, 1, 1]


async def test_sounds_that_are_given_are_said_in_place_of_the_letters(spec: ModelSpec) -> None:
    voice: Any = piper.load(spec)
    plain = voice._phonemize("Ah hello there.")
    given = voice._phonemize("Ah hello there.", (Pronunciation(3, 8, "ˈolo"), Pronunciation(9, 14, "ʘ")))
    assert "".join(given[0]) == "".join(plain[0]).replace("həlˈoʊ", "olo")
    for marks in ("!", "?", ", so", ": so", "!?"):
        plain, given = (voice._phonemize(f"Ah hello{marks}.", g) for g in ((), (Pronunciation(3, 8, "ˈolo"),)))
        assert "ɛksklə" not in "".join(given[0])
        assert "koʊlən" not in "".join(given[0])
        assert f"olo{marks[0]}" in "".join(given[0])
    voice.close()


async def test_a_speaker_that_is_none_is_named(spec: ModelSpec) -> None:
    with pytest.raises(ValueError, match=r"no speaker of two\.onnx is called 'carl'; it has bea, ann"):
        await speakers(spec, voice="carl")
