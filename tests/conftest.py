"""Shared fixtures: real speech, a real server, a guard against blocking the event loop."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

from parley.audio import files
from parley.audio.pcm import Int16, rms_dbfs, to_float, to_int16
from parley.audio.resample import resample
from parley.config import Config
from tests.looking import unexpected

# Servers of tests let everybody in, however busy the tests keep the machine; whom one keeps out is tested on its own.
os.environ.update(PARLEY_ADMISSION_CPU="1", PARLEY_ADMISSION_NEWCOMERS="1000", PARLEY_LIGHT="1")
# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")
SHARED = Path(__file__).parent.parent.parent / "shared" / "data" / "speech"


@pytest.fixture(autouse=True)
def no_blocking_in_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """`time.sleep` and `subprocess.run` in a running event loop are errors."""

    def guard(original: Any) -> Any:
        def guarded(*args: Any, **kwargs: Any) -> Any:
            try:
                asyncio.get_running_loop()
            except RuntimeError:
                return original(*args, **kwargs)
            raise AssertionError(f"{original.__name__} blocks the event loop")

        return guarded

    monkeypatch.setattr(time, "sleep", guard(time.sleep))
    monkeypatch.setattr(subprocess, "run", guard(subprocess.run))


@dataclass(frozen=True)
class Clip:
    """A recording of a question and what is said in it."""

    path: Path
    transcript: str

    def samples(self, rate_hz: int) -> Int16:
        samples, source_hz = files.read(self.path)
        return to_int16(resample(to_float(samples), source_hz, rate_hz))


@pytest.fixture(scope="session")
def question(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    """A spoken question: a real one where the recordings are, else one said by the default voice."""
    real = SHARED / "en-brooklyn-bridge.wav"
    if real.exists():
        return Clip(real, "how old is the brooklyn bridge")
    text = "How old is the Brooklyn Bridge?"
    return Clip(_said(text, tmp_path_factory.mktemp("speech") / "question.wav"), text)


UNDERSTOOD = re.compile("bridge|how old", re.IGNORECASE)
"""What shows that the question arrived. A machine that is busy loses frames of a browser's microphone, and a word of it
may then be heard otherwise: how well words are understood is for the recogniser's own tests and the benchmarks."""


@pytest.fixture(scope="session")
def interruption(question: Clip, tmp_path_factory: pytest.TempPathFactory) -> Clip:
    """Words that interrupt, as loud as the question: what is much quieter is somebody else's."""
    real = SHARED / "en-what-time-is-it.wav"
    target = tmp_path_factory.mktemp("speech") / "interruption.wav"
    spoken = real if real.exists() else _said("What time is it?", target)
    samples, rate_hz = files.read(spoken)
    gain_db = rms_dbfs(question.samples(rate_hz)) - rms_dbfs(samples)
    files.write(target, to_int16(to_float(samples) * 10 ** (gain_db / 20)), rate_hz)
    return Clip(target, "what time is it")


def _said(text: str, path: Path) -> Path:
    subprocess.run([sys.executable, "-m", "parley.cli", "say", text, "-o", str(path), "-q"], check=True)
    return path


@dataclass(frozen=True)
class RunningServer:
    """A `parley serve` in a process of its own."""

    url: str
    pid: int
    log: Path

    @property
    def websocket(self) -> str:
        return self.url.replace("http", "ws", 1)


def start_server(
    log: Path,
    python: Sequence[str] = (sys.executable,),
    run: Sequence[str] = ("-m", "parley.cli", "serve", "--port", "0"),
    **environment: str,
) -> tuple[subprocess.Popen[bytes], RunningServer]:
    """Start a server on a free port and wait until it says that it is ready; `python` may run it somewhere else.

    It has one further voice, which loads at once, unless `environment` says another thing.
    """
    env = {**os.environ, "COLUMNS": "200", "PARLEY_VOICES": '["espeak"]', **environment}
    command = [*python, *run]
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT, env=env)
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        text = log.read_text(errors="replace")
        if " at http" in text:
            url = text.split(" at http", 1)[1].split()[0]
            return process, RunningServer("http" + url, process.pid, log)
        assert process.poll() is None, text[-2000:]
        time.sleep(0.1)
    raise AssertionError(f"the server did not start: {log.read_text()[-2000:]}")


def stop_server(process: subprocess.Popen[bytes], running: RunningServer) -> None:
    """Tell it to stop; it must end in order. One that hangs ends itself, and its log says where."""
    process.terminate()
    code = process.wait(60)
    assert code == 0, running.log.read_text(errors="replace")[-8000:]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A real server with the default models."""
    log = tmp_path_factory.mktemp("server") / "serve.log"
    process, running = start_server(
        log,
        PARLEY_VOICES=json.dumps(Config.model_fields["voices"].default),
        PARLEY_LLM="smollm2-135m",
        PARLEY_MAX_OUTPUT_TOKENS="50",
        PARLEY_TEMPERATURE="0",  # the same answers in every run ...
        PARLEY_INSTRUCTIONS="You are a storyteller. Answer every question with a long story of many sentences.",
    )  # ... and long enough to be interrupted
    yield running
    stop_server(process, running)
    text = log.read_text(errors="replace")
    assert not unexpected(text)


def silence(seconds: float, rate_hz: int) -> Int16:
    return np.zeros(round(seconds * rate_hz), np.int16)
