"""Scenarios: the shipped one is read, one's own too, what is wrong is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from parley.errors import UsageError
from parley.plan import scenario

GOOD = """\
name: mine
title: Mine
about: For a test.
engine: frames
months:
  - {months: 2, machine: small, users: 5}
  - {months: 1, machine: large, users: 12}
"""


def find(text: str, folder: Path) -> scenario.Scenario:
    (folder / "mine.yaml").write_text(text)
    return scenario.find(str(folder / "mine.yaml"))


def test_what_is_shipped_is_called_as_its_file() -> None:
    assert list(scenario.shipped()) == ["telugu"]
    assert scenario.find("telugu").engine == "moshi"


def test_one_of_ones_own_has_what_it_does_not_say(tmp_path: Path) -> None:
    found = find(GOOD, tmp_path)
    assert (found.hours_a_day, found.storage_gb, found.once, found.stated.fleets) == (24, 0, {}, ())


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("users: 12", "users: 0", r"mine\.yaml:7: months\.1\.users: "),
        ("machine: large, ", "", r"mine\.yaml:7: months\.1\.machine: Field required"),
        ("engine: frames", "engine: frames\nhours_a_day: 25", r"mine\.yaml:5: hours_a_day: "),
        ("engine: frames", "engine: frames\nstated: {move: {machine: a, to: b}}", r":5: stated\.move\.users: "),
        ("name: mine", "name: Mine", r"mine\.yaml:1: name: "),
        (GOOD, "mine", r"mine\.yaml:1: a scenario is a mapping with name, title, about, engine, months"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(before: str, after: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=told):
        find(GOOD.replace(before, after), tmp_path)


def test_a_name_that_is_none_is_answered_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="no scenario 'telgu'; there are telugu, or a path"):
        scenario.find("telgu")
