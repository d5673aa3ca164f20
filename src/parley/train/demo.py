"""A corpus of known truth, and how much of it the steps find again.

espeak-ng speaks, with the voices of several people; a tape that runs faster or slower makes further people of them.
Into some recordings come noise, music and people who speak at once; some are copies. All from a seed.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, cycle
from pathlib import Path

import msgspec
import numpy as np

from parley.adapters.espeak import Espeak
from parley.audio import files
from parley.audio.pcm import Float32, to_float, to_int16
from parley.audio.resample import resample
from parley.bench import sound
from parley.client.word_errors import distance
from parley.errors import UsageError
from parley.models.interfaces import Caller, SpeakingStyle
from parley.train import clips
from parley.train.clips import Clip
from parley.train.duplicates import COPY
from parley.train.report import Report
from parley.train.settings import Filter, Settings, Transcribe
from parley.train.sources import COLUMNS

_SPEAKERS = {
    "anna": ("en+f2", 1.1),
    "ben": ("en+m3", 0.9),
    "carl": ("en", 1.0),
    "dora": ("en+f4", 1.15),
    "emil": ("en+m7", 0.85),
}
"""Each one's voice of espeak-ng, and how fast the tape runs."""
_KINDS = ("plain", "dialogue", "noisy", "plain", "music", "overlap", "dialogue", "copy")
GOOD = ("plain", "dialogue")
_WITH = {"noisy": "noise", "music": "music", "overlap": "two voices"}
BAD = tuple(_WITH)
_OURS = re.compile(rf"\d{{5}}-({'|'.join(_KINDS)})\.wav")
_COPY_RATE_HZ = 16000
_UTTERANCES = 3
_SPEECH_DBFS, _ROOM_DBFS, _NOISE_DBFS = -23.0, -65.0, -26.0
_LOUD = 0.01
"""Above it espeak-ng speaks, between silences at both ends."""
_TRUTH = "truth.jsonl"
_FOUND_FROM = 0.5
SETTINGS = Settings(
    transcribe=Transcribe(models=("whisper-base", "moonshine-tiny-en")), filter=Filter(least_agreement=0.7)
)
"""Recognisers understand a robot less well than people, and disagree sooner."""
_WHO = ("The teacher", "My mother", "An old sailor", "The doctor", "Our captain", "The young farmer", "Her brother")
_DOES = ("has painted", "will repair", "cannot find", "remembers", "wants to sell", "has forgotten", "is looking for")
_WHAT = (
    "the old house",
    "a green bicycle",
    "the garden gate",
    "seven yellow chairs",
    "a box of apples",
    "the red piano",
)
_WHEN = ("this morning", "before winter", "without any help", "near the station", "after dinner", "on the island")


@dataclass(frozen=True, slots=True)
class Said:
    """One utterance of the corpus."""

    audio: str
    """Name of the recording."""
    kind: str
    speaker: str
    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Score:
    """One figure, and the bound that it is to reach."""

    name: str
    value: float
    bound: float
    at_most: bool = False

    @property
    def reached(self) -> bool:
        """Whether it is as good as it is to be."""
        return self.value <= self.bound if self.at_most else self.value >= self.bound


def make(folder: Path, minutes: float, seed: int = 1) -> tuple[Path, list[Said]]:
    """Write at least `minutes` of recordings and their source list; returns the list and the truth. What is there from
    the same minutes and seed is taken; raises `UsageError` where something else is."""
    sources, made_of = folder / "sources.csv", f"{minutes} minutes, seed {seed}"
    try:
        told, truth = msgspec.json.decode((folder / _TRUTH).read_bytes(), type=tuple[str, list[Said]])
        if told == made_of:
            return sources, truth
    except (FileNotFoundError, msgspec.MsgspecError):
        pass
    sounds = folder / "sounds"
    sounds.mkdir(parents=True, exist_ok=True)
    old = list(sounds.iterdir())
    if foreign := next((path for path in old if not _OURS.fullmatch(path.name)), None):
        raise UsageError(f"{foreign}: is no recording of the demo, which would be put beside it; name another folder")
    for path in old:
        path.unlink()
    truth = list(_Corpus(sounds, seed).recordings(minutes * 60))
    sources.write_text(f"{','.join(COLUMNS)}\nsounds,CC0-1.0,synthetic,en,\n", encoding="utf-8")
    clips.replace(folder / _TRUTH, msgspec.json.encode((made_of, truth)))
    return sources, truth


class _Corpus:
    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._random = np.random.default_rng(seed)
        self._voice = Espeak()
        self._rate_hz = self._voice.rate_hz
        self._texts = self._sentences()

    def _sentences(self) -> Iterator[str]:
        """Each one once, as long as there are any."""
        every = [f"{a} {b} {c} {d}." for a in _WHO for b in _DOES for c in _WHAT for d in _WHEN]
        return cycle(every[i] for i in self._random.permutation(len(every)))

    def recordings(self, seconds: float) -> Iterator[Said]:
        """Write them, whole rounds of kinds, and give what is said in them."""
        done, number, plain = 0.0, 0, np.empty(0, np.float32)
        original: list[Said] = []
        while done < seconds:
            for kind in _KINDS:
                name = f"{number:05}-{kind}.wav"
                if kind == "copy":
                    told = [Said(name, kind, s.speaker, s.start_s, s.end_s, s.text) for s in original]
                    mixed, rate_hz = resample(plain * np.float32(0.5), self._rate_hz, _COPY_RATE_HZ), _COPY_RATE_HZ
                else:
                    (mixed, told), rate_hz = self._recording(name, kind), self._rate_hz
                if kind == "plain":
                    plain, original = mixed, told
                files.write(self._folder / name, to_int16(mixed), rate_hz)
                yield from told
                done += len(mixed) / rate_hz
                number += 1
        self._voice.close()

    def _recording(self, name: str, kind: str) -> tuple[Float32, list[Said]]:
        people = [list(_SPEAKERS)[i] for i in self._random.permutation(len(_SPEAKERS))]
        parts, told, at = [self._pause()], [], 0
        for number in range(_UTTERANCES):
            at = sum(map(len, parts))
            who = people[number % 2 if kind == "dialogue" else 0]
            speech, text = self._speech(who), self._last
            if kind == "overlap":
                speech = _together(speech, self._speech(people[1]), round(0.3 * self._rate_hz))
            told.append(
                Said(name, kind, who, round(at / self._rate_hz, 3), round((at + len(speech)) / self._rate_hz, 3), text)
            )
            parts += [speech, self._pause()]
        mixed = np.concatenate(parts)
        return (mixed + self._behind(kind, len(mixed))).astype(np.float32), told

    def _speech(self, who: str) -> Float32:
        """The next sentence, without the silence around it; `_last` is its text."""
        voice, speed = _SPEAKERS[who]
        self._last = next(self._texts)
        spoken = to_float(asyncio.run(self._say(voice)))
        loud = np.flatnonzero(np.abs(spoken) > _LOUD)
        return sound.at_level(sound.faster(spoken[loud[0] : loud[-1]], self._rate_hz, speed), _SPEECH_DBFS)

    async def _say(self, voice: str) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
        style = SpeakingStyle(language=voice)
        return np.concatenate([c.samples async for c in self._voice.synthesize(self._last, style, Caller("train"))])

    def _pause(self) -> Float32:
        return np.zeros(round(self._random.uniform(1.3, 2.2) * self._rate_hz), np.float32)

    def _behind(self, kind: str, count: int) -> Float32:
        """What is heard behind the voices."""
        if kind == "music":
            return sound.at_level(_music(count, self._rate_hz, self._random), _NOISE_DBFS)
        noise = sound.noise(
            "street" if kind == "noisy" else "room", count / self._rate_hz, self._rate_hz, self._random, ()
        )
        return sound.at_level(np.resize(noise, count), _NOISE_DBFS if kind == "noisy" else _ROOM_DBFS)


def _together(one: Float32, other: Float32, later: int) -> Float32:
    both = np.zeros(max(len(one), later + len(other)), np.float32)
    both[: len(one)] += one
    both[later : later + len(other)] += other
    return both


def _music(count: int, rate_hz: int, random: np.random.Generator) -> Float32:
    """Chords of three plucked strings, two a second."""
    total, length = np.zeros(count, np.float32), rate_hz // 2
    t = np.arange(length) / rate_hz
    for at in range(0, count, length):
        root = 110 * 2 ** (random.integers(0, 24) / 12)
        chord = sum(
            np.sin(2 * np.pi * root * third * over * t) / over for third in (1, 1.26, 1.5) for over in range(1, 6)
        ) * np.exp(-3 * t)
        total[at : at + length] += chord[: count - at].astype(np.float32)
    return total


def scores(found: Report, truth: Sequence[Said]) -> list[Score]:
    """How much of the truth was found, in a folder whose last run had all steps."""
    of_recording = defaultdict[str, list[Clip]](list)
    for clip in found.clips:
        of_recording[Path(clip.audio).name].append(clip)
    pairs = [(said, max(of_recording[said.audio], key=partial(_overlap, said), default=None)) for said in truth]
    good = [(said, clip, _overlap(said, clip)) for said, clip in pairs if said.kind in GOOD]
    kept = [(said, clip) for said, clip, common in good if clip is not None and common > 0 and not clip.refused]
    texts = {said.text for said, _ in kept}
    errors, count = np.sum([distance(said.text, clip.text) for said, clip in kept] or [(0, 0)], axis=0)
    recall, precision = _same_speaker(kept)
    refused = {kind: [bool(clip.refused) for clip in found.clips if clip.audio.endswith(f"{kind}.wav")] for kind in BAD}
    again = [clip for said, clip in pairs if clip is not None and said.kind == "copy" and said.text in texts]
    copies = [_is_copy(clip) for clip in again if _is_copy(clip) or not clip.refused]
    return [
        Score("utterances found (IoU of 0.5 or more)", _share(common >= _FOUND_FROM for *_, common in good), 0.95),
        Score("mean IoU of utterances", float(np.mean([common for *_, common in good])), 0.75),
        Score("good utterances kept", len(kept) / max(1, len(good)), 0.7),
        Score("word errors of what is kept", float(errors / max(1, count)), 0.2, at_most=True),
        Score("pairs of clips of one speaker that are named so", recall, 0.9),
        Score("pairs of clips named one speaker that are one", precision, 0.9),
        *(Score(f"clips with {_WITH[kind]} refused", _share(each), 0.9) for kind, each in refused.items()),
        Score("copies that would be kept refused as such", _share(copies), 0.9),
    ]


def _overlap(said: Said, clip: Clip | None) -> float:
    """Intersection over union of their times."""
    if clip is None:
        return 0.0
    common = min(clip.end_s, said.end_s) - max(clip.start_s, said.start_s)
    return max(0.0, common) / (max(clip.end_s, said.end_s) - min(clip.start_s, said.start_s))


def _is_copy(clip: Clip) -> bool:
    return any(why.startswith(COPY) for why in clip.refused)


def _same_speaker(kept: Sequence[tuple[Said, Clip]]) -> tuple[float, float]:
    """Recall and precision of "these two are one speaker", over all pairs."""
    pairs = [(a.speaker == b.speaker, x.speaker == y.speaker) for (a, x), (b, y) in combinations(kept, 2)]
    return _share(named for true, named in pairs if true), _share(true for true, named in pairs if named)


def _share(of: Iterable[bool]) -> float:
    """Of what is true; 1 of nothing."""
    found = list(of)
    return sum(found) / len(found) if found else 1.0
