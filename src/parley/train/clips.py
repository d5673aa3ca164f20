"""Clips of speech, and manifests: JSON Lines, a header first, then one clip a line."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

from parley.errors import UsageError

T = TypeVar("T")
CLIPS = "clips.jsonl"
"""What the manifest of a step is called, in the folder of the step."""


TimedWord = tuple[str, float, float]
"""A word, its begin and its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A stretch of a recording, and all that is known of it."""

    id: str
    source: str
    """The path or address in the source list that it comes from."""
    audio: str
    """Absolute path of the recording."""
    digest: str
    """Of the recording: ``stat:SIZE:TIME`` before it has been read, then ``sha256:HEX``."""
    licence: str
    consent: str
    language: str
    speaker: str = ""
    start_s: float = 0.0
    end_s: float = 0.0
    text: str = ""
    """What the first recogniser heard."""
    heard: dict[str, str] = field(default_factory=dict)
    """What each recogniser heard, by its id."""
    scores: dict[str, float] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    """Why it does not belong to the data set; empty if it does."""
    voice: str = ""
    """Where its voice lies among voices; see `speakers.packed`."""
    split: str = ""
    """What it is for: `speakers.TRAIN` or `speakers.HELD_OUT`."""
    words: tuple[TimedWord, ...] = ()
    """When each word of `text` is said, seconds from the clip's begin; empty where nothing was aligned."""

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The first line of a manifest."""

    step: str
    digest: str
    """Of all that the clips follow from: the clips before, the step, its settings and its models."""
    clips: int


def digest_of(*parts: bytes) -> str:
    """SHA-256 of several parts, each with its length, as 64 hexadecimal digits."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "big"))
        whole.update(part)
    return whole.hexdigest()


def as_lines(clips: Iterable[Clip]) -> bytes:
    """The lines of some clips."""
    return b"".join(msgspec.json.encode(clip, order="deterministic") + b"\n" for clip in clips)


def write(path: Path, step: str, digest: str, clips: Sequence[Clip]) -> None:
    """Write a manifest as a whole or not at all: whoever reads the path never sees a part of one."""
    head = msgspec.json.encode(Header(step=step, digest=digest, clips=len(clips)))
    replace(path, head + b"\n" + as_lines(clips))


def replace(path: Path, data: bytes) -> None:
    """Put `data` in the place of a file at once. What a process that was killed left beside it is overwritten."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.tmp")
    with unfinished.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def header(path: Path) -> Header | None:
    """The header of a manifest; None if there is none that can be read."""
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.readline(), type=Header)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def read(path: Path) -> list[Clip]:
    """The clips of a manifest; raises `UsageError` that names the line at fault."""
    try:
        first, *lines = path.read_bytes().splitlines()
    except (OSError, ValueError) as fault:
        raise UsageError(f"{path}: no manifest can be read ({fault})") from None
    told = _decoded(first, Header, f"{path}:1")
    found = [_decoded(line, Clip, f"{path}:{number}") for number, line in enumerate(lines, 2)]
    if told.clips != len(found):
        raise UsageError(f"{path}: {len(found)} clips where its header says {told.clips}; delete it and run again")
    return found


def _decoded(line: bytes, form: type[T], at: str) -> T:
    try:
        return msgspec.json.decode(line, type=form)
    except msgspec.MsgspecError as fault:
        raise UsageError(f"{at}: {fault}; delete the file and run again") from None
