"""A cloned voice as its owner has it: see `cloned`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from parley.models.interfaces import SpeakingStyle
from tests.families import cloned
from tests.families.chatterbox import tiny


@contextmanager
def serving(folder: Path, family: str, checkpoint: Path) -> Iterator[str]:
    network = [path for path in sorted(checkpoint.iterdir()) if path.name != "seed.wav"]
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", tiny.shrinking(folder))
            started = cloned.serving(folder, family, network, {"device": "cpu", "steps": 2})
            address = stack.enter_context(started)
        yield address


@pytest.fixture(scope="module")
def worker(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("serving"), "chatterbox", checkpoint) as address:
        yield address


async def test_a_worker_says_a_text_with_its_words(worker: str) -> None:
    await cloned.says_a_text_with_its_words(worker)


@pytest.mark.timeout(300)
def test_a_server_speaks_with_it_and_refuses_moods_that_it_has_not(worker: str, tmp_path: Path) -> None:
    cloned.a_server_speaks_with_it_and_refuses_moods_that_it_has_not(worker, tmp_path)


@pytest.fixture
def worker_with_cosyvoice(cosyvoice: Path, tmp_path: Path) -> Iterator[str]:
    with serving(tmp_path, "cosyvoice", cosyvoice) as address:
        yield address


async def test_a_worker_says_a_text_in_a_mood_with_cosyvoice(worker_with_cosyvoice: str) -> None:
    await cloned.says_a_text_with_its_words(worker_with_cosyvoice, SpeakingStyle(emotion="happy", speed=1.2))
