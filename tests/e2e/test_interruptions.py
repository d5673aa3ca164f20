"""Interruptions of real answers through a real socket, by exact and by blind clients."""

from __future__ import annotations

import os

import pytest
from benchmarks.interruptions import interrupt

from parley.audio.pcm import to_float
from parley.audio.resample import resample
from parley.cli import local
from parley.client.caller import RecordedCaller
from parley.client.connection import RATE_HZ, Connection
from parley.client.word_errors import words
from parley.models.interfaces import MODEL_RATE_HZ, Caller
from tests.conftest import Clip, RunningServer

COUNT = int(os.environ.get("PARLEY_INTERRUPTIONS", "2"))


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("exact", [True, False], ids=["exact", "blind"])
async def test_the_answer_stops_and_history_is_what_was_played(
    server: RunningServer, question: Clip, interruption: Clip, exact: bool
) -> None:
    recognizer = await local.load_model("moonshine-tiny-en", "asr", quiet=True)
    right = done = 0
    for attempt in range(4 * COUNT):
        async with Connection(server.url, exact=exact) as connection, RecordedCaller(connection) as caller:
            line = await interrupt(
                connection, caller, question.samples(RATE_HZ), interruption.samples(RATE_HZ), 0.8 + 0.3 * (attempt % 5)
            )
            reply = connection.talk.responses[0].text if connection.talk.responses else ""
        if line is None:
            continue
        done += 1
        assert reply.startswith(line["history"])
        assert line["stop_ms"] < 1500
        stream = recognizer.open("en")
        stream.feed(resample(to_float(line["played"]), RATE_HZ, MODEL_RATE_HZ))
        played = words((await stream.finish(Caller("test"))).text)
        right += abs(len(played) - len(words(line["history"]))) <= 2
        if done == COUNT:
            break
    recognizer.close()
    assert done == COUNT
    assert right >= 0.5 * COUNT  # the recogniser errs too; benchmarks/interruptions.py measures it with a better one
