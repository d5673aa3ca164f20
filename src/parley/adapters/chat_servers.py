"""Language-model servers that run somewhere: which there are, what they serve, how much fits into a prompt."""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import dataclass
from typing import Any

import httpx

from parley.errors import ModelError

_CONNECT_S = 5.0
_ASK_S = 2.0
_OLLAMA_TOKENS = 4096
"""What Ollama gives a model that is loaded through its compatible interface, unless it says otherwise."""

KNOWN_SERVERS = (
    ("Ollama", "http://127.0.0.1:11434/v1"),
    ("vLLM", "http://127.0.0.1:8000/v1"),
    ("llama-server", "http://127.0.0.1:8080/v1"),
    ("LM Studio", "http://127.0.0.1:1234/v1"),
)


@dataclass(frozen=True, slots=True)
class FoundServer:
    """A language-model server that answered."""

    name: str
    base_url: str
    models: tuple[str, ...]


def is_local(url: str) -> bool:
    """Whether it runs on this machine."""
    return httpx.URL(url).host in ("127.0.0.1", "localhost", "::1")


def is_own(url: str) -> bool:
    """Whether it seems to be the owner's own, on this machine or network, so that asking costs nothing but time."""
    host = httpx.URL(url).host
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".local", ".lan", ".internal", ".home.arpa", ".localdomain"))


def place(url: str) -> str:
    """The server's address without what may be secret in it."""
    parsed = httpx.URL(url)
    return f"{parsed.host}:{parsed.port}" if parsed.port else parsed.host


async def find_servers(own_port: int | None = None) -> list[FoundServer]:
    """Ask the usual local addresses; `own_port` is left out (vLLM's default is ours too)."""
    async with httpx.AsyncClient(timeout=httpx.Timeout(0.7), trust_env=False) as client:
        candidates = [(n, u) for n, u in KNOWN_SERVERS if httpx.URL(u).port != own_port]
        found = await asyncio.gather(*(_ask(client, name, url) for name, url in candidates))
    return [server for server in found if server is not None]


async def _ask(client: httpx.AsyncClient, name: str, url: str) -> FoundServer | None:
    try:
        response = await client.get(f"{url}/models")
        entries = response.json()["data"] if response.status_code == httpx.codes.OK else []
        models = tuple(str(e["id"]) for e in entries if e.get("owned_by") != "parley")
    except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError):
        return None  # nothing there, or something else: both mean "no server of this kind"
    return FoundServer(name, url, models) if models else None


async def first_model(base_url: str, api_key: str | None) -> str:
    """The model that a configured server serves, for those who named none; raises `ModelError`."""
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    async with httpx.AsyncClient(timeout=_CONNECT_S, headers=headers, trust_env=not is_local(base_url)) as client:
        try:
            response = await client.get(f"{base_url.rstrip('/')}/models")
            response.raise_for_status()
            return str(response.json()["data"][0]["id"])
        except (httpx.HTTPError, ValueError, KeyError, IndexError, TypeError) as fault:
            raise ModelError(
                f"{place(base_url)} lists no models ({type(fault).__name__}); set LLM_MODEL to the one that is meant"
            ) from fault


async def context_of(client: httpx.AsyncClient, base_url: str, model: str) -> int | None:
    """Tokens that fit into the context of a model, as its server tells; None when it does not."""
    root = base_url.removesuffix("/v1")
    for look in (_listed, _llama_server, _lm_studio, _ollama):
        try:
            async with asyncio.timeout(_ASK_S):
                found = await look(client, root, base_url, model)
        except (httpx.HTTPError, ValueError, KeyError, IndexError, TypeError, AttributeError, TimeoutError):
            continue  # another kind of server
        if isinstance(found, int) and found >= 256:
            return found
    return None


async def hears_of(base_url: str, api_key: str | None = None, within_s: float = _ASK_S) -> bool | None:
    """Whether the model of a llama.cpp server hears, as it tells; None: it does not tell, or is another server."""
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    try:
        async with (
            asyncio.timeout(within_s),
            httpx.AsyncClient(headers=headers, timeout=within_s, trust_env=not is_local(base_url)) as client,
        ):
            told = (await _get(client, f"{base_url.removesuffix('/v1')}/props"))["modalities"]["audio"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError, TimeoutError):
        return None
    return told if isinstance(told, bool) else None


async def _get(client: httpx.AsyncClient, url: str) -> Any:
    response = await client.get(url)
    response.raise_for_status()
    return response.json()


async def _listed(client: httpx.AsyncClient, _: str, base_url: str, model: str) -> Any:
    """vLLM, SGLang, OpenRouter, Groq and others: in the list of models."""
    entries = (await _get(client, f"{base_url}/models"))["data"]
    entry: dict[str, Any] = next((e for e in entries if e.get("id") == model), {})
    fields = ("max_model_len", "context_window", "context_length", "max_context_length", "loaded_context_length")
    return next((entry[f] for f in fields if isinstance(entry.get(f), int)), None)


async def _llama_server(client: httpx.AsyncClient, root: str, base_url: str, model: str) -> Any:
    return (await _get(client, f"{root}/props"))["default_generation_settings"]["n_ctx"]


async def _lm_studio(client: httpx.AsyncClient, root: str, base_url: str, model: str) -> Any:
    entry = await _get(client, f"{root}/api/v0/models/{model}")
    return entry.get("loaded_context_length") or entry["max_context_length"]


async def _ollama(client: httpx.AsyncClient, root: str, base_url: str, model: str) -> Any:
    running = (await _get(client, f"{root}/api/ps"))["models"]
    loaded: dict[str, Any] = next(
        (m for m in running if m.get("name", "").removesuffix(":latest") == model.removesuffix(":latest")), {}
    )
    return loaded.get("context_length") or _OLLAMA_TOKENS
