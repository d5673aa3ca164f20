"""Language models behind the OpenAI-compatible HTTP interface: vLLM, Ollama, llama-server, LM Studio, others."""

# Above 300 lines: one client, whose connections are shared by all that it does.
from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx

from parley.adapters.chat_exchange import FIRST_TOKEN_S, beginning, one_token, read_answer
from parley.adapters.chat_habits import Habits, name_hears, refusal, retry_after_s
from parley.adapters.chat_servers import context_of, first_model, hears_of, is_local, is_own, place
from parley.adapters.chat_stream import BrokeOff, ChatReader, OnlyThought
from parley.errors import ModelError
from parley.models.interfaces import Caller, ChatDelta, ChatModel, ChatOptions, Message, ModelSpec

FIRST_MODEL = "auto"
STILL_S = 10.0
_CONNECT_S = 5.0
_LOOK_EVERY_S = 5.0
_KEPT_CONNECTIONS = 4
_DELTAS_AHEAD = 64
_BROKEN_OFF_AT_MOST = 50
_MOST_FORMS = 6  # of one request, until the server takes it


class OpenAiChat:
    """One model of one server. Closing a stream closes the request, which stops the model there."""

    off_host = True

    def __init__(
        self,
        base_url: str,
        name: str,
        api_key: str | None = None,
        *,
        still_s: float = STILL_S,
        context_tokens: int | None = None,
        prefills: bool | None = None,
        hears: bool | None = None,
    ) -> None:
        """`still_s`: an answer of which no byte comes for so long has broken off.

        `context_tokens`: None asks the server. `prefills`: whether prompts are sent ahead of their answer; None: to
        the owner's own servers, as others may bill them. `hears`: whether the model takes sound; None: as its name
        says, or its server.
        """
        self.name = name
        """`FIRST_MODEL`: whatever the server lists first, asked when it is needed."""
        self.base_url = base_url.rstrip("/")
        self.habits = Habits(name, context_tokens=context_tokens, hears=name_hears(name) if hears is None else hears)
        self._asks_hearing = hears is None
        self.prefills = is_own(self.base_url) if prefills is None else prefills
        self._still_s = still_s
        self._api_key = api_key
        self._up = True
        """Whether the server answered when it was last asked for something."""
        self._looks_again = 0.0
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._exchanges: dict[asyncio.Task[None], httpx.AsyncClient] = {}
        self._broken_off = 0
        self._closing: set[asyncio.Future[None]] = set()
        self._client = self._connections()
        self._forwarding = self._connections()  # `post` hands its response on: that pool must not be renewed under it

    def _connections(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            headers=self._headers,
            timeout=httpx.Timeout(FIRST_TOKEN_S, connect=_CONNECT_S),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=_KEPT_CONNECTIONS),
            trust_env=not is_local(self.base_url),
        )

    @property
    def context_tokens(self) -> int | None:
        """See `ChatModel.context_tokens`."""
        return self.habits.context_tokens

    @property
    def hears(self) -> bool:
        """See `ChatModel.hears`."""
        return self.habits.hears

    async def look(self) -> None:
        """Ask the server what it serves, whether that hears and what fits into its context, unless that is known.

        Raises `ModelError` when it lists no models, and its first one is wanted.
        """
        if self.name == FIRST_MODEL:
            self.name = self.habits.model = await first_model(self.base_url, self._api_key)
            self.habits.hears = name_hears(self.name) if self._asks_hearing else self.habits.hears
        if self._asks_hearing and (told := await hears_of(self.base_url, self._api_key)) is not None:
            self.habits.hears = told
        if self.habits.context_tokens is None:
            self.habits.context_tokens = await context_of(self._client, self.base_url, self.name)

    @property
    def up(self) -> bool:
        """See `Reachable.up`: whether the server answered; if not, it is found out in the background if it does now."""
        if not self._up and (now := asyncio.get_running_loop().time()) >= self._looks_again:
            self._looks_again = now + _LOOK_EVERY_S
            looking = asyncio.ensure_future(self._find_out())
            self._closing.add(looking)
            looking.add_done_callback(self._closing.discard)
        return self._up

    async def _find_out(self) -> None:
        try:
            response = await self._client.get(f"{self.base_url}/models", timeout=_CONNECT_S)
        except httpx.HTTPError:
            return
        self._up = response.status_code < httpx.codes.INTERNAL_SERVER_ERROR

    async def stream(
        self,
        messages: Sequence[Message],
        options: ChatOptions,
        caller: Caller,
        native: Mapping[str, Any] | None = None,
    ) -> AsyncGenerator[ChatDelta, None]:
        """See `ChatModel.stream`; `native`: fields that this server alone knows.

        Raises `ModelError`; `retryable` when the answer broke off or the server may recover soon.
        """
        # The exchange is a task of its own that is cancelled once: a second cancellation in the middle of
        # its clean-up (a prompt is dropped, then its session ends) would leave a connection open for ever.
        deltas: asyncio.Queue[ChatDelta | ModelError | None] = asyncio.Queue(_DELTAS_AHEAD)
        client = self._client
        exchange = asyncio.create_task(
            self._exchange(client, messages, options, dict(native or {}), deltas), name="chat-exchange"
        )
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
        messages: Sequence[Message],
        options: ChatOptions,
        native: dict[str, Any],
        deltas: asyncio.Queue[ChatDelta | ModelError | None],
    ) -> None:
        """Ask until the server takes the request, and pass on its answer; whatever goes wrong ends the stream."""
        try:
            if self.name == FIRST_MODEL:
                await self.look()
            await self._ask(client, messages, options, native, deltas)
        except ModelError as fault:
            await deltas.put(fault)
        except httpx.ConnectError:
            self._up = False
            await deltas.put(
                ModelError(f"there is no language model's server at {place(self.base_url)}", retryable=True)
            )
        except (httpx.TimeoutException, TimeoutError):
            await deltas.put(ModelError(f"{place(self.base_url)} did not answer in time", retryable=True))
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as fault:
            await deltas.put(ModelError(f"{place(self.base_url)}: {type(fault).__name__}", retryable=True))
        else:
            await deltas.put(None)

    async def _ask(
        self,
        client: httpx.AsyncClient,
        messages: Sequence[Message],
        options: ChatOptions,
        native: dict[str, Any],
        deltas: asyncio.Queue[ChatDelta | ModelError | None],
    ) -> None:
        tries = 0
        for _ in range(_MOST_FORMS):
            request = self.habits.request(messages, options) | native
            reader = ChatReader(
                _names(options) if self.habits.takes_tools else (),
                opens_in_thought=self.habits.opens_in_thought,
                most_chars=self.habits.most_chars(options),
            )
            sending = client.build_request("POST", f"{self.base_url}/chat/completions", json=request)
            try:
                response = await client.send(sending, stream=True)
            except httpx.RemoteProtocolError:
                # a kept connection that the server was just closing: nothing was answered, asking again is safe
                response = await client.send(sending, stream=True)
            self._up = response.status_code < httpx.codes.INTERNAL_SERVER_ERROR
            try:
                if response.status_code == httpx.codes.OK:
                    if await self._take(response, reader, deltas, may_think_again=not self.habits.thinks):
                        return
                    continue
                body = await beginning(response)
                wait_s = retry_after_s(response.status_code, response.headers, tries)
            finally:
                await response.aclose()
            if self.habits.learn_refusal(response.status_code, body, request):
                continue
            if wait_s is None:
                raise refusal(place(self.base_url), self.name, response.status_code, body)
            tries += 1
            await asyncio.sleep(wait_s)
        raise ModelError(f"{place(self.base_url)} takes no form of the request")

    async def _take(
        self,
        response: httpx.Response,
        reader: ChatReader,
        deltas: asyncio.Queue[ChatDelta | ModelError | None],
        *,
        may_think_again: bool,
    ) -> bool:
        """Pass on an answer; returns whether it was one, or is to be asked for anew with room for thoughts."""
        try:
            async for found in read_answer(response, reader, self._still_s):
                for delta in found:
                    await deltas.put(delta)
        except OnlyThought:
            if may_think_again:
                return False
            raise
        except BrokeOff as fault:
            for delta in fault.deltas:
                await deltas.put(delta)
            raise
        finally:
            self.habits.thinks = self.habits.thinks or reader.thinks
            if reader.finished:
                self.habits.opens_in_thought = reader.thought_unopened
        return True

    async def prefill(self, messages: Sequence[Message], options: ChatOptions, caller: Caller) -> None:
        """Let the server read the prompt into its cache by asking for one token."""
        if self.prefills and messages and messages[-1]["role"] == "user":
            try:
                async with aclosing(self.stream(messages, one_token(options), caller)) as deltas:
                    async for _ in deltas:
                        pass
            except OnlyThought:
                return  # the prompt was read all the same

    @asynccontextmanager
    async def forwarding(self, _: Caller) -> AsyncIterator[OpenAiChat]:
        """The client for a request that is passed on as it is; the server behind it has a queue of its own."""
        yield self

    async def post(self, path: str, body: bytes) -> httpx.Response:
        """Forward a request as it is; the caller closes the (streaming) response.

        Raises `ModelError` for an answer whose words may tell what is the owner's alone: the provider's account, the
        state of his server, and, where a key is used, whatever quotes it.
        """
        request = self._forwarding.build_request(
            "POST", f"{self.base_url}{path}", content=body, headers={"Content-Type": "application/json"}
        )
        try:
            response = await self._forwarding.send(request, stream=True)
        except httpx.HTTPError as fault:
            raise ModelError(f"{place(self.base_url)}: {type(fault).__name__}", retryable=True) from fault
        status = response.status_code
        about_the_request = 400 <= status < 500 and status not in (401, 402, 403) and self._api_key is None
        if status < 400 or about_the_request:
            return response
        try:
            raise refusal(place(self.base_url), self.name, status, await beginning(response))
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()
        await self._forwarding.aclose()


def _names(options: ChatOptions) -> list[str]:
    return [str(t["function"]["name"]) for t in options.tools if isinstance(t.get("function"), Mapping)]


async def load(spec: ModelSpec) -> ChatModel:
    """Adapter entry point; options: base_url, model, api_key, still_s, context, prefills, hears."""
    key, options = spec.options.get("api_key"), spec.options
    chat = OpenAiChat(
        str(options["base_url"]), str(options["model"]), str(key) if key else None,
        still_s=float(options.get("still_s") or STILL_S), context_tokens=options.get("context"),
        prefills=options.get("prefills"), hears=options.get("hears"),
    )  # fmt: skip
    if chat.name != FIRST_MODEL:
        await chat.look()
    return chat
