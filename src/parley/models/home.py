"""Where parley keeps what it has pulled, made and been told on this machine."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """``PARLEY_HOME``, else the user's data folder; it need not be there."""
    if configured := os.environ.get("PARLEY_HOME"):
        return Path(configured).expanduser()
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "parley"
