"""Three real voices in a worker that keeps two of them in memory, asked for by several speakers at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from parley.models.catalogue import catalogue
from parley.models.interfaces import Caller, SpeakingStyle
from parley.models.store import Store
from parley.workers import process
from parley.workers.announcement import Offer
from parley.workers.fleet import Fleet
from parley.workers.remote_synthesizer import RemoteSynthesizer
from parley.workers.settings import WorkerSettings
from tests.looking import until

TEXT = "The ship sailed at dawn."
ROUNDS, SPEAKERS = 3, 4


@pytest.mark.timeout(180)
async def test_voices_are_swapped_while_others_speak_and_nobody_notices(tmp_path: Path) -> None:
    entry, store = catalogue().get("piper-en-us-joe"), Store()
    await asyncio.to_thread(store.pull, entry, lambda *_: None)
    files = [str(path) for path in store.paths(entry).values()]
    piper = {"family": "piper", "files": files, "languages": ["en"]}
    settings = WorkerSettings.model_validate({
        "name": "w", "listen": f"unix:{tmp_path}/w.sock", "drain_s": 1, "default_model_id": "joe",
        "models": [
            {"id": "joe", **piper}, {"id": "jim", **piper},
            {"id": "espeak", "family": "espeak", "languages": ["*"]},
        ],
        "resident_cap": 2, "min_residency_ms": 0, "ttl_ms": 600_000, "evict_check_interval_ms": 50,
    })  # fmt: skip
    async with process.running(settings) as worker, Fleet([worker.address]) as fleet:
        assert await fleet.until(lambda: "w" in fleet.workers, 60)
        voices = {
            name: RemoteSynthesizer(fleet, Offer(id=name, languages=("en",))) for name in ("joe", "jim", "espeak")
        }
        for voice in voices.values():  # each on its own worker's word: nobody stands in for it here
            voice.fallback = False
        seconds: dict[str, list[float]] = {name: [] for name in voices}

        async def speak(number: int) -> None:
            for turn in range(ROUNDS):
                name = list(voices)[(number + turn) % 3]
                session = f"s{number}-{turn}"
                spoken = [c async for c in voices[name].synthesize(TEXT, SpeakingStyle(), Caller(session))]
                assert sum(len(c.words) for c in spoken) == len(TEXT.split())
                seconds[name].append(sum(len(c.samples) for c in spoken) / 48000)
                fleet.bindings.forget(session)

        await asyncio.gather(*(speak(number) for number in range(SPEAKERS)))
        assert sum(map(len, seconds.values())) == ROUNDS * SPEAKERS
        for lengths in seconds.values():
            assert max(lengths) - min(lengths) < 0.4, "always the same voice, whole"

        def resident() -> list[str]:
            return [name for name, r in worker.host.manager.models.items() if r.state == "resident"]

        await until(lambda: len(resident()) <= 2)
        assert "joe" in resident()
        assert worker.host.manager.evictions > 0
