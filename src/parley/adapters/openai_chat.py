"""Language models behind the OpenAI-compatible HTTP interface: vLLM, Ollama, llama-server, LM Studio, others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from parley.errors import ModelError
from parley.models.interfaces import Caller, ChatDelta, ChatModel, ChatOptions, Message, ModelSpec, ToolCall, Usage

_CONNECT_S = 5.0
_FIRST_TOKEN_S = 60.0
_KEPT_CONNECTIONS = 4
_DELTAS_AHEAD = 64
_BROKEN_OFF_AT_MOST = 50

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


class OpenAiChat:
    """One model of one server. Closing a stream closes the request, which stops the model there."""

    elsewhere = True

    def __init__(self, base_url: str, name: str, api_key: str | None = None) -> None:
        self.name = name
        self.base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._exchanges: dict[asyncio.Task[None], httpx.AsyncClient] = {}
        self._broken_off = 0
        self._closing: set[asyncio.Future[None]] = set()
        self._client = self._connections()
        self._forwarding = self._connections()  # `post` hands its response on: that pool must not be renewed under it

    def _connections(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            headers=self._headers,
            timeout=httpx.Timeout(_FIRST_TOKEN_S, connect=_CONNECT_S),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=_KEPT_CONNECTIONS),
            trust_env=not _is_local(self.base_url),
        )

    async def stream(
        self,
        messages: Sequence[Message],
        options: ChatOptions,
        caller: Caller,
        native: Mapping[str, Any] | None = None,
    ) -> AsyncGenerator[ChatDelta, None]:
        """See `ChatModel.stream`; `native`: fields that this server alone knows.

        Raises `ModelError` with the server's own words.
        """
        # The exchange is a task of its own that is cancelled once: a second cancellation in the middle of
        # its clean-up (a prompt is dropped, then its session ends) would leave a connection open for ever.
        deltas: asyncio.Queue[ChatDelta | ModelError | None] = asyncio.Queue(_DELTAS_AHEAD)
        client = self._client
        request = self._request(messages, options) | dict(native or {})
        exchange = asyncio.create_task(self._exchange(client, request, deltas), name="chat-exchange")
        self._exchanges[exchange] = client
        exchange.add_done_callback(self._exchange_over)
        try:
            while (delta := await deltas.get()) is not None:
                if isinstance(delta, ModelError):
                    raise delta
                yield delta
        finally:
            exchange.cancel()
            await asyncio.wait([exchange])

    def _exchange_over(self, exchange: asyncio.Task[None]) -> None:
        """Change the connection pool now and then: httpcore keeps a connection for ever whose request was broken off
        after it was made and before anything was sent on it."""
        client = self._exchanges.pop(exchange)
        self._broken_off += exchange.cancelled()
        if self._broken_off >= _BROKEN_OFF_AT_MOST and not self._client.is_closed:
            self._broken_off = 0
            self._client = self._connections()
        if client is not self._client and client not in self._exchanges.values():
            closing = asyncio.ensure_future(client.aclose())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def _exchange(
        self,
        client: httpx.AsyncClient,
        request: dict[str, Any],
        deltas: asyncio.Queue[ChatDelta | ModelError | None],
    ) -> None:
        try:
            try:
                await self._post_stream(client, request, deltas)
            except httpx.RemoteProtocolError:
                # a kept connection that the server was just closing: nothing was answered, asking again is safe
                await self._post_stream(client, request, deltas, last_try=True)
        except ModelError as fault:
            await deltas.put(fault)
        except httpx.TimeoutException:
            await deltas.put(ModelError(f"{self.base_url} did not answer in time", retryable=True))
        except httpx.HTTPError as fault:
            await deltas.put(ModelError(f"{self.base_url}: {fault or type(fault).__name__}", retryable=True))
        else:
            await deltas.put(None)

    async def _post_stream(
        self,
        client: httpx.AsyncClient,
        request: dict[str, Any],
        deltas: asyncio.Queue[ChatDelta | ModelError | None],
        *,
        last_try: bool = False,
    ) -> None:
        answered = False
        try:
            async with client.stream("POST", f"{self.base_url}/chat/completions", json=request) as response:
                answered = True
                if response.status_code != httpx.codes.OK:
                    body = (await response.aread()).decode(errors="replace")
                    raise ModelError(f"{self.base_url} answered {response.status_code}: {body[:300]}")
                async for line in response.aiter_lines():
                    for delta in _deltas(line):
                        await deltas.put(delta)
        except httpx.RemoteProtocolError as fault:
            if answered or last_try:
                raise ModelError(f"{self.base_url}: {fault or type(fault).__name__}", retryable=True) from fault
            raise

    async def prefill(self, messages: Sequence[Message], caller: Caller) -> None:
        """Let the server read the prompt into its cache by asking for one token."""
        async with aclosing(self.stream(messages, ChatOptions(max_tokens=1), caller)) as deltas:
            async for _ in deltas:
                pass

    async def post(self, path: str, body: bytes) -> httpx.Response:
        """Forward a request as it is; the caller closes the (streaming) response."""
        request = self._forwarding.build_request(
            "POST", f"{self.base_url}{path}", content=body, headers={"Content-Type": "application/json"}
        )
        try:
            return await self._forwarding.send(request, stream=True)
        except httpx.HTTPError as fault:
            raise ModelError(f"{self.base_url}: {fault or type(fault).__name__}", retryable=True) from fault

    def _request(self, messages: Sequence[Message], options: ChatOptions) -> dict[str, Any]:
        request: dict[str, Any] = {
            "model": self.name,
            "messages": list(messages),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if options.tools:
            request |= {"tools": list(options.tools), "tool_choice": options.tool_choice}
        if options.max_tokens is not None:
            request["max_tokens"] = options.max_tokens
        if options.temperature is not None:
            request["temperature"] = options.temperature
        return request

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()
        await self._forwarding.aclose()


def _deltas(line: str) -> list[ChatDelta]:
    """The deltas of one line of a server-sent event stream."""
    if not line.startswith("data:") or (payload := line[5:].strip()) == "[DONE]":
        return []
    try:
        event: dict[str, Any] = msgspec.json.decode(payload)
    except msgspec.DecodeError as fault:
        raise ModelError(f"the language model's server sent a broken event: {fault}") from fault
    if error := event.get("error"):
        raise ModelError(
            f"the language model failed: {error.get('message', error) if isinstance(error, dict) else error}"
        )
    found = []
    for choice in event.get("choices") or ():
        delta = choice.get("delta") or {}
        if delta.get("content"):
            found.append(ChatDelta(text=delta["content"]))
        found += [ChatDelta(tool_call=_tool_call(c)) for c in delta.get("tool_calls") or ()]
        if choice.get("finish_reason"):
            found.append(ChatDelta(finish_reason=choice["finish_reason"]))
    if usage := event.get("usage"):
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        counts = usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0
        found.append(ChatDelta(usage=Usage(*counts, cached)))
    return found


def _tool_call(call: dict[str, Any]) -> ToolCall:
    function = call.get("function") or {}
    return ToolCall(
        call.get("index") or 0, call.get("id") or "", function.get("name") or "", function.get("arguments") or ""
    )


def _is_local(url: str) -> bool:
    return httpx.URL(url).host in ("127.0.0.1", "localhost", "::1")


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
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return None  # nothing there, or something else: both mean "no server of this kind"
    return FoundServer(name, url, models) if models else None


async def first_model(base_url: str, api_key: str | None) -> str:
    """The model that a configured server serves, for those who named none; raises `ModelError`."""
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    async with httpx.AsyncClient(timeout=_CONNECT_S, headers=headers) as client:
        try:
            response = await client.get(f"{base_url.rstrip('/')}/models")
            response.raise_for_status()
            return str(response.json()["data"][0]["id"])
        except (httpx.HTTPError, ValueError, KeyError, IndexError) as fault:
            raise ModelError(f"{base_url} lists no models ({fault}); set LLM_MODEL") from fault


def load(spec: ModelSpec) -> ChatModel:
    """Adapter entry point; options: base_url, model, api_key."""
    key = spec.options.get("api_key")
    return OpenAiChat(str(spec.options["base_url"]), str(spec.options["model"]), str(key) if key else None)
