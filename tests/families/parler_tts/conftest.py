"""A tiny checkpoint, made once."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Python itself, while it compiles the codec's toolbox
    import parler_tts  # noqa: F401

from tests.families.parler_tts import tiny

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parler") / "tiny"
    tiny.write(folder)
    return folder
