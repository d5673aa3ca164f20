"""Recordings of conversations: how long they are kept, and handing them out."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import structlog
from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response

from parley.config import Config
from parley.errors import ProtocolError
from parley.models.home import home
from parley.transports.recording import Shelf

log = structlog.get_logger("recording")
router = APIRouter()

_LOOK_EVERY_S = 600.0
_ID = re.compile(r"[\w-]{10,64}")


def recordings_folder(config: Config) -> Path:
    """Where they are."""
    return config.recordings_folder or home() / "recordings"


def delete_old(folder: Path, keep_s: float) -> int:
    """Delete those that are older; returns how many."""
    deleted = 0
    for path in folder.glob("*.wav") if folder.is_dir() else ():
        if time.time() - path.stat().st_mtime > keep_s:
            path.unlink(missing_ok=True)
            deleted += 1
    return deleted


async def keep_house(folder: Path, keep_s: float) -> None:
    """Delete old ones, for ever."""
    while True:
        try:
            if deleted := await asyncio.to_thread(delete_old, folder, keep_s):
                log.info("recordings deleted", count=deleted)
        except OSError as fault:
            log.error("old recordings cannot be deleted", error=str(fault))
        await asyncio.sleep(min(_LOOK_EVERY_S, keep_s / 4))


@router.get("/v1/recordings/{recording_id}")
async def get(request: Request, recording_id: str) -> Response:
    """A recording, for whoever knows its id: those who were there do."""
    return FileResponse(_found(request, recording_id), media_type="audio/wav", filename="conversation.wav")


@router.delete("/v1/recordings/{recording_id}")
async def delete(request: Request, recording_id: str) -> Response:
    """Keep it no longer."""
    _found(request, recording_id).unlink(missing_ok=True)
    return Response(status_code=204)


def _found(request: Request, recording_id: str) -> Path:
    shelf: Shelf | None = request.app.state.parley.recordings
    path = shelf.path(recording_id) if shelf is not None and _ID.fullmatch(recording_id) else None
    if path is None or not path.is_file():
        raise ProtocolError("there is no such recording, or its time is over", field="id", code="recording_not_found")
    return path
