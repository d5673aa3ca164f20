"""The dashboard shows what there is, and what there is is counted."""

from __future__ import annotations

import json
import re
from pathlib import Path

from prometheus_client import generate_latest

from parley.conversation import notifications as nt
from parley.server.metrics import Metrics

DASHBOARD = Path(__file__).parents[2] / "deploy" / "grafana" / "parley.json"


def test_every_metric_of_the_dashboard_exists() -> None:
    known = set(re.findall(r"^# TYPE (\w+)", generate_latest(Metrics().registry).decode(), re.MULTILINE))
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    shown = {m for p in panels for t in p["targets"] for m in re.findall(r"parley_\w+", t["expr"])}
    plain = {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown}
    assert plain <= known
    assert len(plain) >= 8


def test_answers_that_were_prepared_are_counted_by_what_became_of_them() -> None:
    metrics = Metrics()
    for used, spent_ms in ((True, 200), (False, 50), (False, 100)):
        metrics.observe(nt.PreparedResponse(used, spent_ms))
    told = generate_latest(metrics.registry).decode()
    assert 'parley_prepared_answers_total{outcome="used"} 1.0' in told
    assert 'parley_prepared_answers_total{outcome="dropped"} 2.0' in told
    assert 'parley_prepared_answer_seconds_total{outcome="dropped"} 0.15' in told
