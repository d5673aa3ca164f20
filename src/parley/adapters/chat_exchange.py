"""Reading an answer off its connection: how long each part of it may take, and when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx

from parley.adapters.chat_stream import ChatReader
from parley.errors import ModelError
from parley.models.interfaces import ChatDelta, ChatOptions

FIRST_TOKEN_S = 60.0
"""A model that is loaded first, or reads a long prompt on a slow machine, takes its time."""
_AT_MOST_WITHOUT_WORDS_S = 300.0
_USAGE_S = 1.0
_REST_S = 0.05
_ERROR_BYTES = 64 * 1024
_ALIVE_EVERY_S = 0.5


async def read_answer(response: httpx.Response, reader: ChatReader, still_s: float) -> AsyncIterator[list[ChatDelta]]:
    """Deltas as they come, until nothing follows that counts.

    Whatever arrives, be it a comment of the stream, is a sign of life; raises `TimeoutError` when nothing comes for
    `still_s` within an answer, and what `ChatReader` raises.
    """
    loop = asyncio.get_running_loop()
    blocks = response.aiter_bytes()
    gives_up, alive = loop.time() + _AT_MOST_WITHOUT_WORDS_S, 0.0
    while not reader.settled:
        try:
            async with asyncio.timeout(_patience_s(reader, still_s)):
                block = await anext(blocks, None)
        except (httpx.ReadTimeout, TimeoutError):
            if reader.finished:
                return
            raise
        except (httpx.RemoteProtocolError, httpx.ReadError):
            yield reader.end(broken=True)
            return
        if block is None:
            yield reader.end()
            return
        words = [d for d in reader.push(block) if d != ChatDelta()]
        now = loop.time()
        if words:
            gives_up = now + _AT_MOST_WITHOUT_WORDS_S
            yield words
        elif now > gives_up:
            raise ModelError(f"the language model wrote no word for {_AT_MOST_WITHOUT_WORDS_S:.0f} s")
        elif now >= alive:
            alive = now + _ALIVE_EVERY_S
            yield [ChatDelta()]
    try:  # a connection whose answer is read to its end serves again
        async with asyncio.timeout(_REST_S):
            await anext(blocks, None)
    except (httpx.HTTPError, TimeoutError):
        return


def _patience_s(reader: ChatReader, still_s: float) -> float:
    """How long the next byte may take."""
    if reader.finished:
        return _USAGE_S
    return still_s if reader.said else FIRST_TOKEN_S


async def beginning(response: httpx.Response) -> str:
    """What an error answer says, as much of it as is looked at."""
    found = b""
    async for block in response.aiter_bytes():
        found += block
        if len(found) > _ERROR_BYTES:
            break
    return found.decode(errors="replace")


def one_token(options: ChatOptions) -> ChatOptions:
    """The same request, answered with as little as can be asked for."""
    return replace(options, max_tokens=1)
