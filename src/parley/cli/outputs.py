"""Files that a command is to write: looked at before the work, so that none of it is done in vain."""

from __future__ import annotations

import os
from pathlib import Path

from parley.audio.files import kind_of
from parley.errors import UsageError


def check_output(path: Path, *, sound: bool = False) -> None:
    """Raise `UsageError` that says why a file cannot be written there, or is no sound file's name."""
    if sound:
        kind_of(path)
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a file in it")
    folder = path.parent
    if not folder.is_dir():
        raise UsageError(f"the folder {folder} does not exist")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise UsageError(f"{path} cannot be written: no permission")
