"""Recordings with labels, said to a server whose delays are known, and what is made of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parley.audio import files
from parley.audio.pcm import Int16
from parley.bench import curve, html_report, labelled
from parley.bench.curve import figures
from parley.bench.labelled import Entry, Heard, Silence, in_its_room, judge, manifest
from parley.client.audibility import first_audible_s
from parley.errors import UnavailableError, UsageError
from parley.models.fakes import tone
from tests.bench.known_server import KnownServer

RATE = 24000


def quiet(seconds: float) -> Int16:
    return np.zeros(round(seconds * RATE), np.int16)


def folder_of(path: Path, *entries: dict[str, Any]) -> Path:
    (path / "manifest.json").write_text(json.dumps(entries), encoding="utf-8")
    return path


def soon(at_s: float) -> Any:
    """At that time; later where the machine has too much to do."""
    return pytest.approx(at_s + 0.13, abs=0.2)


async def test_what_a_server_does_in_each_silence_is_measured(tmp_path: Path) -> None:
    parts = [quiet(0.5), tone(1.0, RATE), quiet(0.3), tone(0.5, RATE), quiet(0.8), tone(0.5, RATE), quiet(0.5)]
    files.write(tmp_path / "one.wav", np.concatenate(parts), RATE)
    entry = {
        "file": "one.wav", "kind": "story", "speaker": "ann", "turns": [[0.5, 3.6]],
        "pauses": [[1.5, 1.8], [2.3, 3.1]], "pause_kinds": ["mid", "list"], "context": "What is your number?",
    }  # fmt: skip
    folder = folder_of(tmp_path, entry)
    async with KnownServer(answer_after=20, stop_after=5).run() as url:
        heard, sides = await labelled.say(
            manifest(folder)[0], folder, url, "auto", api_key=None
        )  # perhaps late: see frames
    short, long, end = heard.silences
    assert (short.kind, short.committed_s) == ("mid", None)
    assert short.seconds == pytest.approx(0.3)
    assert long.committed_s == soon(0.4)
    assert long.audible_s == soon(0.4)
    assert long.silenced_s == soon(0.1)
    assert (end.kind, end.seconds) == ("end", None)
    assert end.committed_s == soon(0.4)
    assert heard.turns == 2
    assert heard.committed_s == [soon(2.7), soon(4.0)]
    assert heard.interrupted_s == [soon(3.2)]
    assert sides is not None
    assert len(sides.sent) == len(sides.played)
    assert first_audible_s(sides.played, RATE) == soon(2.7)


async def test_where_nothing_comes_to_anything_that_is_said(tmp_path: Path) -> None:
    files.write(tmp_path / "one.wav", tone(0.2, RATE), RATE)
    folder = folder_of(tmp_path, {"file": "one.wav", "kind": "story", "turns": [[0.0, 0.2]]})
    with pytest.raises(UnavailableError, match="no recording came to anything"):
        await labelled.run(manifest(folder), folder, "ws://127.0.0.1:9", "auto", callers=1, api_key=None)


@pytest.mark.parametrize(
    ("committed", "begin", "end", "wait"),
    [
        ([1.4], 1.0, 2.0, 0.4),
        ([0.95], 1.0, 2.0, -0.05),  # labels are not exact
        ([0.85], 1.0, 2.0, None),
        ([2.0], 1.0, 2.0, None),
        ([0.3, 1.5, 1.8], 1.0, 2.0, 0.5),
        ([4.0], 1.0, None, 3.0),
        ([], 1.0, None, None),
    ],
)
def test_the_first_commit_inside_a_silence_counts(
    committed: list[float], begin: float, end: float | None, wait: float | None
) -> None:
    found = judge("mid", begin, end, committed, quiet(5.0)).committed_s
    assert found == (None if wait is None else pytest.approx(wait))


def test_an_answer_in_a_pause_is_heard_until_it_falls_silent() -> None:
    played = np.concatenate([quiet(1.3), tone(1.0, RATE), quiet(1.0)])
    silence = judge("mid", 1.0, 2.0, [], played)
    assert silence.audible_s == pytest.approx(0.3, abs=0.02)
    assert silence.silenced_s == pytest.approx(0.3, abs=0.02)
    assert judge("mid", 0.1, 1.0, [], played).audible_s is None
    assert judge("end", 1.0, None, [], played).silenced_s is None


def test_the_room_of_a_recording_is_as_loud_as_its_quiet_moments_but_never_loud() -> None:
    rng = np.random.default_rng(1)
    whisper = in_its_room(np.full(RATE, 1e-4, np.float32), rng)
    assert 1 <= np.abs(whisper[-RATE:]).max() < 30
    shout = in_its_room(np.full(RATE, 0.5, np.float32), rng)
    assert np.abs(shout[-RATE:]).max() < 32767 * 0.02
    assert len(in_its_room(np.empty(0, np.float32), rng)) > 0


NONE = (None, None)


def heard(kind: str = "story", speaker: str = "ann", turns: int = 1, void: str = "", **silences: Silence) -> Heard:
    return Heard("f", kind, speaker, list(silences.values()), turns, void=void)


def test_figures_tell_ends_and_pauses_by_kind_and_length() -> None:
    found = figures([
        heard(end=Silence("end", None, 0.4, 0.7), a=Silence("mid", 0.5, 0.3, None, 0.12), b=Silence("mid", 1.2, *NONE)),
        heard("answer_fragment", "ben", 2, end=Silence("end", None, None, None), a=Silence("list", 0.3, 0.2, None)),
        heard(void="late", end=Silence("end", None, 9.0, 9.0)),
    ])  # fmt: skip
    assert (found["recordings"], found["void"]) == (2, 1)
    assert (found["ends"]["committed_ms"]["p50"], found["ends"]["committed_ms"]["most"]) == (400, 400)
    assert found["ends"]["never"]["share"] == 0.5
    assert found["fragments"]["never"]["share"] == 1.0
    assert {k: {n: s["share"] for n, s in v.items()} for k, v in found["taken"].items()} == {
        "list": {"0.25-1": 1.0}, "mid": {"0.25-1": 1.0, "1-1.5": 0.0},
    }  # fmt: skip
    assert found["silenced_ms"]["p50"] == 120
    assert (found["one_turn"]["count"], found["one_turn"]["n"]) == (1, 2)


def test_what_is_said_behind_a_long_pause_need_not_be_of_the_same_turn() -> None:
    short, long = Silence("mid", 0.5, 0.3, 0.4, 0.1), Silence("mid", 2.1, 0.9, 1.0, 0.1)
    found = figures([heard(turns=1, a=short), heard(turns=2, a=short, b=long), heard(turns=2, a=long), heard(turns=1)])
    assert (found["one_turn"]["count"], found["one_turn"]["n"]) == (1, 1)


def test_the_report_has_a_row_for_every_figure_and_a_curve() -> None:
    results = [heard(end=Silence("end", None, 0.4, 0.7), a=Silence("mid", 0.5, 0.3, None, 0.12))]
    report = curve.report({"low": results, "high": [heard(end=Silence("end", None, 0.2, 0.5))]})
    rows = {title: cells for title, *cells in html_report.curve_rows(report)}
    assert rows["end of a turn: noticed, ms"] == ["400 / 400 [400, 400]", "200 / 200 [200, 200]"]
    assert rows["pause taken: mid, 0.25-1 s"] == ["100.0 % (1/1)", "–"]
    assert "<svg" in html_report.curve_page(report, "Curve", {"server": "here"})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "has no manifest.json"),
        ("{", "is broken"),
        ("[]", "names no recording with turns or pauses"),
        ('[{"file": "a", "kind": "x", "pauses": [[1, 2]], "pause_kinds": ["mid", "mid"]}]', "of a differ in length"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_said(tmp_path: Path, text: str | None, told: str) -> None:
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(UsageError, match=told):
        manifest(tmp_path)


def test_pauses_without_kinds_are_unknown_and_an_unfinished_turn_has_no_end() -> None:
    entry = Entry("f", "story", pauses=[(1.0, 2.0)])
    assert list(entry.silences) == [("unknown", 1.0, 2.0)]


@pytest.mark.parametrize(
    ("voiced", "ends"),
    [
        ([], [(2.0, 3.0), (4.0, None)]),
        ([(0.5, 2.0), (2.5, 2.6), (3.0, 4.0), (6.0, 6.5)], [(2.0, 2.5), (4.0, 6.0)]),  # a backchannel, a cut turn
    ],
)
def test_a_turn_is_over_until_its_speaker_says_something_again(
    voiced: list[tuple[float, float]], ends: list[tuple[float, float | None]]
) -> None:
    entry = Entry("f", "dialogue", turns=[(0.5, 2.0), (3.0, 4.0)], voiced=voiced)
    assert list(entry.silences) == [("end", *end) for end in ends]


async def test_who_is_told_to_come_back_does_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled, "LATE_LIMIT_MS", 10_000)  # a busy test machine is late
    files.write(tmp_path / "one.wav", tone(0.3, RATE), RATE)
    folder = folder_of(tmp_path, {"file": "one.wav", "kind": "story", "turns": [[0.0, 0.3]]})
    server = KnownServer(answer_after=5, refuses=2)
    async with server.run() as url:
        found = await labelled.run(manifest(folder) * 2, folder, url, "auto", callers=1, api_key=None)
    assert len(found) == 2
    assert server.connections == 4
