"""Recordings that a command is given: files, and what is in folders."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from parley.audio.files import SUFFIXES
from parley.errors import UsageError


def sounds(paths: Sequence[Path], *, there: bool = True) -> list[Path]:
    """Files as given; of a folder, those of its manifest.json (English) or all sounds, sorted.

    Raises `UsageError` for a folder without sounds, a manifest that cannot be read, and for what does not exist unless
    it need not be `there`.
    """
    found: list[Path] = []
    for path in paths:
        if there and not path.exists():
            raise UsageError(f"{path} does not exist")
        if not path.is_dir():
            found.append(path)
        elif inside := _listed(path) or sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES):
            found += inside
        else:
            raise UsageError(f"{path} contains no recordings")
    return found


def _listed(folder: Path) -> list[Path]:
    manifest = folder / "manifest.json"
    if not manifest.exists():
        return []
    try:
        entries = json.loads(manifest.read_text(encoding="utf-8"))
        return [folder / e["file"] for e in entries if e.get("language", "en") == "en"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise UsageError(f"{manifest} is not a list of recordings, each with a 'file' ({fault})") from fault
