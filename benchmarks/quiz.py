"""Twenty-four easy facts and two names to remember, asked and answered by voice.

    python -m benchmarks.quiz [URL] [--voice VOICE] [--listener whisper-base --listener moonshine-tiny-en]

A voice asks, the server's answer is written down by recognisers from its sound, and counts as right when one of them
has the expected word: each alone mishears one answer in twenty. Without a URL a server is started with the default
settings: what `parley serve` would use.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from tests.conftest import start_server

from parley.audio import files
from parley.audio.pcm import to_float
from parley.audio.resample import resample
from parley.cli import local
from parley.client.caller import RecordedCaller, TurnReport
from parley.client.connection import RATE_HZ, Connection
from parley.conversation.offline import say_text, transcribe_utterance
from parley.models.interfaces import MODEL_RATE_HZ, Caller, SpeakingStyle

FACTS: tuple[tuple[str, str], ...] = (
    ("What is the capital of France?", "paris"),
    ("What is the capital of Japan?", "tokyo"),
    ("What is the capital of Italy?", "rome"),
    ("How many days are there in a week?", "seven|7"),
    ("How many months are there in a year?", "twelve|12"),
    ("How many legs does a spider have?", "eight|8"),
    ("What is two plus three?", "five|5"),
    ("What is ten minus four?", "six|6"),
    ("Which planet do we live on?", "earth"),
    ("Which planet is the largest in our solar system?", "jupiter"),
    ("What is frozen water called?", "ice"),
    ("What color is the sky on a clear day?", "blue"),
    ("What color do you get when you mix blue and yellow?", "green"),
    ("Who wrote Romeo and Juliet?", "shakespeare"),
    ("Which ocean lies between Europe and America?", "atlantic"),
    ("Which animal says meow?", "cat"),
    ("What do bees make?", "honey"),
    ("What is the opposite of hot?", "cold"),
    ("On which continent is Egypt?", "africa"),
    ("Which metal has the symbol F e?", "iron"),
    ("At how many degrees Celsius does water boil?", "hundred|100"),
    ("Which language do people speak in Brazil?", "portuguese"),
    ("Who painted the Mona Lisa?", "vinci|leonardo"),
    ("How many minutes are there in an hour?", "sixty|60"),
)
NAMES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("Hello, my name is Peter.", "I like to cook soup.", "What is my name?"), "peter"),
    (("My dog is called Bella.", "She likes to run in the park.", "What is my dog called?"), "bell[ae]"),
)
LISTENERS = ("whisper-base", "moonshine-tiny-en")
_ANSWER_S = 60.0


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer."""

    question: str
    understood: str
    """The last question as the server's recogniser has it."""
    heard: str
    right: bool
    waited_s: float
    """From the last word to the first sound."""


class Asker:
    """A voice that asks and ears that write down."""

    def __init__(self, voice: Any, ears: Sequence[Any], folder: Path) -> None:
        self._voice = voice
        self._ears = ears
        self._folder = folder

    async def talk(self, url: str, questions: tuple[str, ...], expected: str) -> Answered:
        """A conversation of its own; its last answer counts."""
        reports: list[TurnReport] = []
        async with Connection(url) as connection, RecordedCaller(connection) as caller:
            for number, question in enumerate(questions):
                path = await self._spoken(question, number)
                heard_from = len(caller.played)
                async with asyncio.timeout(_ANSWER_S):
                    reports += [report async for report in caller.exchange(path)]
            sound = resample(to_float(caller.played[heard_from:]), RATE_HZ, MODEL_RATE_HZ)
        heard = [(await transcribe_utterance(ear, sound, "en", Caller("quiz"))).text for ear in self._ears]
        right = [text for text in heard if re.search(rf"\b({expected})", text, re.IGNORECASE)]
        last = reports[-1]
        waited_s = (last.voice_to_voice_ms or 0) / 1000
        return Answered(questions[-1], last.transcript, (right or heard)[0], bool(right), waited_s)

    async def _spoken(self, question: str, number: int) -> Path:
        chunks = [c async for c in say_text(self._voice, question, SpeakingStyle(), Caller("quiz"))]
        path = self._folder / f"{number}.wav"
        files.write(path, np.concatenate(chunks), self._voice.rate_hz)
        return path


@contextlib.contextmanager
def served(url: str | None) -> Iterator[str]:
    """A server that runs already, else one with the default settings."""
    if url is not None:
        yield url
        return
    with tempfile.TemporaryDirectory() as folder:
        process, running = start_server(Path(folder) / "serve.log", (sys.executable,), PARLEY_LIGHT="0")
        try:
            yield running.url
        finally:
            process.terminate()
            process.wait(20)


async def quiz(url: str, voice_name: str, listeners: Sequence[str]) -> list[Answered]:
    """Ask everything."""
    voice = await local.load_model(voice_name, "tts", quiet=True)
    ears = [await local.load_model(listener, "asr", quiet=True) for listener in listeners]
    asked = [((question,), expected) for question, expected in FACTS] + list(NAMES)
    with tempfile.TemporaryDirectory() as folder:
        asker = Asker(voice, ears, Path(folder))
        return [await asker.talk(url, questions, expected) for questions, expected in asked]


def main(
    url: Annotated[str | None, typer.Argument(help="Server; without it one is started")] = None,
    voice: Annotated[str, typer.Option(help="Who asks")] = "piper-en-us-joe",
    listener: Annotated[list[str] | None, typer.Option(help="Who writes down the answers")] = None,
) -> None:
    """Ask, and print what was answered."""
    with served(url) as address:
        answers = asyncio.run(quiz(address, voice, listener or LISTENERS))
    table = Table("question", "as understood", "answer as heard", "right", "waited, ms")
    for answer in answers:
        table.add_row(
            answer.question,
            answer.understood,
            answer.heard,
            "yes" if answer.right else "NO",
            f"{answer.waited_s * 1000:.0f}",
        )
    console = Console(width=160)
    console.print(table)
    facts, names = answers[: len(FACTS)], answers[len(FACTS) :]
    console.print(
        f"facts {sum(a.right for a in facts)} of {len(facts)}, names {sum(a.right for a in names)} of {len(names)}, "
        f"median wait {statistics.median(a.waited_s for a in answers) * 1000:.0f} ms"
    )


if __name__ == "__main__":
    typer.run(main)
