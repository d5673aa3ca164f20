"""What a plan says: rows, sentences, CSV and JSON tell the same."""

from __future__ import annotations

import csv
import io
import json

import pytest

from parley import checked_yaml
from parley.errors import UsageError
from parley.plan import report
from parley.plan.capacity import Capacity
from parley.plan.plan import Terms
from parley.plan.prices import Prices
from tests.plan.test_prices import GOOD

MINE = checked_yaml.parse(GOOD, "mine.yaml", Prices, "price file")
TERMS = Terms(10, 30, 50, 0.1, (("training", 7.5),))


def planned(
    users: tuple[int, ...] = (4, 4, 20), machines: tuple[str, ...] = (), engine: str = "frames", **given: Capacity
) -> report.Report:
    return report.report("A plan", MINE, report.Wish(engine, users, TERMS, machines), given)


def test_without_a_machine_that_is_taken_which_costs_least_over_all_months() -> None:
    assert planned((4,)).plan.months[0].offer.machine == "small"  # 150 a month against 450
    assert planned((40,)).plan.months[0].offer.machine == "small"  # 10 small ones for 1500, 4 large ones for 1800
    assert planned((41, 48)).plan.months[0].offer.machine == "small"
    cheap = Capacity(40, "measured", "a run")
    assert planned((40,), large=cheap).plan.months[0].offer.machine == "large"


def test_each_month_has_the_machine_that_was_asked_for() -> None:
    found = planned((4, 12), ("small", "large"))
    assert [(m.offer.machine, m.pods, m.pods_cost) for m in found.plan.months] == [("small", 1, 150), ("large", 1, 450)]
    assert [plan.months[0].offer.machine for plan in found.compared] == ["small", "large"]


def test_what_is_better_known_counts_before_the_price_file() -> None:
    found = planned((4,), ("small",), small=Capacity(2, "measured", "a run"))
    assert found.plan.months[0].pods == 2
    assert ("small, users", "2 at once", "measured", "a run") in report.source_rows(found)


def test_who_carries_nobody_is_named_with_the_reason() -> None:
    none = Capacity(0, "measured", "1 at once: nobody was answered")
    found = planned((4,), small=none)
    assert "small carries nobody: 1 at once: nobody was answered." in report.even_lines(found)
    assert [plan.months[0].offer.machine for plan in found.compared] == ["large"]
    with pytest.raises(UsageError, match="small carries nobody with frames: 1 at once"):
        planned((4,), ("small",), small=none)
    with pytest.raises(UsageError, match=r"no machine of the price file carries frames \(small: 1 at"):
        planned((4,), small=none, large=none)


def test_what_is_not_known_is_asked_for() -> None:
    with pytest.raises(UsageError, match="does not say what large carries of words: add it"):
        planned((4,), ("large",), "words")
    with pytest.raises(UsageError, match="no machine 'huge'"):
        planned((4,), ("huge",))


def test_months_that_are_alike_are_one_line() -> None:
    head, rows = report.month_table(planned((4, 4, 4, 20), ("small",) * 4))
    assert head == ("month", "users", "machine", "pods", "pods' cost", "storage", "once", "all", "a user")
    assert rows == [
        ("1", "4", "small", "1", "150.00", "5.00", "7.50", "162.50", "38.75"),
        ("2 to 3 each", "4", "small", "1", "150.00", "5.00", "0.00", "155.00", "38.75"),
        ("4", "20", "small", "5", "750.00", "5.00", "0.00", "755.00", "37.75"),
        ("all", "–", "–", "–", "1,200.00", "20.00", "7.50", "1,227.50", "–"),
    ]


def test_what_costs_nothing_has_no_column() -> None:
    wish = report.Wish("words", (3,), Terms(10))
    head, rows = report.month_table(report.report("A plan", MINE, wish, {}))
    assert head == ("month", "users", "machine", "pods", "pods' cost", "all", "a user")
    assert rows[0] == ("1", "3", "small", "1", "150.00", "150.00", "50.00")


def test_machines_are_compared_over_the_same_months() -> None:
    assert report.compared_rows(planned()) == [
        ("small", "4 (measured)", "0.5", "1 → 5", "155.00 → 755.00", "38.75 → 37.75", "1,072.50"),
        ("large", "12 (assumed)", "1.5", "1 → 2", "455.00 → 905.00", "113.75 → 45.25", "1,822.50"),
    ]


def test_break_evens_are_sentences() -> None:
    assert report.even_lines(planned()) == ["large is cheaper than small: never."]


def test_a_price_at_which_machines_are_taken_away_and_what_nobody_measured_are_said() -> None:
    spot, asked = report.notes(planned((4,), ("small",))), report.notes(planned((4,), ("large",)))
    assert any("--on-demand" in note for note in spot)
    assert not any("--on-demand" in note for note in asked)
    assert any("What large can carry was not measured" in note for note in asked)
    assert not any("not measured" in note for note in spot)


def test_the_csv_has_every_month_and_adds_up() -> None:
    found = planned()
    rows = list(csv.DictReader(io.StringIO(report.as_csv(found))))
    assert [(r["month"], r["users"], r["pods"], r["currency"]) for r in rows] == [
        ("1", "4", "1", "EUR"), ("2", "4", "1", "EUR"), ("3", "20", "5", "EUR"),
    ]  # fmt: skip
    assert sum(float(r["cost"]) for r in rows) == pytest.approx(found.plan.cost)


def test_the_json_tells_all_of_it() -> None:
    found = json.loads(json.dumps(report.as_json(planned())))
    assert found["plan"]["cost"] == 1072.5
    assert found["plan"]["once"] == {"training": 7.5}
    assert [m["pods"] for m in found["plan"]["months"]] == [1, 1, 5]
    assert found["break_even"] == [{"small": "small", "large": "large", "first": None, "always": None}]
    assert found["compared"][1]["machines"][0]["why"].endswith("a guess")
