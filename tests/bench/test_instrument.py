"""The instrument against a server whose delays, cuts and gaps are known to the frame."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from parley.audio import files
from parley.audio.pcm import rms_dbfs, to_float
from parley.bench import scenario as scenarios
from parley.bench.materials import Materials
from parley.bench.runner import How, run
from parley.bench.score import Result, score
from parley.bench.script import hold
from parley.models.fakes import tone
from tests.bench.known_server import KnownServer

RATE = 24000
WITHIN_MS = 5.0

QUESTION = "[{name: q, title: Q, about: '', steps: [{say: clip}]}]"
OVERLAP = """
- name: overlap
  title: Overlap
  about: ''
  steps:
    - {say: clip}
    - {say: other, begin: audible, after_s: [0.6], meant: MEANT}
"""


@pytest.fixture
def materials(tmp_path: Path) -> Materials:
    """Two recordings with hard edges: a second of tone between halves of a second of silence."""
    silence = np.zeros(RATE // 2, np.int16)
    entries = []
    for name, hz in (("one.wav", 220.0), ("two.wav", 330.0)):
        files.write(tmp_path / name, np.concatenate([silence, tone(1.0, RATE, hz), silence]), RATE)
        entries.append({"file": name, "transcript": "", "language": "en"})
    (tmp_path / "manifest.json").write_text(json.dumps(entries), encoding="utf-8")
    return Materials(tmp_path, scenarios.manifest(tmp_path), None)


async def measure(server: KnownServer, materials: Materials, text: str) -> Result:
    entries = [(e, materials.seconds(e)) for e in materials.entries]
    case = scenarios.cases(scenarios.parse(text, "test"), entries)[0]
    async with server.run() as url:
        call = await hold(case, materials, url, exact=False, api_key=None, answer_tokens=8)
    result = score(call)
    result.void = ""  # a busy test machine may be late; the figures come from the frames
    return result


@pytest.mark.parametrize("frames", [5, 30])
async def test_a_known_delay_is_measured_within_five_milliseconds(materials: Materials, frames: int) -> None:
    result = await measure(KnownServer(answer_after=frames), materials, QUESTION)
    assert result.voice_to_voice_ms == [pytest.approx(frames * 20, abs=WITHIN_MS)]
    assert result.missed == 0
    assert result.underrun_ms == pytest.approx(0, abs=WITHIN_MS)


async def test_a_known_gap_is_measured_within_five_milliseconds(materials: Materials) -> None:
    held = 30
    result = await measure(KnownServer(answer_frames=60, gap=(30, held)), materials, QUESTION)
    lead_ms = 3 * 20  # what the caller still had to play when the server fell silent
    assert result.underrun_ms == pytest.approx(held * 20 - lead_ms, abs=WITHIN_MS)


async def test_a_known_stop_is_measured_within_five_milliseconds(materials: Materials) -> None:
    frames = 6
    result = await measure(
        KnownServer(answer_frames=150, stop_after=frames), materials, OVERLAP.replace("MEANT", "interruption")
    )
    assert result.stop_ms == [pytest.approx(frames * 20, abs=WITHIN_MS)]
    assert result.not_stopped == 0


async def test_a_server_that_does_not_stop_is_found_out(materials: Materials) -> None:
    result = await measure(
        KnownServer(answer_frames=300, deaf=True), materials, OVERLAP.replace("MEANT", "interruption")
    )
    assert not result.stop_ms
    assert result.not_stopped == 1


async def test_an_answer_that_goes_on_has_resumed_without_a_hole(materials: Materials) -> None:
    result = await measure(KnownServer(answer_frames=150, deaf=True), materials, OVERLAP.replace("MEANT", "nothing"))
    assert (result.overlaps, result.resumed) == (1, 1)
    assert result.hole_ms == [0]


async def test_an_answer_that_never_comes_is_missed(materials: Materials) -> None:
    result = await measure(KnownServer(answer_after=10_000), materials, QUESTION)
    assert (result.answers_due, result.missed) == (1, 1)


@pytest.mark.parametrize(("rest_s", "frames"), [(1.0, 40), (0.3, 55)], ids=["early", "as the rest begins"])
async def test_a_caller_who_was_answered_in_a_pause_waits_for_the_answer_to_all_of_it(
    tmp_path: Path, rest_s: float, frames: int
) -> None:
    spoken, rest, pause = tone(1.0, RATE), tone(rest_s, RATE), np.zeros(round(1.2 * RATE), np.int16)
    files.write(tmp_path / "paused.wav", np.concatenate([pause, spoken, pause, rest, pause]), RATE)
    entry = {"file": "paused.wav", "transcript": "", "language": "en"}
    (tmp_path / "manifest.json").write_text(json.dumps([entry]), encoding="utf-8")
    materials = Materials(tmp_path, scenarios.manifest(tmp_path), None)
    result = await measure(KnownServer(answer_after=frames), materials, QUESTION)
    assert result.missed == 0
    assert result.voice_to_voice_ms == [pytest.approx(frames * 20, abs=WITHIN_MS)]


async def test_an_answer_that_begins_as_the_caller_ends_and_goes_on_is_the_answer(tmp_path: Path) -> None:
    silence = np.zeros(RATE // 2, np.int16)
    click, gap = tone(0.1, RATE), np.zeros(round(0.28 * RATE), np.int16)
    files.write(tmp_path / "clicks.wav", np.concatenate([silence, tone(1.0, RATE), gap, click, silence]), RATE)
    entry = {"file": "clicks.wav", "transcript": "", "language": "en"}
    (tmp_path / "manifest.json").write_text(json.dumps([entry]), encoding="utf-8")
    materials = Materials(tmp_path, scenarios.manifest(tmp_path), None)
    result = await measure(KnownServer(answer_after=10, answer_frames=100, deaf=True), materials, QUESTION)
    assert result.missed == 0
    assert result.voice_to_voice_ms == [pytest.approx(10 * 20 - 280 - 100, abs=WITHIN_MS)]


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
