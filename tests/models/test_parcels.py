"""Packages that a package manager of the user's fetches: how much of one is there is asked while it works."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from parley.models import parcels


def test_a_folder_that_goes_while_the_progress_is_read_breaks_no_pull(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "whole.whl").write_bytes(b"12345")
    for name in ("pip-download-1", "pip-unpack-2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "part").write_bytes(b"678")
    look = os.scandir

    def clear_and_look(path: str) -> Iterator[os.DirEntry[str]]:
        if Path(path).name == "pip-download-1":
            (Path(path) / "part").unlink()
            Path(path).rmdir()
        return look(path)

    monkeypatch.setattr(os, "scandir", clear_and_look)
    assert parcels._size(tmp_path) == len(b"12345" + b"678")


def test_a_file_that_goes_while_the_progress_is_read_counts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stays").write_bytes(b"12345")
    (tmp_path / "goes").write_bytes(b"678")
    ask = Path.stat

    def remove_and_ask(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path.name == "goes":
            path.unlink(missing_ok=True)
        return ask(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", remove_and_ask)
    assert parcels._size(tmp_path) == len(b"12345")
