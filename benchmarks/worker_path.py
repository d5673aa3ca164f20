"""What the way through a worker costs, against the same voice in this process, in one run.

    python -m benchmarks.worker_path [--streams 25] [--seconds 20] [--rounds 200]

The voice is espeak-ng, real and nearly free, so that the way shows. First sound: alternately in process and through a
worker. Then so many listeners at once, each with a 20 ms clock of its own that plays what has come: what was missing
(underrun), how far the clocks were off (jitter), and the CPU that both processes spent.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from contextlib import aclosing

import numpy as np
import psutil
import typer
import uvloop

from parley.adapters import espeak
from parley.models.interfaces import Caller, ModelSpec, SpeakingStyle, Synthesizer
from parley.workers.announcement import Offer
from parley.workers.fleet import Fleet
from parley.workers.local_worker import LocalWorker
from parley.workers.remote_synthesizer import RemoteSynthesizer

_TEXT = "The ship sailed at dawn with forty men aboard, and nobody on the quay knew where she was bound."


async def first_sound_ms(voice: Synthesizer, owner: str) -> float:
    """Text given to first sound there."""
    began = time.perf_counter()
    async with aclosing(voice.synthesize(_TEXT, SpeakingStyle(), Caller(owner))) as chunks:
        async for _ in chunks:
            return (time.perf_counter() - began) * 1000
    raise AssertionError("no sound")


class Listener:
    """Plays one sentence after another by a clock of its own."""

    def __init__(self, voice: Synthesizer, name: str) -> None:
        self._voice = voice
        self._name = name
        self._waiting_s = 0.0
        self._begun = False
        self.underrun_s = 0.0
        self.late_ms: list[float] = []

    async def listen(self, seconds: float) -> None:
        """For so long."""
        speaking = asyncio.create_task(self._speak())
        loop = asyncio.get_running_loop()
        start = loop.time()
        for frame in range(int(seconds * 50)):
            due = start + frame * 0.02
            await asyncio.sleep(max(0.0, due - loop.time()))
            self.late_ms.append((loop.time() - due) * 1000)
            if self._waiting_s >= 0.02:
                self._waiting_s -= 0.02
                self._begun = True
            elif self._begun:
                self.underrun_s += 0.02
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)

    async def _speak(self) -> None:
        while True:
            async with aclosing(self._voice.synthesize(_TEXT, SpeakingStyle(), Caller(self._name))) as chunks:
                async for chunk in chunks:
                    self._waiting_s += len(chunk.samples) / self._voice.rate_hz
                    await asyncio.sleep(max(0.0, self._waiting_s - 1.0))


async def crowd(voice: Synthesizer, streams: int, seconds: float, pids: list[int]) -> str:
    """Many listeners at once."""
    processes = [psutil.Process(pid) for pid in pids]

    def cpu() -> float:
        return sum(sum(p.cpu_times()[:2]) for p in processes)

    listeners = [Listener(voice, f"s{n}") for n in range(streams)]
    before = cpu()
    await asyncio.gather(*(listener.listen(seconds) for listener in listeners))
    spent = (cpu() - before) / streams / seconds * 100
    late = np.abs([ms for listener in listeners for ms in listener.late_ms])
    missing = sum(listener.underrun_s for listener in listeners)
    return (
        f"{streams} streams, {seconds:.0f} s: underrun {missing:.2f} s, jitter p50 {np.percentile(late, 50):.2f} ms "
        f"p95 {np.percentile(late, 95):.2f} ms, CPU {spent:.2f} % of a core for a stream"
    )


async def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=25)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=200)
    given = parser.parse_args()
    here = espeak.load(ModelSpec("espeak", "espeak"))
    child = LocalWorker(
        {
            "name": "local",
            "default_model_id": "espeak",
            "models": [{"id": "espeak", "family": "espeak", "languages": ["*"]}],
            "log_level": "warning",
        }
    )
    await child.start()
    assert child.pid is not None
    try:
        async with Fleet([child.address]) as fleet:
            await fleet.until(lambda: "local" in fleet.workers, 5)
            there = RemoteSynthesizer(fleet, Offer(id="espeak", languages=("*",)))
            times: dict[str, list[float]] = {"in process": [], "worker": []}
            for _ in range(given.rounds):
                times["in process"].append(await first_sound_ms(here, "a"))
                times["worker"].append(await first_sound_ms(there, "a"))
            for name, ms in times.items():
                typer.echo(
                    f"first sound, {name}: p50 {statistics.median(ms):.2f} ms, p95 {np.percentile(ms, 95):.2f} ms"
                )
            more = statistics.median(times["worker"]) - statistics.median(times["in process"])
            typer.echo(f"the way through a worker: + {more:.2f} ms (n {given.rounds} each)")
            own = psutil.Process().pid
            typer.echo("in process: " + await crowd(here, given.streams, given.seconds, [own]))
            typer.echo("worker:     " + await crowd(there, given.streams, given.seconds, [own, child.pid]))
    finally:
        await child.aclose()


if __name__ == "__main__":
    uvloop.run(main())
