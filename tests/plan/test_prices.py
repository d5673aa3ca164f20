"""The price file: the shipped one holds, one's own is read, what is wrong is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from parley.errors import UsageError
from parley.plan import prices

GOOD = """\
date: 2026-01-02
currency: EUR
storage: {a_gb_month: 0.1, origin: assumed, source: a guess}
machines:
  - {name: small, memory_gb: 10, an_hour: 0.5, on_demand: 1.0, origin: stated, source: a list}
  - {name: large, memory_gb: 40, an_hour: 1.5, origin: stated, source: a list}
engines:
  - {name: frames, frame_ms: 100, share: 0.8, weights_gb: 4, session_gb: 1.5, origin: assumed, source: a guess}
  - {name: words, origin: measured, source: a run}
capacity:
  - {engine: frames, machine: small, step_ms: {1: 20, 5: 100}, origin: measured, source: a run}
  - {engine: frames, machine: large, step_ms: {2: 10, 12: 60}, origin: assumed, source: a guess}
  - {engine: words, machine: small, users: 3, origin: measured, source: another run}
"""


def read(text: str, tmp_path: Path) -> prices.Prices:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return prices.read(path)


def test_every_figure_that_is_shipped_says_where_it_is_from() -> None:
    shipped = prices.shipped()
    assert shipped.machine("L4").an_hour == 0.39
    assert all(len(one.source) > 10 for one in (*shipped.machines, *shipped.engines, *shipped.capacity))


def test_the_shipped_file_is_what_is_printed_to_be_changed(tmp_path: Path) -> None:
    assert read(prices.shipped_text(), tmp_path) == prices.shipped()


def test_a_file_of_ones_own_is_read(tmp_path: Path) -> None:
    mine = read(GOOD, tmp_path)
    assert (mine.currency, mine.days_a_month, mine.engine("frames").frame_ms) == ("EUR", 30, 100)
    assert mine.machine("small").price(on_demand=True) == 1.0
    assert mine.machine("large").price(on_demand=True) == 1.5, "who has one price has it always"
    assert mine.carries("words", "large") is None


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("an_hour: 1.5", "an_hour: -1", "mine.yaml:6: machines.1.an_hour: "),
        ("an_hour: 1.5", "an_hour: .inf", "mine.yaml:6: machines.1.an_hour: "),
        ("currency: EUR", "currency: euros", "mine.yaml:2: currency: "),
        ("date: 2026-01-02", "date: lately", "mine.yaml:1: date: "),
        ("name: large", "name: small", "mine.yaml:6: machines.1: 'small' is there twice"),
        ("engine: words", "engine: frames", "mine.yaml:13: capacity.2: 'frames on small' is there twice"),
        ("machine: large", "machine: huge", "mine.yaml:12: capacity.1.machine: 'huge' is none of large, small"),
        ("engine: words, machine", "engine: word, machine", "mine.yaml:13: capacity.2.engine: 'word' is none of"),
        ("{1: 20, 5: 100}", "{1: 20, 5: 10}", "mine.yaml:11: capacity.0: step_ms: a step of more"),
        ("{1: 20, 5: 100}", "{0: 20}", "mine.yaml:11: capacity.0.step_ms.0"),
        ("users: 3", "users: 3, step_ms: {1: 2}", "mine.yaml:13: capacity.2: either step_ms or users"),
        ("users: 3", "step_ms: {1: 2}", "mine.yaml:13: capacity.2.step_ms: the engine 'words' has no frame_ms"),
        ("measured, source: another run", "rumoured, source: another run", "mine.yaml:13: capacity.2.origin: "),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(before: str, after: str, told: str, tmp_path: Path) -> None:
    assert before in GOOD
    with pytest.raises(UsageError) as fault:
        read(GOOD.replace(before, after), tmp_path)
    assert told in str(fault.value)


def test_what_the_file_has_not_is_named_with_what_it_has() -> None:
    with pytest.raises(UsageError, match="no machine 'L5'; it has L4, A40"):
        prices.shipped().machine("L5")
    with pytest.raises(UsageError, match="no engine 'mushi'; it has cascade, moshi"):
        prices.shipped().engine("mushi")
