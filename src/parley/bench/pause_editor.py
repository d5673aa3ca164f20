"""Where a pause may be put into a sentence: at the end of a word that does not end the sentence.

Energy alone cannot tell a phrase border from the closure of a "t". A recogniser is asked what stands before each gap;
the gap counts when that is a beginning of the transcript, to the last word, and the sentence goes on behind it.
"""

from __future__ import annotations

import re

from parley.audio.pcm import Float32
from parley.audio.resample import resample
from parley.bench.score import RECOGNISER_RATE_HZ, Understand
from parley.bench.sound import phrase_borders_s
from parley.client.word_errors import distance, words

_CANDIDATES = 8
_SPEECH_AROUND_S = 0.5


async def borders_inside_sentences_s(
    samples: Float32, rate_hz: int, transcript: str, understand: Understand
) -> list[float]:
    """Such places, the longest gap first, seconds."""
    found = []
    length_s = len(samples) / rate_hz
    for at in phrase_borders_s(samples, rate_hz)[:_CANDIDATES]:
        if not _SPEECH_AROUND_S < at < length_s - _SPEECH_AROUND_S:
            continue
        before = resample(samples[: int(at * rate_hz)], rate_hz, RECOGNISER_RATE_HZ)
        if is_beginning(transcript, await understand(before)):
            found.append(at)
    return found


def is_beginning(transcript: str, heard: str) -> bool:
    """Whether `heard` is a beginning of `transcript` that ends with a whole word inside a sentence."""
    tokens = transcript.split()
    got = words(heard)
    for count in range(1, len(tokens)):
        beginning = words(" ".join(tokens[:count]))
        if not got or not beginning or got[-1] != beginning[-1] or re.search(r"[.?!।]$", tokens[count - 1]):
            continue
        errors, length = distance(" ".join(beginning), heard)
        if errors <= length * 0.25 and abs(len(got) - length) <= 1:
            return True
    return False
