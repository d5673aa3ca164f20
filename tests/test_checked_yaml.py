"""YAML files of people: what is wrong is named with its line, whatever stands in the file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from parley import checked_yaml
from parley.errors import UsageError


class Line(BaseModel, extra="forbid"):
    price: float
    steps: dict[int, float] = {}


class File(BaseModel, extra="forbid"):
    day: date
    lines: list[Line]


GOOD = """\
day: 2026-02-03
lines:
  - price: 0.5
    steps: {1: 20, 8: 40}
  - price: 2
"""


def parse(text: str) -> File:
    return checked_yaml.parse(text, "mine.yaml", File, "list")


def test_a_good_file_becomes_a_model() -> None:
    found = parse(GOOD)
    assert (found.day, found.lines[0].steps) == (date(2026, 2, 3), {1: 20.0, 8: 40.0})


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("2026-02-03", "2026-02-30", "mine.yaml:1: day: "),
        ("price: 2", "price: two", "mine.yaml:5: lines.1.price: "),
        ("price: 2", "cost: 2", "mine.yaml:5: lines.1.cost: Extra inputs"),
        ("steps: {1: 20, 8: 40}", "steps: {1: 20, 8: many}", "mine.yaml:4: lines.0.steps.8: "),
        ("steps: {1: 20, 8: 40}", "steps: {1: 20", "mine.yaml:5: "),
        ("day: 2026-02-03\n", "", "mine.yaml:1: day: Field required"),
        (GOOD, "- a", "mine.yaml:1: a list is a mapping with day, lines"),
        ("price: 2", f"price: {'1' * 5000}", "mine.yaml:1: "),
        (GOOD, "[" * 2000, "mine.yaml:1: too deep"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(before: str, after: str, told: str) -> None:
    assert before in GOOD
    with pytest.raises(UsageError) as fault:
        parse(GOOD.replace(before, after))
    assert told in str(fault.value)


@given(st.text(alphabet=":-[]{}#&*!|>'\" \n\tab1.~?%@0<=", max_size=40))
def test_nonsense_is_refused_and_nothing_else_happens(text: str) -> None:
    with pytest.raises(UsageError, match=r"^mine\.yaml:\d+: "):
        parse(text)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "huge.yaml").write_text("a" * 200_000)
    for name, told in {"no.yaml": "cannot be read", "binary.yaml": "cannot be read", "huge.yaml": "no list"}.items():
        with pytest.raises(UsageError, match=f"{name}: .*{told}"):
            checked_yaml.read(tmp_path / name, File, "list")
