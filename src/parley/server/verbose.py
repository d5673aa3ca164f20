"""Segments and words of ``verbose_json``, with every field that OpenAI's types have."""

from __future__ import annotations

import math
import zlib
from typing import Any

from parley.conversation.offline import Heard
from parley.models.interfaces import TimedText

_FRAMES_PER_S = 100  # of Whisper's features, in which ``seek`` is counted


def segment(number: int, heard: Heard, temperature: float) -> dict[str, Any]:
    """One utterance."""
    transcript = heard.transcript
    logprob = transcript.mean_logprob
    return {
        "id": number,
        "seek": round(heard.start_s * _FRAMES_PER_S),
        "start": round(heard.start_s, 3),
        "end": round(heard.end_s, 3),
        "text": heard.text,
        "tokens": list(transcript.tokens),
        "temperature": temperature,
        "avg_logprob": round(logprob, 4) if math.isfinite(logprob) else 0.0,
        "compression_ratio": round(compression_ratio(heard.text), 4),
        "no_speech_prob": round(transcript.no_speech, 4),
    }


def word(timed: TimedText) -> dict[str, Any]:
    """One word."""
    return {"word": timed.text, "start": round(timed.start_s, 3), "end": round(timed.end_s, 3)}


def compression_ratio(text: str) -> float:
    """How much shorter a text gets, as Whisper's authors look for loops."""
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0
