"""Utterances that are transcribed as a whole, again and again as they grow."""

from __future__ import annotations

import numpy as np

from parley.audio.pcm import Float32
from parley.models.interfaces import Caller, Transcript
from parley.models.recognition import BufferedStream

CALLER = Caller("test")


async def test_what_was_transcribed_is_not_transcribed_again_until_more_is_fed() -> None:
    heard: list[int] = []

    async def transcribe(samples: Float32, earlier: Transcript, caller: Caller) -> Transcript:
        heard.append(len(samples))
        return Transcript(f"{len(samples)} samples", "en")

    stream = BufferedStream(transcribe)
    stream.feed(np.zeros(16000, np.float32))
    partial = await stream.partial(CALLER)
    assert (await stream.finish(CALLER)).text == partial.text == "16000 samples"
    stream.feed(np.zeros(100, np.float32))
    assert (await stream.finish(CALLER)).text == "16100 samples"
    assert heard == [16000, 16100]


async def test_a_pause_settles_what_was_said_also_where_it_was_known_before() -> None:
    heard: list[int] = []

    async def transcribe(samples: Float32, earlier: Transcript, caller: Caller) -> Transcript:
        heard.append(len(samples))
        return Transcript("word", "en")

    stream = BufferedStream(transcribe)
    stream.feed(np.zeros(48000, np.float32))
    await stream.partial(CALLER)
    await stream.finish(CALLER)
    stream.feed(np.zeros(8000, np.float32))
    assert (await stream.finish(CALLER)).text == "word word"
    assert heard == [48000, 8000]
