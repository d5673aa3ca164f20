"""What trainings share: a folder of their own, memory that is asked for before, and what is told of time and money."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from parley.adapters.torch_device import free_bytes
from parley.errors import UsageError
from parley.train import clips
from parley.train.tuning import Needs

Tell = Callable[[str], None]


def claim(folder: Path, made_of: str) -> None:
    """Make a folder that of one training, `made_of`: a digest; raises `UsageError` where it is another one's."""
    mark = folder / "made-of"
    if mark.exists() and mark.read_text() != made_of:
        raise UsageError(f"{folder}: made of another base, clips or settings; name another folder")
    clips.replace(mark, made_of.encode())


def check_memory(needs: Needs) -> None:
    """Raises `UsageError` where it is not enough."""
    free = free_bytes(device())
    if needs.total > free:
        raise UsageError(
            f"it needs about {needs}, and {free / 1e9:.2f} GB are free; take a smaller batch, and accumulate as many "
            "more"
        )


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


def device() -> torch.device:
    """Where it computes: a GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def how_far(step: int, steps: int, what: str, seconds: float, usd_an_hour: float) -> str:
    """A line for people; `seconds` were spent on the steps so far."""
    hours = seconds / 3600
    whole = hours * steps / step
    price = f", {hours * usd_an_hour:.2f} of {whole * usd_an_hour:.2f} USD" if usd_an_hour else ""
    return f"step {step} of {steps}: {what}; {hours:.2f} h so far, {whole - hours:.2f} h to come{price}"
