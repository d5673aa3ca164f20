"""What listeners would say of a sound, by the package speechmos."""

from __future__ import annotations

import numpy as np

from parley.audio.pcm import to_float
from parley.audio.resample import resample
from parley.cli import local
from parley.conversation.offline import say_text
from parley.models.interfaces import MODEL_RATE_HZ, Caller, SpeakingStyle
from parley.train.judging import opinions


async def test_speech_sounds_better_than_noise_upon_it() -> None:
    voice = await local.load_model("hibari-heart", "tts", quiet=True)
    text = "The next train to London leaves from platform four."
    chunks = [chunk async for chunk in say_text(voice, text, SpeakingStyle(), Caller("test"))]
    speech = resample(to_float(np.concatenate(chunks)), voice.rate_hz, MODEL_RATE_HZ)
    noise = np.random.default_rng(1).normal(0, 0.1, len(speech)).astype(np.float32)
    opinion = opinions()
    assert opinion is not None
    clean, noisy = opinion(speech), opinion(speech + noise)
    assert 3.0 < clean < 5.0
    assert noisy < clean - 0.5
