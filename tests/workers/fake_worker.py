"""A worker process with fake models: ``python -m tests.workers.fake_worker`` reads its settings as one line."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parley import logs
from parley.errors import ModelError
from parley.models.fakes import FakeDuplexModel, FakeRecognizer, FakeSynthesizer, tone
from parley.models.interfaces import Caller, ModelSpec, SpeakingStyle, SpeechChunk, WordTiming
from parley.workers import process
from parley.workers.settings import read_settings


class PacedVoice(FakeSynthesizer):
    """Every word lasts 0.3 s; `word_delay_s` passes before each is there."""

    languages = ("en",)
    fixed_speed = True

    def __init__(self, word_delay_s: float = 0.0, *, times_words: bool = True) -> None:
        super().__init__(delay_s=0.0)
        self.times_words = times_words
        self._word_delay_s = word_delay_s
        self.words_made = 0

    async def synthesize(self, text: str, style: SpeakingStyle, caller: Caller) -> AsyncGenerator[SpeechChunk, None]:
        self.said.append(text)
        self.styles.append(style)
        at = 0
        for index, word in enumerate(text.split()):
            await asyncio.sleep(self._word_delay_s)
            if word == "fails":
                raise ModelError("the fake voice fails as told", retryable=False)
            start = text.index(word, at)
            at = start + len(word)
            timing = WordTiming(start, at, index * self.word_s, (index + 1) * self.word_s)
            self.words_made += 1
            yield SpeechChunk(tone(self.word_s, self.rate_hz), (timing,) if self.times_words else ())


async def load(spec: ModelSpec) -> Any:
    """A fake of the kind that the family names; options: word_delay_s, times_words, texts."""
    if spec.family == "fake-asr":
        return FakeRecognizer(tuple(spec.options.get("texts", ("What time is it?",))), delay_s=0.05)
    if spec.family == "fake-duplex":
        return FakeDuplexModel()
    if spec.family == "broken":
        raise ModelError("there is no such file")
    options = spec.options
    return PacedVoice(float(options.get("word_delay_s", 0.0)), times_words=bool(options.get("times_words", True)))


VOICE = {"id": "voice", "family": "fake-voice", "languages": ["en"]}
EARS = {"id": "ears", "family": "fake-asr", "kind": "asr", "languages": ["en"]}
DUPLEX = {"id": "duplex", "family": "fake-duplex", "kind": "duplex", "languages": ["en"]}


def fake_settings(name: str, listen: str, **more: Any) -> dict[str, Any]:
    """Settings of a worker with one fake of each kind, all resident."""
    return {
        "name": name,
        "listen": listen,
        "default_model_id": "voice",
        "preload_model_ids": ["ears", "duplex"],
        "models": [VOICE, EARS, DUPLEX],
        "drain_s": 2,
        **more,
    }


@dataclass
class FakeWorkerProcess:
    """A running one."""

    process: asyncio.subprocess.Process
    address: str

    @property
    def pid(self) -> int:
        return self.process.pid


@asynccontextmanager
async def fake_worker(settings: dict[str, Any], log: Path | None = None) -> AsyncIterator[FakeWorkerProcess]:
    """Start one, its log into a file, and wait until it is ready; the end kills it."""
    sink = log.open("wb") if log else None
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.workers.fake_worker",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=sink, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(settings).encode() + b"\n")
    try:
        address = (await asyncio.wait_for(process.stdout.readline(), 120)).decode().strip()
        assert address, "the fake worker did not start"
        yield FakeWorkerProcess(process, address)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        if sink is not None:
            sink.close()
        process._transport.close()  # type: ignore[attr-defined]


if __name__ == "__main__":
    given = read_settings(sys.stdin.readline(), "test")
    logs.set_up("warning", None)
    asyncio.run(process.serve(given, stop_with_stdin=True, ready=lambda w: print(w.address, flush=True), load=load))  # noqa: T201
