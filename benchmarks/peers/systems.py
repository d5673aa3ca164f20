"""The systems that are compared: how each is started, with which models, and how it is ended.

All use the same files: Moonshine tiny-en, SmolLM2 135M on llama.cpp, Piper joe. Peers live in an environment of their
own, which the first run makes.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import venv
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from rich.console import Console

from parley.adapters import llama_cpp
from parley.errors import UnavailableError
from parley.models.catalogue import catalogue
from parley.models.interfaces import ModelSpec
from parley.models.store import Store

HERE = Path(__file__).parent
ENVIRONMENT = HERE / ".venv"
PEERS = ("pipecat", "livekit")
TUNED = {"tuned": 0.2}
"""Seconds of silence that end a turn where a peer does not do so in its own way, by what that is called."""
_READY_S = 120.0
_OPENS_S = 0.5
console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class System:
    """One of those that are compared."""

    name: str
    command: list[str]
    port: int
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where it speaks the Realtime protocol."""
        return f"ws://127.0.0.1:{self.port}/v1/realtime"


@asynccontextmanager
async def systems(
    only: Sequence[str] | None = None, silences: Mapping[str, float] = TUNED
) -> AsyncIterator[list[System]]:
    """Those whose name contains one of `only` (None: all), with the language model that all of them ask.

    Each peer is there as it is by default, and with each of the `silences` instead of its own way of ending turns.
    """
    for peer in PEERS:
        wanted = not only or any(part in name for part in only for name in _names(peer, silences))
        if wanted and not (ENVIRONMENT / peer / "ready").exists():
            console.print(f"making the environment of {peer} (some minutes) ...")
            _make_environment(peer)
    store, known = Store(), catalogue()
    llm = known.get("smollm2-135m", "llm")
    served = await llama_cpp.load(ModelSpec(llm.id, llm.family, store.paths(llm), {}))
    assert isinstance(served, llama_cpp.LlamaCpp)
    try:
        moonshine = next(iter(store.paths(known.get("moonshine-tiny-en", "asr")).values())).parent
        voices = store.paths(known.get("piper-en-us-joe", "tts")).values()
        files = {"moonshine": str(moonshine), "piper": str(next(v for v in voices if v.suffix == ".onnx")),
                 "llm": llm.id, "llm_url": served.client.base_url}  # fmt: skip
        described = ENVIRONMENT / "models.json"
        described.write_text(json.dumps(files), encoding="utf-8")
        yield [s for s in _known(described, silences) if not only or any(part in s.name for part in only)]
    finally:
        await served.aclose()


def _names(peer: str, silences: Mapping[str, float]) -> dict[str, list[str]]:
    """The forms of a peer, with the options of each."""
    return {peer: [], **{f"{peer}, {name}": ["--silence", str(seconds)] for name, seconds in silences.items()}}


def _known(described: Path, silences: Mapping[str, float]) -> list[System]:
    found = [
        System("parley", [sys.executable, "-m", "parley.cli", "serve", "--port", "8765"], 8765,
               {"PARLEY_LLM": "smollm2-135m"}),
    ]  # fmt: skip
    for peer in PEERS:
        python = str(ENVIRONMENT / peer / "bin" / "python")
        command = [python, str(HERE / f"{peer}_server.py"), "--models", str(described)]
        for name, options in _names(peer, silences).items():
            port = found[-1].port + 1
            found.append(System(name, [*command, "--port", str(port), *options], port))
    return found


def _make_environment(peer: str) -> None:
    folder = ENVIRONMENT / peer
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q"]
    subprocess.run([*pip, "-r", str(HERE / f"{peer}-requirements.txt"), "uvicorn[standard]"], check=True)
    (folder / "ready").touch()


@asynccontextmanager
async def running(system: System) -> AsyncIterator[int]:
    """The system's process, by its number, from when it answers until it has ended."""
    log = (ENVIRONMENT / f"{system.port}.log").open("wb")
    process = await asyncio.create_subprocess_exec(
        *system.command, env=os.environ | system.environment, stdout=log, stderr=log
    )
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            for _ in range(round(_READY_S / _OPENS_S)):
                with suppress(httpx.HTTPError):
                    await client.get(f"http://127.0.0.1:{system.port}/health")
                    break
                await asyncio.sleep(_OPENS_S)
            else:
                raise UnavailableError(f"{system.name} did not start; see {log.name}")
        yield process.pid
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        try:
            await asyncio.wait_for(process.wait(), 15)
        except TimeoutError:
            process.kill()
            await process.wait()
        log.close()
