"""A cloned voice as its owner has it: see `cloned`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.families import cloned


@pytest.fixture(scope="module")
def worker(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    network = [checkpoint / name for name in ("config.json", "model.pth", "vocab.json")]
    options = {"device": "cpu", "temperature": 0}
    with cloned.serving(tmp_path_factory.mktemp("serving"), "xtts", network, options) as address:
        yield address


async def test_a_worker_says_a_text_with_its_words(worker: str) -> None:
    await cloned.says_a_text_with_its_words(worker)


@pytest.mark.timeout(300)
def test_a_server_speaks_with_it_and_refuses_moods_that_it_has_not(worker: str, tmp_path: Path) -> None:
    cloned.a_server_speaks_with_it_and_refuses_moods_that_it_has_not(worker, tmp_path)
