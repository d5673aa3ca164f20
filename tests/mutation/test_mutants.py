"""Faults are put where they mean something, each of them once, and tests that say the rule notice them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutation.__main__ import Module, in_turn, report
from tests.mutation.judge import ROOT, forked, module_name
from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.targets import accepted, judges_of, modules
from tests.structure import SOURCE, TESTS


def becomes(tmp_path: Path, source: str) -> list[str]:
    path = tmp_path / "module.py"
    path.write_text(source)
    return [mutant.becomes for mutant in mutants_of(path)]


@pytest.mark.parametrize(
    ("source", "mutants"),
    [
        ("LIMIT = 5", ["LIMIT = 6"]),
        ("LIMIT = a", ["LIMIT = None"]),
        ("LIMIT: bool = True", ["LIMIT: bool = False"]),
        ("def f(a):\n    return a < 1", ["return a <= 1", "return a < 2"]),
        ("def f(a):\n    if a:\n        g()", ["if not (a):", "pass"]),
        ("def f(a):\n    g(a, b=1)", ["pass", "g(None, b=1)", "g(a, b=None)", "g(a, )", "g(a, b=2)"]),
        ("def f(a):\n    return g(a, strict=True)", ["return g(None, strict=True)"]),
        ("def f():\n    return 'word'", ["return 'XXwordXX'"]),
        ("def f():\n    for a in b:\n        break", ["return"]),
    ],
)
def test_conditions_arguments_numbers_and_orders_are_changed(tmp_path: Path, source: str, mutants: list[str]) -> None:
    assert becomes(tmp_path, source) == mutants


@pytest.mark.parametrize(
    "source",
    [
        '"""Words."""\n',
        "from a import b\n",
        "def f(a: 'int | None') -> 'list[str]':\n    'Words.'\n",
        "def f():\n    log.warning('odd', session=1)\n",
        "def f():\n    raise ValueError('this is none')\n",
        "def f():\n    assert 1 < 2, 'what is so'\n",
        "class A:\n    def __repr__(self):\n        return 'A' + '1'\n",
        "class A(Enum):\n    ONE = 'one'\n",
        "class A(Enum):\n    ONE = 'one'\nBoth = int | str\n",
        "class A(Struct, frozen=True):\n    pass\n",
        "@d(1)\nclass A:\n    pass\n",
        "if TYPE_CHECKING:\n    x = 1\n",
    ],
)
def test_types_descriptions_logs_and_words_of_errors_are_left_alone(tmp_path: Path, source: str) -> None:
    assert becomes(tmp_path, source) == []


def test_what_python_refuses_or_warns_of_is_no_mutant(tmp_path: Path) -> None:
    assert becomes(tmp_path, "def f(a):\n    return a is None or a is 1 or a == b") == []
    assert "return a == b" not in becomes(tmp_path, "def f(a):\n    return a == b")


def test_a_mutant_knows_its_line_and_is_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text("A = b\n\n\ndef f(a):\n    return a + c\n")
    assert mutants_of(path)[-1] == Mutant(
        path, 5, "return a + c", "return a - c", "A = b\n\n\ndef f(a):\n    return a - c\n"
    )


LIKENESS = SOURCE / "turns" / "policies" / "echo_veto.py"


def judged(script: str) -> str:
    """What a script prints in a process that knows nothing of parley yet."""
    beginning = (
        "from tests.mutation.judge import *; from tests.mutation.targets import *; from tests.structure import *\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", beginning + script], cwd=ROOT, capture_output=True, check=True, text=True
    )
    return ran.stdout.strip()


@pytest.mark.parametrize(("was", "put", "noticed"), [(">=", ">", True), ('"""By', '"""By,', False)])
def test_a_fault_is_noticed_by_the_modules_own_tests(was: str, put: str, *, noticed: bool) -> None:
    source = LIKENESS.read_text(encoding="utf-8")
    found = judged(
        f"at = Path({str(LIKENESS)!r})\n"
        f"mutant = Mutant(at, 1, '', '', at.read_text().replace({was!r}, {put!r}))\n"
        "print(judge(mutant, judges_of(at), 60.0))"
    )
    assert found == str(noticed)
    assert LIKENESS.read_text(encoding="utf-8") == source


def test_tests_that_fail_on_the_source_as_it_is_judge_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_wrong.py").write_text("def test_wrong(): assert False")
    (tmp_path / "test_right.py").write_text("def test_right(): pass")
    took = judged(
        f"for name in ('wrong', 'right'): print(passing([Path({str(tmp_path)!r}) / f'test_{{name}}.py'], 60.0))"
    )
    wrong, right = took.splitlines()
    assert wrong == "None"
    assert 0 < float(right) < 60


def module(*survivors: Mutant, judged: int) -> Module:
    return Module(LIKENESS, [], judged=judged, survivors=list(survivors))


def test_survivors_are_told_where_they_are_and_count(capsys: pytest.CaptureFixture[str]) -> None:
    assert report([module(Mutant(LIKENESS, 7, "a < b", "a <= b", ""), judged=4), module(judged=4)]) == 87.5
    told = capsys.readouterr().out
    assert "src/parley/turns/policies/echo_veto.py:7\n- a < b\n+ a <= b" in told
    assert "7 of 8 mutants killed: 87.5 %" in told


def test_the_time_that_there_is_goes_to_all_modules_in_turn() -> None:
    long, short = Mutant(LIKENESS, 1, "", "", ""), Mutant(LIKENESS, 2, "", "", "")
    modules = [Module(LIKENESS, [long] * 3), Module(LIKENESS, [short]), Module(LIKENESS, [short], fault="has no tests")]
    assert [mutant.line for _, mutant in in_turn(modules)] == [1, 2, 1, 1]


def test_what_never_ends_is_ended() -> None:
    def endless() -> int:
        while True:
            pass

    assert forked(endless, 0.1) == -1


def test_modules_are_chosen_by_folder_or_file_with_or_without_its_suffix() -> None:
    assert modules(["turns/policies/echo_veto", "turns/policies/echo_veto.py"]) == [LIKENESS]
    assert LIKENESS in modules(["turns"])
    assert module_name(SOURCE / "turns" / "lexicon" / "__init__.py") == "parley.turns.lexicon"


def test_the_nearest_further_tests_count_and_none_twice() -> None:
    assert judges_of(LIKENESS) == [TESTS / "turns" / "policies" / "test_echo_veto.py"]
    own, *further = judges_of(SOURCE / "turns" / "speech.py")
    assert own == TESTS / "turns" / "test_speech.py"
    assert [t.name for t in further] == ["test_taker.py", "test_room.py"]
    assert [t.name for t in judges_of(SOURCE / "turns" / "words.py")] == ["test_words.py", "test_lexicon.py"]


def test_every_accepted_survivor_is_still_a_mutant_and_says_why() -> None:
    known = accepted()
    made = {name: {(m.was, m.becomes) for m in mutants_of(SOURCE / name)} for name in {a.module for a in known}}
    assert [a for a in known if (a.was, a.becomes) not in made[a.module] or not a.reason] == []
