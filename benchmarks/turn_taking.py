"""What tells a pause from an end: gathers evidence from labelled recordings, fits the model of going on, judges it.

    python -m benchmarks.turn_taking gather TURNS evidence.npz
    python -m benchmarks.turn_taking judge evidence.npz
    python -m benchmarks.turn_taking fit evidence.npz --write
    python -m benchmarks.turn_taking curve evidence.npz docs/images/waits-and-pauses.svg

TURNS is a folder as `parley bench --labelled` takes it. Of every labelled silence it is written down what the
recogniser, its encoder, the sentence model and the turn model's encoder make of the turn until there, at the silences
at which the server asks them. `judge` says what the policy (`turns.policies.endpointing`) as it stands makes of that,
once with the recogniser as the judge of the sound, once with the turn model and the sentence model. `fit` fits the
heads of both encoders and the policy's weights: in five rounds on four fifths of the speakers, with figures on those
that were left out, then on all. `curve` draws what other prices than the shipped ones would come to.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import typer
from numpy.typing import NDArray
from rich.progress import track

from parley.adapters import turn_head
from parley.adapters.turn_head import head_of, probability_of
from parley.audio import files
from parley.audio.pcm import Float32
from parley.bench import plots
from parley.bench.curve import LENGTHS_S
from parley.bench.labelled import manifest
from parley.cli import local
from parley.conversation.offline import transcribe_utterance
from parley.models.interfaces import MODEL_RATE_HZ, Caller
from parley.models.plugins import close
from parley.train.turn_heads import CUT_COUNTS, FOLDS, LOOK_TAKES_S, REGULARISATION, folds, regression, wait_s
from parley.train.turns import LOOKS_S, Look, cut_off, inside_speech_s, room_of, seen_at
from parley.turns.policies import endpointing
from parley.turns.policies.endpointing import Evidence, Policy, Source, Weights, features
from parley.turns.settings import Eagerness, TurnSettings

app = typer.Typer(help=__doc__)
Array = NDArray[np.float64]
SETTINGS = TurnSettings()
_HEARD_S = (0.06, 0.12, 0.2)
"""What the recogniser has heard of a silence when it is asked: not always as much."""
_HEARD_MOSTLY = 1
_PRE_ROLL_S, _POST_ROLL_S = 0.3, 0.12
_SETTLES_AFTER_S = 2.5
"""Speech behind which the recogniser hears what follows by itself."""
_AT_END_S = 2.5
_STEP_S = 0.05
_UNTIL_S = 1.6
_HEAD_REGULARISATION: dict[Source, float] = {"turn_model": REGULARISATION, "recogniser": 0.2}
_REGULARISATION = 0.001
_MODELS: dict[Source, str] = {"turn_model": "smart-turn-v3", "recogniser": "moonshine-tiny-en"}
_CUT = "cut"
"""Kind of a silence that was put where somebody speaks: the turn model's head learns from it that this is no end."""
_SHARE_OF_KIND = {"list": 0.5, _CUT: CUT_COUNTS}
"""Pauses between digits and letters are many in these recordings, and few in what people say."""
_CALLER = Caller("bench")
_PRICES = (0.08, 0.12, 0.16, 0.2, 0.26, 0.32, 0.38, 0.44, 0.5)
_WEIGHED = ("sound", "words", "comma", "question", "trailing", "unclosed")


@dataclass(frozen=True, slots=True)
class Silence:
    """A labelled silence and what is known in it."""

    file: str
    of: str
    """Kind of the recording."""
    speaker: str
    kind: str
    seconds: float | None
    """None: the turn's end."""
    words: str
    ends: float
    """The sentence model's probability."""

    @property
    def counts(self) -> float:
        """In a fit."""
        return _SHARE_OF_KIND.get(self.kind, 1.0)


@app.command()
def gather(turns: Path, target: Path) -> None:
    """Ask the models about every labelled silence (half an hour on two cores)."""
    silences, seen = asyncio.run(_gather(turns))
    halved: dict[str, Any] = {source: rows.astype(np.float16) for source, rows in seen.items()}
    np.savez_compressed(target, silences=json.dumps([asdict(s) for s in silences]), **halved)
    typer.echo(f"{len(silences)} silences")


async def _gather(folder: Path) -> tuple[list[Silence], dict[str, NDArray[np.float32]]]:
    ears = await local.load_model("moonshine-tiny-en", "asr", quiet=True)
    turn_model = await local.load_model("smart-turn-v3", "end_of_turn", quiet=True)
    judge_of_words = await local.load_model("smollm2-135m", "llm", quiet=True, family="sentence-end")
    found: list[Silence] = []
    looks: list[NDArray[np.float32]] = []
    heard: list[NDArray[np.float32]] = []
    rng = np.random.default_rng(1)
    for entry in track([e for e in manifest(folder) if e.language == "en"], "asking"):
        recording = files.read_float(folder / entry.file, MODEL_RATE_HZ)
        room = room_of(recording, _AT_END_S, rng)
        sound = np.concatenate([recording, room])
        begin = max(0.0, (entry.turns[0][0] if entry.turns else 0.0) - _PRE_ROLL_S)
        spoken_s = (entry.turns[0][0], entry.turns[-1][1]) if entry.turns else (0.0, 0.0)
        for at in inside_speech_s(*spoken_s, entry.pauses, rng):
            whole = np.concatenate([cut_off(sound, at), room])
            found.append(Silence(entry.file, entry.kind, entry.speaker, _CUT, LOOKS_S[-1] - 0.01, "", 0.0))
            looks.append(_seen(turn_model.look, LOOKS_S, whole, begin, at, found[-1].seconds))
            heard.append(_seen(ears.look, _HEARD_S, whole, begin, at, found[-1].seconds))
        settled = begin
        for kind, at, until in sorted(entry.silences, key=lambda silence: silence[1]):
            cut = sound[round(begin * MODEL_RATE_HZ) : round((at + _POST_ROLL_S) * MODEL_RATE_HZ)]
            words = (await transcribe_utterance(ears, cut, "en", _CALLER)).text
            if kind == "unknown" or not words:
                continue
            ends = await judge_of_words.probability(words, _CALLER, entry.context or "")
            seconds = None if until is None or kind == "end" else round(until - at, 3)
            found.append(Silence(entry.file, entry.kind, entry.speaker, kind, seconds, words, ends))
            looks.append(_seen(turn_model.look, LOOKS_S, sound, begin, at, seconds))
            heard.append(_seen(ears.look, _HEARD_S, sound, settled, at, seconds))
            if at + _POST_ROLL_S - settled >= _SETTLES_AFTER_S:
                settled = at + _POST_ROLL_S
    for model in (ears, turn_model, judge_of_words):
        await close(model)
    return found, {"turn_model": np.array(looks), "recogniser": np.array(heard)}


def _seen(
    look: Look, silences_s: Sequence[float], sound: Float32, begin: float, at: float, seconds: float | None
) -> Float32:
    """What an encoder says at each silence that is reached, of the turn from `begin` on; NaN for the others."""
    return seen_at(look, silences_s, sound[round(begin * MODEL_RATE_HZ) :], at - begin, seconds)


@app.command()
def judge(evidence: Path, eagerness: Annotated[str, typer.Option()] = "low,auto,high") -> None:
    """Say what the policy as it stands makes of the evidence, which may be what it was fitted on."""
    silences, seen = _read(evidence)
    for source, rows in seen.items():
        head = head_of(_MODELS[source])
        assert head is not None
        scores = rows @ np.array(head.weights) + head.bias
        for name in eagerness.split(","):
            waits = _waits_s(silences, scores, source, name, [endpointing.POLICY] * len(silences))
            typer.echo(json.dumps({"by": source, "eagerness": name, **_figures(silences, waits)}))


@app.command()
def fit(
    evidence: Path,
    write: Annotated[bool, typer.Option(help="Write what was fitted on all speakers into the package")] = False,
) -> None:
    """Fit on some speakers and tell the figures on the others; then on all."""
    silences, seen = _read(evidence)
    policy = endpointing.POLICY
    for source, rows in seen.items():
        scores, policies = _left_out(silences, rows, source)
        for name in policy.patience:
            waits = _waits_s(silences, scores, source, name, policies)
            told = {"on speakers left out, by": source, "eagerness": name}
            typer.echo(json.dumps({**told, **_figures(silences, waits)}))
        everybody = np.ones(len(silences), bool)
        weights, bias = _head(silences, rows, everybody, source)
        policy = with_weights(policy, source, _weights(silences, scores, everybody, source))
        typer.echo(json.dumps({"weights": msgspec.to_builtins(policy.weights[source])}))
        if write:
            _write_head(_MODELS[source], weights, bias)
    if write:
        _write_weights(policy)


@app.command()
def curve(evidence: Path, target: Path) -> None:
    """Draw waits at true ends against pauses taken inside sentences, on speakers left out, at several prices."""
    silences, seen = _read(evidence)
    names = {"recogniser": "the recogniser", "turn_model": "smart-turn, words"}
    lines = []
    for source, rows in seen.items():
        scores, policies = _left_out(silences, rows, source)
        points = []
        for price in _PRICES:
            patience = msgspec.structs.replace(endpointing.POLICY.patience["auto"], goes_on=price)
            dearer = [msgspec.structs.replace(p, patience={**p.patience, "auto": patience}) for p in policies]
            found = _figures(silences, _waits_s(silences, scores, source, "auto", dearer))
            count, of = found["taken"]["mid 0.25-1"]
            points.append((100 * count / of, 1000 * found["ends"]["mean"]))
            typer.echo(json.dumps({"by": source, "goes_on": price, **found}))
        lines.append((names[source], sorted(points)))
    across = "% of pauses of 0.25 to 1 s inside sentences that are taken for an end"
    figure = plots.lines("How long a finished speaker waits, in the mean", lines, "ms", across)
    target.write_text(plots.picture(figure), encoding="utf-8")


def _left_out(silences: Sequence[Silence], rows: Array, source: Source) -> tuple[Array, list[Policy]]:
    """Of each silence, scores by a head and the policy that do not know its speaker."""
    fold = folds([s.speaker for s in silences])
    scores = np.empty(rows.shape[:2])
    policies = [endpointing.POLICY] * len(silences)
    for left_out in range(FOLDS):
        train, test = fold != left_out, fold == left_out
        weights, bias = _head(silences, rows, train, source)
        scores[test] = rows[test] @ weights + bias
        known = _unknown_speakers(silences, rows, train, source)
        fitted = with_weights(endpointing.POLICY, source, _weights(silences, known, train, source))
        for index in np.flatnonzero(test).tolist():
            policies[index] = fitted
    return scores, policies


def _waits_s(
    silences: Sequence[Silence], scores: Array, source: Source, eagerness: str, policies: Sequence[Policy]
) -> list[float]:
    return [
        _wait_s(silence, row, source, eagerness, policy)  # type: ignore[arg-type]
        for silence, row, policy in zip(silences, scores, policies, strict=True)
    ]


def _read(path: Path) -> tuple[list[Silence], dict[Source, Array]]:
    with np.load(path) as found:
        silences = [Silence(**s) for s in json.loads(str(found["silences"]))]
        return silences, {source: found[source].astype(np.float64) for source in _MODELS}


def _head(silences: Sequence[Silence], looks: Array, chosen: NDArray[np.bool_], source: Source) -> tuple[Array, float]:
    """Weights and bias of the log-odds that the speaker is finished, from all looks at the chosen silences."""
    rows, ends, counts = [], [], []
    for index in np.flatnonzero(chosen).tolist():
        for look in looks[index][~np.isnan(looks[index, :, 0])]:
            rows.append(look)
            ends.append(float(silences[index].seconds is None))
            counts.append(silences[index].counts)
    return regression(np.array(rows), np.array(ends), np.array(counts), _HEAD_REGULARISATION[source])


def _unknown_speakers(silences: Sequence[Silence], looks: Array, chosen: NDArray[np.bool_], source: Source) -> Array:
    """Scores of the chosen silences by heads that do not know their speakers, as they will not know others."""
    fold = folds([s.speaker for s in silences])
    scores = np.full(looks.shape[:2], np.nan)
    for part in set(fold[chosen].tolist()):
        weights, bias = _head(silences, looks, chosen & (fold != part), source)
        of = chosen & (fold == part)
        scores[of] = looks[of] @ weights + bias
    return scores


def _weights(silences: Sequence[Silence], scores: Array, chosen: NDArray[np.bool_], source: Source) -> Weights:
    """Of the log-odds of going on: a row for every moment of a silence that somebody might still end."""
    rows, goes_on, counts = [], [], []
    for index in np.flatnonzero(chosen).tolist():
        silence = silences[index]
        if silence.kind == _CUT:
            continue
        until = _UNTIL_S if silence.seconds is None else min(silence.seconds, _UNTIL_S)
        for at in np.arange(_STEP_S * 4, until + 1e-9, _STEP_S):
            evidence = _evidence(silence, scores[index], source, float(at))
            known = features(evidence, "en", endpointing.POLICY.weights[source])
            rows.append([*(known[name] for name in _WEIGHED), at, at * at])
            goes_on.append(float(silence.seconds is not None))
            counts.append(silence.counts)
    table = np.array(rows)
    weights, bias = regression(table, np.array(goes_on), np.array(counts), _REGULARISATION)
    named = dict(zip((*_WEIGHED, "silence", "silence_squared"), (round(float(w), 4) for w in weights), strict=True))
    middle = table[:, :2].mean(axis=0)
    return Weights(
        bias=round(bias, 4), no_sound=round(float(middle[0]), 2), no_words=round(float(middle[1]), 2), **named
    )


def with_weights(policy: Policy, source: Source, weights: Weights) -> Policy:
    """The policy with other weights for one judge of the sound."""
    return msgspec.structs.replace(policy, weights={**policy.weights, source: weights})


def _evidence(silence: Silence, scores: Array, source: Source, at_s: float) -> Evidence:
    """What is known so long after the last voice."""
    if source == "recogniser":
        return Evidence(transcript=silence.words, heard_finished=probability_of(scores[_HEARD_MOSTLY]))
    seen = [score for looked, score in zip(LOOKS_S, scores, strict=True)
            if looked + LOOK_TAKES_S <= at_s + 1e-9 and not math.isnan(score)]  # fmt: skip
    return Evidence(probability_of(seen[-1]) if seen else None, silence.words, silence.ends)


def _wait_s(silence: Silence, scores: Array, source: Source, eagerness: Eagerness, policy: Policy) -> float:
    """When the policy would have ended the turn."""
    settings = replace(SETTINGS, eagerness=eagerness)
    return wait_s(lambda at: _evidence(silence, scores, source, at), settings, policy)


def _figures(silences: Sequence[Silence], waits: Sequence[float]) -> dict[str, Any]:
    both = [(s, w) for s, w in zip(silences, waits, strict=True) if s.kind != _CUT]
    ends = [w for s, w in both if s.seconds is None]
    fragments = [w for s, w in both if s.seconds is None and s.of == "answer_fragment"]
    taken: dict[str, Any] = {}
    for kind in sorted({s.kind for s, _ in both} - {"end"}):
        for low, high in LENGTHS_S:
            of = [w < s.seconds for s, w in both if s.kind == kind and s.seconds and low <= s.seconds < high]
            taken[f"{kind} {low:g}-{high:g}"] = [sum(of), len(of)]
    return {"ends": _times(ends), "fragments": _times(fragments), "taken": taken}


def _times(waits: Sequence[float]) -> dict[str, Any]:
    p50, p90, p95 = (round(float(v), 2) for v in np.percentile(waits, (50, 90, 95)))
    return {
        "n": len(waits),
        "mean": round(float(np.mean(waits)), 3),
        "p50": p50,
        "p90": p90,
        "p95": p95,
        "most": max(waits),
    }


def _write_head(model: str, weights: Array, bias: float) -> None:
    head = {"bias": round(bias, 4), "weights": [float(f"{w:.4g}") for w in weights]}
    path = Path(turn_head.__file__).parent / "turn_heads" / f"{model}.json"
    path.write_text(json.dumps(head) + "\n", encoding="utf-8")


def _write_weights(policy: Policy) -> None:
    target = Path(endpointing.__file__).with_name("endpointing.yaml")
    text = target.read_text(encoding="utf-8")
    begin, end = text.index("weights:"), text.index("patience:")
    lines = ""
    for source, weights in policy.weights.items():
        lines += f"  {source}:\n" + "".join(f"    {n}: {v}\n" for n, v in msgspec.to_builtins(weights).items())
    target.write_text(f"{text[:begin]}weights:\n{lines}{text[end:]}", encoding="utf-8")


if __name__ == "__main__":
    app()
