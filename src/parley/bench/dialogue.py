"""Two-channel recordings, one channel said to a server: what it did on the other, as public scorers take it.

Three kinds of folders are read: a ``manifest.json`` with entries of the kind ``dialogue``; one folder a conversation
with ``speaker_1_audio.wav`` and ``speaker_2_audio.wav`` (TurnBench, https://github.com/SesameAILabs/turnbench); one
folder a sample with ``input.wav`` (Full-Duplex-Bench, https://github.com/DanielLin94144/Full-Duplex-Bench). Without
any of these, each channel of every two-channel recording is said.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from parley.audio import files
from parley.audio.decoding import decoding
from parley.audio.pcm import Int16
from parley.bench import labelled
from parley.bench.labelled import Entry, Heard, Sides
from parley.bench.scenario import MANIFEST, read_manifest
from parley.client.audibility import AUDIBLE_DBFS, hops_dbfs, stretches
from parley.client.connection import RATE_HZ
from parley.errors import UsageError
from parley.models.interfaces import TimedText
from parley.turns.settings import Eagerness

_SAMPLES = {"input": "output", "clean_input": "clean_output"}
_ONE_ANSWER_S = 0.3
"""A shorter silence does not end an answer."""


@dataclass(frozen=True, slots=True)
class Side:
    """One party of a conversation, to be said to a server."""

    entry: Entry
    conversation: str
    speaker: int | None
    """1 or 2; None where only one party is recorded."""
    place: Path
    """Folder for what comes of it, below the one of the whole run."""
    output: str = "output"
    """Name of the recording of the server, without its ending."""
    annotations: tuple[Path, ...] = ()
    """The scorer's own files: it looks for them beside the recordings."""


class _Dialogue(msgspec.Struct, frozen=True):
    """An entry of a manifest; other fields are ignored."""

    file: str
    kind: str = ""
    turns: list[tuple[float, float]] = []
    turn_channels: list[int] = []
    pauses: list[tuple[float, float]] = []
    pause_kinds: list[str] = []
    pause_channels: list[int] = []
    speech: list[list[tuple[float, float]]] = []
    """Voiced stretches of each channel."""
    channels: list[str] = []
    """Who speaks in each."""
    language: str = "en"


def sides(folder: Path) -> list[Side]:
    """All parties of a folder's conversations; raises `UsageError`."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder")
    found = list(_of_manifest(folder) if (folder / MANIFEST).exists() else _of_folders(folder) or _of_files(folder))
    if not found:
        raise UsageError(
            f"{folder} holds no conversation: neither a {MANIFEST} with entries of the kind 'dialogue', nor folders"
            " with speaker_1_audio.wav and speaker_2_audio.wav or with input.wav, nor recordings of two channels"
        )
    return found


def _of_manifest(folder: Path) -> Iterator[Side]:
    for of in read_manifest(folder, _Dialogue, "file, channels, turns, turn_channels, pauses, pause_channels"):
        if of.kind != "dialogue":
            continue
        for name, all_of, numbers in (("turn", of.turns, of.turn_channels), ("pause", of.pauses, of.pause_channels)):
            if len(all_of) != len(numbers):
                raise UsageError(f"{folder / MANIFEST}: {name}s and {name}_channels of {of.file} differ in length")
        kinds = of.pause_kinds or ["unknown"] * len(of.pauses)
        for number in range(2):
            entry = Entry(
                of.file, "dialogue", [t for t, at in zip(of.turns, of.turn_channels, strict=True) if at == number],
                [p for p, at in zip(of.pauses, of.pause_channels, strict=True) if at == number],
                [k for k, at in zip(kinds, of.pause_channels, strict=True) if at == number],
                language=of.language, speaker=of.channels[number] if len(of.channels) == 2 else "unknown",
                channel=number, voiced=of.speech[number] if len(of.speech) == 2 else [],
            )  # fmt: skip
            yield _side(entry, Path(of.file).stem, number + 1)


def _of_folders(folder: Path) -> list[Side]:
    found = []
    for place in sorted(p for p in folder.iterdir() if p.is_dir()):
        for path in sorted(p for p in place.iterdir() if p.suffix.lower() in files.SUFFIXES):
            entry = Entry(str(path.relative_to(folder)), "dialogue")
            if path.stem in _SAMPLES:
                own = tuple(sorted(place.glob("*.json")))
                output = _SAMPLES[path.stem]
                found.append(Side(entry, place.name, None, Path(place.name), output, own))
            elif path.stem in ("speaker_1_audio", "speaker_2_audio"):
                found.append(_side(entry, place.name, int(path.stem[8])))
    return found


def _of_files(folder: Path) -> Iterator[Side]:
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in files.SUFFIXES):
        with files.opened(path, str(path)) as stream, decoding(stream, str(path)) as recording:
            two = recording.channels == 2
        for number in range(2) if two else ():
            yield _side(Entry(path.name, "dialogue", channel=number), path.stem, number + 1)


def _side(entry: Entry, conversation: str, speaker: int) -> Side:
    return Side(entry, conversation, speaker, Path(conversation) / f"speaker_{speaker}")


def write(side: Side, folder: Path, found: Sides) -> None:
    """What was said and what was answered, on one time line, and the scorer's own files beside them."""
    place = folder / side.place
    place.mkdir(parents=True, exist_ok=True)
    files.write(place / f"{side.output.replace('output', 'input')}.wav", found.sent, RATE_HZ)
    files.write(place / f"{side.output}.wav", found.played, RATE_HZ)
    for path in side.annotations:
        if not (place / path.name).exists():
            shutil.copyfile(path, place / path.name)


def write_words(side: Side, folder: Path, words: Sequence[TimedText]) -> None:
    """When each word of the server was heard, as Full-Duplex-Bench reads it."""
    chunks = [{"text": w.text, "timestamp": [round(w.start_s, 3), round(w.end_s, 3)]} for w in words]
    told = {"text": " ".join(w.text for w in words), "chunks": chunks}
    path = folder / side.place / f"{side.output}.json"
    path.write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")


def answers_s(played: Int16) -> list[tuple[float, float]]:
    """Begin and end of each stretch in which the server was heard, seconds."""
    loud = np.flatnonzero(hops_dbfs(played, RATE_HZ) > AUDIBLE_DBFS)
    return [(first / 100, (last + 1) / 100) for first, last in stretches(loud, _ONE_ANSWER_S * 100)]


@dataclass(frozen=True, slots=True)
class Answered:
    """A side, and what a server did while it was said."""

    side: Side
    heard: Heard
    seconds: float
    """Of the recording."""
    answers_s: list[tuple[float, float]]
    """When the server was heard."""

    def to_json(self) -> dict[str, Any]:
        """Its times, seconds of the recording."""
        return {
            "conversation": self.side.conversation, "speaker": self.side.speaker, "output": self.side.output,
            "seconds": round(self.seconds, 3), "void": self.heard.void, "turn_taken_s": self.heard.committed_s,
            "interrupted_s": self.heard.interrupted_s, "answers_s": self.answers_s,
        }  # fmt: skip


def predictions(found: Sequence[Answered]) -> dict[str, Any]:
    """Times of the decisions for each speaker, as TurnBench takes them.

    An end of a turn is when the server took it for over, an interruption when it broke its answer off.
    """
    told: dict[str, dict[str, Any]] = {}
    for of in found:
        if of.side.speaker is None:
            continue
        both = told.setdefault(of.side.conversation, {"conversation_id": of.side.conversation})
        events = {"eot": of.heard.committed_s, "interruption": of.heard.interrupted_s}
        both[f"speaker_{of.side.speaker}"] = {
            kind: sorted({t for t in times if 0.0 <= t <= of.seconds}) for kind, times in events.items()
        }
    nothing: dict[str, list[float]] = {"eot": [], "interruption": []}
    return {
        "schema_version": 1,
        "predictions": [{"speaker_1": nothing, "speaker_2": nothing, **c} for c in told.values()],
    }


async def run(
    found: Sequence[Side], recordings: Path, out: Path, url: str, eagerness: Eagerness, *, callers: int,
    api_key: str | None, on_result: Callable[[], None],
) -> list[Answered]:  # fmt: skip
    """Say all of them, `callers` at a time, and write what came of each into `out`."""
    of = {id(side.entry): side for side in found}
    told: list[Answered] = []

    async def keep(entry: Entry, heard: Heard, sound: Sides | None) -> None:
        side = of[id(entry)]
        if sound is not None:
            await asyncio.to_thread(write, side, out, sound)
        told.append(Answered(side, heard, sound.seconds if sound else 0.0, answers_s(sound.played) if sound else []))
        on_result()

    entries = [side.entry for side in found]
    await labelled.run(entries, recordings, url, eagerness, callers=callers, api_key=api_key, on_result=keep)
    return sorted(told, key=lambda a: (a.side.conversation, a.side.speaker or 0, a.side.output))
