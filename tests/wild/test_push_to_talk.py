"""Push to talk with more than a sentence."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from parley.audio.pcm import to_bytes
from tests.conftest import Clip, RunningServer, silence
from tests.wild.talking import RATE_HZ, Talk


@pytest.mark.wild(before="an empty transcript after six seconds")
async def test_three_minutes_of_talking_are_understood(server: RunningServer, question: Clip) -> None:
    once = np.concatenate([question.samples(RATE_HZ), silence(1.0, RATE_HZ)])
    times = 180 * RATE_HZ // len(once)
    sound = base64.b64encode(to_bytes(np.tile(once, times))).decode()
    async with Talk(server.websocket) as talk:
        session = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
        await talk.send(type="session.update", session=session)
        size = 4 * 1024 * 1024
        for start in range(0, len(sound), size):
            await talk.send(type="input_audio_buffer.append", audio=sound[start : start + size])
        await talk.send(type="input_audio_buffer.commit")
        done = await talk.until("conversation.item.input_audio_transcription.completed", 110)
    assert done["transcript"].lower().count("bridge") > times * 0.6
