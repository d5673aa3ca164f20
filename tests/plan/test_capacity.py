"""What a machine carries: by step times, by memory, by a report of the bench."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley import checked_yaml
from parley.bench import report as reports
from parley.bench.runner import How, Run
from parley.bench.score import Result
from parley.errors import UsageError
from parley.plan import capacity, prices
from parley.plan.prices import Prices
from tests.plan.test_prices import GOOD

MINE = checked_yaml.parse(GOOD, "mine.yaml", Prices, "price file")


@pytest.mark.parametrize(
    ("budget_ms", "users"),
    [(19.9, 0), (20, 1), (59.9, 2), (60, 3), (79.9, 3), (80, 4), (100, 5), (1000, 5)],
)
def test_step_times_between_two_points_lie_on_a_line_and_behind_the_last_nothing_is_promised(
    budget_ms: float, users: int
) -> None:
    assert capacity.by_steps({1: 20, 5: 100}, budget_ms) == users


@given(st.dictionaries(st.integers(1, 60), st.floats(1, 200), min_size=1), st.floats(1, 200), st.floats(0, 50))
def test_more_time_never_carries_fewer(step_ms: dict[int, float], budget_ms: float, more: float) -> None:
    rising = dict(zip(sorted(step_ms), sorted(step_ms.values()), strict=True))
    assert capacity.by_steps(rising, budget_ms) <= capacity.by_steps(rising, budget_ms + more) <= max(rising)


@pytest.mark.parametrize(("memory_gb", "users"), [(3.9, 0), (4, 0), (5.5, 1), (6.9, 1), (7, 2), (None, None)])
def test_weights_are_there_once_and_each_conversation_beside_them(memory_gb: float | None, users: int | None) -> None:
    assert capacity.by_memory(MINE.engine("frames"), memory_gb) == users


def test_what_takes_no_memory_is_not_limited_by_it() -> None:
    assert capacity.by_memory(MINE.engine("words"), 1) is None


@pytest.mark.parametrize(
    ("engine", "machine", "users", "why"),
    [
        ("frames", "small", 4, "memory holds 4, steps within 80 of 100 ms allow 4; a run"),
        ("frames", "large", 12, "memory holds 24, steps within 80 of 100 ms allow 12; a guess"),
        ("words", "small", 3, "it is given as 3; another run"),
    ],
)
def test_the_price_file_gives_the_smaller_of_what_time_and_memory_allow(
    engine: str, machine: str, users: int, why: str
) -> None:
    found = capacity.carried(MINE, MINE.engine(engine), machine)
    assert found is not None
    assert (found.users, found.why) == (users, why)


def test_memory_may_be_the_narrower_limit() -> None:
    tight = checked_yaml.parse(GOOD.replace("memory_gb: 10", "memory_gb: 7"), "mine.yaml", Prices, "price file")
    found = capacity.carried(tight, tight.engine("frames"), "small")
    assert found is not None
    assert found.users == 2


def test_of_what_the_file_says_nothing_nothing_is_known() -> None:
    assert capacity.carried(MINE, MINE.engine("words"), "large") is None


def test_the_shipped_figures_for_moshi_are_what_memory_and_its_speed_allow() -> None:
    """Each step time is that of reading the weights and each conversation's memory once, as their sources say."""
    shipped, speeds = prices.shipped(), {"L4": 300, "A40": 696, "H100": 3350}
    for one in shipped.capacity:
        engine = shipped.engine(one.engine)
        for slots, ms in (one.step_ms or {}).items():
            read_gb = engine.weights_gb + slots * engine.session_gb
            assert ms == pytest.approx(1000 * read_gb / speeds[one.machine], abs=0.06)
    found = {(e, m): capacity.carried(shipped, shipped.engine(e), m) for e in ("moshi", "moshi-8bit") for m in speeds}
    assert {key: c.users for key, c in found.items() if c is not None} == {
        ("moshi", "L4"): 3, ("moshi", "A40"): 20, ("moshi", "H100"): 41,
        ("moshi-8bit", "L4"): 8, ("moshi-8bit", "A40"): 25, ("moshi-8bit", "H100"): 46,
    }  # fmt: skip


def load(callers: int, ms: float, *, refused: int = 0, missed: int = 0) -> Run:
    """A run of the bench's own kind, in which each of 20 answers took so long."""
    calls = [
        Result(f"{n}", "plain-question", {"clip": f"{n}.wav"}, voice_to_voice_ms=[] if n < missed else [ms],
               answers_due=1, missed=int(n < missed))
        for n in range(20)
    ]  # fmt: skip
    return Run(How("ws://x", callers), results=calls, refused=refused, wall_s=10.0)


def written(runs: list[Run], path: Path) -> Path:
    """As `parley bench --json` writes it."""
    path.write_text(json.dumps({"facts": {"machine": "2 cores"}, **reports.report(runs, [])}))
    return path


@pytest.mark.parametrize(
    ("runs", "users", "why"),
    [
        ([load(1, 400), load(2, 450), load(4, 500)], 4, "4 at once were answered after 500 / 500 ms"),
        ([load(1, 400), load(2, 450), load(4, 500)], 4, "more were not tried"),
        (
            [load(4, 1100), load(1, 400), load(2, 450)],
            2,
            "answered after 1100 / 1100 ms, the targets are 1000 / 1800 ms",
        ),
        ([load(1, 400), load(2, 1100), load(4, 400)], 1, "2 at once: answered after 1100"),
        ([load(1, 400), load(2, 450, refused=3)], 1, "2 at once: 3 were refused"),
        ([load(1, 400), load(2, 450, missed=1)], 2, "more were not tried"),
        ([load(1, 400), load(2, 450, missed=2)], 1, "2 at once: 2 of 20 answers did not come"),
        ([load(1, 400, missed=20)], 0, "1 at once: nobody was answered"),
    ],
)
def test_a_report_of_the_bench_tells_how_many_were_carried_within_the_targets(
    runs: list[Run], users: int, why: str, tmp_path: Path
) -> None:
    found = capacity.measured(written(runs, tmp_path / "bench.json"))
    assert (found.users, found.origin) == (users, "measured")
    assert why in found.why


def test_targets_can_be_others(tmp_path: Path) -> None:
    path = written([load(1, 400), load(2, 1100)], tmp_path / "bench.json")
    assert capacity.measured(path, p50_ms=1100, p95_ms=1800).users == 2
    assert capacity.measured(path, p50_ms=1100, p95_ms=1099).users == 1


def test_void_calls_do_not_count_as_missed(tmp_path: Path) -> None:
    run = load(1, 400, missed=2)
    for result in run.results[:2]:
        result.void = "the caller's own frames were late"
    assert capacity.measured(written([run], tmp_path / "bench.json")).users == 1


def test_a_load_whose_calls_are_all_void_is_not_taken_for_one_that_was_too_much(tmp_path: Path) -> None:
    void = load(2, 400)
    for result in void.results:
        result.void = "the caller's own frames were late"
    found = capacity.measured(written([load(1, 400), void], tmp_path / "bench.json"))
    assert found.users == 1
    assert found.why.endswith("2 at once: its calls are all void, so it tells nothing")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", r"bench\.json:1: not JSON"),
        ("[]", r"bench\.json: the report: "),
        ('{"calls": []}', r"bench\.json: loads: Field required"),
        ('{"loads": [], "calls": []}', r"bench\.json: loads: "),
        ('{"loads": [{"callers": 0, "refused": 0, "voice_to_voice_ms": {"n": 0}}], "calls": []}', r"\.0\.callers: "),
        ('{"loads": [{"refused": 0, "voice_to_voice_ms": {}}], "calls": []}', r"loads\.0\.voice_to_voice_ms\.n: "),
    ],
)  # fmt: skip
def test_what_is_no_report_of_the_bench_is_refused_with_the_field(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=told):
        capacity.measured(path)


def test_a_report_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no\.json: cannot be read"):
        capacity.measured(tmp_path / "no.json")
