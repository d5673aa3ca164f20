"""Lost conversations: kept for a while, given back, handed over by a connection that does not know it is dead."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac

from parley.conversation.items import Item
from parley.realtime.session_object import RealtimeSession
from parley.server.resumption import Resumption
from parley.server.state import turn_credentials

SHOWN = RealtimeSession(id="s", model="m", voice="v", instructions="")
ITEMS = (Item("i1", role="user", text="My name is Ada."),)


async def test_a_token_gives_its_conversation_back_until_that_is_ended() -> None:
    resumption = Resumption()
    with resumption.seat(lambda: None) as seat:
        resumption.keep(seat.token, ITEMS, SHOWN)
    for _ in range(2):  # the first attempt to come back may fail half-way
        kept = await resumption.take(seat.token)
        assert kept is not None
        assert kept.items == ITEMS
    with resumption.seat(lambda: None, kept) as again:
        assert again.token == seat.token
    resumption.forget(seat.token)
    assert await resumption.take(seat.token) is None
    assert await resumption.take("nonsense") is None
    assert await resumption.take(None) is None


async def test_what_nobody_asks_for_is_forgotten_after_its_time() -> None:
    now = [0.0]
    resumption = Resumption(60.0, lambda: now[0])
    resumption.keep("a", ITEMS, SHOWN)
    now[0] = 59.0
    resumption.keep("b", ITEMS, SHOWN)
    now[0] = 61.0
    assert await resumption.take("a") is None
    assert await resumption.take("b") is not None


async def test_no_more_than_a_bounded_number_is_kept() -> None:
    resumption = Resumption()
    for number in range(300):
        resumption.keep(str(number), ITEMS, SHOWN)
    assert await resumption.take("0") is None
    assert await resumption.take("299") is not None


async def test_a_connection_that_is_dead_without_knowing_hands_over() -> None:
    resumption = Resumption()
    ended = asyncio.Event()
    entered = asyncio.Event()
    tokens: list[str] = []

    async def connection() -> None:
        with resumption.seat(ended.set) as seat:
            tokens.append(seat.token)
            entered.set()
            await ended.wait()
            resumption.keep(seat.token, ITEMS, SHOWN)

    serving = asyncio.create_task(connection())
    await entered.wait()
    assert await resumption.take(tokens[0]) is not None
    await serving


def test_turn_credentials_are_what_coturn_computes() -> None:
    made = turn_credentials("secret", now=1000.0)
    assert made["username"] == "4600:parley"
    digest = hmac.new(b"secret", b"4600:parley", hashlib.sha1).digest()
    assert base64.b64decode(made["credential"]) == digest


async def test_a_token_is_of_no_use_to_another_secret() -> None:
    resumption = Resumption()
    ended = asyncio.Event()
    with resumption.seat(ended.set, owner="one") as seat:
        assert await resumption.take(seat.token, "two") is None
        assert not ended.is_set()
        resumption.keep(seat.token, ITEMS, SHOWN, "one")
    assert await resumption.take(seat.token, "two") is None
    assert await resumption.take(seat.token, "one") is not None
    assert await resumption.take(seat.token) is not None
