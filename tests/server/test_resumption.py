"""Lost connections: kept for a while, given back, handed over by one that does not know it is dead."""

from __future__ import annotations

import asyncio

from parley.conversation.circle import Place
from parley.conversation.conversation import Conversation
from parley.conversation.engines.cascade import Cascade
from parley.conversation.settings import SessionModels, SessionSettings
from parley.models.fakes import FakeChat, FakeRecognizer, FakeVad
from parley.realtime.session_object import RealtimeSession
from parley.server.resumption import Resumption, SuspendedConversation
from tests.virtual_time import run_virtual

SHOWN = RealtimeSession(id="s", model="m", voice="v", instructions="")


def suspended(token: str, owner: str = "key") -> SuspendedConversation:
    models = SessionModels(FakeVad(), FakeRecognizer(), Cascade(FakeChat()))
    return SuspendedConversation(token, Conversation(models, SessionSettings()), Place(), SHOWN, owner)


async def test_a_token_gives_its_conversation_back_until_its_client_leaves_on_purpose() -> None:
    resumption = Resumption()
    lost = suspended("a")
    resumption.keep(lost)
    for _ in range(2):  # the first attempt to come back may fail half-way
        assert await resumption.take("a") is lost
    assert resumption.keeps(lost.conversation)
    with resumption.seat(lambda: None, lost) as again:
        assert again.token == "a"
        assert not resumption.keeps(lost.conversation), "it is there"
    assert await resumption.take("a") is None
    assert await resumption.take("nonsense") is None
    assert await resumption.take(None) is None


def test_what_nobody_asks_for_is_dropped_after_its_time_and_who_asks_gets_as_long_again() -> None:
    async def script() -> None:
        dropped: list[str] = []
        resumption = Resumption(60.0, lambda lost: dropped.append(lost.token))
        resumption.keep(suspended("a"))
        resumption.keep(suspended("b"))
        await asyncio.sleep(59.0)
        assert await resumption.take("b") is not None
        await asyncio.sleep(2.0)
        assert dropped == ["a"]
        assert await resumption.take("a") is None
        await asyncio.sleep(57.0)
        assert await resumption.take("b") is not None

    run_virtual(script())


async def test_no_more_than_a_bounded_number_is_kept() -> None:
    dropped: list[str] = []
    resumption = Resumption(dropped=lambda lost: dropped.append(lost.token))
    for number in range(300):
        resumption.keep(suspended(str(number)))
    assert await resumption.take("0") is None
    assert await resumption.take("299") is not None
    assert len(dropped) == 300 - 256
    resumption.drop_all()
    assert len(dropped) == 300


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
            resumption.keep(suspended(seat.token))

    serving = asyncio.create_task(connection())
    await entered.wait()
    assert await resumption.take(tokens[0]) is not None
    await serving


async def test_a_token_is_of_no_use_to_another_secret() -> None:
    resumption = Resumption()
    ended = asyncio.Event()
    with resumption.seat(ended.set, owner="one") as seat:
        assert await resumption.take(seat.token, "two") is None
        assert not ended.is_set()
        resumption.keep(suspended(seat.token, "one"))
    assert await resumption.take(seat.token, "two") is None
    assert await resumption.take(seat.token, "one") is not None
    assert await resumption.take(seat.token) is not None
