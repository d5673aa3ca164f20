"""``POST /v1/realtime/calls``: WebRTC, an SDP offer in and an SDP answer out."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import structlog
from fastapi import APIRouter, Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from parley.conversation.history import new_id
from parley.errors import ProtocolError
from parley.realtime.reader import Reader
from parley.realtime.session_object import Extensions, updated
from parley.server.realtime_routes import initial_session, resumed_session
from parley.server.resumption import Kept
from parley.server.state import ServerState
from parley.transports.webrtc import RtcCall

log = structlog.get_logger("webrtc")
router = APIRouter()
_LONGEST_OFFER = 256 * 1024
_ANSWER_S = 15.0


@router.post("/v1/realtime/calls")
async def begin(request: Request) -> Response:
    """Body: the offer (``application/sdp``), or a form with ``sdp`` and ``session``."""
    state: ServerState = request.app.state.parley
    state.admit()
    offer, wanted = await _read(request)
    extensions = Extensions() if request.query_params.get("parley") == "1" else None
    kept = await state.resumption.take(request.query_params.get("resume")) if extensions else None
    shown = resumed_session(initial_session(state, request.query_params.get("model"), extensions), kept)
    if wanted is not None:
        shown = updated(shown, wanted)
    call = RtcCall(
        state.roster.cast, state.settings_for(kept), shown, state.roster.voice_names,
        ice_servers=state.ice_servers, observe=state.observe,
    )  # fmt: skip
    try:
        answer = await asyncio.wait_for(call.answer(offer), _ANSWER_S)
    except BaseException:
        await call.aclose()
        raise
    call_id = new_id("rtc")
    state.calls[call_id] = asyncio.create_task(_serve(state, call_id, call, kept), name=call_id)
    headers = {"Location": f"/v1/realtime/calls/{call_id}"}
    return Response(answer, 201, headers, media_type="application/sdp")


@router.post("/v1/realtime/calls/{call_id}/hangup")
async def hang_up(call_id: str, request: Request) -> Response:
    """End a call from outside."""
    state: ServerState = request.app.state.parley
    task = state.calls.get(call_id)
    if task is None:
        raise ProtocolError(f"there is no call '{call_id}'", field="call_id", code="call_not_found")
    task.cancel()
    await asyncio.wait([task])
    return Response(status_code=200)


async def _serve(state: ServerState, call_id: str, call: RtcCall, kept: Kept | None) -> None:
    log.info("opened", session=call.session.id, call=call_id, resumed=kept is not None)
    try:
        with state.talking(call, kept) as resume:
            await call.serve(state.config.max_session_minutes * 60, resume)
            state.metrics.count_call(call.quality)
    except Exception:
        log.error("call broke", session=call.session.id, exc_info=True)
    finally:
        del state.calls[call_id]


async def _read(request: Request) -> tuple[str, Reader | None]:
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form(max_files=2, max_fields=4, max_part_size=_LONGEST_OFFER) as form:
            offer, session = await _text(form, "sdp"), await _text(form, "session")
        if offer is None:
            raise ProtocolError("the form has no field 'sdp'", field="sdp", code="missing_field")
        return offer, Reader(_json(session)) if session else None
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LONGEST_OFFER:
            raise ProtocolError("the offer is longer than 256 kB", field="sdp", code="invalid_sdp")
    return body.decode(errors="replace"), None


async def _text(form: FormData, field: str) -> str | None:
    value = form.get(field)
    return (await value.read()).decode(errors="replace") if isinstance(value, UploadFile) else value


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as fault:
        raise ProtocolError(f"'session' is not JSON: {fault}", field="session", code="invalid_json") from fault
