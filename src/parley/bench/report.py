"""Figures of a run: per scenario and over all, each with its count and, where it is a time, its interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from parley.bench.runner import Run
from parley.bench.scenario import Scenario
from parley.bench.score import Result
from parley.client.statistics import share, summary

AXES = {
    "pause handling": ("pauses", "long-pauses"),
    "smooth turn taking": ("plain-question",),
    "user interruption": ("interruption", "stop-words", "echo-interruption"),
    "user backchannel": ("backchannel",),
    "talking to others": ("talk-to-others",),
    "background speech": ("babble",),
}
"""Axes of Full-Duplex-Bench v1 and v1.5 (Lin et al. 2025) and the scenarios that are nearest to them."""

PUBLISHED = (
    {"system": "GPT-Realtime", "pauses taken over": ".010 / .120", "latency": "1.47 s"},
    {"system": "PersonaPlex", "pauses taken over": ".58 - .66", "latency": "0.07 s"},
    {"system": "Moshi", "pauses taken over": ".98", "latency": "0.265 s"},
)
"""As published on Full-Duplex-Bench's own recordings: context, not the same data."""


Line = list[tuple[float, float]]
"""Seconds since a run began, and a value."""


def figures(results: Sequence[Result]) -> dict[str, Any]:
    """Everything that a set of results says."""
    good = [r for r in results if not r.void]
    found: dict[str, Any] = {"calls": len(good), "void": len(results) - len(good)}
    found["why_void"] = dict(Counter(r.void.partition(" (")[0] for r in results if r.void))
    found["voice_to_voice_ms"] = _times(good, "voice_to_voice_ms")
    found["missed"] = share(sum(r.missed for r in good), sum(r.answers_due for r in good))
    found["taken_over"] = share(sum(r.taken_over for r in good), sum(r.pauses for r in good))
    found["stop_ms"] = _times(good, "stop_ms")
    stops = sum(len(r.stop_ms) + r.not_stopped for r in good)
    found["not_stopped"] = share(sum(r.not_stopped for r in good), stops)
    right = [x for r in good for x in r.history_right]
    found["history_right"] = share(sum(right), len(right))
    found["resumed"] = share(sum(r.resumed for r in good), sum(r.overlaps for r in good))
    found["hole_ms"] = _times(good, "hole_ms")
    minutes = sum(r.spoken_s for r in good) / 60
    found["underrun_ms_per_minute"] = round(sum(r.underrun_ms for r in good) / minutes, 1) if minutes else None
    found["holes_per_minute"] = round(sum(r.pauses_begun for r in good) / minutes, 2) if minutes else None
    found["spurious"] = sum(r.spurious for r in good)
    found["understood_wer"] = share(sum(r.understood[0] for r in good), sum(r.understood[1] for r in good))
    found["spoken_wer"] = share(sum(r.spoken[0] for r in good), sum(r.spoken[1] for r in good))
    found["errors"] = sorted({e for r in good for e in r.errors})
    found["waterfall_ms"] = _waterfall(good)
    found["prepared"] = _prepared(good)
    return found


def _times(results: Iterable[Result], name: str) -> dict[str, Any]:
    return summary([(str(r.options["clip"]), float(v)) for r in results for v in getattr(r, name)])


def _waterfall(results: Sequence[Result]) -> dict[str, int]:
    """Median of each stage that the server tells."""
    stages: dict[str, list[float]] = {}
    for result in results:
        for waterfall in result.waterfalls:
            for name, value in waterfall.items():
                stages.setdefault(name, []).append(float(value))
    return {name: round(sorted(values)[len(values) // 2]) for name, values in stages.items()}


def _prepared(results: Sequence[Result]) -> dict[str, Any]:
    """How many answers that were begun before their turn was over were used, and what the others cost a turn."""
    used = [ms for r in results for was_used, ms in r.prepared_ms if was_used]
    dropped = [ms for r in results for was_used, ms in r.prepared_ms if not was_used]
    return {
        "used": share(len(used), len(used) + len(dropped)),
        "dropped_ms_a_turn": round(sum(dropped) / len(used)) if used else None,
    }


def report(runs: Sequence[Run], scenarios: Sequence[Scenario]) -> dict[str, Any]:
    """The whole report as JSON values."""
    results = [r for run in runs for r in run.results]
    titles = {s.name: s.title for s in scenarios}
    names = [n for n in titles if any(r.scenario == n for r in results)]
    return {
        "scenarios": {
            name: {"title": titles[name], **figures([r for r in results if r.scenario == name])} for name in names
        },
        "overall": figures(results),
        "axes": {
            axis: _axis(axis, [r for r in results if r.scenario in members and not r.void])
            for axis, members in AXES.items()
        },
        "published": list(PUBLISHED),
        "loads": [{"number": number, **_load(run)} for number, run in enumerate(runs)],
        "calls": [{"load": number, **r.to_json()} for number, run in enumerate(runs) for r in run.results],
    }


def sampled(samples: Sequence[dict[str, Any]]) -> tuple[dict[str, Line], dict[str, Line]]:
    """Lines of a server's memory, open files and tasks, and of the memory of each of its programs."""
    kinds, programs = ("pss_mb", "open_files", "tasks"), dict.fromkeys(p for s in samples for p in s["pss_mb_of"])
    whole = {kind: [(s["at_s"], float(s[kind])) for s in samples if s[kind] is not None] for kind in kinds}
    return whole, {p: [(s["at_s"], s["pss_mb_of"].get(p, 0.0)) for s in samples] for p in programs}


def _over_time(run: Run) -> dict[str, Any]:
    """Medians of the run's first and last quarter: what grows with the number of calls, or stays."""
    last_s = max((s["at_s"] for s in run.samples), default=0.0)

    def ends(lines: dict[str, Line]) -> dict[str, list[float]]:
        found = {}
        for name, line in lines.items():
            first = [v for at, v in line if at <= last_s / 4]
            last = [v for at, v in line if at >= last_s * 3 / 4]
            if first and last:
                found[name] = [float(np.median(first)), float(np.median(last))]
        return found

    whole, memory_of = sampled(run.samples)
    spoken = [(r.at_s, v) for r in run.results if not r.void for v in r.voice_to_voice_ms]
    return {**ends({**whole, "voice_to_voice_ms": spoken}), "pss_mb_of": ends(memory_of)}


def _axis(axis: str, results: Sequence[Result]) -> dict[str, Any]:
    """Take-over rate and latency as Full-Duplex-Bench means them."""
    latency = _times(results, "voice_to_voice_ms")
    if axis == "pause handling":
        rate = share(sum(r.taken_over for r in results), sum(r.pauses for r in results))
    elif axis in ("smooth turn taking", "user interruption"):
        due = sum(r.answers_due for r in results)
        rate = share(due - sum(r.missed for r in results), due)
    else:
        overlaps = sum(r.overlaps for r in results)
        rate = share(overlaps - sum(r.resumed for r in results), overlaps)
    return {"take_over_rate": rate, "latency_ms": latency}


def _load(run: Run) -> dict[str, Any]:
    pss = [s["pss_mb"] for s in run.samples]
    calls = sum(s["calls"] for s in run.samples) / len(run.samples) if run.samples else None
    server, found = None, figures(run.results)
    turns = sum(len(r.waterfalls) for r in run.results)
    if run.server_cpu_s is not None and run.wall_s:
        server = {
            "cpu_s_per_minute": round(run.server_cpu_s / run.wall_s * 60, 2),
            "cpu_s_per_turn": round(run.server_cpu_s / turns, 2) if turns else None,
            "calls_at_once": round(calls, 2) if calls is not None else None,
            "pss_mb_first": pss[0] if pss else None, "pss_mb_last": pss[-1] if pss else None,
            "pss_mb_most": max(pss, default=None),
        }  # fmt: skip
    return {
        "callers": run.how.callers, "refused": run.refused, "exact": run.how.exact, "webrtc": run.how.webrtc,
        "wall_s": round(run.wall_s, 1),
        "callers_cpu_s_per_minute": round(run.callers_cpu_s / max(run.wall_s, 1e-9) * 60, 2),
        "server": server, "samples": run.samples, "over_time": _over_time(run),
        "voice_to_voice_ms": found["voice_to_voice_ms"], "prepared": found["prepared"],
    }  # fmt: skip
