"""The report as one self-contained page: tables, and plots as SVG. No script, nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from parley.bench.report import sampled

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 640, 180, 48, 28
_BIN_MS = 50
_TURNS_SHOWN = 60
_COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#e45756", "#72b7b2", "#b279a2", "#9d755d", "#bab0ac")

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --ink: CanvasText; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .7rem; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
td.bad { color: #c0392b; font-weight: 600; }
figure { margin: 1.5rem 0; } figcaption { font-weight: 600; }
svg text { fill: var(--ink); font: 11px system-ui, sans-serif; }
small { opacity: .75; }
"""


def page(report: dict[str, Any], title: str, facts: dict[str, str]) -> str:
    """HTML of a report made by `report.report`; `facts` (server, date, machine) stand at the top."""
    parts = [
        f"<h1>{escape(title)}</h1>",
        "<p>" + "<br>".join(f"{escape(k)}: {escape(v)}" for k, v in facts.items()) + "</p>",
        "<h2>Scenarios</h2>",
        _scenario_table({**report["scenarios"], "all": {"title": "All", **report["overall"]}}),
        "<p><small>Times are median / 95th percentile in milliseconds, at the caller's ear; in brackets the"
        " 95 % interval of the median, bootstrapped by recording.</small></p>",
        "<h2>Voice to voice</h2>",
        *(
            _histogram(
                found["title"], [v for c in report["calls"] if c["scenario"] == name for v in c["voice_to_voice_ms"]]
            )
            for name, found in report["scenarios"].items()
        ),
        "<h2>Where the time goes, turn by turn</h2>",
        _stacks([w for c in report["calls"] for w in c["waterfalls"]]),
        "<h2>Sessions against latency</h2>",
        _load_table(report["loads"]),
        _load_plot(report["loads"]),
        *(part for load in report["loads"] for part in _plots_over_time(load, report["calls"])),
        "<h2>In the terms of Full-Duplex-Bench</h2>",
        _axes_table(report),
    ]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><body>{''.join(parts)}</body></html>"
    )


def share(value: dict[str, Any]) -> str:
    """A share with its counts; a dash when there was no occasion."""
    return f"{100 * value['share']:.1f} % ({value['count']}/{value['n']})" if value["n"] else "–"


def time(value: dict[str, Any]) -> str:
    """Median / 95th percentile and the median's interval; a dash when there is none."""
    if not value["n"]:
        return "–"
    low, high = value["p50_interval"]
    return f"{value['p50']} / {value['p95']} [{low}, {high}]"


def over_time(load: dict[str, Any]) -> str:
    """What changed from the first quarter of a run to the last; what takes part in the memory's growth is named."""
    found, told = load["over_time"], []
    if "pss_mb" in found:
        first, last = found["pss_mb"]
        grown = [(name, after - before) for name, (before, after) in found["pss_mb_of"].items()]
        parts = ", ".join(f"{name} {mb:+.0f}" for name, mb in grown if abs(mb) >= 1)
        share_of = 100 * (last - first) / first if first else 0.0
        told.append(f"memory {first:.0f} → {last:.0f} MB ({share_of:+.1f} %{': ' if parts else ''}{parts})")
    for title, name, unit in (("open files", "open_files", ""), ("tasks", "tasks", ""),
                              ("voice to voice", "voice_to_voice_ms", " ms")):  # fmt: skip
        if name in found:
            told.append(f"{title} {found[name][0]:.0f} → {found[name][1]:.0f}{unit}")
    return ", ".join(told)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = "".join(f"<th>{escape(h)}</th>" for h in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in rows)
    return f"<table><tr>{cells}</tr>{body}</table>"


def _scenario_table(found: dict[str, dict[str, Any]]) -> str:
    head = ("scenario", "calls", "voice to voice", "missed", "taken over", "stop", "history right", "resumed", "hole",
            "underrun ms/min", "understood WER", "spoken WER", "errors")  # fmt: skip
    return _table(head, (scenario_row(f) for f in found.values()))


def scenario_row(found: dict[str, Any]) -> tuple[str, ...]:
    """A line of the table of scenarios."""
    underrun = found["underrun_ms_per_minute"]
    return (
        found["title"], f"{found['calls']}" + (f" (+{found['void']} void)" if found["void"] else ""),
        time(found["voice_to_voice_ms"]), share(found["missed"]), share(found["taken_over"]), time(found["stop_ms"]),
        share(found["history_right"]), share(found["resumed"]), time(found["hole_ms"]),
        "–" if underrun is None else f"{underrun}", share(found["understood_wer"]), share(found["spoken_wer"]),
        str(len(found["errors"])),
    )  # fmt: skip


def _histogram(title: str, values: Sequence[float]) -> str:
    if not values:
        return ""
    last = max(1000, (int(max(values)) // 250 + 1) * 250)
    first = min(0, int(min(values)) // _BIN_MS * _BIN_MS)
    counts: dict[int, int] = {}
    for value in values:
        counts[int(value) // _BIN_MS * _BIN_MS] = counts.get(int(value) // _BIN_MS * _BIN_MS, 0) + 1
    most = max(counts.values())

    def x(ms: float) -> float:
        return _LEFT + (ms - first) / (last - first) * (_WIDTH - _LEFT - 10)

    tall = _HEIGHT - _BOTTOM - 10
    bars = "".join(
        f'<rect x="{x(ms):.1f}" width="{x(ms + _BIN_MS) - x(ms) - 1:.1f}" y="{_HEIGHT - _BOTTOM - tall * n / most:.1f}"'
        f' height="{tall * n / most:.1f}" fill="{_COLOURS[0]}"><title>{ms} to {ms + _BIN_MS} ms: {n}</title></rect>'
        for ms, n in counts.items()
    )
    ticks = "".join(
        f'<text x="{x(ms):.1f}" y="{_HEIGHT - 10}" text-anchor="middle">{ms}</text>' for ms in range(0, last + 1, 250)
    )
    middle = sorted(values)[len(values) // 2]
    line = (
        f'<line x1="{x(middle):.1f}" x2="{x(middle):.1f}" y1="5" y2="{_HEIGHT - _BOTTOM}" stroke="{_COLOURS[3]}"/>'
        f'<text x="{x(middle) + 4:.1f}" y="14">median {middle:.0f} ms</text>'
    )
    return _figure(f"{title} (n = {len(values)})", bars + ticks + line + f'<text x="4" y="14">{most}</text>')


def _stacks(waterfalls: Sequence[dict[str, Any]]) -> str:
    shown = waterfalls[:_TURNS_SHOWN]
    if not shown:
        return "<p>The server tells no waterfall (stock clients get none).</p>"
    stages = [s for s in dict.fromkeys(s for w in shown for s in w) if s != "total_ms"]
    most = max(max(0, float(w["total_ms"])) for w in shown) or 1
    width = (_WIDTH - _LEFT - 10) / len(shown)
    tall = _HEIGHT - _BOTTOM - 10
    bars = []
    for index, waterfall in enumerate(shown):
        top = float(_HEIGHT - _BOTTOM)
        for colour, stage in zip(_COLOURS, stages, strict=False):
            height = tall * max(0.0, float(waterfall.get(stage, 0))) / most
            top -= height
            label = f"{escape(stage)}: {waterfall.get(stage, 0)} ms"
            bars.append(
                f'<rect x="{_LEFT + index * width:.1f}" y="{top:.1f}" width="{max(1.0, width - 1):.1f}" '
                f'height="{height:.1f}" fill="{colour}"><title>{label}</title></rect>'
            )
    legend = "".join(
        f'<rect x="{_LEFT + i * 84}" y="{_HEIGHT - 16}" width="10" height="10" fill="{c}"/>'
        f'<text x="{_LEFT + 14 + i * 84}" y="{_HEIGHT - 7}">{escape(s)}</text>'
        for i, (c, s) in enumerate(zip(_COLOURS, stages, strict=False))
    )
    axis = f'<text x="4" y="14">{most:.0f} ms</text>'
    return _figure(f"The first {len(shown)} turns", "".join(bars) + legend + axis)


def _load_table(loads: Sequence[dict[str, Any]]) -> str:
    head = (
        "callers",
        "refused",
        "voice to voice",
        "server CPU s/min",
        "CPU s a turn",
        "prepared answers used",
        "others, ms a turn",
        "calls at once",
        "PSS first / last / most MB",
        "callers' CPU s/min",
    )
    rows = []
    for load in loads:
        server = load["server"]
        rows.append(
            (
                str(load["callers"]),
                str(load["refused"]),
                time(load["voice_to_voice_ms"]),
                str(server["cpu_s_per_minute"]) if server else "–",
                str(server["cpu_s_per_turn"]) if server else "–",
                share(load["prepared"]["used"]),
                str(load["prepared"]["dropped_ms_a_turn"] or "–"),
                str(server["calls_at_once"]) if server else "–",
                f"{server['pss_mb_first']} / {server['pss_mb_last']} / {server['pss_mb_most']}" if server else "–",
                str(load["callers_cpu_s_per_minute"]),
            )
        )
    return _table(head, rows)


def _load_plot(loads: Sequence[dict[str, Any]]) -> str:
    """Median and 95th percentile by how many call at once, when there were several numbers of them."""
    known = [load for load in loads if load["voice_to_voice_ms"]["n"]]
    if len(known) < 2:
        return ""
    lines = [
        (name, [(float(load["callers"]), float(load["voice_to_voice_ms"][key])) for load in known])
        for name, key in (("median", "p50"), ("95 %", "p95"))
    ]
    return _lines("Voice to voice by callers at once", lines, "ms", "callers")


def _plots_over_time(load: dict[str, Any], calls: Sequence[dict[str, Any]]) -> list[str]:
    """What a soak looks for: memory, open files, tasks and latency from the first call to the last."""
    samples, many = load["samples"], f"{load['callers']} caller(s)"
    if len(samples) < 2:
        return []
    whole, memory_of = sampled(samples)
    memory = [("all", whole["pss_mb"]), *memory_of.items()]
    counts = [("open files", whole["open_files"]), ("tasks", whole["tasks"])]
    spoken = sorted((c["at_s"], v) for c in calls if c["load"] == load["number"] for v in c["voice_to_voice_ms"])
    return [
        f"<p>{many}, first to last quarter of the run: {escape(over_time(load))}.</p>",
        _lines(f"Memory of the server, {many}", memory, "MB", "s"),
        _lines(f"Open files and tasks of the server, {many}", [c for c in counts if c[1]], "", "s"),
        _lines(f"Voice to voice, {many}", [("", spoken)], "ms", "s") if len(spoken) > 1 else "",
    ]


def _lines(caption: str, lines: Sequence[tuple[str, Sequence[tuple[float, float]]]], unit: str, across: str) -> str:
    """Lines over a common axis from zero, each with its name."""
    points = [point for _, line in lines for point in line]
    most, last = max(y for _, y in points) or 1, max(x for x, _ in points) or 1
    tall = _HEIGHT - _BOTTOM - 10
    drawn = []
    for index, (name, line) in enumerate(lines):
        colour = _COLOURS[index % len(_COLOURS)]
        path = " ".join(
            f"{_LEFT + x / last * (_WIDTH - _LEFT - 10):.1f},{_HEIGHT - _BOTTOM - tall * y / most:.1f}" for x, y in line
        )
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        if name:
            at = _LEFT + index * 105
            drawn.append(f'<rect x="{at}" y="{_HEIGHT - 16}" width="10" height="10" fill="{colour}"/>')
            drawn.append(f'<text x="{at + 14}" y="{_HEIGHT - 7}">{escape(name.rpartition(".")[2])}</text>')
    axis = f'<text x="4" y="14">{most:.0f} {unit}</text>'
    axis += f'<text x="{_WIDTH - 10}" y="{_HEIGHT - 7}" text-anchor="end">{last:.0f} {across}</text>'
    return _figure(caption, "".join(drawn) + axis)


def _axes_table(report: dict[str, Any]) -> str:
    ours = [(axis, share(v["take_over_rate"]), time(v["latency_ms"])) for axis, v in report["axes"].items()]
    published = [(p["system"], p["pauses taken over"], p["latency"]) for p in report["published"]]
    return (
        _table(("axis (this server, these recordings)", "take-over rate", "latency ms"), ours)
        + "<p><small>Published, on the benchmark's own recordings: context, not the same data.</small></p>"
        + _table(("system", "pauses taken over", "latency"), published)
    )


def _figure(caption: str, content: str) -> str:
    return (
        f"<figure><figcaption>{escape(caption)}</figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" role="img" aria-label="{escape(caption)}">'
        f'<path d="M{_LEFT} {_HEIGHT - _BOTTOM}H{_WIDTH - 10}" stroke="currentColor"/>{content}</svg></figure>'
    )
