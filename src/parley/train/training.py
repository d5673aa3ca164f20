"""What trainings with torch share: memory that is asked for before, and what is told of time and money."""

from __future__ import annotations

from collections.abc import Callable

import torch

from parley.adapters.torch_device import free_bytes
from parley.errors import UsageError
from parley.train.tuning import Needs

Tell = Callable[[str], None]


def check_memory(needs: Needs) -> None:
    """Raises `UsageError` where it is not enough."""
    free = free_bytes(device())
    if needs.total > free:
        raise UsageError(
            f"it needs about {needs}, and {free / 1e9:.2f} GB are free; take a smaller batch, and accumulate as many "
            "more"
        )


def device() -> torch.device:
    """Where it computes: a GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def how_far(step: int, steps: int, what: str, seconds: float, usd_an_hour: float) -> str:
    """A line for people; `seconds` were spent on the steps so far."""
    hours = seconds / 3600
    whole = hours * steps / step
    price = f", {hours * usd_an_hour:.2f} of {whole * usd_an_hour:.2f} USD" if usd_an_hour else ""
    return f"step {step} of {steps}: {what}; {hours:.2f} h so far, {whole - hours:.2f} h to come{price}"
