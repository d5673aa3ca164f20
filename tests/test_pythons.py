"""Which other Pythons the tests are run by."""

from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tests.pythons import chosen


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (["3.10.13", "3.11.2", "3.11.7", "3.12.1", "3.13.0", "3.14.0"], ["3.11.2", "3.13.0"]),
        (["3.11.7", "3.12.1"], ["3.12.1"]),
        (["3.11.7"], []),
        (["3.10.13", "3.14.0"], []),
    ],
)
def test_the_oldest_and_the_newest_other_one_are_chosen(found: list[str], expected: list[str]) -> None:
    versions = chosen(map(Version, found), SpecifierSet(">=3.11,<3.14"), Version("3.11.7"))
    assert [str(version) for version in versions] == expected
