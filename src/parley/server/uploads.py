"""Recordings that clients send: decoded outside of this process, block by block, a few at a time."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO, cast

import numpy as np

from parley.audio.pcm import Float32
from parley.errors import AudioError
from parley.models.interfaces import MODEL_RATE_HZ
from parley.server.upload_decoder import CPU_S, MEMORY_BYTES

_BLOCK_BYTES = 4 * MODEL_RATE_HZ  # a second
_BLOCK_WITHIN_S = 60.0
_LONGEST_WORDS = 1000
_ENVIRONMENT = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "LANG")
"""What the decoder needs of the environment; the server's secrets are not among it."""


class Uploads:
    """Decodes at most `at_once` uploads, each in a process of its own; others wait."""

    def __init__(self, at_once: int | None = None) -> None:
        self._room = asyncio.Semaphore(at_once or os.cpu_count() or 1)

    async def samples(self, upload: BinaryIO, label: str) -> AsyncGenerator[Float32, None]:
        """Mono blocks at 16 kHz as they are decoded; close the generator (`aclosing`) to end the process early.

        Raises `AudioError` that says what is wrong with the recording.
        """
        async with self._room:
            process = await _started(await asyncio.to_thread(_on_disk, upload))
            assert process.stdout is not None
            assert process.stderr is not None
            words = asyncio.create_task(process.stderr.read(_LONGEST_WORDS), name="decoder-words")
            try:
                while block := await _next(process.stdout, label):
                    yield np.frombuffer(block, dtype=np.float32)
                _judge(await process.wait(), (await words).decode(errors="replace"), label)
            finally:
                if process.returncode is None:
                    process.kill()
                    # its pipes close when the rest has been taken out, and the transport with the last of them
                    await asyncio.gather(process.stdout.read(), words, return_exceptions=True)
                    await process.wait()


def _on_disk(upload: BinaryIO) -> IO[bytes]:
    """The upload as a file that another process can read, at its start."""
    upload.seek(0, os.SEEK_END)
    if isinstance(upload, SpooledTemporaryFile):
        cast("SpooledTemporaryFile[bytes]", upload).rollover()
    upload.seek(0)
    return upload


async def _started(upload: IO[bytes]) -> asyncio.subprocess.Process:
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "parley.server.upload_decoder", str(MODEL_RATE_HZ),
        stdin=upload, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**environment, "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip


async def _next(stream: asyncio.StreamReader, label: str) -> bytes:
    """A second of sound, less at the end, nothing behind it."""
    try:
        return await asyncio.wait_for(stream.readexactly(_BLOCK_BYTES), _BLOCK_WITHIN_S)
    except asyncio.IncompleteReadError as end:
        return end.partial
    except TimeoutError as fault:
        raise AudioError(f"{label}: nothing of it could be decoded for {_BLOCK_WITHIN_S:.0f} s") from fault


def _judge(code: int, words: str, label: str) -> None:
    if code == 0:
        return
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        raise AudioError(f"{label}: decoding it takes more than {CPU_S} s; send it in parts")
    if code == 2 and words:
        raise AudioError(f"{label}: {words}")
    raise AudioError(f"{label}: it cannot be decoded within {MEMORY_BYTES >> 20} MB of memory, or is broken")
