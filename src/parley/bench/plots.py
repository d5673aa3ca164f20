"""Plots of the report as SVG, which Vega-Lite draws: readable where it is light and dark, and by screen readers."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from statistics import median
from typing import Any

from parley.bench.document import wide
from parley.errors import UsageError

_BIN_MS = 50
_TURNS_SHOWN = 60
_WIDTH, _HEIGHT = 620, 150
_INK, _GREY = "currentColor", "#808080"
_LOOKS = {
    "background": None,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {"labelColor": _INK, "titleColor": _INK, "tickColor": _INK, "domainColor": _INK, "gridColor": _INK,
             "gridOpacity": 0.15},
    "legend": {"labelColor": _INK, "orient": "bottom"},
}  # fmt: skip


def library() -> Any:
    """What draws; raises `UsageError` where it is not installed."""
    try:
        import vl_convert
    except ImportError as fault:
        raise UsageError(
            f"a page with plots needs the extra 'bench': pip install 'parley-voice[bench]' ({fault})"
        ) from fault
    return vl_convert


def histogram(
    title: str, values: Sequence[float], unit: str = "ms", step: float = _BIN_MS, what: str = "answers"
) -> str:
    """How many answers (or `what` else) have which value, in bins of `step`, and the median as a line."""
    if not values:
        return ""
    bars = {"mark": "bar", "encoding": {"x": {"field": "value", "bin": {"step": step}, "title": unit or None},
                                        "y": {"aggregate": "count", "title": what}}}  # fmt: skip
    middle = {"mark": {"type": "rule", "color": "#e45756", "size": 2},
              "encoding": {"x": {"field": "value", "aggregate": "median"}}}  # fmt: skip
    told = f"{median(values):.0f}" if step >= 1 else f"{median(values):.3g}"
    caption = f"{title} (n = {len(values)}, median {told} {unit}".rstrip() + ")"
    return _figure(caption, [{"value": value} for value in values], layer=[bars, middle])


def stacks(waterfalls: Sequence[dict[str, Any]]) -> str:
    """A bar for each turn, of the parts of its time."""
    shown = waterfalls[:_TURNS_SHOWN]
    if not shown:
        return "<p>The server tells no waterfall (stock clients get none).</p>"
    stages = [s for s in dict.fromkeys(s for w in shown for s in w) if s != "total_ms"]
    rows = [
        {"turn": turn, "stage": stage, "order": order, "ms": max(0, waterfall.get(stage, 0))}
        for turn, waterfall in enumerate(shown, 1)
        for order, stage in enumerate(stages)
    ]
    encoding = {
        "x": {"field": "turn", "type": "ordinal", "axis": {"labelOverlap": True}},
        "y": {"field": "ms", "type": "quantitative"},
        "color": {"field": "stage", "type": "nominal", "sort": stages, "title": None},
        "order": {"field": "order"},
    }
    return _figure(f"The first {len(shown)} turns", rows, mark="bar", encoding=encoding)


def lines(
    caption: str,
    named: Sequence[tuple[str, Sequence[tuple[float, float]]]],
    unit: str,
    across: str,
    *,
    points: bool = False,
) -> str:
    """Lines over a common axis from zero, each with its name; with `points`, what was measured is marked on them."""
    rows = [{"line": name.rpartition(".")[2], "x": x, "y": y} for name, line in named for x, y in line]
    encoding: dict[str, Any] = {
        "x": {"field": "x", "type": "quantitative", "title": across, "axis": {"tickMinStep": 1}},
        "y": {"field": "y", "type": "quantitative", "title": unit},
    }
    if len(named) > 1:
        encoding["color"] = {"field": "line", "type": "nominal", "sort": None, "title": None}
    return _figure(caption, rows, mark={"type": "line", "point": points}, encoding=encoding)


def picture(figure: str) -> str:
    """A figure as an SVG file of its own: where a picture stands nobody tells it the colour of the page."""
    inner, _, _ = figure[figure.index("<svg") :].rpartition("</svg>")
    return f"{inner}</svg>".replace(_INK, _GREY)


def _figure(caption: str, rows: Sequence[dict[str, Any]], **spec: Any) -> str:
    """A plot of these rows, as Vega-Lite describes it."""
    whole = {
        "width": _WIDTH,
        "height": _HEIGHT,
        "config": _LOOKS,
        "data": {"values": rows},
        "description": caption,
        **spec,
    }
    svg = library().vegalite_to_svg(whole)
    return f"<figure><figcaption>{escape(caption)}</figcaption>{wide(svg, caption)}</figure>"
