"""A tiny checkpoint of each kind, made once."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from parley.audio import files
from parley.models.fakes import tone
from tests.families.qwen3_tts import tiny

torch.set_num_threads(1)


def made(folder: Path, kind: str) -> Path:
    tiny.write(folder, kind)
    if kind == "base":
        files.write(folder / "seed.wav", tone(3.0, 24000), 24000)
    return folder


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With voices of its own."""
    return made(tmp_path_factory.mktemp("qwen") / "tiny", "custom_voice")


@pytest.fixture(scope="session")
def cloning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("qwen") / "tiny", "base")


@pytest.fixture(scope="session")
def designing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("qwen") / "tiny", "voice_design")
