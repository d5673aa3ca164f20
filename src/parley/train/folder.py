"""What a training keeps in a folder of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from parley.errors import UsageError
from parley.train import clips


def claim(folder: Path, made_of: str) -> None:
    """Make a folder that of one training, `made_of`: a digest; raises `UsageError` where it is another one's."""
    mark = folder / "made-of"
    if mark.exists() and mark.read_text() != made_of:
        raise UsageError(f"{folder}: made of another base, clips or settings; name another folder")
    clips.replace(mark, made_of.encode())


def save(path: Path, array: np.ndarray[Any, Any]) -> None:
    """Write an array as a whole or not at all; ``numpy.load`` reads it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    with unfinished.open("wb") as file:
        np.save(file, array)
    unfinished.replace(path)


def report(folder: Path, outcome: Any) -> None:
    """Write what came of a training, a dataclass, into its folder."""
    clips.replace(folder / "report.json", msgspec.json.encode(msgspec.to_builtins(outcome, enc_hook=str)))
