"""Voice activity detectors beside each other: voices found and lost, and noise taken for one.

    python -m benchmarks.voice_activity TURNS [--model silero-vad --model dual-vad] [--noise street] [--snr 5]

TURNS is a folder of recordings whose manifest says where turns begin and end. Of each turn: whether it was found (its
beginning within 0.3 s), how late, and how much of it lay outside of what was taken for a voice. Of recordings and
synthetic noise without speech: voices that were begun, per minute.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, get_args

import numpy as np
import typer

from parley.audio import files
from parley.audio.pcm import Float32
from parley.bench.sound import NoiseKind, at_level, level_dbfs, noise
from parley.cli import local
from parley.conversation.input.speech_segmenter import SpeechSegmenter
from parley.models.interfaces import MODEL_RATE_HZ, Vad

_FOUND_S = 0.3
_NOISE_S = 30.0
_SEED = 3


@dataclass
class _Found:
    turns: int = 0
    found: int = 0
    late_ms: list[float] = field(default_factory=list)
    voiced_s: float = 0.0
    covered_s: float = 0.0
    noise_s: float = 0.0
    begun: int = 0

    def told(self) -> str:
        late = "/".join(f"{np.percentile(self.late_ms or [0.0], share):.0f}" for share in (50, 95))
        covered = 100 * self.covered_s / max(self.voiced_s, 1e-9)
        begun = 60 * self.begun / self.noise_s if self.noise_s else 0.0
        return (
            f"found {self.found}/{self.turns}, late {late} ms, covered {covered:5.1f} %, in noise {begun:5.2f} a minute"
        )


async def voices(vad: Vad, samples: Float32) -> list[tuple[float, float]]:
    """Where a detector hears voices, seconds."""
    stream, segmenter, found, began = vad.open(), SpeechSegmenter(), [], None
    size = vad.window_samples
    for start in range(0, len(samples) - size + 1, size):
        window = samples[start : start + size]
        (probability,) = await stream.feed(window)
        edge = segmenter.push(window, probability)
        if edge is not None and edge.started:
            began = edge.sample / MODEL_RATE_HZ
        elif edge is not None and began is not None:
            found.append((began, edge.sample / MODEL_RATE_HZ))
            began = None
    stream.close()
    return found + ([(began, len(samples) / MODEL_RATE_HZ)] if began is not None else [])


def _voiced(case: dict[str, Any]) -> list[tuple[float, float]]:
    """Turns without their pauses."""
    pieces = []
    for begins, ends in case["turns"]:
        at = begins
        for pause in sorted(p for p in case.get("pauses", []) if begins < p[0] < ends):
            pieces.append((at, pause[0]))
            at = pause[1]
        pieces.append((at, ends))
    return pieces


def _overlap_s(one: Iterable[tuple[float, float]], other: list[tuple[float, float]]) -> float:
    return sum(max(0.0, min(b, d) - max(a, c)) for a, b in one for c, d in other)


def main(
    folder: Path,
    model: Annotated[list[str], typer.Option()] = ["silero-vad", "dual-vad"],  # noqa: B006 - typer's form of a default
    kinds: Annotated[list[str], typer.Option("--noise")] = [],  # noqa: B006
    snr: Annotated[float, typer.Option(help="dB of speech over noise")] = 10.0,
    every: Annotated[int, typer.Option(help="Take every so manieth turn")] = 1,
) -> None:
    """Print one line for each detector and kind of noise."""
    asyncio.run(_measure(folder, model, kinds or ["none", *get_args(NoiseKind)], snr, every))


async def _measure(folder: Path, models: list[str], kinds: list[Any], snr: float, every: int) -> None:
    vads = {name: await local.load_model(name, "vad", quiet=True) for name in models}
    cases = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    cases = cases["cases"] if isinstance(cases, dict) else cases
    noises = [c for c in cases if c["kind"] == "noise"]
    cases = [*[c for c in cases if c["kind"] not in ("noise", "dialogue")][::every], *noises]
    sounds = {c["file"]: files.read_float(folder / c["file"], MODEL_RATE_HZ) for c in cases}
    talk = [sounds[c["file"]] for c in cases if c["kind"] == "story"]
    for kind in kinds:
        for name, vad in vads.items():
            result, drawn = _Found(), np.random.default_rng(_SEED)
            for case in cases:
                samples = sounds[case["file"]]
                if kind != "none":
                    behind: Any = noise(kind, len(samples) / MODEL_RATE_HZ, MODEL_RATE_HZ, drawn, talk)
                    samples = samples + at_level(behind[: len(samples)], level_dbfs(samples) - snr)
                await _judge(vad, case, samples, result)
            if kind != "none":
                alone = at_level(noise(kind, _NOISE_S, MODEL_RATE_HZ, drawn, talk), -35.0)
                result.begun += len(await voices(vad, alone))
                result.noise_s += _NOISE_S
            typer.echo(f"{kind:10} {name:12} {result.told()}")


async def _judge(vad: Vad, case: dict[str, Any], samples: Float32, result: _Found) -> None:
    heard = await voices(vad, samples)
    if case["kind"] == "noise":
        result.begun += len(heard)
        result.noise_s += len(samples) / MODEL_RATE_HZ
        return
    pieces = _voiced(case)
    result.voiced_s += sum(ends - begins for begins, ends in pieces)
    result.covered_s += _overlap_s(pieces, heard)
    for begins, _ in case["turns"]:
        result.turns += 1
        near = [start - begins for start, end in heard if start - begins < _FOUND_S and end > begins]
        if near:
            result.found += 1
            result.late_ms.append(1000 * max(near))


if __name__ == "__main__":
    typer.run(main)
