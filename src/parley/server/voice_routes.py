"""Voices that the server could have besides: what there is, and bringing one."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse

from parley.errors import ProtocolError
from parley.server.further_voices import FurtherVoice
from parley.server.state import ServerState

router = APIRouter()


class WantedVoice(BaseModel):
    """One of `further_voices`, by its id."""

    voice: str


@router.post("/v1/parley/voices")
async def bring(request: Request, wanted: WantedVoice) -> JSONResponse:
    """Begin to bring a voice of the catalogue; how far it is stands in `further_voices` of ``GET /v1/parley``."""
    state: ServerState = request.app.state.parley
    if state.further_voices is None:
        raise ProtocolError("no further voices can be brought here", field="voice")
    return JSONResponse(_shown(state.further_voices.bring(wanted.voice)), 202)


def further_voices(state: ServerState) -> list[dict[str, Any]]:
    """Those whose files are not here, and how far one is that is brought."""
    return [_shown(voice) for voice in state.further_voices.found.values()] if state.further_voices else []


def _shown(voice: FurtherVoice) -> dict[str, Any]:
    model = voice.model
    shown = {"id": model.id, "summary": model.summary, "languages": list(model.languages), "bytes": model.size}
    shown["voices"] = len(model.voices) or 1
    return {**shown, "state": voice.state, "done": voice.done, "why": voice.why}
