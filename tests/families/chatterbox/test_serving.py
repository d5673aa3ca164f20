"""A cloned voice as its owner has it: a voice pack with consent, in a worker, and in a server by REST."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np
import pytest

from parley.audio import files
from parley.models import voicepacks
from parley.models.fakes import tone
from parley.models.interfaces import Caller, SpeakingStyle
from parley.models.voicepacks import Metadata, Tags
from parley.models.word_times import timed_speech
from parley.workers.fleet import Fleet
from parley.workers.remote_synthesizer import RemoteSynthesizer
from tests.conftest import start_server, stop_server
from tests.families.chatterbox import tiny
from tests.families.process import running_worker
from tests.looking import unexpected, until

TEXT = "Good morning to all of us!"


@pytest.fixture(scope="module")
def packs(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one pack, cloned with its speaker's consent."""
    folder = tmp_path_factory.mktemp("serving")
    files.write(folder / "me.wav", tone(3.5, 24000), 24000)
    metadata = Metadata(licence="MIT", tags=Tags(lang=("en",), zero_shot=True), options={"device": "cpu", "steps": 2})
    network = [path for path in sorted(checkpoint.iterdir()) if path.name != "seed.wav"]
    voicepacks.make(
        folder / "packs", "chatterbox", "myself", network, metadata, folder / "me.wav", speaker="Ann",
        statement="It is mine, and I agree.",
    )  # fmt: skip
    return folder / "packs"


@pytest.fixture(scope="module")
def worker(packs: Path) -> Iterator[str]:
    """The address of a worker with it; its log is looked at in the end."""
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", tiny.shrinking(packs.parent))
            started = running_worker(packs.parent, "memory asked", voicepacks=str(packs), default_model_id="myself")
            address = stack.enter_context(started)
        yield address


async def test_a_worker_says_a_text_with_its_words(worker: str) -> None:
    async with Fleet([worker]) as fleet:
        assert await fleet.loaded("myself", 120, "tts")
        (announced,) = [w.announcement for w in fleet.workers.values() if w.announcement is not None]
        voice = RemoteSynthesizer(fleet, next(offer for offer in announced.models if offer.id == "myself"))
        chunks = [c async for c in timed_speech(voice, TEXT, SpeakingStyle(), Caller("ann"))]
    words = [word for chunk in chunks for word in chunk.words]
    assert [TEXT[w.text_start : w.text_end] for w in words] == TEXT.split()
    assert all(w.estimated for w in words)
    assert np.abs(np.concatenate([c.samples for c in chunks])).max() > 100


@pytest.mark.timeout(300)
def test_a_server_speaks_with_it_and_refuses_moods_that_it_has_not(worker: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        environment = {"PARLEY_WORKERS": f'["{worker}"]', "PARLEY_LOCAL_VOICES": "true", "PARLEY_VOICES": "[]"}
        process, server = start_server(tmp_path / "serve.log", PARLEY_LLM="smollm2-135m", **environment)
        stack.callback(stop_server, process, server)
        with httpx.Client(base_url=server.url, timeout=60) as http:
            asyncio.run(until(lambda: "myself" in http.get("/v1/parley").text))
            asked = {"model": "tts-1", "voice": "myself", "input": TEXT}
            said = http.post("/v1/audio/speech", json=asked)
            assert said.status_code == 200, said.text
            assert len(said.content) > 10_000
            moody = http.post("/v1/audio/speech", json={**asked, "emotion": "happy"})
            assert moody.status_code == 400
            assert "cannot be happy; it can be neutral" in moody.json()["error"]["message"]
        assert not unexpected(server.log.read_text(errors="replace"))
