"""How well the evidence tells a pause from an end, and which settings of the policy make the best of it.

Every English recording is spoken to a session with the real models, in real time: as it is, and slower and faster in
a room's noise, each without and with a pause put in at a phrase border inside it. The session never takes the floor;
what it knew in each silence, and when, is written down. The policy (`turns.endpointing`) then says how long it would
have waited. A wait shorter than the pause would have taken the floor away; the wait at the end is what a finished
speaker waits.

    python -m benchmarks.turn_taking gather RECORDINGS evidence.jsonl
    python -m benchmarks.turn_taking judge evidence.jsonl
    python -m benchmarks.turn_taking fit evidence.jsonl

`fit` chooses on one half of the speakers and tells the figures on the other.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import typer
from rich.progress import track

from parley.audio import files
from parley.audio.pcm import Float32, to_int16
from parley.bench import sound
from parley.bench.borders import borders_inside_sentences_s
from parley.bench.scenario import manifest
from parley.cli import local
from parley.conversation import evidence as logs
from parley.conversation.engines.cascade import Cascade
from parley.conversation.oneshot import transcribe_utterance
from parley.conversation.session import Session
from parley.conversation.settings import Cast, SessionSettings
from parley.models.fakes import FakeChat
from parley.models.interfaces import MODEL_RATE_HZ, Caller
from parley.turns import endpointing, taker, words
from parley.turns import events as ev
from parley.turns.endpointing import Evidence, Policy, features, required_wait_s
from parley.turns.replay import Recorded
from parley.turns.settings import TurnSettings

app = typer.Typer(help=__doc__)
_RATE_HZ = 24000
_FRAME = _RATE_HZ // 50
_VARIANTS = ((1.0, 0.0, None), (0.95, 0.0, 20.0), (1.06, -8.0, 20.0))  # speed, gain in dB, signal over noise in dB
_PAUSE_S = 1.3
_PAUSES_S = (0.3, 0.6, 1.0)
_SHORTEST_PAUSE_S = 0.25
_AT_END_S = 2.4
_AT_ONCE = 3
_STEPS, _RATE, _REGULARISATION = 6000, 0.5, 0.3
_CALLER = Caller("bench")


@app.command()
def gather(recordings: Path, target: Path) -> None:
    """Speak to the models and write a line for each silence."""
    lines = asyncio.run(_gather(recordings))
    target.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    typer.echo(f"{len(lines)} silences")


async def _gather(recordings: Path) -> list[dict[str, Any]]:
    taker.required_wait_s = lambda *_: float("inf")  # whoever is answered tells nothing more
    cast = Cast(
        vad=await local.load_model("silero-vad", "vad", quiet=True),
        recognizer=await local.load_model("moonshine-tiny-en", "asr", quiet=True),
        engine=Cascade(FakeChat()),
        end_of_turn=await local.load_model("smart-turn-v3", "end_of_turn", quiet=True),
        end_of_turn_languages=("en",),
        end_of_sentence=await local.load_model("smollm2-135m", "llm", quiet=True, family="sentence-end"),
    )
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def understand(samples: Float32) -> str:
        return (await transcribe_utterance(cast.recognizer, samples, "en", _CALLER)).text

    async def listen(clip: str, number: int, audio: Float32) -> list[dict[str, Any]]:
        async with at_once:
            silences = _silences(await _heard(cast, audio))
        return [{"clip": clip, "variant": number, **silence} for silence in silences]

    asked = []
    for entry in manifest(recordings):
        if entry.language != "en":
            continue
        low = files.read_float(recordings / entry.file, MODEL_RATE_HZ)
        borders = await borders_inside_sentences_s(low, MODEL_RATE_HZ, entry.transcript, understand)
        recording = files.read_float(recordings / entry.file, _RATE_HZ)
        for number in range(len(_VARIANTS)):
            pauses = [None, *borders[number : number + 1]]  # one at a time: each leaves less of the sentence as it was
            asked += [listen(entry.file, number, _spoken(recording, pause, number)) for pause in pauses]
    lines: list[dict[str, Any]] = []
    for done in track(asyncio.as_completed(asked), "speaking", total=len(asked)):
        lines += await done
    for model in (cast.recognizer, cast.end_of_turn, cast.vad):
        model.close()
    await cast.end_of_sentence.aclose()
    return sorted(lines, key=lambda line: (line["clip"], line["variant"], line["at_s"]))


def _spoken(recording: Float32, pause_at_s: float | None, number: int) -> Float32:
    """A variant of a recording, perhaps with a pause put in, and silence, or its room, around it."""
    speed, gain_db, snr_db = _VARIANTS[number]
    audio = sound.faster(recording, _RATE_HZ, speed)
    if pause_at_s is not None:
        audio = sound.with_pause(audio, _RATE_HZ, pause_at_s / speed, _PAUSE_S)
    around = np.zeros(round(0.5 * _RATE_HZ), np.float32), np.zeros(round(_AT_END_S * _RATE_HZ), np.float32)
    level_dbfs = sound.level_dbfs(audio)
    audio = np.concatenate([around[0], audio, around[1]])
    if snr_db is not None:
        room = sound.noise("room", len(audio) / _RATE_HZ, _RATE_HZ, np.random.default_rng(number), [])
        audio += sound.at_level(room, level_dbfs - snr_db)[: len(audio)]
    louder: Float32 = audio * np.float32(10 ** (gain_db / 20))
    return louder


async def _heard(cast: Cast, audio: Float32) -> list[Recorded]:
    """Everything that turn-taking would be decided on, with its times."""
    loop = asyncio.get_running_loop()
    samples = to_int16(np.clip(audio, -1.0, 1.0))
    with TemporaryDirectory() as folder:
        settings = SessionSettings(language="en", evidence_folder=Path(folder))
        async with Session(cast, settings, lambda _: None) as session:
            began = loop.time()
            for at in range(0, len(samples) - _FRAME + 1, _FRAME):
                await asyncio.sleep(began + at / _RATE_HZ - loop.time())
                session.append_audio(samples[at : at + _FRAME], _RATE_HZ)
        return logs.read(Path(folder) / f"{session.id}.jsonl")


def _silences(records: Sequence[Recorded]) -> list[dict[str, Any]]:
    """What the voice detector took for silence, and what was known in it: seconds after the last voice, what, value."""
    found: list[dict[str, Any]] = []
    media_s, revision, judged = 0.0, -1, dict[tuple[str, ...], float]()
    silence: dict[str, Any] | None = None

    def learn(what: str, value: object) -> None:
        if silence is not None:
            silence["known"].append([round(media_s - silence["at_s"], 3), what, value])

    for record in records:
        match record.event:
            case ev.MediaAdvanced(to=to):
                media_s = max(media_s, to)
            case ev.VoiceStarted(at=at):
                revision += 1
                if silence is not None:
                    silence["seconds"] = round(at - silence["at_s"], 3)
                    silence = None
            case ev.VoiceStopped(at=at):
                silence = {"at_s": round(at, 3), "seconds": None, "known": []}
                found.append(silence)
            case ev.Transcribed(text=text, final=True, revision=of) if of == revision:
                learn("words", text)
                if (known := judged.get(tuple(words.normalise(text)))) is not None:
                    learn("sentence", known)
            case ev.EndOfSentenceScored(text=text, probability=float(probability)):
                judged[tuple(words.normalise(text))] = probability
                learn("sentence", probability)
            case ev.EndOfTurnScored(probability=probability, revision=of) if of == revision:
                learn("sound", probability)
    return [s for s in found if s["seconds"] is None or s["seconds"] >= _SHORTEST_PAUSE_S]


@app.command()
def judge(evidence: Path) -> None:
    """Say what the policy makes of the evidence as it stands."""
    lines = _read(evidence)
    typer.echo(json.dumps(_figures(lines, endpointing.POLICY)))
    for line in lines:
        kind, wait = "end" if _is_end(line) else "pause", _wait_s(line, endpointing.POLICY)
        sound_says = " ".join(f"{v:.2f}" for v in _known(line, "sound"))
        typer.echo(
            f"{kind:5} {wait:.2f} s  {sound_says:14}  {_known(line, 'sentence')[-1]:.3f}  {_known(line, 'words')[-1]}"
        )


@app.command()
def fit(
    evidence: Path, cost: Annotated[float, typer.Option(help="Seconds of waiting that a take-over costs")] = 2.0
) -> None:
    """Fit the policy on half of the speakers and tell its figures on the other half; then on all."""
    lines = _read(evidence)
    speakers = sorted({line["clip"] for line in lines})
    halves = [[line for line in lines if speakers.index(line["clip"]) % 2 == half] for half in (0, 1)]
    for train, test in (halves, halves[::-1]):
        policy = _fitted(train, cost)
        typer.echo(
            json.dumps({"policy": repr(policy), "train": _figures(train, policy), "test": _figures(test, policy)})
        )
    typer.echo(json.dumps({"as it stands": _figures(lines, endpointing.POLICY)}))
    policy = _fitted(lines, cost)
    typer.echo(json.dumps({"all": repr(policy), "figures": _figures(lines, policy)}))


def _is_end(line: dict[str, Any]) -> bool:
    return line["seconds"] is None


def _known(line: dict[str, Any], what: str) -> list[Any]:
    return [value for _, kind, value in line["known"] if kind == what]


def _fitted(lines: Sequence[dict[str, Any]], cost: float) -> Policy:
    """Weights by logistic regression (pauses and ends count alike), threshold and the like by search."""
    weighed = np.array(
        [features(_known(x, "sound")[0], _known(x, "sentence")[-1], _known(x, "words")[-1]) for x in lines]
    )
    ends = np.array([_is_end(line) for line in lines], float)
    share = np.where(ends == 1, 0.5 / ends.sum(), 0.5 / (len(ends) - ends.sum()))
    weights = np.zeros(weighed.shape[1])
    for _ in range(_STEPS):
        odds = 1 / (1 + np.exp(-weighed @ weights))
        slope = weighed.T @ ((odds - ends) * share) + _REGULARISATION * np.r_[0.0, weights[1:]] / len(ends)
        weights -= _RATE * slope
    names = ("bias", "sound", "words", "comma", "question")
    fitted = replace(endpointing.POLICY, **dict(zip(names, (round(float(w), 2) for w in weights), strict=True)))
    candidates = (
        replace(fitted, threshold=float(t), sharpness=float(k), few_words_wait_s=few)
        for t, k, few in product(np.arange(-0.4, 1.6, 0.1).round(1), (1.5, 3.0, 4.5, 6.0, 8.0), (0.7, 0.85, 1.05))
    )
    return min(candidates, key=lambda policy: _loss(lines, policy, cost))


def _loss(lines: Sequence[dict[str, Any]], policy: Policy, cost: float) -> float:
    figures = _figures(lines, policy)
    taken = float(np.mean(list(figures["taken_over"].values())))
    return float(cost * taken + figures["wait_mean_s"] + 0.5 * figures["wait_p95_s"])


def _figures(lines: Sequence[dict[str, Any]], policy: Policy) -> dict[str, Any]:
    ends = [_wait_s(line, policy) for line in lines if _is_end(line)]
    pauses = [(line["seconds"], _wait_s(line, policy)) for line in lines if not _is_end(line)]
    taken = {}
    for length in _PAUSES_S:
        waits = [wait for seconds, wait in pauses if seconds >= length - 0.05]
        taken[str(length)] = round(sum(wait < length for wait in waits) / max(1, len(waits)), 3)
    return {
        "ends": len(ends), "pauses": len(pauses), "wait_p50_s": round(float(np.median(ends)), 3),
        "wait_mean_s": round(float(np.mean(ends)), 3), "wait_p75_s": round(float(np.percentile(ends, 75)), 3),
        "wait_p95_s": round(float(np.percentile(ends, 95)), 3), "taken_over": taken,
    }  # fmt: skip


def _wait_s(line: dict[str, Any], policy: Policy) -> float:
    """When the policy would have ended the turn: evidence arrives at its times, the wait is looked at all along."""
    settings = TurnSettings()
    known, scores, now = Evidence(), list[float](), 0.0
    for at, what, value in [*line["known"], (_AT_END_S, "", None)]:
        if known.transcript is not None and known.sentence is not None:
            wait = max(required_wait_s(known, settings, policy), now)
            if wait <= at:
                return wait
        now = max(now, at)
        if what == "sound":
            scores.append(value)
            known = replace(known, probability=sum(scores) / len(scores))
        elif what == "words":
            known = replace(known, transcript=value)
        elif what == "sentence":
            known = replace(known, sentence=value)
    return _AT_END_S


def _read(path: Path) -> list[dict[str, Any]]:
    """Only silences in which everything was known: a voice may go on before."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [x for x in lines if all(_known(x, what) for what in ("sound", "words", "sentence"))]


if __name__ == "__main__":
    app()
