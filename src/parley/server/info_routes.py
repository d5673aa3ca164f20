"""What the server is and how it does: models, health, metrics, logs, and chat passed through."""

from __future__ import annotations

import re
from collections.abc import Iterable
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
from parley.errors import ModelError, ProtocolError
from parley.logs import TOPICS
from parley.models import advice
from parley.models.catalogue import catalogue
from parley.models.interfaces import ModelSpec, Reachable
from parley.realtime.reader import Reader, decoded
from parley.server.answers import JSON_OBJECT, error_answer
from parley.server.loaded_models import LoadedModels, speaks
from parley.server.rest import caller_of
from parley.server.state import ServerState
from parley.server.voice_routes import further_voices
from parley.transports.mapping import check_model
from parley.workers.routing import Need, route

router = APIRouter()
_TAIL_BYTES = 64 * 1024
_NOT_THERE = (404, 405, 501)
"""How a server of language models says that it has no such interface."""
_NEEDED = frozenset({"vad", "asr", "llm", "tts"})
"""Parts without which nobody is answered."""
_ALIASES = (
    "gpt-realtime", "gpt-realtime-mini", "tts-1", "tts-1-hd", "gpt-4o-mini-tts", "whisper-1", "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
)  # fmt: skip


def _state(request: Request) -> ServerState:
    state: ServerState = request.app.state.parley
    return state


@router.get("/v1/models")
async def models(request: Request) -> JSONResponse:
    """The models in use and the well-known names that are mapped to them."""
    state = _state(request)
    return JSONResponse({"object": "list", "data": [_model(state, name) for name in _models(state)]})


@router.get("/v1/models/{name:path}")
async def model(request: Request, name: str) -> Response:
    """One of them."""
    state = _state(request)
    if name not in _models(state):
        return error_answer(404, f"The model '{name[:200]}' does not exist", "model_not_found", "model")
    return JSONResponse(_model(state, name))


def _models(state: ServerState) -> list[str]:
    return [*dict.fromkeys((*(spec.id for spec in state.loaded_models.specs.values()), *_ALIASES))]


def _model(state: ServerState, name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": int(state.started), "owned_by": "parley"}


@router.get("/v1/parley")
async def about(request: Request) -> JSONResponse:
    """For the page and the command line: models by part, voices, whether a key is needed, better models."""
    state = _state(request)
    llm = state.loaded_models.specs["llm"]
    return JSONResponse({
        "version": parley.__version__,
        "models": {part: spec.id for part, spec in state.loaded_models.specs.items() if ":" not in part},
        "voices": list(state.loaded_models.voices),
        "emotions": {n: list(v.emotions) for n, v in state.loaded_models.voices.items() if len(v.emotions) > 1},
        "llms": list(state.loaded_models.all_of("llm")),
        "recognizers": list(recognizers := state.loaded_models.all_of("asr")),
        "details": details((*state.loaded_models.voices, *state.loaded_models.all_of("llm"), *recognizers)),
        "languages": sorted({code for model in recognizers.values() for code in model.languages}),
        "tiny_llm": llm.id == advice.LIGHT,
        "further_voices": further_voices(state),
        "upgrade": _upgrade(state),
        "better_llms": [
            {"id": m.id, "summary": m.summary, "bytes": m.size} for m in catalogue().of_kind("llm") if m.id != llm.id
        ],
        "ice_servers": state.client_ice_servers,
        "instructions": state.config.instructions,
        "language": state.config.language,
        "sessions": state.sessions,
        "max_sessions": state.config.max_sessions,
    })  # fmt: skip


def details(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What the catalogue says of models and voices, for people; nothing of others."""
    found = {}
    asked = set(names)
    for model in catalogue().models:
        summaries = {model.id: model.summary} | {f"{model.id}/{s}": f"{s}, {who}" for s, who in model.voices.items()}
        for name in asked & summaries.keys():
            found[name] = {"summary": summaries[name], "languages": list(model.languages)}
    return found


def _upgrade(state: ServerState) -> dict[str, Any] | None:
    """How far the better language model is; None where none is brought."""
    if state.upgrade is None:
        return None
    told = state.upgrade.progress
    return {"model": told.model, "state": told.state, "done": told.done, "total": told.total, "why": told.why}


@router.get("/health")
async def health(request: Request) -> JSONResponse:
    """200 while conversations can be answered, 503 otherwise; 200 and "degraded" where only a judge is missing."""
    state = _state(request)
    loaded = _standing(state.loaded_models)
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


def _standing(loaded_models: LoadedModels) -> dict[str, bool]:
    """Part to whether it can be asked now."""
    workers = loaded_models.fleet.standings

    def up(part: str, spec: ModelSpec) -> bool:
        if speaks(part):
            return route(Need(spec.id), workers).now is not None
        model = loaded_models.models.get(part)
        return model is not None and (not isinstance(model, Reachable) or model.up)

    return {part: up(part, spec) for part, spec in loaded_models.specs.items()}


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
        return error_answer(404, f"no log '{name[:40]}'; see /logs", "log_not_found")
    with (folder / f"{name}.log").open("rb") as stream:
        stream.seek(max(0, (folder / f"{name}.log").stat().st_size - _TAIL_BYTES))
        return PlainTextResponse(stream.read().decode(errors="replace"))


@router.post("/v1/chat/completions", openapi_extra=JSON_OBJECT)
async def chat(request: Request) -> Response:
    """Passed through, as it is, to the language model that it names; OpenAI's names stand for the default one."""
    return await _forwarded(request, "/chat/completions")


@router.post("/v1/responses", openapi_extra=JSON_OBJECT)
async def responses(request: Request) -> Response:
    """Passed through where the language model's server has this interface (vLLM, Ollama, LM Studio and others)."""
    return await _forwarded(request, "/responses")


async def _forwarded(request: Request, path: str) -> Response:
    wanted = Reader(decoded(await request.body(), "body"), "body").data
    models = _state(request).loaded_models.llms
    name = str(wanted.get("model") or "")
    check_model(name, models)
    if path == "/chat/completions" and not wanted.get("messages"):
        raise ProtocolError("'messages' is empty; a model has nothing to answer", field="messages")
    model = models.get(name) or _state(request).loaded_models.models["llm"]
    held = AsyncExitStack()
    try:
        client = await held.enter_async_context(model.forwarding(caller_of(request)))
        await client.look()
        wanted["model"] = client.name
        answer = await client.post(path, msgspec.json.encode(wanted))
        held.push_async_callback(answer.aclose)
    except ModelError as fault:
        await held.aclose()
        if path == "/responses" and fault.status in _NOT_THERE:
            return _not_there(path)
        raise
    except BaseException:
        await held.aclose()
        raise
    if path == "/responses" and answer.status_code in _NOT_THERE:
        await held.aclose()
        return _not_there(path)
    return _Relay(answer, held)


def _not_there(path: str) -> Response:
    message = f"the language model's server here has no /v1{path}"
    return error_answer(501, f"{message}; /v1/chat/completions is there", "not_supported")


class _Relay(StreamingResponse):
    """An answer as it comes; what is held for it is let go however it ends, also before it begins."""

    def __init__(self, answer: httpx.Response, held: AsyncExitStack) -> None:
        super().__init__(answer.aiter_bytes(), answer.status_code, media_type=answer.headers.get("content-type"))
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._held:
            await super().__call__(scope, receive, send)
