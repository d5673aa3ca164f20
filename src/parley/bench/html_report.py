"""The report as one self-contained page: tables and plots. No script, nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from parley.bench import plots
from parley.bench.document import document, table
from parley.bench.report import sampled


def page(report: dict[str, Any], title: str, facts: dict[str, str]) -> str:
    """HTML of a report made by `report.report`; `facts` (server, date, machine) stand at the top."""
    parts = [
        "<h2>Scenarios</h2>",
        _scenario_table({**report["scenarios"], "all": {"title": "All", **report["overall"]}}),
        "<p><small>Times are median / 95th percentile in milliseconds, at the caller's ear; in brackets the"
        " 95 % interval of the median, bootstrapped by recording.</small></p>",
        "<h2>Voice to voice</h2>",
        *(
            plots.histogram(
                found["title"], [v for c in report["calls"] if c["scenario"] == name for v in c["voice_to_voice_ms"]]
            )
            for name, found in report["scenarios"].items()
        ),
        "<h2>Where the time goes, turn by turn</h2>",
        plots.stacks([w for c in report["calls"] for w in c["waterfalls"]]),
        "<h2>Sessions against latency</h2>",
        _load_table(report["loads"]),
        _load_plot(report["loads"]),
        *(part for load in report["loads"] for part in _plots_over_time(load, report["calls"])),
        "<h2>In the terms of Full-Duplex-Bench</h2>",
        _axes_table(report),
    ]
    return document(title, facts, parts)


def curve_page(report: dict[str, Any], title: str, facts: dict[str, str]) -> str:
    """HTML of a report made by `curve.report`: the operating curve, and its figures."""
    curve = report["curve"]
    points = [
        (f"{kind} {length} s", [
            (100 * found["taken"][kind][length]["share"], float(found["ends"]["committed_ms"]["mean"]))
            for found in curve.values() if length in found["taken"].get(kind, {}) and found["ends"]["committed_ms"]["n"]
        ])
        for kind, length in _classes(list(curve.values()))
    ]  # fmt: skip
    parts = [
        plots.lines("Mean wait at a turn's end against pauses taken", points, "ms", "% of pauses taken"),
        table(("eagerness", *curve), curve_rows(report)),
    ]
    return document(title, facts, parts)


def _classes(curve: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """Kinds and lengths of the pauses that occur."""
    return list(dict.fromkeys((kind, length) for f in curve for kind, of in f["taken"].items() for length in of))


def curve_rows(report: dict[str, Any]) -> list[tuple[str, ...]]:
    """Lines of the table: a title, and a cell for each eagerness."""
    curve = list(report["curve"].values())
    rows = [("recordings", *(f"{f['recordings']}" + (f" (+{f['void']} void)" if f["void"] else "") for f in curve))]
    for title, which in (("end of a turn", "ends"), ("... of a fragment", "fragments")):
        rows += [
            (f"{title}: noticed, ms", *(time(f[which]["committed_ms"]) for f in curve)),
            (f"{title}: mean / most, ms", *(_mean(f[which]["committed_ms"]) for f in curve)),
            (f"{title}: answer heard, ms", *(time(f[which]["audible_ms"]) for f in curve)),
            (f"{title}: never noticed", *(share(f[which]["never"]) for f in curve)),
        ]
    for kind, length in _classes(curve):
        cells = (share(f["taken"][kind][length]) if length in f["taken"].get(kind, {}) else "–" for f in curve)
        rows.append((f"pause taken: {kind}, {length} s", *cells))
    rows.append(("silent after the speaker went on, ms", *(time(f["silenced_ms"]) for f in curve)))
    if any(f["interrupted_ms"]["n"] for f in curve):
        rows.append(("silent after an interruption, ms", *(time(f["interrupted_ms"]) for f in curve)))
    rows.append(("answered in a pause of up to 1.5 s: one turn all the same", *(share(f["one_turn"]) for f in curve)))
    return rows


def _mean(value: dict[str, Any]) -> str:
    return f"{value['mean']} / {value['most']}" if value["n"] else "–"


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


def _scenario_table(found: dict[str, dict[str, Any]]) -> str:
    head = ("scenario", "calls", "voice to voice", "missed", "taken over", "stop", "history right", "resumed", "hole",
            "underrun ms/min", "understood WER", "spoken WER", "errors")  # fmt: skip
    return table(head, (scenario_row(f) for f in found.values()))


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


def _load_table(loads: Sequence[dict[str, Any]]) -> str:
    head = ("callers", "refused", "voice to voice", "server CPU s/min", "CPU s a turn", "calls at once",
            "PSS first / last / most MB", "prepared answers used", "others, ms a turn",
            "callers' CPU s/min")  # fmt: skip
    return table(head, map(_load_row, loads))


def _load_row(load: dict[str, Any]) -> tuple[str, ...]:
    server, prepared = load["server"], load["prepared"]
    cost: tuple[str, ...] = ("–",) * 4
    if server:
        memory = f"{server['pss_mb_first']} / {server['pss_mb_last']} / {server['pss_mb_most']}"
        cost = (*(str(server[name]) for name in ("cpu_s_per_minute", "cpu_s_per_turn", "calls_at_once")), memory)
    return (
        str(load["callers"]), str(load["refused"]), time(load["voice_to_voice_ms"]), *cost, share(prepared["used"]),
        str(prepared["dropped_ms_a_turn"] or "–"), str(load["callers_cpu_s_per_minute"]),
    )  # fmt: skip


def _load_plot(loads: Sequence[dict[str, Any]]) -> str:
    """Median and 95th percentile by how many call at once, when there were several numbers of them."""
    known = [load for load in loads if load["voice_to_voice_ms"]["n"]]
    if len(known) < 2:
        return ""
    lines = [
        (name, [(float(load["callers"]), float(load["voice_to_voice_ms"][key])) for load in known])
        for name, key in (("median", "p50"), ("95 %", "p95"))
    ]
    return plots.lines("Voice to voice by callers at once", lines, "ms", "callers")


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
        plots.lines(f"Memory of the server, {many}", memory, "MB", "s"),
        plots.lines(f"Open files and tasks of the server, {many}", [c for c in counts if c[1]], "", "s"),
        plots.lines(f"Voice to voice, {many}", [("", spoken)], "ms", "s") if len(spoken) > 1 else "",
    ]


def _axes_table(report: dict[str, Any]) -> str:
    ours = [(axis, share(v["take_over_rate"]), time(v["latency_ms"])) for axis, v in report["axes"].items()]
    published = [(p["system"], p["pauses taken over"], p["latency"]) for p in report["published"]]
    return (
        table(("axis (this server, these recordings)", "take-over rate", "latency ms"), ours)
        + "<p><small>Published, on the benchmark's own recordings: context, not the same data.</small></p>"
        + table(("system", "pauses taken over", "latency"), published)
    )
