"""A head for a turn model, fitted to turns whose ends are known: the model itself stays as it is.

The head is a logistic regression on what the model's encoder makes of the last moments (`adapters.turn_head`), so that
minutes of speech are enough. It is judged by what the server would do with it: how long finished speakers wait, and
whose pauses are taken, by the sound alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from parley.adapters.turn_head import Head
from parley.audio.pcm import Float32
from parley.errors import UsageError
from parley.models.resolve import HEAD
from parley.train import clips
from parley.train.folder import claim, report, save
from parley.train.turns import LOOKS_S, SHORTEST_PAUSE_S, Silence, Span, silences
from parley.turns.policies.endpointing import POLICY, Evidence, Policy, required_wait_s
from parley.turns.settings import Eagerness, TurnSettings

Array = NDArray[np.float64]
FOLDS = 5
LOOK_TAKES_S = 0.06
REGULARISATION = 0.05
CUT_COUNTS = 0.1
"""Of a silence that was put where somebody speaks, in a fit: it is no pause that anybody made."""
_EAGERNESS: tuple[Eagerness, ...] = ("low", "auto", "high")
_STEP_S = 0.02
Judged = Literal["speakers held out", "speakers left out in turns", "the speakers that it learnt"]


class Base(Protocol):
    """A turn model that a head is fitted to."""

    def look(self, samples: Float32) -> Float32:
        """What the head is to weigh."""

    def judge(self, seen: Float32) -> float:
        """What it makes of that as it is: the probability that the speaker is finished."""


@dataclass(frozen=True, slots=True)
class Axes:
    """Both sides of one trade, at one eagerness."""

    ends: int
    wait_p50_s: float
    wait_p95_s: float
    pauses: int
    """Of 0.25 s and more."""
    taken: int
    """Those in which the turn would have been taken for over."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    turns: int
    speakers: int
    judged_by: Judged
    before: Mapping[str, Axes]
    """By eagerness, with the model as it was."""
    after: Mapping[str, Axes]
    model: Path
    """A folder that the server loads as a turn model."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A silence and whose it is."""

    silence: Silence
    speaker: str
    held_out: bool


class Fitted:
    """One training, in a folder of its own."""

    def __init__(self, base: Base, network: Path, spans: Sequence[Span], output: Path) -> None:
        """`network`: the file of the base, which is copied beside the head.

        Raises `UsageError` where there is nothing to learn from.
        """
        self._base, self._network, self._spans, self._output = base, network, spans, output
        known = [span for span in spans if not span.held_out]
        if not any(span.finished for span in known):
            raise UsageError("nowhere is it known that a speaker has finished: two are to take turns in a recording")
        size = str(network.stat().st_size)
        self._made_of = clips.digest_of(f"{network.name} {size}".encode(), *(span.id.encode() for span in spans))

    def run(self, progress: Callable[[int, int], None]) -> Outcome:
        """Look at every silence, fit, judge, and write the model; `progress` gets how many turns of how many are done.

        What was looked at is kept: killed, the same call goes on. Raises `UsageError` where the folder has a training
        of something else, and `AudioError`.
        """
        claim(self._output, self._made_of)
        found = list(self._looked_at(progress))
        learnt = [known for known in found if not known.held_out]
        if all(known.silence.finished for known in learnt):
            raise UsageError("no speaker pauses anywhere: there is nothing to tell ends from")
        judged_by, parts = _parts(found)
        after, before = np.full((2, len(found), len(LOOKS_S)), np.nan)
        for train, test in parts:
            head = fitted([found[i] for i in np.flatnonzero(train)])
            for index in np.flatnonzero(test):
                after[index] = _verdicts(found[index].silence, head.probability)
                before[index] = _verdicts(found[index].silence, self._base.judge)
        judged = np.any([test for _, test in parts], axis=0)
        chosen = [(known.silence, b, a) for known, b, a, yes in zip(found, before, after, judged, strict=True) if yes]
        outcome = Outcome(
            len(self._spans), len({known.speaker for known in found}), judged_by,
            {name: axes([(s, b) for s, b, _ in chosen], name) for name in _EAGERNESS},
            {name: axes([(s, a) for s, _, a in chosen], name) for name in _EAGERNESS},
            self._export(fitted(learnt)),
        )  # fmt: skip
        report(self._output, outcome)
        return outcome

    def _looked_at(self, progress: Callable[[int, int], None]) -> Iterator[_Known]:
        for done, span in enumerate(self._spans):
            progress(done, len(self._spans))
            path = self._output / "looks" / f"{span.id}.npy"
            if not path.exists():
                save(path, _packed(list(silences(span, self._base.look))))
            for silence in _unpacked(np.load(path)):
                yield _Known(silence, span.speaker, span.held_out)
        progress(len(self._spans), len(self._spans))

    def _export(self, head: Head) -> Path:
        """The network and its head."""
        target = self._output / "model"
        target.mkdir(exist_ok=True)
        shutil.copyfile(self._network, target / self._network.name)
        languages = sorted({span.language for span in self._spans})
        known = msgspec.structs.replace(head, languages=languages)
        clips.replace(target / HEAD, msgspec.json.encode(known))
        return target


def _packed(found: Sequence[Silence]) -> Float32:
    """Shape (silences, looks, 2 + values)."""
    if not found:
        return np.empty((0, len(LOOKS_S), 2), np.float32)
    heads = [np.tile(np.array([s.seconds, s.cut], np.float32), (len(LOOKS_S), 1)) for s in found]
    return np.concatenate([np.array(heads), np.array([s.seen for s in found])], axis=2)


def _unpacked(kept: Float32) -> list[Silence]:
    return [Silence(float(row[0, 0]), row[:, 2:], bool(row[0, 1])) for row in kept]


def _parts(found: Sequence[_Known]) -> tuple[Judged, list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]]:
    """What a head learns and what it is judged by, one pair for each head."""
    held_out = np.array([known.held_out for known in found])
    if (held_out & np.array([not known.silence.cut for known in found])).any():
        return "speakers held out", [(~held_out, held_out)]
    fold = folds([known.speaker for known in found])
    pairs = [(fold != left_out, fold == left_out) for left_out in range(FOLDS)]
    ends = np.array([known.silence.finished for known in found])
    if all(0 < ends[train].sum() < train.sum() for train, test in pairs if test.any()):
        return "speakers left out in turns", [(train, test) for train, test in pairs if test.any()]
    everybody = np.ones(len(found), bool)
    return "the speakers that it learnt", [(everybody, everybody)]


def folds(speakers: Sequence[str]) -> NDArray[np.int64]:
    """A part of `FOLDS` for each of some silences, the same for all of a speaker."""
    names = np.random.default_rng(0).permutation(sorted(set(speakers)))
    fold = {str(name): index % FOLDS for index, name in enumerate(names)}
    return np.array([fold[s] for s in speakers])


def fitted(found: Sequence[_Known]) -> Head:
    """The head for what is seen in some silences."""
    rows, ends, counts = [], [], []
    for known in found:
        for seen in known.silence.seen[~np.isnan(known.silence.seen[:, 0])]:
            rows.append(seen)
            ends.append(float(known.silence.finished))
            counts.append(CUT_COUNTS if known.silence.cut else 1.0)
    weights, bias = regression(np.array(rows, np.float64), np.array(ends), np.array(counts), REGULARISATION)
    return Head(round(bias, 4), [float(f"{weight:.4g}") for weight in weights])


def regression(rows: Array, yes: Array, counts: Array, regularisation: float) -> tuple[Array, float]:
    """Logistic regression with a ridge on standardised columns, by Newton's method: the columns' weights, a bias."""
    middle, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    table = np.c_[np.ones(len(rows)), (rows - middle) / spread]
    share = counts / counts.sum()
    penalty = 2 * regularisation * np.diag([0.0, *np.ones(rows.shape[1])])
    weights = np.zeros(table.shape[1])
    for _ in range(30):
        likely = 1 / (1 + np.exp(-np.clip(table @ weights, -30, 30)))
        slope = table.T @ (share * (likely - yes)) + penalty @ weights
        curve = (table * (share * likely * (1 - likely))[:, None]).T @ table + penalty
        step = np.linalg.solve(curve + 1e-9 * np.eye(len(curve)), slope)
        weights -= step
        if np.abs(step).max() < 1e-6:
            break
    scaled = weights[1:] / spread
    return scaled, float(weights[0] - scaled @ middle)


def _verdicts(silence: Silence, judge: Callable[[Float32], float]) -> list[float]:
    return [float("nan") if np.isnan(seen[0]) else judge(seen) for seen in silence.seen]


def axes(found: Sequence[tuple[Silence, Sequence[float] | Array]], eagerness: Eagerness) -> Axes:
    """What the server would do, by verdicts on each silence at `LOOKS_S`."""
    settings = replace(TurnSettings(), eagerness=eagerness)
    waits, pauses = [], []
    for silence, verdicts in found:
        if silence.cut or (not silence.finished and silence.seconds < SHORTEST_PAUSE_S):
            continue
        wait = wait_s(lambda at, given=verdicts: Evidence(_latest(given, at)), settings)  # type: ignore[misc]
        if silence.finished:
            waits.append(wait)
        else:
            pauses.append(wait < silence.seconds)
    p50, p95 = np.percentile(waits, (50, 95)) if waits else (float("nan"),) * 2
    return Axes(len(waits), round(float(p50), 3), round(float(p95), 3), len(pauses), sum(pauses))


def _latest(verdicts: Sequence[float] | Array, at_s: float) -> float | None:
    """The last one that is there so long after the last voice."""
    known = [v for looked, v in zip(LOOKS_S, verdicts, strict=True) if looked + LOOK_TAKES_S <= at_s + 1e-9]
    return next((float(v) for v in reversed(known) if not np.isnan(v)), None)


def wait_s(
    evidence: Callable[[float], Evidence], settings: TurnSettings, policy: Policy = POLICY, since_s: float = 0.15
) -> float:
    """When a turn would be over: evidence arrives at its times, the wait is looked at all along."""
    at_s = since_s
    while required_wait_s(evidence(at_s), settings, policy) > at_s + 1e-9:
        at_s += _STEP_S
    return at_s
