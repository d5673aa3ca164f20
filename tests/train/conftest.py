"""Recordings of known words, said by espeak-ng, and their source list."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from parley.adapters.espeak import Espeak
from parley.audio import files
from parley.audio.pcm import Int16, silence, to_float, to_int16
from parley.models.catalogue import Model
from parley.models.interfaces import Caller, SpeakingStyle
from parley.models.store import Store

SENTENCES = ("The old bridge crosses the river near the station.", "Please bring me a glass of water.")
HEAD = "source,licence,consent,language,speaker\n"
_PAUSE_S = 2.0


@dataclass(frozen=True)
class Corpus:
    """Two clean recordings, one in loud noise, one file that is no sound; where speech stands in the clean ones."""

    sources: Path
    truth: dict[str, list[tuple[float, float, str]]]
    """By file: begin and end in seconds, and the words."""


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("corpus")
    sounds = folder / "sounds"
    sounds.mkdir()
    voice = Espeak()
    random = np.random.default_rng(1)
    truth: dict[str, list[tuple[float, float, str]]] = {}
    for name, order, noise in (("a", (0, 1), 0.0005), ("b", (1, 0), 0.0005), ("noisy", (0, 1), 0.06)):
        parts, spans, at = [silence(_PAUSE_S, voice.rate_hz)], [], _PAUSE_S
        for number in order:
            spoken = asyncio.run(said(voice, SENTENCES[number]))
            loud = np.flatnonzero(np.abs(spoken.astype(np.int32)) > 300) / voice.rate_hz
            spans.append((at + loud[0], at + loud[-1], SENTENCES[number]))
            parts += [spoken, silence(_PAUSE_S, voice.rate_hz)]
            at += len(spoken) / voice.rate_hz + _PAUSE_S
        whole = to_float(np.concatenate(parts))
        mixed = whole + random.normal(0, noise, len(whole)).astype(np.float32)
        files.write(sounds / f"{name}.wav", to_int16(mixed), voice.rate_hz)
        truth[f"{name}.wav"] = spans
    voice.close()
    (sounds / "broken.wav").write_bytes(b"this is no sound")
    sources = folder / "sources.csv"
    sources.write_text(f"{HEAD}sounds,CC0-1.0,synthetic,en,espeak\n", encoding="utf-8")
    return Corpus(sources, truth)


def pull(models: Iterable[Model]) -> None:
    """Have some models on this machine."""
    store = Store()
    for model in models:
        if not store.is_present(model):
            store.pull(model)


async def said(voice: Espeak, text: str, speed: float = 1.0, language: str = "en") -> Int16:
    """Speech at the voice's rate; `language` may name a variant of the voice, as in en+f2."""
    style = SpeakingStyle(language=language, speed=speed)
    parts = [chunk.samples async for chunk in voice.synthesize(text, style, Caller("test"))]
    return np.concatenate(parts)
