"""Recordings that are none, refer to others, or unpack to more than they look like."""

from __future__ import annotations

import io
from pathlib import Path

import httpx
import numpy as np
import pytest

from parley.audio import files
from tests.conftest import Clip, RunningServer


async def transcribe(server: RunningServer, content: bytes, name: str = "it.wav") -> httpx.Response:
    async with httpx.AsyncClient(timeout=60) as client:
        return await client.post(f"{server.url}/v1/audio/transcriptions", files={"file": (name, content)})


def most_memory(server: RunningServer) -> int:
    """Bytes that the server's process has ever held at once."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


@pytest.mark.wild(before="the words of a file in the server's own folder")
async def test_a_list_of_files_as_an_upload(server: RunningServer, question: Clip) -> None:
    answer = await transcribe(server, f"ffconcat version 1.0\nfile {question.path}\n".encode())
    assert answer.status_code == 400
    assert "WAV, FLAC" in answer.json()["error"]["message"]


@pytest.mark.wild(before="FFmpeg opens UDP ports and listens on them")
async def test_a_session_description_as_an_upload(server: RunningServer) -> None:
    description = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 16384 RTP/AVP 0\n"
    answer = await transcribe(server, description.encode())
    assert answer.status_code == 400
    assert "does not begin as" in answer.json()["error"]["message"]


@pytest.mark.wild(before="600 MB for an hour, in the server's own memory")
async def test_a_small_file_that_unpacks_to_hours(server: RunningServer) -> None:
    second = np.zeros(16000, np.int16)
    bomb = b"".join(files.encode((second for _ in range(3600)), 16000, "flac"))
    assert len(bomb) < 1_000_000
    before = most_memory(server)
    answer = await transcribe(server, bomb, "it.flac")
    assert answer.status_code == 200
    assert most_memory(server) - before < 150 * 1024 * 1024


@pytest.mark.wild(before="a thread that works for minutes")
async def test_a_recording_of_one_sample_a_second(server: RunningServer) -> None:
    answer = await transcribe(server, files.wav_header(50_000, 1) + bytes(100_000))
    assert answer.status_code == 400
    assert "rate of 1 Hz" in answer.json()["error"]["message"]


@pytest.mark.wild(before="decoded like any other")
async def test_a_recording_of_sixty_channels(server: RunningServer) -> None:
    crafted = io.BytesIO(files.wav_header(50_000, 16000) + bytes(100_000))
    crafted.seek(22)
    crafted.write((60).to_bytes(2, "little"))
    crafted.seek(32)
    crafted.write((120).to_bytes(2, "little"))
    answer = await transcribe(server, crafted.getvalue())
    assert answer.status_code == 400
    assert "60 channels" in answer.json()["error"]["message"]
