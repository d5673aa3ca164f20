"""Tiny checkpoints, made once, with a recording to clone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from parley.audio import files
from parley.models.fakes import tone
from tests.families.chatterbox import tiny, tiny_cosyvoice

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tiny.shrink()
    folder = tmp_path_factory.mktemp("chatterbox") / "tiny"
    tiny.write(folder)
    files.write(folder / "seed.wav", tone(3.0, 24000), 24000)
    return folder


@pytest.fixture(scope="session")
def cosyvoice(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of CosyVoice 2; that of Chatterbox has made the package's networks small."""
    folder = tmp_path_factory.mktemp("cosyvoice") / "tiny"
    tiny_cosyvoice.write(folder)
    shutil.copy(checkpoint / "seed.wav", folder)
    return folder
