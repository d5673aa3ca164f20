"""The dashboard shows what there is."""

from __future__ import annotations

import json
import re
from pathlib import Path

from prometheus_client import generate_latest

from parley.server.metrics import Metrics

DASHBOARD = Path(__file__).parents[2] / "deploy" / "grafana" / "parley.json"


def test_every_metric_of_the_dashboard_exists() -> None:
    known = set(re.findall(r"^# TYPE (\w+)", generate_latest(Metrics().registry).decode(), re.MULTILINE))
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    shown = {m for p in panels for t in p["targets"] for m in re.findall(r"parley_\w+", t["expr"])}
    plain = {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown}
    assert plain <= known
    assert len(plain) >= 8
