"""Simulated callers over WebRTC, with a real server."""

from __future__ import annotations

import pytest

from parley.audio.pcm import to_float
from parley.bench import scenario as scenarios
from parley.bench.corpus import Materials
from parley.bench.rtc import RtcConnection
from parley.bench.score import score
from parley.bench.script import hold
from parley.client.connection import RATE_HZ
from parley.errors import UnavailableError
from tests.conftest import Clip, RunningServer


@pytest.mark.timeout(180)
async def test_a_call_is_answered_and_told_as_over_a_socket(server: RunningServer, question: Clip) -> None:
    audio = to_float(question.samples(RATE_HZ))
    entry = scenarios.ClipEntry("question", question.transcript)
    materials = Materials(None, [entry], None, {"question": audio})
    plain = [s for s in scenarios.shipped() if s.name == "plain-question"]
    case = scenarios.cases(plain, [(entry, len(audio) / RATE_HZ)])[0]
    call = await hold(case, materials, server.websocket, exact=True, webrtc=True, api_key=None, answer_tokens=16)
    result = score(call)
    assert not call.talk.errors
    assert (result.answers_due, result.missed, len(result.voice_to_voice_ms)) == (1, 0, 1), call.events
    assert result.waterfalls[0]["total_ms"] <= result.voice_to_voice_ms[0] + 300
    assert result.understood[0] <= 2
    assert result.spoken_s == 0.0  # gaps cannot be told there


async def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(UnavailableError, match="no call came about"):
        async with RtcConnection("ws://127.0.0.1:9"):
            pass
