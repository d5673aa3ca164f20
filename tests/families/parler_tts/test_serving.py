"""A described voice as its owner has it: a voice pack in a worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from parley.models.interfaces import SpeakingStyle
from tests.families import cloned


@pytest.fixture
def worker(checkpoint: Path, tmp_path: Path) -> Iterator[str]:
    options = {"device": "cpu", "speakers": "lalitha"}
    with cloned.serving(tmp_path, "parler-tts", sorted(checkpoint.iterdir()), options, recorded=False) as address:
        yield address


async def test_a_worker_says_a_text_in_a_mood(worker: str) -> None:
    await cloned.says_a_text_with_its_words(worker, SpeakingStyle(emotion="sad", speed=0.8))
