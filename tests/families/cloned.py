"""A cloned voice as its owner has it: a voice pack with consent, in a worker, and in a server by REST."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from parley.audio import files
from parley.models import voicepacks
from parley.models.fakes import tone
from parley.models.interfaces import Caller, SpeakingStyle
from parley.models.voicepacks import Metadata, Tags
from parley.models.word_times import timed_speech
from parley.workers.fleet import Fleet
from parley.workers.remote_synthesizer import RemoteSynthesizer
from tests.conftest import start_server, stop_server
from tests.families.process import running_worker
from tests.looking import unexpected, until

NAME = "myself"
TEXT = "Good morning to all of us!"


@contextmanager
def serving(
    folder: Path, family: str, network: Sequence[Path], options: Mapping[str, Any], *, recorded: bool = True
) -> Iterator[str]:
    """The address of a worker with a pack of the network and a recording; its log is looked at in the end.

    `recorded`: without, the network has a voice of its own.
    """
    files.write(me := folder / "me.wav", tone(3.5, 24000), 24000)
    metadata = Metadata(licence="CC0-1.0", tags=Tags(lang=("en",), zero_shot=recorded), options=dict(options))
    voicepacks.make(
        folder / "packs", family, NAME, network, metadata, me if recorded else None, speaker="Ann",
        statement="It is mine, and I agree.",
    )  # fmt: skip
    packs = str(folder / "packs")
    with running_worker(folder, "memory asked", voicepacks=packs, default_model_id=NAME) as address:
        yield address


async def says_a_text_with_its_words(worker: str, style: SpeakingStyle = SpeakingStyle()) -> None:  # noqa: B008 (it is frozen)
    """By the interface of workers."""
    async with Fleet([worker]) as fleet:
        assert await fleet.loaded(NAME, 120, "tts")
        (announced,) = [w.announcement for w in fleet.workers.values() if w.announcement is not None]
        voice = RemoteSynthesizer(fleet, next(offer for offer in announced.models if offer.id == NAME))
        assert style.emotion in voice.emotions
        chunks = [c async for c in timed_speech(voice, TEXT, style, Caller("ann"))]
    words = [word for chunk in chunks for word in chunk.words]
    assert [TEXT[w.text_start : w.text_end] for w in words] == TEXT.split()
    assert all(w.estimated for w in words)
    assert np.abs(np.concatenate([c.samples for c in chunks])).max() > 100


def a_server_speaks_with_it_and_refuses_moods_that_it_has_not(worker: str, folder: Path) -> None:
    """By REST."""
    with ExitStack() as stack:
        environment = {"PARLEY_WORKERS": f'["{worker}"]', "PARLEY_LOCAL_VOICES": "true", "PARLEY_VOICES": "[]"}
        process, server = start_server(folder / "serve.log", PARLEY_LLM="smollm2-135m", **environment)
        stack.callback(stop_server, process, server)
        with httpx.Client(base_url=server.url, timeout=60) as http:
            asyncio.run(until(lambda: NAME in http.get("/v1/parley").text))
            asked = {"model": "tts-1", "voice": NAME, "input": TEXT}
            said = http.post("/v1/audio/speech", json=asked)
            assert said.status_code == 200, said.text
            assert len(said.content) > 10_000
            moody = http.post("/v1/audio/speech", json={**asked, "emotion": "happy"})
            assert moody.status_code == 400
            assert "cannot be happy; it can be neutral" in moody.json()["error"]["message"]
        assert not unexpected(server.log.read_text(errors="replace"))
