"""A cloned voice as its owner has it: see `cloned`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.families import cloned


@pytest.fixture
def worker(cloning: Path, tmp_path: Path) -> Iterator[str]:
    network = [path for path in sorted(cloning.iterdir()) if path.name != "seed.wav"]
    with cloned.serving(tmp_path, "qwen3-tts", network, {"device": "cpu", "temperature": 0}) as address:
        yield address


async def test_a_worker_says_a_text_with_its_words(worker: str) -> None:
    await cloned.says_a_text_with_its_words(worker)
