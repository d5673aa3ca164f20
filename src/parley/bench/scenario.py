"""Scenarios: what a simulated caller does, as data. Files in `scenarios/` are shipped; anybody may write others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from itertools import product
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
import yaml

from parley.bench.sound import NoiseKind
from parley.errors import UsageError

MANIFEST = "manifest.json"
Entry = TypeVar("Entry", bound=msgspec.Struct)


class Noise(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A noise and how far below the caller's voice it lies (`snr_db`), or its own level (`dbfs`)."""

    kind: NoiseKind
    snr_db: float | None = None
    dbfs: float | None = None


class Echo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The loudspeaker in the microphone: gain in dB (negative) and delay in milliseconds."""

    gain_db: float
    delay_ms: float


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that the caller does; exactly one of `say`, `words`, `noise`, `type`, `cancel`, `wait_s` is set."""

    say: Literal["clip", "other", "interruption"] | None = None
    """A recording: the case's own, another speaker's, or one of those that begin with a voice."""
    words: tuple[str, ...] | None = None
    """One of these, by the injected voice, chosen by the case's seed."""
    noise: Noise | None = None
    seconds: float = 2.0
    """Length of `noise`."""
    type: str | None = None
    cancel: bool = False
    wait_s: float | None = None
    begin: Literal["now", "answered", "audible"] = "answered"
    """When: at once, when the last answer was played to its end, or `after_s` into the sound of an answer."""
    after_s: tuple[float, ...] = (0.0,)
    """Seconds after that; one is chosen by the case's seed."""
    pauses_s: tuple[float, ...] = ()
    """Pauses put into the recording, one at a phrase border, chosen by the case's seed; 0 leaves it as it is."""
    quieter_db: float = 0.0
    """Below the level of the caller's own recording, which everything else is brought to."""
    meant: Literal["turn", "interruption", "stop", "nothing"] = "turn"
    """What a person would take it for: a turn to answer, an interruption that also wants an answer, one that wants
    silence, or nothing."""


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A conversation that is held again and again with different recordings."""

    name: str
    title: str
    about: str
    steps: tuple[Step, ...]
    language: str = "en"
    shortest_s: float = 0.0
    longest_s: float = 12.0
    speeds: tuple[float, ...] = (1.0,)
    gains_db: tuple[float, ...] = (0.0,)
    noises: tuple[Noise | None, ...] = (None,)
    """All the time, as variants."""
    room: Noise | None = None
    """All the time."""
    echoes: tuple[Echo | None, ...] = (None,)
    network: Literal["smooth", "bursty", "stalls"] = "smooth"


class ClipEntry(msgspec.Struct, frozen=True):
    """A line of a folder's manifest.json; other fields are ignored."""

    file: str
    transcript: str = ""
    language: str = "en"
    speaker: str = "unknown"
    source_repo: str = ""
    transcript_from: str = "source"


@dataclass(frozen=True, slots=True)
class Case:
    """One conversation to hold: a scenario with its choices made."""

    scenario: Scenario
    clip: ClipEntry
    speed: float
    gain_db: float
    noise: Noise | None
    echo: Echo | None
    seed: int

    @property
    def name(self) -> str:
        """For reports."""
        return f"{self.scenario.name}/{self.clip.file}#{self.seed}"


def shipped() -> list[Scenario]:
    """The scenarios that come with parley."""
    folder = resources.files("parley.bench") / "scenarios"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    return [scenario for file in files for scenario in parse(file.read_text(encoding="utf-8"), file.name)]


def read(path: Path) -> list[Scenario]:
    """Scenarios of a file; raises `UsageError` that names the fault."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as fault:
        raise UsageError(f"{path} cannot be read: {fault}") from fault
    return parse(text, str(path))


def parse(text: str, where: str) -> list[Scenario]:
    """A YAML list of scenarios."""
    try:
        found = msgspec.convert(yaml.safe_load(text), list[Scenario])
    except (yaml.YAMLError, msgspec.ValidationError) as fault:
        raise UsageError(f"{where} is not a list of scenarios: {fault}") from fault
    for scenario in found:
        for number, step in enumerate(scenario.steps, 1):
            chosen = [step.say, step.words, step.noise, step.type, step.cancel or None, step.wait_s]
            if sum(c is not None for c in chosen) != 1:
                raise UsageError(f"{where}: step {number} of '{scenario.name}' must do exactly one thing")
    return found


def manifest(folder: Path) -> list[ClipEntry]:
    """The recordings of a folder; raises `UsageError`."""
    entries = read_manifest(folder, ClipEntry, "file, transcript, language")
    missing = [e.file for e in entries if not (folder / e.file).exists()]
    if missing:
        raise UsageError(f"{folder / MANIFEST} names files that are not there: {', '.join(missing[:5])}")
    return entries


def read_manifest(folder: Path, kind: type[Entry], fields: str) -> list[Entry]:
    """The lines of a folder's manifest, objects with `fields`; raises `UsageError`."""
    path = folder / MANIFEST
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[kind])  # type: ignore[valid-type]
    except OSError as fault:
        raise UsageError(f"{folder} has no {MANIFEST}: a list of objects with {fields}") from fault
    except (msgspec.DecodeError, msgspec.ValidationError) as fault:
        raise UsageError(f"{path} is broken: {fault}") from fault


def cases(scenarios: Sequence[Scenario], clips: Sequence[tuple[ClipEntry, float]], rounds: int = 1) -> list[Case]:
    """Every scenario with every fitting recording (with its seconds) and all variants, in a fixed order.

    Recordings come first, so that the first N cases of a scenario have as many different speakers as there are.
    """
    found: list[Case] = []
    for scenario in scenarios:
        fitting = [c for c, seconds in clips if c.language == scenario.language
                   and scenario.shortest_s <= seconds <= scenario.longest_s]  # fmt: skip
        if not fitting:
            continue
        for seed, (variant, clip) in enumerate(product(_variants(scenario, rounds), fitting)):
            found.append(replace(variant, clip=clip, seed=seed))
    return found


def _variants(scenario: Scenario, rounds: int) -> Iterator[Case]:
    for _ in range(rounds):
        for speed, gain, noise, echo in product(scenario.speeds, scenario.gains_db, scenario.noises, scenario.echoes):
            yield Case(scenario, ClipEntry(""), speed, gain, noise, echo, 0)


def options_of(case: Case) -> dict[str, Any]:
    """The choices of a case, for reports."""
    return {
        "clip": case.clip.file, "speed": case.speed, "gain_db": case.gain_db, "seed": case.seed,
        "noise": msgspec.to_builtins(case.noise), "echo": msgspec.to_builtins(case.echo),
    }  # fmt: skip
