"""Interrupting answers through a real socket: how fast it stops, and whether history equals what was played.

For each interruption: a question is asked, the answer is let speak for a while, then another recording talks
into it. Measured at the caller: first voiced sample of the interruption sent -> last audible sample played.
What was played is transcribed by two recognisers; history is right when the number of its words is within one
of what either understood (they err too, above all on a word that was cut).
"""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path
from typing import Annotated, Any

import typer

from parley.audio.pcm import Int16, to_float
from parley.audio.resample import resample
from parley.cli import local
from parley.client.audibility import first_audible_s, last_audible_s, speech_starts_s
from parley.client.caller import RecordedCaller, load_clip
from parley.client.connection import RATE_HZ, Connection
from parley.client.statistics import summary
from parley.client.word_errors import words
from parley.conversation.oneshot import transcribe_utterance
from parley.models.interfaces import MODEL_RATE_HZ, Caller

QUESTIONS = ("en-brooklyn-bridge.wav", "en-where-is-library.wav", "en-bus-stop.wav", "en-computer-weather.wav")
INTERRUPTIONS = ("en-please-turn-on-lamp.wav", "en-book-a-room.wav", "en-computer-weather.wav")


def main(
    folder: Path,
    url: Annotated[str, typer.Option(help="A running server")] = "ws://localhost:8000",
    count: int = 40,
    stock: Annotated[bool, typer.Option(help="As a blind (stock) client")] = False,
) -> None:
    """Print a JSON line for each interruption and a summary."""
    lines = asyncio.run(measure(folder, url, count, stock))
    stops = [(str(i), float(line["stop_ms"])) for i, line in enumerate(lines)]
    right = sum(min(abs(n - line["history_words"]) for n in line["played_words"]) <= 1 for line in lines)
    typer.echo(json.dumps({"summary": {"stop_ms": summary(stops), "history_right": f"{right}/{len(lines)}"}}))


async def measure(folder: Path, url: str, count: int, stock: bool) -> list[dict[str, Any]]:
    recognizers = [await local.load_model(name, "asr", quiet=True) for name in ("whisper-base", "moonshine")]
    chance = random.Random(7)
    lines: list[dict[str, Any]] = []
    while len(lines) < count:
        question = load_clip(folder / chance.choice(QUESTIONS))
        interruption = load_clip(folder / chance.choice(INTERRUPTIONS))
        async with Connection(url, exact=not stock) as connection, RecordedCaller(connection) as caller:
            line = await interrupt(connection, caller, question, interruption, chance.uniform(0.8, 2.5))
        if line is None:
            continue
        played = line.pop("played")
        texts = []
        for recognizer in recognizers:
            heard = resample(to_float(played), RATE_HZ, MODEL_RATE_HZ)
            texts.append((await transcribe_utterance(recognizer, heard, "en", Caller("bench"))).text)
        line |= {"played_texts": texts, "played_words": [len(words(t)) for t in texts]}
        line["history_words"] = len(words(line["history"]))
        lines.append(line)
        typer.echo(json.dumps(line))
    return lines


async def interrupt(
    connection: Connection, caller: RecordedCaller, question: Int16, interruption: Int16, after_s: float
) -> dict[str, Any] | None:
    """One interruption; None when the answer was over too soon to be interrupted."""
    talk = connection.talk
    caller.speak(question)
    if not await caller.wait_for(lambda: any(r.first_sound_at for r in talk.responses), 20):
        return None
    response = next(r for r in talk.responses if r.first_sound_at)
    begins_playing = first_audible_s(caller.played, RATE_HZ, caller.now_s - 0.2) or caller.now_s
    await caller.wait_for(lambda: caller.now_s > begins_playing + after_s, 10)
    if response.status != "in_progress":
        return None
    spoken_at = caller.speak(interruption) + (speech_starts_s(interruption, RATE_HZ) or 0.0)
    await caller.wait_for(lambda: response.status != "in_progress", 10)
    if response.status != "cancelled":
        return None
    ended_at = caller.now_s
    await caller.wait_for(lambda: caller.now_s > ended_at + 0.3, 2)
    start, end = int((begins_playing - 0.3) * RATE_HZ), int((ended_at + 0.2) * RATE_HZ)
    played = caller.played[max(0, start) : end]
    last = last_audible_s(played[: int((spoken_at + 1.5) * RATE_HZ) - max(0, start)], RATE_HZ)
    if last is None:
        return None
    stop_ms = round((max(0, start) / RATE_HZ + last - spoken_at) * 1000)
    return {"stop_ms": stop_ms, "history": (response.heard or "").strip(), "played": played}


if __name__ == "__main__":
    typer.run(main)
