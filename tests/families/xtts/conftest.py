"""A tiny checkpoint, made once."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.families.xtts import tiny

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("xtts") / "tiny"
    tiny.write(folder)
    return folder
