"""Voices beside each other: words misread, first sound, speed, loudness, memory.

    python -m benchmarks.voices hibari-heart kokoro/am_fenrir piper-en-us-joe [--sentences 30]

Thirty sentences as an assistant says them, made speakable as in a conversation. What each voice says is read by Whisper
base and compared with the words that it was given; what it writes in figures counts as words. First sound: from the
text to the first chunk of speech. Loudness: of all sentences together, and of the quietest and loudest (ITU-R
BS.1770-4). Memory: of a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from contextlib import aclosing
from typing import Annotated, Any

import numpy as np
import psutil
import typer

from parley.audio import loudness
from parley.audio.pcm import to_float
from parley.audio.resample import resample
from parley.cli import local
from parley.client.word_errors import distance
from parley.conversation.offline import transcribe_utterance
from parley.conversation.output.text_normalizer import made_speakable, speakable
from parley.models.interfaces import MODEL_RATE_HZ, Caller, SpeakingStyle

SENTENCES = """
Good morning, how can I help you today?
The library is open until six in the evening.
I am sorry, I did not catch the name of the street.
You can take the bus from the corner, it leaves every ten minutes.
That is a good question, and there is no simple answer to it.
The capital of France is Paris.
It will rain in the afternoon, so please take an umbrella with you.
Would you like me to set a reminder for tomorrow?
Water boils at one hundred degrees at sea level.
My favorite season is autumn, because the leaves change their color.
The meeting was moved to the second floor, near the kitchen.
He wrote the book when he was only twenty years old.
Please turn left at the church and walk straight ahead to the bridge.
She has played the violin since she was a child.
There are seven continents and five oceans.
I have found three restaurants in your neighborhood.
The next train to London leaves from platform four.
You should drink enough water when the weather is hot.
We can talk about something else if you like.
A dolphin is not a fish, it is a mammal.
The shop sells bread, cheese, fruit and fresh vegetables.
Nobody knows exactly how old the castle is.
Let us begin with the first exercise.
It takes about half an hour to get to the airport.
The doctor said that you should rest for a few days.
An honest answer is better than a long one.
They planted apple trees behind the house last spring.
Could you please say that again, a little more slowly?
Music can change how we feel within seconds.
Thank you for your patience, and have a pleasant evening.
""".strip().splitlines()


def main(
    voices: list[str],
    sentences: Annotated[int, typer.Option(help="How many of the thirty")] = len(SENTENCES),
    alone: Annotated[bool, typer.Option("--alone", hidden=True)] = False,
) -> None:
    """Print a row of a table for each voice."""
    if alone:
        typer.echo(json.dumps(asyncio.run(_spoken(voices[0], sentences))))
        return
    typer.echo("| voice | misread | first sound p50 / p95 | real-time factor | LUFS: all, quietest to loudest | MB |")
    typer.echo("|---|---|---|---|---|---|")
    for voice in voices:
        command = [sys.executable, "-m", "benchmarks.voices", voice, "--alone", "--sentences", str(sentences)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        wrong, words = asyncio.run(_misread(found))
        first = np.percentile(found["first_ms"], (50, 95))
        typer.echo(
            f"| `{voice}` | {100 * wrong / words:.1f} % of {words} words | {first[0]:.0f} / {first[1]:.0f} ms | "
            f"{found['rtf']:.3f} | {found['lufs']:.1f}, {min(found['each']):.1f} to {max(found['each']):.1f} | "
            f"{found['mb']:.0f} |"
        )


async def _spoken(name: str, count: int) -> dict[str, Any]:
    """All of it, said by a voice that has this process to itself."""
    voice, caller = await local.load_model(name, "tts", quiet=True), Caller("bench")
    _, _, speaker = name.partition("/")
    style = SpeakingStyle(speaker or None, language="en")
    said, first_ms, took_s, sounds = [], [], 0.0, []
    for text in SENTENCES[:count]:
        words = (await made_speakable(text, style, voice)).text
        began, first, parts = time.monotonic(), None, []
        async with aclosing(voice.synthesize(words, style, caller)) as chunks:
            async for chunk in chunks:
                first = time.monotonic() - began if first is None else first
                parts.append(chunk.samples)
        took_s += time.monotonic() - began
        first_ms.append(1000 * (first or 0.0))
        said.append(words)
        sounds.append(to_float(np.concatenate(parts)))
    whole = np.concatenate(sounds)
    return {
        "said": said, "first_ms": first_ms, "rtf": took_s * voice.rate_hz / len(whole),
        "lufs": loudness.integrated_lufs(whole, voice.rate_hz),
        "each": [loudness.integrated_lufs(sound, voice.rate_hz) for sound in sounds],
        "mb": psutil.Process().memory_info().rss / 2**20,
        "heard": [(resample(s, voice.rate_hz, MODEL_RATE_HZ) * 32767).astype(np.int16).tolist() for s in sounds],
    }  # fmt: skip


async def _misread(found: dict[str, Any]) -> tuple[int, int]:
    recognizer = await local.load_model("whisper-base", "asr", quiet=True)
    wrong = words = 0
    for text, samples in zip(found["said"], found["heard"], strict=True):
        heard = to_float(np.asarray(samples, np.int16))
        transcript = await transcribe_utterance(recognizer, heard, "en", Caller("bench"))
        errors, count = distance(text, speakable(transcript.text).text)
        wrong, words = wrong + errors, words + count
    recognizer.close()
    return wrong, words


if __name__ == "__main__":
    typer.run(main)
