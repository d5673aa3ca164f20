"""A language model of our own: llama.cpp's OpenAI-compatible server in a process of its own.

The child runs `serve_model`, prints its address, and ends when its standard input closes, so it never
outlives the parent, however that ends.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress

from parley.adapters.gguf_weights import fast_on_cpu
from parley.adapters.openai_chat import OpenAiChat, one_token
from parley.errors import ModelError
from parley.models.children import end
from parley.models.executor import Slots
from parley.models.interfaces import Caller, ChatDelta, ChatModel, ChatOptions, Message, ModelSpec

_START_S = 120.0


class LlamaCpp:
    """The child process and the client that talks to it."""

    def __init__(
        self, process: asyncio.subprocess.Process, client: OpenAiChat, at_once: int, slots: int, *, elsewhere: bool
    ) -> None:
        self.name = client.name
        self.elsewhere = elsewhere
        self.context_tokens = client.context_tokens
        self.client = client
        self.pid = process.pid
        self._process = process
        self._slots = Slots(client.name, min(at_once, slots), places=slots)
        self._forwarded = asyncio.Semaphore(max(1, min(at_once, slots) // 2))  # the others are for conversations

    async def stream(
        self, messages: Sequence[Message], options: ChatOptions, caller: Caller
    ) -> AsyncGenerator[ChatDelta, None]:
        """See `ChatModel.stream`."""
        if self._process.returncode is not None:
            raise ModelError(f"the language model's process ended with code {self._process.returncode}")
        async with self._slots.take(caller) as slot:
            native = {"id_slot": slot, "cache_prompt": True}
            async with aclosing(self.client.stream(messages, options, caller, native)) as deltas:
                async for delta in deltas:
                    yield delta

    @asynccontextmanager
    async def forwarding(self, caller: Caller) -> AsyncIterator[OpenAiChat]:
        """The client for a request that is passed on as it is, while a slot is held for it."""
        async with self._forwarded, self._slots.take(caller):
            yield self.client

    async def prefill(self, messages: Sequence[Message], options: ChatOptions, caller: Caller) -> None:
        """Let the model read the prompt into its cache, unless somebody is waiting for it."""
        if not self._slots.waiting:
            async with aclosing(self.stream(messages, one_token(options), caller)) as deltas:
                async for _ in deltas:
                    pass

    async def aclose(self) -> None:
        """Close the connections, then end the process."""
        await self.client.aclose()
        await end(self._process)


async def load(spec: ModelSpec) -> ChatModel:
    """Adapter entry point; options: context (tokens a slot), slots (prompts kept), threads, ..., see `_DEFAULTS`.

    `cpu_weights: IQ4_NL`: without a GPU, Q4_1 weights are converted (see `gguf_weights`).
    """
    path = next(iter(spec.files.values()))
    options = {name: spec.options.get(name, value) for name, value in _DEFAULTS.items()}
    if spec.options.get("cpu_weights") == "IQ4_NL" and not options["gpu_layers"]:
        path = await asyncio.to_thread(fast_on_cpu, path)
    at_once = int(options.pop("at_once"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "parley.adapters.llama_cpp", str(path), spec.id, *(str(v) for v in options.values()),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={**_THREADS, **os.environ},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), _START_S)
    except TimeoutError as fault:
        process.kill()
        raise ModelError(f"{spec.id}: llama.cpp did not start within {_START_S:.0f} s") from fault
    address = line.decode().strip()
    if not address.startswith("http"):
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise ModelError(f"{spec.id}: llama.cpp could not load {path.name} (out of memory or not a GGUF file)")
    client = OpenAiChat(f"{address}/v1", spec.id, context_tokens=int(options["context"]))
    return LlamaCpp(process, client, at_once, int(options["slots"]), elsewhere=bool(options["gpu_layers"]))


_DEFAULTS: dict[str, int] = {
    "context": 4096, "slots": 4, "threads": max(1, (os.cpu_count() or 2)), "gpu_layers": 0, "at_once": 8,
}  # fmt: skip
"""What is generated at once is one batch, which costs little more than one alone."""

_THREADS = {"GOMP_SPINCOUNT": "200"}
"""Threads that wait for each other soon go to sleep: on a busy machine they would burn what the others need."""


def serve_model(path: str, alias: str, context: int, slots: int, threads: int, gpu_layers: int) -> None:
    """Body of the child process."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = path
    params.model_alias = {alias}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel = slots
    params.n_ctx = context * slots
    params.n_gpu_layers = gpu_layers
    if not gpu_layers:  # on CPUs its kernel is a fifth slower over a thousand tokens
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.cpuparams.n_threads = max(1, threads // 2)  # one token at a time gains little more from the other cores
    params.cpuparams_batch.n_threads = threads
    params.n_cache_reuse = 32  # tokens: what stays of a prompt that lost its beginning is moved, not read anew
    params.cache_ram_mib = 0  # prompt caches beyond the slots would grow to gigabytes
    params.ui = False
    params.verbosity = 0
    server = xllamacpp.Server(params)
    os.write(1, f"{server.listening_address}\n".encode())
    sys.stdin.buffer.read()
    os._exit(0)  # the server has no stop; its threads must not hold the process


if __name__ == "__main__":
    serve_model(sys.argv[1], sys.argv[2], *(int(a) for a in sys.argv[3:7]))
