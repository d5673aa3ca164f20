"""The source list: a CSV file that says of each recording, or folder of them, who may do what with it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from parley.audio.files import SUFFIXES
from parley.errors import UsageError
from parley.languages import code_of
from parley.train.clips import Clip
from parley.train.downloads import Tell, fetched

COLUMNS = ("source", "licence", "consent", "language", "speaker")


def listed(path: Path, licences: Sequence[str], downloads: Path, tell: Tell = lambda _: None) -> list[Clip]:
    """A clip for each recording of a source list, not read yet: sorted within each folder.

    Relative paths count from the folder of the list; what is at an address is fetched into `downloads`, when no row is
    at fault. Raises `UsageError` that names the row of whatever is missing, has no licence or one that is not among
    `licences`, says nothing of consent, or cannot be fetched.
    """
    rows = [(f"{path}:{number}", row) for number, row in _rows(path)]
    for at, row in rows:
        _check(at, row, licences)
        _language(at, row["language"])
    local = [None if _is_address(row["source"]) else _recordings(at, path.parent, row["source"]) for at, row in rows]
    found: list[Clip] = []
    for (at, row), here in zip(rows, local, strict=True):
        for recording in here or [_fetched(at, row, downloads, tell)]:
            stat = recording.stat()
            clip = Clip(
                id=f"{len(found):06}",
                source=row["source"],
                audio=str(recording),
                digest=f"stat:{stat.st_size}:{stat.st_mtime_ns}",
                licence=row["licence"],
                consent=row["consent"],
                language=_language(at, row["language"]),
                speaker=row["speaker"],
            )
            found.append(clip)
    if not found:
        raise UsageError(f"{path}: no source is listed; each row has {', '.join(COLUMNS)}")
    return found


def _is_address(source: str) -> bool:
    return "://" in source


def _fetched(at: str, row: dict[str, str], downloads: Path, tell: Tell) -> Path:
    try:
        return fetched(row["source"], row["licence"], downloads, tell)
    except UsageError as fault:
        raise UsageError(f"{at}: {row['source']}: {fault}") from None


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Lines of the file, and what stands in each of `COLUMNS`."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if missing := [c for c in COLUMNS if c not in (reader.fieldnames or ())]:
                raise UsageError(f"{path}:1: the column {missing[0]} is missing; the first row is {','.join(COLUMNS)}")
            for row in reader:
                yield reader.line_num, {column: (row[column] or "").strip() for column in COLUMNS}
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise UsageError(f"{path}: cannot be read as a source list ({fault})") from None


def _check(at: str, row: dict[str, str], licences: Sequence[str]) -> None:
    for column in ("source", "licence", "consent"):
        if not row[column]:
            raise UsageError(f"{at}: {column}: is empty; nothing is used without it")
    if row["licence"] not in licences:
        allowed = ", ".join(licences)
        raise UsageError(f"{at}: licence: '{row['licence']}' is not allowed; the settings allow {allowed}")


def _language(at: str, given: str) -> str:
    try:
        found = code_of(given)
    except ValueError as fault:
        raise UsageError(f"{at}: language: {fault}") from None
    if found is None:
        raise UsageError(f"{at}: language: is to be one language, such as en")
    return found


def _recordings(at: str, folder: Path, source: str) -> list[Path]:
    path = (folder / Path(source).expanduser()).resolve()
    if path.is_dir():
        inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        if not inside:
            raise UsageError(f"{at}: source: {path} contains no recordings")
        return inside
    if not path.is_file():
        raise UsageError(f"{at}: source: {path} does not exist")
    return [path]
