"""What labelled recordings came to: waits at the ends of turns against the share of pauses that were taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from parley.bench.labelled import Heard, Silence
from parley.client.statistics import share, summary

LENGTHS_S = ((0.25, 1.0), (1.0, 1.5))
"""Pauses are told of by their length, in these classes."""


def figures(found: Sequence[Heard]) -> dict[str, Any]:
    """Waits at ends, in milliseconds, and shares of pauses that were taken, by their kind and length."""
    good = [h for h in found if not h.void]
    ends = [(h, s) for h in good for s in h.silences if s.kind == "end"]
    pauses = [(h, s) for h in good for s in h.silences if s.kind != "end"]
    taken = [(h, s) for h, s in pauses if s.committed_s is not None]
    whole = [h for h in good if 0 < _longest_taken_s(h) < LENGTHS_S[-1][1]]  # behind a longer one it is another turn
    return {
        "recordings": len(good),
        "void": len(found) - len(good),
        "ends": _waits(ends),
        "fragments": _waits([(h, s) for h, s in ends if h.kind == "answer_fragment"]),
        "taken": {
            kind: {
                f"{low:g}-{high:g}": share(sum(s.committed_s is not None for _, s in of), len(of))
                for low, high in LENGTHS_S
                if (of := [(h, s) for h, s in pauses if s.kind == kind and low <= (s.seconds or 0.0) < high])
            }
            for kind in sorted({s.kind for _, s in pauses})
        },
        "silenced_ms": _times([(h, s.silenced_s) for h, s in taken]),
        "interrupted_ms": _times([(h, s.silenced_s) for h, s in ends]),
        "one_turn": share(sum(h.turns == 1 for h in whole), len(whole)),
    }


def _longest_taken_s(heard: Heard) -> float:
    """Of its pauses that were taken; 0 where none was."""
    taken = [s.seconds or 0.0 for s in heard.silences if s.kind != "end" and s.committed_s is not None]
    return max(taken, default=0.0)


def _waits(ends: Sequence[tuple[Heard, Silence]]) -> dict[str, Any]:
    return {
        "committed_ms": _times([(h, s.committed_s) for h, s in ends]),
        "audible_ms": _times([(h, s.audible_s) for h, s in ends]),
        "never": share(sum(s.committed_s is None for _, s in ends), len(ends)),
    }


def _times(values: Sequence[tuple[Heard, float | None]]) -> dict[str, Any]:
    known = [(h.speaker, v * 1000) for h, v in values if v is not None]
    told = summary(known)
    if known:
        told |= {"mean": round(float(np.mean([v for _, v in known]))), "most": round(max(v for _, v in known))}
    return told


def report(by_eagerness: dict[str, list[Heard]]) -> dict[str, Any]:
    """The whole report as JSON values."""
    return {
        "curve": {name: figures(found) for name, found in by_eagerness.items()},
        "recordings": {name: [asdict(h) for h in found] for name, found in by_eagerness.items()},
    }
