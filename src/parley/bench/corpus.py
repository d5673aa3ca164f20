"""The sounds that simulated calls are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from parley.audio import files
from parley.audio.pcm import Float32, to_int16
from parley.bench import sound
from parley.bench.scenario import ClipEntry
from parley.client.audibility import speech_starts_s
from parley.client.connection import RATE_HZ


class Materials:
    """The sounds that cases are made of. `say` gives the injected voice's words (float, 24 kHz)."""

    def __init__(
        self,
        folder: Path | None,
        entries: Sequence[ClipEntry],
        say: Callable[[str], Float32] | None,
        clips: Mapping[str, Float32] | None = None,
    ) -> None:
        """Recordings are read from `folder` unless they are given as `clips` (by file, 24 kHz)."""
        self.entries = list(entries)
        self._say = say
        self._clips: dict[str, Float32] = dict(clips or {})
        self._folder = folder
        self.borders: dict[str, list[float]] = {}
        """Places for pauses inside sentences, by file; set by who has a recogniser, else gaps are taken."""
        self.interruptions = [e for e in entries if e.language == "en" and self._begins_with_voice(e)]

    def clip(self, entry: ClipEntry) -> Float32:
        """A recording at 24 kHz."""
        if entry.file not in self._clips:
            assert self._folder is not None
            self._clips[entry.file] = files.read_float(self._folder / entry.file, RATE_HZ)
        return self._clips[entry.file]

    def seconds(self, entry: ClipEntry) -> float:
        """Its length."""
        return len(self.clip(entry)) / RATE_HZ

    def words(self, text: str) -> Float32:
        """Words in the injected voice."""
        if self._say is None:
            raise ValueError("the scenario needs a voice")
        if text not in self._clips:
            self._clips[text] = self._say(text)
        return self._clips[text]

    def _begins_with_voice(self, entry: ClipEntry) -> bool:
        """Short enough to talk into an answer, and without noise before the first word."""
        audio = self.clip(entry)
        starts = speech_starts_s(to_int16(audio), RATE_HZ)
        return (
            len(audio) < 6 * RATE_HZ and starts is not None and sound.level_dbfs(audio[: int(starts * RATE_HZ)]) < -50
        )

    def noise(self, kind: sound.NoiseKind, seconds: float, rng: np.random.Generator) -> Float32:
        """A generated noise."""
        voices = [self.clip(e) for e in self.entries[:8]] if kind == "babble" else []
        return sound.noise(kind, seconds, RATE_HZ, rng, voices)
