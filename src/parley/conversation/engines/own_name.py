"""Models that read names in front of what everybody says write their own there, too: it is not to be said."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from parley.models.interfaces import ChatDelta

_MARKS = "*_ \n"  # bold, or a line begun anew


def without_name(deltas: AsyncGenerator[ChatDelta, None], name: str) -> AsyncGenerator[ChatDelta, None]:
    """The same without ``name:`` in front; `name` "": as it is."""
    return _stripped(deltas, name) if name else deltas


async def _stripped(deltas: AsyncGenerator[ChatDelta, None], name: str) -> AsyncGenerator[ChatDelta, None]:
    held, begun = "", False
    async with aclosing(deltas) as stream:
        async for delta in stream:
            if begun or not (delta.text or delta.finish_reason or delta.retracts or delta.tool_call):
                yield delta
                continue
            held += delta.text
            rest = _behind_name(held, name)
            over = delta.retracts or delta.finish_reason is not None or delta.tool_call is not None
            if rest is None and not over:
                continue
            begun, text = not delta.retracts, held if rest is None else rest
            held = ""
            yield replace(delta, text="" if delta.retracts else text)
    if held:
        yield ChatDelta(text=held)


def _behind_name(text: str, name: str) -> str | None:
    """What stands behind the name, all of it where there is none; None while that is not known yet."""
    plain = text.lstrip(_MARKS)
    if plain[: len(name)].casefold() != name[: len(plain)].casefold():
        return text
    behind = plain[len(name) :].lstrip(_MARKS)
    if not behind:
        return None
    if behind[0] != ":":
        return text
    return behind[1:].lstrip(_MARKS) or None
