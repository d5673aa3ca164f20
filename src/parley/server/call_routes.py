"""Calls over WebRTC: ``POST /v1/realtime/calls`` (an SDP offer in, an SDP answer out), and signalling by a socket."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog
from fastapi import APIRouter, Request
from starlette.datastructures import FormData, UploadFile
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from parley.conversation.items import new_id
from parley.errors import ProtocolError
from parley.realtime import server_events as se
from parley.realtime.reader import Reader, decoded
from parley.realtime.session_object import Extensions
from parley.server.conversations import Start
from parley.server.rest import client_of
from parley.server.security import KEY_HOLDER
from parley.server.session_setup import admitted, begun
from parley.server.state import OngoingCall, ServerState
from parley.transports.sideband import Sideband
from parley.transports.webrtc import CONNECT_S, RtcCall
from parley.transports.websocket import accept, refuse

log = structlog.get_logger("webrtc")
router = APIRouter()
_LONGEST_OFFER = 256 * 1024
_ANSWER_S = 15.0
_MOST_CANDIDATES = 100


@router.post("/v1/realtime/calls")
async def begin(request: Request) -> Response:
    """Body: the offer (``application/sdp``), or a form with ``sdp`` and ``session``."""
    state: ServerState = request.app.state.parley
    await state.admit(client_of(request.scope))
    offer, wanted = await _read(request)
    extensions = Extensions() if request.query_params.get("parley") == "1" else None
    call_id, _, answer = await _answered(state, request, extensions, offer, wanted)
    headers = {"Location": f"/v1/realtime/calls/{call_id}"}
    return Response(answer, 201, headers, media_type="application/sdp")


async def signal(socket: WebSocket) -> None:
    """A call by trickle ICE (RFC 8838), over ``/ws?signalling=1``.

    The client sends ``parley.rtc.offer`` (``sdp``), then a ``parley.rtc.candidate`` each, as browsers make them, the
    last one empty. It gets ``parley.rtc.answer``: the ``sdp`` with all of the server's candidates, and the ``call_id``.
    A socket that closes before the call is connected takes it along; afterwards it is not needed.
    """
    state: ServerState = socket.app.state.parley
    if not await admitted(socket, state):
        return
    await accept(socket)
    call: RtcCall | None = None
    try:
        async with asyncio.timeout(CONNECT_S):
            try:
                offer = (await _next(socket, "parley.rtc.offer")).need_text("sdp", longest=_LONGEST_OFFER)
                call_id, call, answer = await _answered(state, socket, Extensions(), offer, None)
                await socket.send_json({"type": "parley.rtc.answer", "sdp": answer, "call_id": call_id})
                for _ in range(_MOST_CANDIDATES):
                    try:
                        await _add(call, await _next(socket, "parley.rtc.candidate"))
                    except ProtocolError as fault:  # there may be better ones
                        await socket.send_json(_error(fault))
            except ProtocolError as fault:
                await socket.send_json(_error(fault))
    except (WebSocketDisconnect, TimeoutError):
        pass
    finally:
        if call is not None and not call.connected:
            call.abandon()
        if socket.application_state is WebSocketState.CONNECTED and socket.client_state is WebSocketState.CONNECTED:
            with suppress(WebSocketDisconnect, RuntimeError):  # it is gone, and nobody has read that yet
                await socket.close()


def _error(fault: ProtocolError) -> se.Event:
    return {"event_id": new_id("event"), **se.error(str(fault), code=fault.code, param=fault.field)}


async def _add(call: RtcCall, given: Reader) -> None:
    mid, line = given.text("sdpMid"), given.integer("sdpMLineIndex", None, 0, 100)
    await call.add_candidate(given.need_text("candidate", longest=1000), mid, line)


async def _next(socket: WebSocket, kind: str) -> Reader:
    """The next message, which must be a `kind`."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    given = Reader(decoded(message.get("text") or "", "message"))
    given.choice("type", [kind], "")
    return given


async def _answered(
    state: ServerState, asked: HTTPConnection, extensions: Extensions | None, offer: str, wanted: Reader | None
) -> tuple[str, RtcCall, str]:
    """Begin a call: its id, the call, the SDP answer."""
    start = await begun(state, asked, extensions, wanted)
    call = RtcCall(
        start.conversation, start.place, start.shown, state.loaded_models.available, ice_servers=state.ice_servers,
        services=state.services_for(start.conversation),
        public_address=str(state.config.public_address) if state.config.public_address else None,
    )  # fmt: skip
    try:
        answer = await asyncio.wait_for(call.answer(offer), _ANSWER_S)
    except BaseException:
        await call.aclose()
        await state.conversations.close_if_over(start.conversation)  # all others may have left meanwhile
        raise
    call_id = new_id("rtc")
    serving = asyncio.create_task(_serve(state, call_id, call, start), name=call_id)
    state.calls[call_id] = OngoingCall(call, start.owner, serving)
    return call_id, call, answer


@router.post("/v1/realtime/calls/{call_id}/hangup")
async def hang_up(call_id: str, request: Request) -> Response:
    """End a call from outside."""
    state: ServerState = request.app.state.parley
    if (ongoing := state.calls.get(call_id)) is None:
        raise _no_call(call_id)
    ongoing.task.cancel()
    await asyncio.wait([ongoing.task])
    return Response(status_code=200)


async def attach(socket: WebSocket, call_id: str) -> None:
    """A socket beside a call (``/v1/realtime?call_id=``): of whoever began it, and of the key's holder."""
    state: ServerState = socket.app.state.parley
    ongoing = state.calls.get(call_id)
    owner = state.gate.owner(socket.headers)
    try:
        if ongoing is None or owner not in (ongoing.owner, KEY_HOLDER):
            raise _no_call(call_id)
        sideband = Sideband(socket, ongoing.call, extended=socket.query_params.get("parley") == "1")
    except ProtocolError as fault:
        await refuse(socket, se.error(str(fault), code=fault.code, param=fault.field))
        return
    await accept(socket)
    log.info("sideband opened", session=ongoing.call.conversation.id, call=call_id)
    await sideband.serve()


def _no_call(call_id: str) -> ProtocolError:
    return ProtocolError(f"there is no call '{call_id[:80]}'", field="call_id", code="call_not_found")


async def _serve(state: ServerState, call_id: str, call: RtcCall, start: Start) -> None:
    log.info("opened", session=call.conversation.id, call=call_id, resumed=start.kept is not None)
    try:
        async with state.talking(call, start) as resume:
            await call.serve(state.config.max_session_minutes * 60, resume)
            state.metrics.count_call(call.quality)
    except Exception:
        log.error("call broke", session=call.conversation.id, exc_info=True)
    finally:
        del state.calls[call_id]


async def _read(request: Request) -> tuple[str, Reader | None]:
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form(max_files=2, max_fields=4, max_part_size=_LONGEST_OFFER) as form:
            offer, session = await _text(form, "sdp"), await _text(form, "session")
        if offer is None:
            raise ProtocolError("the form has no field 'sdp'", field="sdp", code="missing_field")
        return offer, Reader(decoded(session, "session"), "session") if session else None
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LONGEST_OFFER:
            raise ProtocolError("the offer is longer than 256 kB", field="sdp", code="invalid_sdp")
    return body.decode(errors="replace"), None


async def _text(form: FormData, field: str) -> str | None:
    value = form.get(field)
    return (await value.read()).decode(errors="replace") if isinstance(value, UploadFile) else value
