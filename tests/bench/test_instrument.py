"""The instrument against a server whose delays, cuts and gaps are known to the frame."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from parley.audio import files
from parley.audio.pcm import Int16, rms_dbfs, to_float
from parley.bench import scenario as scenarios
from parley.bench.corpus import Materials
from parley.bench.runner import How, run
from parley.bench.score import Result, score
from parley.bench.script import hold
from parley.models.fakes import tone
from tests.bench.known_server import KnownServer

RATE = 24000
WITHIN_MS = 5.0
FRAME_MS, LATE_MS = 20, 40
TRIES, LATEST_S = 8, 0.04
"""A caller whom a busy test machine wakes later has nothing left to play: such a call is held again."""

QUESTION = "[{name: q, title: Q, about: '', steps: [{say: clip}]}]"
OVERLAP = """
- name: overlap
  title: Overlap
  about: ''
  steps:
    - {say: clip}
    - {say: other, begin: audible, after_s: [0.6], meant: MEANT}
"""


def recorded(folder: Path, **clips: Sequence[Int16]) -> Materials:
    """Recordings of these parts, by name."""
    entries = []
    folder.mkdir(exist_ok=True)
    for name, parts in clips.items():
        files.write(folder / f"{name}.wav", np.concatenate(parts), RATE)
        entries.append({"file": f"{name}.wav", "transcript": "", "language": "en"})
    (folder / "manifest.json").write_text(json.dumps(entries), encoding="utf-8")
    return Materials(folder, scenarios.manifest(folder), None)


def quiet(seconds: float) -> Int16:
    return np.zeros(round(seconds * RATE), np.int16)


@pytest.fixture
def materials(tmp_path: Path) -> Materials:
    """Two recordings with hard edges: a second of tone between halves of a second of silence."""
    return edges(tmp_path)


def edges(folder: Path) -> Materials:
    one, two = ([quiet(0.5), tone(1.0, RATE, hz), quiet(0.5)] for hz in (220.0, 330.0))
    return recorded(folder, one=one, two=two)


def paused(folder: Path, rest_s: float) -> Materials:
    """A second of tone, a pause of 1.2 s, and the rest."""
    return recorded(folder, paused=[quiet(1.2), tone(1.0, RATE), quiet(1.2), tone(rest_s, RATE), quiet(1.2)])


def clicked(folder: Path) -> Materials:
    """A tone, and a click 280 ms behind it."""
    return recorded(folder, clicks=[quiet(0.5), tone(1.0, RATE), quiet(0.28), tone(0.1, RATE), quiet(0.5)])


CASES: dict[str, tuple[KnownServer, Callable[[Path], Materials], str]] = {
    "after 5": (KnownServer(answer_after=5), edges, QUESTION),
    "after 30": (KnownServer(answer_after=30), edges, QUESTION),
    "gap": (KnownServer(answer_frames=60, gap=(30, 30)), edges, QUESTION),
    "stop": (KnownServer(answer_frames=150, stop_after=6), edges, OVERLAP.replace("MEANT", "interruption")),
    "deaf": (KnownServer(answer_frames=300, deaf=True), edges, OVERLAP.replace("MEANT", "interruption")),
    "goes on": (KnownServer(answer_frames=150, deaf=True), edges, OVERLAP.replace("MEANT", "nothing")),
    "never": (KnownServer(answer_after=10_000), edges, QUESTION),
    "early": (KnownServer(answer_after=40), partial(paused, rest_s=1.0), QUESTION),
    "as the rest begins": (KnownServer(answer_after=55), partial(paused, rest_s=0.3), QUESTION),
    "as the caller ends": (KnownServer(answer_after=10, answer_frames=100, deaf=True), clicked, QUESTION),
}


async def measure(server: KnownServer, materials: Materials, text: str) -> Result:
    entries = [(e, materials.seconds(e)) for e in materials.entries]
    case = scenarios.cases(scenarios.parse(text, "test"), entries)[0]
    for _ in range(TRIES):
        async with server.run() as url:
            call = await hold(case, materials, url, exact=False, api_key=None, answer_tokens=8)
        if max(call.late_s) < LATEST_S:
            break
    result = score(call)
    result.void = ""  # a busy test machine may be late; the figures come from the frames
    return result


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """All cases, at the same time: each is a caller of its own that waits for real sound most of the time."""
    folder = tmp_path_factory.mktemp("instrument")

    async def all_of_them() -> list[Result]:
        calls = [measure(s, make(folder / name.replace(" ", "-")), text) for name, (s, make, text) in CASES.items()]
        return await asyncio.gather(*calls)

    return dict(zip(CASES, asyncio.run(all_of_them()), strict=True))


def is_measured(frames: float, found_ms: list[float]) -> bool:
    """Whether one time was found, within five milliseconds; a busy machine wakes the caller a frame or two late."""
    (took_ms,) = found_ms
    return frames * FRAME_MS - WITHIN_MS <= took_ms <= frames * FRAME_MS + WITHIN_MS + LATE_MS


@pytest.mark.parametrize("frames", [5, 30])
def test_a_known_delay_is_measured(measured: dict[str, Result], frames: int) -> None:
    result = measured[f"after {frames}"]
    assert is_measured(frames, result.voice_to_voice_ms)
    assert result.missed == 0
    assert result.underrun_ms <= WITHIN_MS + LATE_MS


def test_a_known_gap_is_measured_within_a_frame(measured: dict[str, Result]) -> None:
    lead_ms = 3 * 20  # what the caller still had to play when the server fell silent
    assert measured["gap"].underrun_ms == pytest.approx(30 * 20 - lead_ms, abs=LATE_MS + WITHIN_MS)


def test_a_known_stop_is_measured(measured: dict[str, Result]) -> None:
    assert is_measured(6, measured["stop"].stop_ms)
    assert measured["stop"].not_stopped == 0


def test_a_server_that_does_not_stop_is_found_out(measured: dict[str, Result]) -> None:
    assert not measured["deaf"].stop_ms
    assert measured["deaf"].not_stopped == 1


def test_an_answer_that_goes_on_has_resumed_without_a_hole(measured: dict[str, Result]) -> None:
    assert (measured["goes on"].overlaps, measured["goes on"].resumed) == (1, 1)
    assert measured["goes on"].hole_ms == [0]


def test_an_answer_that_never_comes_is_missed(measured: dict[str, Result]) -> None:
    assert (measured["never"].answers_due, measured["never"].missed) == (1, 1)


@pytest.mark.parametrize(("case", "frames"), [("early", 40), ("as the rest begins", 55)])
def test_a_caller_who_was_answered_in_a_pause_waits_for_the_answer_to_all_of_it(
    measured: dict[str, Result], case: str, frames: int
) -> None:
    assert measured[case].missed == 0
    assert is_measured(frames, measured[case].voice_to_voice_ms)


def test_an_answer_that_begins_as_the_caller_ends_and_goes_on_is_the_answer(measured: dict[str, Result]) -> None:
    assert measured["as the caller ends"].missed == 0
    assert is_measured((10 * 20 - 280 - 100) / FRAME_MS, measured["as the caller ends"].voice_to_voice_ms)


async def test_many_callers_talk_at_once_and_a_refused_call_is_void(materials: Materials) -> None:
    entries = [(e, materials.seconds(e)) for e in materials.entries]
    cases = scenarios.cases(scenarios.parse(QUESTION, "test"), entries)
    server = KnownServer(answer_frames=20)
    async with server.run() as url:
        done = await run(cases * 2, materials, How(url, callers=4, arrival="together", exact=False), None)
    assert len(done.results) == server.connections == 4
    assert all(r.voice_to_voice_ms for r in done.results)
    refused = await run(cases[:1], materials, How(url, exact=False), None)
    assert "does not answer" in refused.results[0].void


async def test_a_caller_who_is_told_to_come_back_does_so(materials: Materials) -> None:
    entries = [(e, materials.seconds(e)) for e in materials.entries]
    cases = scenarios.cases(scenarios.parse(QUESTION, "test"), entries)
    async with KnownServer(answer_frames=20, refuses=3).run() as url:
        done = await run(cases[:1], materials, How(url, exact=False), None)
    assert done.refused == 3
    assert done.results[0].voice_to_voice_ms


async def test_noise_is_there_before_and_after_the_voice(materials: Materials) -> None:
    entries = [(e, materials.seconds(e)) for e in materials.entries]
    noisy = "[{name: q, title: Q, about: '', noises: [{kind: room, snr_db: 20}], steps: [{say: clip}]}]"
    case = scenarios.cases(scenarios.parse(noisy, "test"), entries)[0]
    async with KnownServer(answer_frames=20).run() as url:
        call = await hold(case, materials, url, exact=False, api_key=None, answer_tokens=8)
    voice = to_float(call.sent[int(call.said[0].begins * RATE) : int(call.said[0].ends * RATE)])
    before, after = to_float(call.sent[: RATE // 4]), to_float(call.sent[-RATE // 4 :])
    for noise in (before, after):
        assert rms_dbfs(voice) - rms_dbfs(noise) == pytest.approx(20, abs=2)
