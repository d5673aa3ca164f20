"""Manifests: written as a whole, read with the line at fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from parley.errors import UsageError
from parley.train import clips
from parley.train.clips import Clip, digest_of

CLIP = Clip(id="1", source="s", audio="/a.wav", digest="d", licence="CC0-1.0", consent="given", language="te",
            text="నమస్కారం", scores={"snr_db": 20.5}, refused=("too short",))  # fmt: skip


def test_clips_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "step" / "clips.jsonl"
    clips.write(path, "segment", "abc", [CLIP, CLIP])
    assert clips.read(path) == [CLIP, CLIP]
    assert clips.header(path) == clips.Header(step="segment", digest="abc", clips=2)
    assert [p.name for p in path.parent.iterdir()] == ["clips.jsonl"]


def test_a_line_at_fault_is_named(tmp_path: Path) -> None:
    path = tmp_path / "clips.jsonl"
    clips.write(path, "segment", "abc", [CLIP, CLIP])
    head, first, _ = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(head + first + b'{"id": 3}\n')
    with pytest.raises(UsageError, match=r"clips\.jsonl:3: "):
        clips.read(path)
    path.write_bytes(head + first)
    with pytest.raises(UsageError, match="1 clips where its header says 2"):
        clips.read(path)
    path.write_bytes(b"")
    with pytest.raises(UsageError, match="no manifest"):
        clips.read(path)


def test_parts_of_a_digest_cannot_be_moved_into_each_other() -> None:
    assert digest_of(b"ab", b"c") != digest_of(b"a", b"bc")
