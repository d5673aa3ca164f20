"""Recordings are handed out to who knows their ids, and are gone when their time is over."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from parley.server.app import create_app
from parley.server.recordings import delete_old
from parley.server.security import Gate
from tests.server.fake_server import state_with

ID = "0123456789abcdefABCDEF_-"


def client_of(folder: Path, **config: Any) -> httpx.AsyncClient:
    state = state_with(gate=Gate("a key", []), api_key="a key", recordings_folder=folder, **config)
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_app(state)), base_url="http://localhost")


async def test_who_knows_the_id_gets_it_and_may_delete_it(tmp_path: Path) -> None:
    (tmp_path / f"{ID}.wav").write_bytes(b"RIFF")
    async with client_of(tmp_path) as client:
        answer = await client.get(f"/v1/recordings/{ID}")
        assert (answer.status_code, answer.content) == (200, b"RIFF")
        assert answer.headers["content-type"] == "audio/wav"
        assert (await client.delete(f"/v1/recordings/{ID}")).status_code == 204
        assert (await client.get(f"/v1/recordings/{ID}")).status_code == 404


@pytest.mark.parametrize("path", ["short", "..%2Fsecret", "0123456789abcdefghij", "x" * 65])
async def test_nothing_else_is_handed_out(tmp_path: Path, path: str) -> None:
    (tmp_path.parent / "secret.wav").write_bytes(b"RIFF")
    async with client_of(tmp_path) as client:
        assert (await client.get(f"/v1/recordings/{path}")).status_code in (401, 404)


async def test_where_nothing_is_kept_there_is_nothing(tmp_path: Path) -> None:
    (tmp_path / f"{ID}.wav").write_bytes(b"RIFF")
    async with client_of(tmp_path, recording_keep_hours=0) as client:
        assert (await client.get(f"/v1/recordings/{ID}")).status_code == 404


def test_old_ones_are_deleted_and_nothing_else(tmp_path: Path) -> None:
    for name, age_s in (("old.wav", 7300), ("new.wav", 7100), ("old.txt", 9000)):
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (time.time() - age_s,) * 2)
    assert delete_old(tmp_path, 7200) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.wav", "old.txt"]
    assert delete_old(tmp_path / "none", 7200) == 0
