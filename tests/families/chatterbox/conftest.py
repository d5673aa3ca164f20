"""A tiny checkpoint, made once, with a recording to clone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from parley.audio import files
from parley.models.fakes import tone
from tests.families.chatterbox import tiny

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tiny.shrink()
    folder = tmp_path_factory.mktemp("chatterbox") / "tiny"
    tiny.write(folder)
    files.write(folder / "seed.wav", tone(3.0, 24000), 24000)
    return folder
