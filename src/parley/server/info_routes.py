"""What the server is and how it does: models, health, metrics, logs, and chat passed through."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import msgspec
from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

import parley
from parley.adapters.openai_chat import OpenAiChat
from parley.logs import TOPICS
from parley.models.catalogue import catalogue
from parley.models.interfaces import ModelSpec
from parley.realtime.reader import Reader, decoded
from parley.server.answers import JSON_OBJECT
from parley.server.rest import caller_of
from parley.server.roster import Roster, speaks
from parley.server.state import ServerState
from parley.workers.routing import Need, route

router = APIRouter()
_TAIL_BYTES = 64 * 1024
_NEEDED = frozenset({"vad", "asr", "llm", "tts"})
"""Parts without which nobody is answered."""
_ALIASES = ("gpt-realtime", "gpt-realtime-mini", "tts-1", "whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-tts")


def _state(request: Request) -> ServerState:
    state: ServerState = request.app.state.parley
    return state


@router.get("/v1/models")
async def models(request: Request) -> JSONResponse:
    """The models in use and the well-known names that are mapped to them."""
    state = _state(request)
    names = [*dict.fromkeys(spec.id for spec in state.roster.specs.values()), *_ALIASES]
    created = int(state.started)
    return JSONResponse({
        "object": "list",
        "data": [{"id": n, "object": "model", "created": created, "owned_by": "parley"} for n in names],
    })  # fmt: skip


@router.get("/v1/parley")
async def about(request: Request) -> JSONResponse:
    """For the page and the command line: models by part, voices, whether a key is needed, better models."""
    state = _state(request)
    llm = state.roster.specs["llm"]
    return JSONResponse({
        "version": parley.__version__,
        "models": {part: spec.id for part, spec in state.roster.specs.items() if ":" not in part},
        "voices": list(state.roster.voices),
        "llms": list(state.roster.all_of("llm")),
        "recognizers": list(recognizers := state.roster.all_of("asr")),
        "languages": sorted({code for model in recognizers.values() for code in model.languages}),
        "tiny_llm": llm.id == "smollm2-135m",
        "better_llms": [
            {"id": m.id, "summary": m.summary, "bytes": m.size} for m in catalogue().of_kind("llm") if m.id != llm.id
        ],
        "ice_servers": state.client_ice_servers,
        "instructions": state.config.instructions,
        "language": state.config.language,
        "sessions": state.sessions,
        "max_sessions": state.config.max_sessions,
    })  # fmt: skip


@router.get("/health")
async def health(request: Request) -> JSONResponse:
    """200 while conversations can be answered, 503 otherwise; 200 and "degraded" where only a judge is missing."""
    state = _state(request)
    loaded = _standing(state.roster)
    down = [part for part, up in loaded.items() if not up]
    well = _NEEDED.isdisjoint(down) and not state.draining
    pod = state.pod
    body: dict[str, Any] = {
        "status": ("degraded" if down else "healthy") if well else "unavailable",
        "runpod": {
            "pod_id": pod.id if pod else None,
            "public_ip": pod.public_ip if pod else None,
            "tcp_port": pod.tcp_port if pod else None,
        },
        "models": loaded,
        "down": down,
        "stopping": state.draining,
        "gpu": _gpu(),
    }
    return JSONResponse(body, status_code=200 if well else 503)


def _standing(roster: Roster) -> dict[str, bool]:
    """Part to whether it can be asked now."""
    workers = roster.fleet.standings

    def up(part: str, spec: ModelSpec) -> bool:
        if speaks(part):
            return route(Need(spec.id), workers).now is not None
        model = roster.models.get(part)
        if isinstance(model, OpenAiChat):
            model.look_again()
        return model is not None and getattr(model, "up", True)

    return {part: up(part, spec) for part, spec in roster.specs.items()}


def _gpu() -> dict[str, Any]:
    """The first NVIDIA GPU as the kernel driver lists it; no library is loaded for it."""
    found = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    name = None
    if found and (match := re.search(r"Model:\s*(.+)", found[0].read_text())):
        name = match.group(1).strip()
    return {"available": bool(found), "device_name": name, "memory_total": None}


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Prometheus exposition."""
    return Response(generate_latest(_state(request).metrics.registry), media_type=CONTENT_TYPE_LATEST)


@router.get("/logs")
async def logs(request: Request) -> JSONResponse:
    """The log files there are."""
    folder = _state(request).log_folder
    found = [folder / f"{t}.log" for t in TOPICS] if folder else []
    return JSONResponse({"logs": [{"name": p.stem, "bytes": p.stat().st_size} for p in found if p.exists()]})


@router.get("/logs/{name}")
async def log_tail(request: Request, name: str) -> Response:
    """The end of a log file."""
    folder = _state(request).log_folder
    if folder is None or name not in TOPICS or not (folder / f"{name}.log").exists():
        return JSONResponse({"error": {"message": f"no log '{name}'; see /logs"}}, status_code=404)
    with (folder / f"{name}.log").open("rb") as stream:
        stream.seek(max(0, (folder / f"{name}.log").stat().st_size - _TAIL_BYTES))
        return PlainTextResponse(stream.read().decode(errors="replace"))


@router.post("/v1/chat/completions", openapi_extra=JSON_OBJECT)
async def chat(request: Request) -> Response:
    """Passed through, as it is, to the language model that it names, else to the default one."""
    wanted = Reader(decoded(await request.body(), "body"), "body").data
    models = _state(request).roster.all_of("llm")
    model = models.get(str(wanted.get("model")), next(iter(models.values())))
    held = AsyncExitStack()
    try:
        client = await held.enter_async_context(model.forwarding(caller_of(request)))
        await client.look()
        wanted["model"] = client.name
        answer = await client.post("/chat/completions", msgspec.json.encode(wanted))
    except BaseException:
        await held.aclose()
        raise
    held.push_async_callback(answer.aclose)
    return _Relay(answer, held)


class _Relay(StreamingResponse):
    """An answer as it comes; what is held for it is let go however it ends, also before it begins."""

    def __init__(self, answer: httpx.Response, held: AsyncExitStack) -> None:
        super().__init__(answer.aiter_bytes(), answer.status_code, media_type=answer.headers.get("content-type"))
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._held:
            await super().__call__(scope, receive, send)
