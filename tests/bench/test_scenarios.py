"""Scenarios, the sounds they are made of, and the reports of them."""

from __future__ import annotations

import os
import re
import socket
import sys
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.bench import html_report, machine, plots, sound
from parley.bench import report as reports
from parley.bench import scenario as scenarios
from parley.bench.pause_editor import is_beginning
from parley.bench.runner import How, Run
from parley.bench.scenario import ClipEntry
from parley.bench.score import Result
from parley.errors import UsageError
from parley.models.fakes import tone

RATE = 24000
VOICE = (tone(2.0, RATE) / 32768).astype(np.float32)


def test_the_shipped_scenarios_make_hundreds_of_cases_with_many_speakers() -> None:
    known = scenarios.shipped()
    assert len({s.name for s in known}) == len(known) > 20
    clips = [(ClipEntry(f"{i}.wav"), 2.0 + i % 5) for i in range(20)]
    found = scenarios.cases(known, clips)
    assert len(found) >= 500
    plain = [c for c in found if c.scenario.name == "plain-question"]
    assert len({c.clip.file for c in plain[:20]}) == 20


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("- {name: x}", "title"),
        ("- {name: x, title: X, about: '', steps: [{say: clip, wait_s: 1}]}", "exactly one thing"),
        ("- {name: x, title: X, about: '', steps: [{shout: clip}]}", "shout"),
        ("a: [", "not a list of scenarios"),
    ],
)
def test_a_broken_scenario_is_named(text: str, names: str) -> None:
    with pytest.raises(UsageError, match=names):
        scenarios.parse(text, "mine.yaml")


def test_a_folder_without_a_manifest_or_with_missing_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"manifest\.json"):
        scenarios.manifest(tmp_path)
    (tmp_path / "manifest.json").write_text('[{"file": "gone.wav"}]', encoding="utf-8")
    with pytest.raises(UsageError, match=r"gone\.wav"):
        scenarios.manifest(tmp_path)


@given(st.sampled_from(["room", "street", "keyboard", "cough", "babble"]), st.integers(0, 5))
def test_noises_have_the_length_and_come_from_the_seed(kind: sound.NoiseKind, seed: int) -> None:
    one, other = (sound.noise(kind, 0.7, RATE, np.random.default_rng(seed), [VOICE]) for _ in range(2))
    assert len(one) == round(0.7 * RATE)
    assert np.array_equal(one, other)
    assert np.isfinite(one).all()


@given(st.floats(-50, -10))
def test_levels_are_what_was_asked_for(dbfs: float) -> None:
    assert sound.level_dbfs(sound.at_level(VOICE, dbfs)) == pytest.approx(dbfs, abs=0.1)


def test_a_pause_is_put_in_where_it_was_asked_for() -> None:
    paused = sound.with_pause(VOICE, RATE, 1.0, 0.6)
    assert len(paused) == len(VOICE) + round(0.6 * RATE)
    assert np.abs(paused[int(1.05 * RATE) : int(1.55 * RATE)]).max() < 0.02
    assert np.abs(paused[int(1.7 * RATE) :]).max() > 0.2


def test_an_echo_is_later_and_quieter() -> None:
    heard = sound.echo(VOICE, -20.0, 0.1, RATE)
    assert not heard[: RATE // 10].any()
    assert np.abs(heard).max() == pytest.approx(np.abs(VOICE).max() / 10, rel=0.01)


@pytest.mark.parametrize(
    ("heard", "inside"),
    [
        ("Thunderstorms could.", True),
        ("Thunderstorms could prod.", False),
        ("Thunderstorms could produce large hail.", False),
        ("", False),
    ],
)
def test_a_pause_belongs_behind_a_whole_word_inside_a_sentence(heard: str, inside: bool) -> None:
    assert is_beginning("Thunderstorms could produce large hail. They do.", heard) is inside


def results() -> list[Result]:
    return [
        Result(
            f"q/{i}.wav#0", "plain-question", {"clip": f"{i}.wav"}, voice_to_voice_ms=[400.0 + i], answers_due=1,
            spoken_s=2.0, understood=(1, 5), waterfalls=[{"total_ms": 400, "recognition": 100}],
            prepared_ms=[(True, 300)] if i else [(False, 50), (False, 90), (True, 300)],
        )
        for i in range(8)
    ]  # fmt: skip


def test_figures_leave_void_calls_out_and_carry_counts() -> None:
    void = Result("q/9.wav#0", "plain-question", {"clip": "9.wav"}, void="late", voice_to_voice_ms=[9000.0])
    found = reports.figures([*results(), void])
    assert (found["calls"], found["void"]) == (8, 1)
    assert list(found["why_void"].values()) == [1]
    assert found["voice_to_voice_ms"]["n"] == 8
    assert found["voice_to_voice_ms"]["p95"] < 410
    assert found["missed"] == {"n": 8, "count": 0, "share": 0.0, "interval": [0.0, 0.3244]}
    assert found["taken_over"]["share"] is None
    assert found["understood_wer"]["share"] == pytest.approx(0.2)
    used = found["prepared"]["used"]
    assert (used["n"], used["count"], used["share"], found["prepared"]["dropped_ms_a_turn"]) == (10, 8, 0.8, 18)


def test_a_load_tells_what_a_turn_costs() -> None:
    (load,) = reports.report([Run(How("ws://x"), results=results(), wall_s=60.0, server_cpu_s=12.0)], [])["loads"]
    assert load["server"]["cpu_s_per_minute"] == 12.0
    assert load["server"]["cpu_s_per_turn"] == 1.5
    assert load["prepared"]["used"]["count"] == 8


def sample(at_s: int) -> dict[str, Any]:
    programs = {"parley": 500.0 + 10 * at_s, "voices": 300.0}
    return {"at_s": float(at_s), "cpu_s": at_s / 10, "calls": 1, "pss_mb": round(sum(programs.values())),
            "pss_mb_of": programs, "open_files": 40, "tasks": 9}  # fmt: skip


def test_what_grows_over_a_run_is_named() -> None:
    done = Run(How("ws://x"), results=results(), wall_s=10.0)
    done.samples = [sample(t) for t in range(9)]
    for index, result in enumerate(done.results):
        result.at_s = float(index + 1)
    (load,) = reports.report([done], [])["loads"]
    assert load["over_time"]["pss_mb"] == [810, 870]
    assert html_report.over_time(load) == (
        "memory 810 → 870 MB (+7.4 %: parley +60), open files 40 → 40, tasks 9 → 9, voice to voice 400 → 406 ms"
    )


def test_the_page_stands_alone_and_has_plots() -> None:
    done = Run(How("ws://x"), results=results(), wall_s=10.0)
    done.samples = [sample(t) for t in range(9)]
    html = html_report.page(reports.report([done, done], scenarios.shipped()), "Bench", {"server": "<here>"})
    assert html.count("<svg") == 2 + 1 + 2 * 3
    assert "&lt;here&gt;" in html
    assert not re.search(r"<script|<link|<image|(?:href|src)=|url\((?!#)", html)
    assert "median 404 ms" in html
    assert 'aria-label="ms: 400 – 450; answers: 16"' in html  # a bar, for who does not see it
    assert html.count("currentColor") > 100  # light or dark, as the page is


def test_without_the_library_for_plots_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(UsageError, match=r"parley-voice\[bench\]"):
        plots.library()


def test_a_local_server_is_found_by_its_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert machine.listening_pid(listening.getsockname()[1]) == os.getpid()
    cost = machine.server_cost(os.getpid())
    assert cost is not None
    assert cost.pss_mb > 10
    assert cost.cpu_s > 0
    assert cost.open_files >= 3


@pytest.mark.parametrize(
    ("status", "text", "tasks"),
    [(200, "# TYPE parley_tasks gauge\nparley_tasks 9.0\n", 9), (404, "Not Found", None), (200, "<html>", None)],
    ids=["parley", "without metrics", "something else"],
)
async def test_tasks_are_told_by_servers_that_count_them(status: int, text: str, tasks: int | None) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, text=text))
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
        assert await machine.server_tasks(client) == tasks
