"""Formats: what is shipped holds, what is wrong is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from parley.debate.format import named, parse, read, shipped
from parley.errors import UsageError

GOOD = """\
name: mine
title: Mine
about: For a test.
sides: [for, against]
rounds:
  - name: Only
    order: [each]
    task: Speak.
"""


def test_what_is_shipped_can_be_read_and_is_called_as_its_file() -> None:
    assert list(shipped()) == ["debate", "devils-advocate", "duel", "interview", "oxford", "panel", "table"]


def test_a_format_of_ones_own_has_what_it_does_not_say() -> None:
    made = parse(GOOD, "mine.yaml")
    assert (made.gap_ms, made.moderator, made.answers, made.rounds[0].repeat) == (250, True, "last", 1)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("name: mine", "name: Mine!", "mine.yaml:1: name: String should match"),
        ("    task: Speak.", "    tsk: Speak.", "mine.yaml:8: rounds.0.tsk: Extra inputs are not permitted"),
        ("    task: Speak.\n", "", "mine.yaml:6: rounds.0.task: Field required"),
        ("order: [each]", "order: [each, nobody]", "mine.yaml:7: rounds.0.order: 'nobody' is none of"),
        ("order: [each]", "order: []", "mine.yaml:7: rounds.0.order: nobody speaks"),
        ("title: Mine", "title: Mine\nmoderator: false\nanswers: moderator", "mine.yaml:4: answers: there is no moder"),
        ("task: Speak.", "task: {for: Speak.}", "mine.yaml:8: rounds.0.task: nothing is said about 'each'"),
        ("task: Speak.", "task: Speak.\n    seconds: 9000", "mine.yaml:9: rounds.0.seconds: Input should be less"),
        ("sides: [for, against]", "sides: [for, each]", "mine.yaml:4: sides: 'each', 'people' and 'moderator'"),
        ("sides: [for, against]", "sides: [for, [", "mine.yaml:6: "),
        (
            "task: Speak.",
            "task: Speak.\n    repeat: 0\n  - {name: A, order: [for], task: B}",
            "only the last round may",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line(before: str, after: str, told: str) -> None:
    with pytest.raises(UsageError) as fault:
        parse(GOOD.replace(before, after), "mine.yaml")
    assert told in str(fault.value)


def test_every_fault_of_a_file_is_told() -> None:
    with pytest.raises(UsageError) as fault:
        parse(GOOD.replace("title: Mine\n", "").replace("about: For a test.\n", ""), "mine.yaml")
    assert len(str(fault.value).splitlines()) == 2


@pytest.mark.parametrize("text", ["", "a", "- a", "[" * 2000])
def test_what_is_no_mapping_is_no_format(text: str) -> None:
    with pytest.raises(UsageError, match=r"mine\.yaml:1: "):
        parse(text, "mine.yaml")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "huge.yaml").write_text("a" * 200_000)
    unreadable = {tmp_path: "cannot be read", tmp_path / "no.yaml": "cannot be read"}
    for path, told in {
        **unreadable, tmp_path / "binary.yaml": "cannot be read", tmp_path / "huge.yaml": "no format",
    }.items():  # fmt: skip
        with pytest.raises(UsageError, match=told):
            read(path)


def test_a_format_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(UsageError, match="oxford"):
        named("oxfrod")
