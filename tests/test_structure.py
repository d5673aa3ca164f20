"""The rules of the source's shape find what breaks them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.structure import MOST_LINES, circle, imports_of, own_test, too_long, untested


def test_a_circle_of_imports_is_found_and_named() -> None:
    ring = circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})
    assert ring[0] == ring[-1]
    assert set(ring) == {"a", "b", "c"}
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_imports_for_types_alone_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "ringed"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "one.py").write_text("from ringed import two\n")
    (package / "two.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ringed.one import One\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert set(circle(imports_of("ringed"))) == {"ringed.one", "ringed.two"}


def test_a_long_file_says_why_in_its_first_lines(tmp_path: Path) -> None:
    lines = "x = 1\n" * MOST_LINES
    (tmp_path / "short.py").write_text(lines)
    (tmp_path / "long.py").write_text(lines + "y = 1\n")
    (tmp_path / "excused.py").write_text("# Above 300 lines: one table.\n" + lines)
    (tmp_path / "silent.py").write_text("# Above 300 lines:\n" + lines)
    (tmp_path / "late.py").write_text(lines + "# Above 300 lines: one table.\n")
    assert [line.split(":")[0] for line in too_long(tmp_path)] == ["late.py", "long.py", "silent.py"]


@pytest.mark.parametrize(
    ("module", "test"),
    [
        ("turns/floor.py", "turns/test_floor.py"),
        ("turns/policies/floor.py", "turns/policies/test_floor.py"),
        ("turns/lexicon/__init__.py", "turns/test_lexicon.py"),
    ],
)
def test_tests_stand_where_their_module_does(module: str, test: str) -> None:
    assert own_test(Path(module)) == Path(test)


def test_a_module_without_tests_of_its_own_is_named_unless_it_is_excepted(tmp_path: Path) -> None:
    source, tests = tmp_path / "source", tmp_path / "tests"
    for name in ("turns/a.py", "turns/b.py", "turns/words/c.py", "turns/words/d.py", "cli/e.py"):
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (source / "turns" / "__init__.py").write_text('"""Some words."""\nfrom x import y\n__all__ = ["y"]\n')
    (source / "turns" / "words" / "__init__.py").write_text("def read() -> None: ...\n")
    (tests / "turns").mkdir(parents=True)
    (tests / "turns" / "test_a.py").touch()

    def named(**excepted: str) -> list[str]:
        known = {name.replace("__", "/"): why for name, why in excepted.items()}
        return [line.split(":")[0] for line in untested(source, tests, ["turns"], known)]

    assert named() == ["turns/b.py", "turns/words/__init__.py", "turns/words/c.py", "turns/words/d.py"]
    assert named(turns__words="by kind") == ["turns/b.py"]


def test_an_exception_that_is_none_any_more_is_named(tmp_path: Path) -> None:
    source, tests = tmp_path / "source", tmp_path / "tests"
    for path in (source / "turns" / "a.py", tests / "turns" / "test_a.py"):
        path.parent.mkdir(parents=True)
        path.touch()
    found = list(untested(source, tests, ["turns"], {"turns/a.py": "has some", "turns/gone.py": "was there"}))
    assert [line.split(":")[0] for line in found] == ["turns/a.py", "turns/gone.py"]
