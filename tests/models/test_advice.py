"""Which language model suits a machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from parley.models.advice import BETTER, LIGHT, Machine, Notes, judge
from parley.models.catalogue import Model, catalogue

GB = 1_000_000_000
MODEL = Model("m", "llm", "llama-cpp", "MIT", "MIT", memory=2 * GB, work=6.0)


@pytest.mark.parametrize(
    ("memory", "light_s", "measured_s", "fits", "why"),
    [
        (8 * GB, 0.08, None, True, "expected after 480 ms"),
        (8 * GB, 0.12, None, True, "expected after 720 ms"),  # an estimate may be wrong: it is tried
        (8 * GB, 0.13, None, False, "expected after 780 ms, more than 600"),
        (8 * GB, 0.13, 0.59, True, "measured after 590 ms"),  # what was measured counts
        (8 * GB, 0.08, 0.61, False, "measured after 610 ms, more than 600"),
        (2.2 * GB, 0.01, None, False, "needs 2.0 GB and some room, 2.2 GB are free"),
        (2.2 * GB, 0.01, 0.1, False, "needs 2.0 GB"),
        (2.7 * GB, 0.01, None, True, "expected"),
    ],
)
def test_its_memory_is_there_and_its_first_clause_comes_soon(
    memory: float, light_s: float, measured_s: float | None, fits: bool, why: str
) -> None:
    verdict = judge(MODEL, Machine(int(memory), light_s), measured_s)
    assert verdict.fits is fits
    assert why in verdict.why


def test_what_was_measured_is_kept_and_a_broken_note_is_none(tmp_path: Path) -> None:
    notes = Notes(tmp_path / "home")
    assert notes.read() == {}
    notes.write("a", 0.51234)
    notes.write("b", 0.2)
    assert Notes(tmp_path / "home").read() == {"a": 0.512, "b": 0.2}
    (tmp_path / "home/measured.json").write_text("[1")
    assert notes.read() == {}


def test_what_takes_over_unasked_is_pinned_permissive_and_measured() -> None:
    for name in (LIGHT, BETTER):
        model = catalogue().get(name, "llm")
        assert model.is_permissive
        assert all(file.sha256 for file in model.files)
        assert model.memory
        assert model.work
