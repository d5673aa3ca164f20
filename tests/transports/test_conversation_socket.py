"""What every socket of a conversation has, whatever it speaks."""

from __future__ import annotations

import asyncio

import pytest

from parley.transports.conversation_socket import Outbox, closing_reason


async def test_what_waits_is_sent_in_order() -> None:
    outbox = Outbox()
    outbox.put("one")
    outbox.put(b"two")
    assert [await outbox.get(), await outbox.get()] == ["one", b"two"]
    assert not outbox.waits
    waiting = asyncio.create_task(outbox.get())
    await asyncio.sleep(0)
    assert not waiting.done()
    outbox.put("three")
    assert await waiting == "three"


async def test_a_client_that_does_not_read_is_noticed_and_what_was_taken_leaves_room() -> None:
    outbox = Outbox()
    for _ in range(4):
        outbox.put(bytes(1 << 20))
    assert not outbox.overflowed.is_set()
    await outbox.get()
    outbox.put(bytes(1 << 20))
    assert not outbox.overflowed.is_set()
    outbox.put(b"x")
    assert outbox.overflowed.is_set()


@pytest.mark.parametrize(
    ("message", "told"), [("short", "short"), ("é" * 80, "é" * 50), ("x" + "é" * 80, "x" + "é" * 49)]
)
def test_a_reason_is_cut_to_what_a_closing_frame_takes_and_never_within_a_letter(message: str, told: str) -> None:
    assert closing_reason(message) == told
