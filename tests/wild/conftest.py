"""Tests of what the world does to a server: each case says what the release before made of it.

``just wild`` prints them as a table: case, on the release before, now.
"""

from __future__ import annotations

from collections.abc import Generator

import pytest
from rich.console import Console
from rich.table import Table

_cases: dict[str, tuple[str, str, str]] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder names its case and what the release before did."""
    for item in items:
        if not item.path.is_relative_to(__file__.rpartition("/")[0]):
            continue
        mark = item.get_closest_marker("wild")
        assert mark is not None, f"{item.nodeid}: mark it @pytest.mark.wild(before=...)"
        case = mark.kwargs.get("case") or item.name.removeprefix("test_").replace("_", " ")
        _cases[item.nodeid] = (case, mark.kwargs["before"], "not run")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note how it went."""
    report = yield
    if item.nodeid in _cases and (report.when == "call" or report.outcome != "passed"):
        case, before, _ = _cases[item.nodeid]
        _cases[item.nodeid] = (case, before, "right" if report.outcome == "passed" else report.outcome.upper())
    return report


def pytest_terminal_summary() -> None:
    """The table."""
    table = Table("case", "on the release before", "now", title="in the world")
    for row in _cases.values():
        table.add_row(*row)
    if _cases:
        Console(width=180).print(table)
