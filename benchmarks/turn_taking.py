"""How well the evidence tells a pause from an end, and which settings of the policy make the best of it.

For every English recording (and faster and slower versions of it) the real models are asked at its end and at the
phrase borders inside it, where a pause is put in: the turn model after some silences, the recogniser
at once. The policy (`turns.endpointing`) then says how long it would have waited. A wait shorter than the pause
would have taken the floor away; the wait at the end is what a finished speaker waits.

    python -m benchmarks.turn_taking gather RECORDINGS evidence.jsonl
    python -m benchmarks.turn_taking judge evidence.jsonl
    python -m benchmarks.turn_taking fit evidence.jsonl

`fit` chooses on one half of the speakers and tells the figures on the other.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from parley.audio import files
from parley.audio.pcm import Float32, to_int16
from parley.bench import sound
from parley.bench.borders import borders_inside_sentences_s
from parley.bench.scenario import manifest
from parley.cli import local
from parley.client.audibility import speech_ends_s
from parley.conversation.oneshot import transcribe_utterance
from parley.models.interfaces import MODEL_RATE_HZ, Caller
from parley.turns import endpointing
from parley.turns.endpointing import Evidence, Policy, features, required_wait_s
from parley.turns.settings import TurnSettings

app = typer.Typer(help=__doc__)
_AT_S = TurnSettings().score_at_s
_PAUSES_S = (0.3, 0.6, 1.0)
_SPEEDS = (0.95, 1.0, 1.06)
_BORDERS = 3
_MODEL_S, _WORDS_KNOWN_S = 0.06, 0.2  # when a turn model's verdict is there, and when the words and theirs are
_STEPS, _RATE, _REGULARISATION = 6000, 0.5, 0.3
_CALLER = Caller("bench")


@app.command()
def gather(recordings: Path, target: Path) -> None:
    """Ask the models and write a line for each pause and end."""
    lines = asyncio.run(_gather(recordings))
    target.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    typer.echo(f"{len(lines)} pauses and ends")


async def _gather(recordings: Path) -> list[dict[str, Any]]:
    turn_model = await local.load_model("smart-turn-v3", "end_of_turn", quiet=True)
    recognizer = await local.load_model("moonshine-tiny-en", "asr", quiet=True)
    sentences = await local.load_model("smollm2-135m", "llm", quiet=True, family="sentence-end")
    lines: list[dict[str, Any]] = []

    async def understand(samples: Float32) -> str:
        return (await transcribe_utterance(recognizer, samples, "en", _CALLER)).text

    for entry in manifest(recordings):
        if entry.language != "en":
            continue
        recording = files.read_float(recordings / entry.file, MODEL_RATE_HZ)
        places = await borders_inside_sentences_s(recording, MODEL_RATE_HZ, entry.transcript, understand)
        for speed in _SPEEDS:
            audio = sound.faster(recording, MODEL_RATE_HZ, speed)
            ends = speech_ends_s(to_int16(audio), MODEL_RATE_HZ)
            if not ends:
                continue
            borders = [b / speed for b in places[:_BORDERS]]
            for kind, at in (*(("pause", b) for b in borders), ("end", ends[-1])):
                scores = {}
                for silence in _AT_S:
                    heard = _until(audio, at, silence)
                    scores[str(silence)] = await turn_model.probability(heard, _CALLER)
                text = await understand(_until(audio, at, 0.12))
                lines.append(
                    {"clip": entry.file, "speed": speed, "kind": kind, "at_s": round(at, 2), "scores": scores,
                     "text": text, "sentence": await sentences.probability(text, _CALLER)}
                )  # fmt: skip
    turn_model.close()
    recognizer.close()
    await sentences.aclose()
    return lines


def _until(audio: Float32, at_s: float, silence_s: float) -> Float32:
    at = int(at_s * MODEL_RATE_HZ)
    return sound.with_pause(audio[:at], MODEL_RATE_HZ, at_s, silence_s)


@app.command()
def judge(evidence: Path) -> None:
    """Say what the policy makes of the evidence as it stands."""
    lines = _read(evidence)
    typer.echo(json.dumps(_figures(lines, endpointing.POLICY)))
    for line in lines:
        wait = _wait_s(line, endpointing.POLICY, 5.0)
        scores = " ".join(f"{v:.2f}" for v in line["scores"].values())
        typer.echo(f"{line['kind']:5} {wait:.2f} s  {scores}  {line['sentence']:.2f}  {line['text']}")


@app.command()
def fit(
    evidence: Path, cost: Annotated[float, typer.Option(help="Seconds of waiting that a take-over costs")] = 2.0
) -> None:
    """Fit the policy on half of the speakers and tell its figures on the other half; then on all."""
    lines = [line for line in _read(evidence) if line["sentence"] is not None]
    speakers = sorted({line["clip"] for line in lines})
    halves = [[line for line in lines if speakers.index(line["clip"]) % 2 == half] for half in (0, 1)]
    for train, test in (halves, halves[::-1]):
        policy = _fitted(train, cost)
        typer.echo(
            json.dumps({"policy": repr(policy), "train": _figures(train, policy), "test": _figures(test, policy)})
        )
    policy = _fitted(lines, cost)
    typer.echo(json.dumps({"all": repr(policy), "figures": _figures(lines, policy)}))


def _fitted(lines: Sequence[dict[str, Any]], cost: float) -> Policy:
    """Weights by logistic regression (pauses and ends count alike), threshold and sharpness by search."""
    weighed = np.array([features(line["scores"][str(_AT_S[0])], line["sentence"], line["text"]) for line in lines])
    ends = np.array([line["kind"] == "end" for line in lines], float)
    share = np.where(ends == 1, 0.5 / ends.sum(), 0.5 / (len(ends) - ends.sum()))
    weights = np.zeros(weighed.shape[1])
    for _ in range(_STEPS):
        odds = 1 / (1 + np.exp(-weighed @ weights))
        slope = weighed.T @ ((odds - ends) * share) + _REGULARISATION * np.r_[0.0, weights[1:]] / len(ends)
        weights -= _RATE * slope
    names = ("bias", "sound", "words", "comma", "question")
    fitted = dict(zip(names, (round(float(w), 2) for w in weights), strict=True))
    candidates = (
        Policy(threshold=float(t), sharpness=float(k), **fitted)
        for t, k in product(np.arange(-0.4, 1.6, 0.1).round(1), (1.5, 2.0, 3.0, 4.0, 6.0))
    )
    return min(candidates, key=lambda policy: _loss(lines, policy, cost))


def _loss(lines: Sequence[dict[str, Any]], policy: Policy, cost: float) -> float:
    figures = _figures(lines, policy)
    taken = float(np.mean(list(figures["taken_over"].values())))
    return float(cost * taken + figures["wait_mean_s"] + 0.5 * figures["wait_p95_s"])


def _figures(lines: Sequence[dict[str, Any]], policy: Policy) -> dict[str, Any]:
    ends = [_wait_s(line, policy, 5.0) for line in lines if line["kind"] == "end"]
    pauses = [line for line in lines if line["kind"] == "pause"]
    taken = {
        str(length): round(sum(_wait_s(p, policy, length) < length for p in pauses) / max(1, len(pauses)), 3)
        for length in _PAUSES_S
    }
    return {
        "ends": len(ends), "pauses": len(pauses), "wait_p50_s": round(float(np.median(ends)), 3),
        "wait_mean_s": round(float(np.mean(ends)), 3), "wait_p95_s": round(float(np.percentile(ends, 95)), 3),
        "taken_over": taken,
    }  # fmt: skip


def _wait_s(line: dict[str, Any], policy: Policy, longest_s: float) -> float:
    """When the policy would have ended the turn: evidence arrives at its times, the wait is looked at all along."""
    settings = TurnSettings()
    moments = sorted((float(at) + _MODEL_S, score) for at, score in line["scores"].items())
    known = Evidence(None, line["text"], line["sentence"])
    scores: list[float] = []
    now = _WORDS_KNOWN_S
    for at, score in [*moments, (longest_s, None)]:
        if at > now:
            wait = max(required_wait_s(known, settings, policy), now)
            if wait <= at:
                return wait
            now = at
        if score is not None:
            scores.append(score)
            known = Evidence(sum(scores) / len(scores), line["text"], line["sentence"])
    return longest_s


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    app()
