"""Turns of which it is known where their speakers paused and had finished, and what a turn model sees of them.

They come from recordings with labels, as ``parley bench --labelled`` takes them, or from a data set: there a turn is
over where somebody else speaks next, and every silence inside it was none of an end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np

from parley.audio import files
from parley.audio.pcm import Float32, to_int16
from parley.bench import labelled
from parley.client.audibility import stretches as runs
from parley.client.audibility import voiced_hops
from parley.models.interfaces import MODEL_RATE_HZ
from parley.train import dialogues
from parley.train.clips import Clip, digest_of
from parley.train.speakers import HELD_OUT
from parley.turns.settings import TurnSettings

LOOKS_S = TurnSettings().score_at_s
"""Silence at which the server asks a turn model."""
SHORTEST_PAUSE_S = 0.25
_PRE_ROLL_S = 0.3
_ROOM_S = max(LOOKS_S) + 0.1
_CUTS = 2
"""Moments in a turn at which its speaker is cut off: he had not finished, which a model is to hear as well."""
_CUT_FADE_S = 0.02
_UNKNOWN = "unknown"
Look = Callable[[Float32], Float32]
"""What a model makes of a turn so far (16 kHz)."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a turn is in a recording; times in its seconds."""

    audio: Path
    begin_s: float
    end_s: float
    """Of its last voiced sound, where it is `finished`."""
    pauses: tuple[tuple[float, float], ...] | None
    """None: wherever nothing is voiced."""
    finished: bool
    """Whether it is over at its end; else nobody knows how it went on."""
    speaker: str
    language: str
    held_out: bool = False

    @property
    def id(self) -> str:
        """The same for the same turn of the same file."""
        told = self.audio.stat()
        known = (str(self.audio), self.begin_s, self.end_s, self.pauses, self.finished, told.st_size, told.st_mtime_ns)
        return digest_of(repr(known).encode())[:16]


def of_labels(folder: Path) -> list[Span]:
    """Those of a folder of labelled recordings; raises `UsageError`. Silences of unknown kind are left out."""
    found = []
    for entry in labelled.manifest(folder):
        kinds = entry.pause_kinds or [""] * len(entry.pauses)
        pauses = [pause for kind, pause in zip(kinds, entry.pauses, strict=True) if kind != _UNKNOWN]
        of = folder / entry.file, entry.speaker, entry.language
        for begin, end in entry.turns:
            inside = tuple(pause for pause in pauses if begin <= pause[0] and pause[1] <= end)
            pauses = [pause for pause in pauses if pause not in inside]
            found.append(_span(*of, begin, end, inside, finished=True))
        if pauses:
            begins = max((end for _, end in entry.turns if end <= pauses[0][0]), default=0.0)
            found.append(_span(*of, begins, pauses[-1][1], tuple(pauses), finished=False))
    return found


def _span(
    audio: Path, speaker: str, language: str, begin: float, end: float, pauses: tuple[tuple[float, float], ...], *,
    finished: bool,
) -> Span:  # fmt: skip
    return Span(audio, begin, end, pauses, finished, speaker, language)


def of_clips(found: Sequence[Clip]) -> list[Span]:
    """Those of a data set (refused clips among them), in which two speakers take turns."""
    spans = []
    for stretch in dialogues.stretches(found):
        turns = [list(clips) for _, clips in groupby(stretch, key=lambda clip: clip.speaker)]
        for number, turn in enumerate(turns):
            first, last = turn[0], turn[-1]
            spans.append(
                Span(
                    Path(first.audio), first.start_s, last.end_s, None, number + 1 < len(turns), first.speaker,
                    first.language, first.split == HELD_OUT,
                )
            )  # fmt: skip
    return spans


@dataclass(frozen=True, slots=True)
class Silence:
    """One silence of a turn, and what a model sees in it."""

    seconds: float
    """Until the speaker goes on; infinite where he has finished."""
    seen: Float32
    """Shape (looks, values): at each of `LOOKS_S`; not a number where he has gone on before."""
    cut: bool = False
    """Whether it was put where somebody speaks."""

    @property
    def finished(self) -> bool:
        """Whether it is the end of a turn."""
        return bool(np.isinf(self.seconds))


def silences(span: Span, look: Look) -> Iterator[Silence]:
    """All silences of a turn; raises `AudioError`."""
    sound, offset = _sound(span)
    random = np.random.default_rng(int(span.id, 16))
    room = room_of(sound, _ROOM_S, random)
    voiced = runs(voiced_hops(to_int16(sound), MODEL_RATE_HZ), SHORTEST_PAUSE_S * 100)
    if span.pauses is None:
        pauses = [((a + 1) / 100, b / 100) for (_, a), (b, _) in pairwise(voiced)]
        end = (voiced[-1][1] + 1) / 100 if voiced else 0.0
    else:
        pauses = [(a - offset, b - offset) for a, b in span.pauses]
        end = span.end_s - offset
    for begin, until in pauses:
        yield Silence(until - begin, seen_at(look, LOOKS_S, sound, begin, until - begin))
    if span.finished and end > 0:
        over = np.concatenate([sound[: round(end * MODEL_RATE_HZ)], room])
        yield Silence(np.inf, seen_at(look, LOOKS_S, over, end, None))
    for at in inside_speech_s(0.0, end, pauses, random):
        whole = np.concatenate([cut_off(sound, at), room])
        yield Silence(max(LOOKS_S), seen_at(look, LOOKS_S, whole, at, None), cut=True)


def _sound(span: Span) -> tuple[Float32, float]:
    """From shortly before its first word, and where in the recording that is, seconds."""
    begin = max(0.0, span.begin_s - _PRE_ROLL_S)
    return recording(span.audio)[round(begin * MODEL_RATE_HZ) : round(span.end_s * MODEL_RATE_HZ)], begin


@lru_cache(maxsize=1)
def recording(path: Path) -> Float32:
    """Decoded whole, at the models' rate; the turns of one recording follow each other, so the last one is kept."""
    return files.read_float(path, MODEL_RATE_HZ)


def room_of(sound: Float32, seconds: float, random: np.random.Generator) -> Float32:
    """What is heard behind a recording that is cut off: noise as loud as its quiet moments."""
    hop = MODEL_RATE_HZ // 100
    hops = sound[: len(sound) // hop * hop].reshape(-1, hop)
    level = np.percentile(np.sqrt(np.mean(np.square(hops), axis=1) + 1e-12), 5) if len(hops) else 0.0
    noise = random.standard_normal(round(seconds * MODEL_RATE_HZ)) * max(float(level), 1e-5)
    return noise.astype(np.float32)


def cut_off(sound: Float32, at_s: float) -> Float32:
    """The sound until a moment, faded out."""
    kept, fade = sound[: round(at_s * MODEL_RATE_HZ)].copy(), round(_CUT_FADE_S * MODEL_RATE_HZ)
    kept[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return kept


def inside_speech_s(
    begin: float, end: float, pauses: Sequence[tuple[float, float]], random: np.random.Generator
) -> list[float]:
    """Moments in which a speaker is in the middle of something, seconds."""
    if end - begin < 1.0:
        return []
    moments = random.uniform(begin + 0.4, end - 0.35, 6 * _CUTS)
    return [at for at in moments.tolist() if not any(a - 0.25 <= at <= b + 0.3 for a, b in pauses)][:_CUTS]


def seen_at(look: Look, silences_s: Sequence[float], sound: Float32, at: float, seconds: float | None) -> Float32:
    """What a model makes of a silence that begins `at`, after each of some times, shape (times, values); NaN for those
    that are not reached. The first always is. `seconds`: until the speaker goes on; None: he does not."""
    rows: list[Float32 | None] = []
    for index, silence_s in enumerate(silences_s):
        reached = seconds is None or silence_s <= seconds or index == 0
        rows.append(look(sound[: round((at + silence_s) * MODEL_RATE_HZ)]) if reached else None)
    nothing = np.full_like(rows[0], np.nan)
    found: Float32 = np.array([nothing if row is None else row for row in rows])
    return found
