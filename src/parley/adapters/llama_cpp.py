"""A language model of our own: llama.cpp's OpenAI-compatible server in a process of its own.

The child runs `serve_model` and prints its address; when it dies, another one is started (see `Keeper`).
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from parley.adapters.chat_exchange import one_token
from parley.adapters.chat_servers import hears_of
from parley.adapters.gguf_weights import prepare, prepared
from parley.adapters.openai_chat import OpenAiChat
from parley.errors import ModelError
from parley.models.brief import brief
from parley.models.executor import Slots
from parley.models.interfaces import Caller, ChatDelta, ChatModel, ChatOptions, Message, ModelSpec
from parley.models.keeper import Keeper
from parley.models.subprocesses import end_with_parent

_START_S = 120.0
_RESTART_S = 4.0
_TELL_S = 60.0
_PREPARE_AFTER_S = 60.0
"""The first conversation is not to be slowed down by what makes the next start faster."""


class LlamaCpp:
    """The child process and the client that talks to it."""

    def __init__(
        self,
        name: str,
        keeper: Keeper,
        at_once: int,
        slots: int,
        *,
        context_tokens: int,
        off_host: bool,
        temperature: float,
        sentences: int | None = None,
        hears: bool = False,
    ) -> None:
        """`keeper` has started; `temperature`: of answers for which none is asked; `sentences`: no one is longer."""
        self.name = name
        self._hears = hears
        self.context_tokens = context_tokens
        self.off_host = off_host
        self.keeper = keeper
        self.client = self._connected(keeper.said)
        keeper.on_start = self._restarted
        self._old: set[asyncio.Task[None]] = set()
        self._temperature = temperature
        self._sentences = sentences
        self.behind: asyncio.Task[None] | None = None
        """What is made for the next start."""
        self.slower_weights: Path | None = None
        """What it was loaded from, if that can be written anew for this machine."""
        self._slots = Slots(name, min(at_once, slots), places=slots)
        self._forwarded = asyncio.Semaphore(max(1, min(at_once, slots) // 2))  # the others are for conversations

    @property
    def up(self) -> bool:
        """Whether it can be asked now."""
        return self.keeper.up

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return self.keeper.pid

    def _connected(self, address: str) -> OpenAiChat:
        return OpenAiChat(f"{address}/v1", self.name, context_tokens=self.context_tokens, hears=self._hears)

    @property
    def hears(self) -> bool:
        """See `ChatModel.hears`."""
        return self.client.hears

    def _restarted(self, address: str) -> None:
        """Another process answers at another address."""
        closing = asyncio.create_task(self.client.aclose(), name="close connections")
        self._old.add(closing)
        closing.add_done_callback(self._old.discard)
        self.client = self._connected(address)

    async def stream(
        self, messages: Sequence[Message], options: ChatOptions, caller: Caller
    ) -> AsyncGenerator[ChatDelta, None]:
        """See `ChatModel.stream`.

        A process that died is waited for, since another one needs a second or less, and asked again what it left
        wholly unanswered; else `ModelError` is raised, which is `retryable`.
        """
        async with self._slots.take(caller) as slot:
            for last in (False, True):
                await self._ready()
                start, begun = self.keeper.starts, False
                native = {"id_slot": slot, "cache_prompt": True}
                try:
                    async with aclosing(self._written(messages, options, caller, native)) as deltas:
                        async for delta in deltas:
                            begun = True
                            yield delta
                except ModelError:
                    if last or begun or not await self.keeper.replaced(start, _RESTART_S):
                        raise
                else:
                    return

    def _written(
        self, messages: Sequence[Message], options: ChatOptions, caller: Caller, native: dict[str, Any]
    ) -> AsyncGenerator[ChatDelta, None]:
        if options.temperature is None:
            options = replace(options, temperature=self._temperature)
        deltas = self.client.stream(messages, options, caller, native)
        return brief(deltas, self._sentences) if self._sentences else deltas

    async def _ready(self) -> None:
        if not await self.keeper.until_up(_RESTART_S):
            raise ModelError(f"the process of {self.name} died and is being started again", retryable=True)

    @asynccontextmanager
    async def forwarding(self, caller: Caller) -> AsyncIterator[OpenAiChat]:
        """The client for a request that is passed on as it is, while a slot is held for it."""
        async with self._forwarded, self._slots.take(caller):
            yield self.client

    async def prefill(self, messages: Sequence[Message], options: ChatOptions, caller: Caller) -> None:
        """Let the model read the prompt into its cache, unless somebody is waiting for it."""
        if self.up and not self._slots.waiting:
            async with aclosing(self.stream(messages, one_token(options), caller)) as deltas:
                async for _ in deltas:
                    pass

    async def quicken(self) -> bool:
        """Have the weights written for this machine now, not some time later; whether a new load would be faster.

        It takes minutes; the model answers meanwhile. See `gguf_weights`.
        """
        if self.slower_weights is None:
            return False
        await self._end_behind()
        await prepare(self.slower_weights)
        return prepared(self.slower_weights) is not None

    async def _end_behind(self) -> None:
        if self.behind is not None:
            self.behind.cancel()
            await asyncio.gather(self.behind, return_exceptions=True)

    async def aclose(self) -> None:
        """Close the connections, then end the process."""
        await self._end_behind()
        await asyncio.gather(self.client.aclose(), *self._old)
        await self.keeper.aclose()


async def load(spec: ModelSpec) -> ChatModel:
    """Adapter entry point; see `load_as`."""
    return await load_as(spec.id, spec)


async def load_as(name: str, spec: ModelSpec) -> LlamaCpp:
    """Load it; `name` is its process's in logs and metrics. A file called ``mmproj...`` gives it ears (llama.cpp's name
    for what turns sound into the model's own language).

    Options: context (tokens a slot), slots (prompts kept), threads, ..., see `_DEFAULTS`; sentences (an answer has),
    temperature.

    `cpu_weights: IQ4_NL`: without a GPU, some weights are converted behind the first start (see `gguf_weights`).
    """
    projector = next((p for name, p in spec.files.items() if name.startswith("mmproj")), None)
    path = next(p for p in spec.files.values() if p != projector)
    options = {name: int(spec.options.get(name, value)) for name, value in _DEFAULTS.items()}
    source, fast = path, spec.options.get("cpu_weights") == "IQ4_NL" and not options["gpu_layers"]
    if fast:
        path = prepared(path) or path
    at_once = options.pop("at_once") or (_AT_ONCE_ON_GPU if options["gpu_layers"] else max(2, options["threads"] // 2))
    command = [sys.executable, "-m", "parley.adapters.llama_cpp", spec.id, str(path), str(projector or ""), *(
        f"{name}={value}" for name, value in options.items()
    )]  # fmt: skip
    keeper = Keeper(name, command, longest_start_s=_START_S, environment=_THREADS)
    try:
        await keeper.start()
    except ModelError as fault:
        files = path.name if projector is None else f"{path.name} with {projector.name}"
        message = f"{spec.id}: llama.cpp could not load {files} (out of memory or not a GGUF file)"
        raise ModelError(message) from fault
    hears = projector is not None and await _told_to_hear(keeper, projector)
    model = LlamaCpp(
        spec.id, keeper, at_once, options["slots"],
        context_tokens=options["context"], off_host=bool(options["gpu_layers"]),
        temperature=float(spec.options.get("temperature", _TEMPERATURE)), sentences=spec.options.get("sentences"),
        hears=hears,
    )  # fmt: skip
    if fast and path == source:
        model.slower_weights = source
        model.behind = asyncio.create_task(_prepare_later(source), name="weights for this machine")
    return model


async def _told_to_hear(keeper: Keeper, projector: Path) -> bool:
    """Whether the process hears, once it says so; raises `ModelError`, and ends it, where it does not say.

    A busy machine may take seconds for that: a model that has ears is not to be taken for deaf.
    """
    told = await hears_of(keeper.said, within_s=_TELL_S)
    if told is None:
        await keeper.aclose()
        raise ModelError(f"{keeper.name}: llama.cpp did not say whether it hears with {projector.name}")
    return told


async def _prepare_later(path: Path) -> None:
    await asyncio.sleep(_PREPARE_AFTER_S)
    await prepare(path)


_DEFAULTS: dict[str, int] = {
    "context": 4096, "slots": 4, "threads": max(1, (os.cpu_count() or 2)), "gpu_layers": 0, "threads_one_by_one": 0,
    "at_once": 0,
}  # fmt: skip
"""Slots are prompts that are kept in mind: one for each agent of a debate, and for who else talks. `at_once` of them
are written on, as one batch (0: 8 on a GPU, half of the threads otherwise, at least 2). Token by token, a small model
gains little from more than half of the threads (0), a large one does."""

_AT_ONCE_ON_GPU = 8
_CPU_BATCH = 64
"""Tokens of prompts that are read in one go: whoever is asked next waits for its end, also where it is not wanted any
more. A CPU reads them a tenth faster so than 512 at once."""

_TEMPERATURE = 0.2
"""More makes models of this size say wrong what they know. Qwen2.5 1.5B, questions that were misheard ("Romito and
Juliet"): 36 of 36 right, 33 with 0.4, 29 with 0.8, which is llama.cpp's own."""

_THREADS = {"GOMP_SPINCOUNT": "200"}
"""Threads that wait for each other soon go to sleep: on a busy machine they would burn what the others need."""


def serve_model(name: str, path: str, projector: str, options: Mapping[str, int]) -> None:
    """Body of the child process; `projector` "": it does not hear, `options`: of `_DEFAULTS`."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # it logs every request
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = path
    params.model_alias = {name}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel = options["slots"]
    params.n_ctx = options["context"] * options["slots"]
    params.n_gpu_layers = options["gpu_layers"]
    if not options["gpu_layers"]:  # on CPUs its kernel is a fifth slower over a thousand tokens
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
        params.n_batch = params.n_ubatch = _CPU_BATCH
    if projector:
        params.mmproj.path = projector
        params.mmproj_use_gpu = bool(options["gpu_layers"])
    params.cpuparams.n_threads = options["threads_one_by_one"] or max(1, options["threads"] // 2)
    params.cpuparams_batch.n_threads = options["threads"]
    params.n_cache_reuse = 32  # tokens: what stays of a prompt that lost its beginning is moved, not read anew
    params.cache_ram_mib = 0  # prompt caches beyond the slots would grow to gigabytes
    params.ui = False
    params.verbosity = 0
    server = xllamacpp.Server(params)
    os.write(1, f"{server.listening_address}\n".encode())
    threading.Event().wait()  # the server has no stop; the process ends with its parent or its standard input


if __name__ == "__main__":
    end_with_parent(watch_stdin=True)
    named = (argument.partition("=") for argument in sys.argv[4:])
    serve_model(sys.argv[1], sys.argv[2], sys.argv[3], {name: int(value) for name, _, value in named})
