"""Conversations of a server: they outlive lost connections, and are over when nobody is or comes back."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any

from parley.conversation.circle import Place
from parley.conversation.connection import Connection
from parley.conversation.conversation import Conversation
from parley.conversation.items import Item
from parley.conversation.settings import SessionSettings
from parley.realtime.session_object import Extensions
from parley.server.conversations import Conversations, Start
from parley.server.resumption import SuspendedConversation
from tests.server.test_resumption import SHOWN, suspended
from tests.virtual_time import run_virtual

EXTENDED = replace(SHOWN, extensions=Extensions())


class Client:
    """A connection as transports are."""

    def __init__(self, conversation: Conversation, place: Place | None = None, shown: Any = EXTENDED) -> None:
        self.shown = shown
        self.lost = False
        self.told: list[str] = []
        self.ends = asyncio.Event()
        self._connection = Connection(conversation, SessionSettings(), lambda _: None, place or Place())

    @property
    def conversation(self) -> Conversation:
        return self._connection.conversation

    async def leave(self) -> None:
        await self._connection.aclose()

    def supersede(self) -> None:
        self.lost = True
        self.ends.set()

    def server_stops(self) -> None:
        self.told.append("stops")
        self.ends.set()

    def start(self, kept: SuspendedConversation | None = None) -> Start:
        return Start(self.shown, self.conversation, self._connection.place, kept, "key", "127.0.0.1")


def conversation(*, said: bool = True) -> Conversation:
    made = suspended("unused").conversation
    if said:
        made.history.insert(Item("i1", role="user", text="My name is Ada."))
    return made


def closed(talk: Conversation) -> bool:
    return talk._closed


async def talk(conversations: Conversations, client: Client, kept: SuspendedConversation | None = None) -> str:
    """Until the client is told to end; its token."""
    async with conversations.connected(client, client.start(kept)) as resume:
        await client.ends.wait()
    return resume.token


def test_who_leaves_properly_leaves_nothing() -> None:
    async def script() -> None:
        conversations, client = Conversations(), Client(conversation())
        invitation = conversations.invitations.make(client.conversation)
        async with conversations.connected(client, client.start()) as resume:
            assert conversations.invitations.find(invitation).conversation is client.conversation
        assert closed(client.conversation)
        assert await conversations.resumption.take(resume.token) is None
        assert not conversations.invitations._all

    run_virtual(script())


def test_a_lost_client_is_in_the_same_conversation_again() -> None:
    async def script() -> None:
        conversations, client = Conversations(), Client(conversation())
        async with conversations.connected(client, client.start()) as resume:
            client.lost = True
        assert not closed(client.conversation)
        kept = await conversations.resumption.take(resume.token)
        assert kept is not None
        assert kept.conversation is client.conversation
        back = Client(kept.conversation, kept.place)
        async with conversations.connected(back, back.start(kept)) as again:
            assert (again.token, again.resumed) == (resume.token, True)
        assert closed(client.conversation), "this time it left properly"

    run_virtual(script())


def test_an_attempt_to_come_back_that_fails_half_way_loses_nothing() -> None:
    async def script() -> None:
        conversations, client = Conversations(), Client(conversation())
        async with conversations.connected(client, client.start()) as resume:
            client.lost = True
        kept = await conversations.resumption.take(resume.token)
        assert kept is not None
        with suppress(OSError):
            back = Client(kept.conversation, kept.place)
            async with conversations.connected(back, back.start(kept)):
                raise OSError("the client is gone before it was accepted")
        assert not closed(client.conversation)
        assert await conversations.resumption.take(resume.token) is not None

    run_virtual(script())


def test_a_conversation_that_nobody_comes_back_to_is_over_after_a_while() -> None:
    async def script() -> None:
        conversations, client = Conversations(), Client(conversation())
        async with conversations.connected(client, client.start()):
            client.lost = True
        await asyncio.sleep(59)
        assert not closed(client.conversation)
        await asyncio.sleep(2)
        assert closed(client.conversation)

    run_virtual(script())


def test_one_in_which_nothing_was_said_and_a_stock_clients_are_not_kept() -> None:
    async def script() -> None:
        for client in (Client(conversation(said=False)), Client(conversation(), shown=SHOWN)):
            conversations = Conversations()
            async with conversations.connected(client, client.start()):
                client.lost = True
            assert closed(client.conversation)

    run_virtual(script())


def test_a_conversation_goes_on_as_long_as_anybody_is_there() -> None:
    async def script() -> None:
        conversations, host = Conversations(), Client(conversation())
        guest = Client(host.conversation, Place("Ben", host=False))
        async with conversations.connected(guest, guest.start()):
            async with conversations.connected(host, host.start()):
                pass
            assert not closed(host.conversation)
        assert closed(host.conversation)

    run_virtual(script())


def test_a_lost_guest_keeps_the_conversation_for_itself_when_the_others_have_left() -> None:
    async def script() -> None:
        conversations, host = Conversations(), Client(conversation())
        guest = Client(host.conversation, Place("Ben", host=False))
        async with conversations.connected(host, host.start()), conversations.connected(guest, guest.start()):
            guest.lost = True
        assert not closed(host.conversation)
        await asyncio.sleep(61)
        assert closed(host.conversation)

    run_virtual(script())


def test_a_server_that_stops_tells_everybody_and_releases_what_was_kept() -> None:
    async def script() -> None:
        conversations, lost, here = Conversations(), Client(conversation()), Client(conversation())
        async with conversations.connected(lost, lost.start()):
            lost.lost = True
        talking = asyncio.create_task(talk(conversations, here))
        await asyncio.sleep(0)
        await conversations.wind_up(1.0)
        assert here.told == ["stops"]
        await talking
        await conversations.aclose()
        assert closed(lost.conversation)
        assert closed(here.conversation)

    run_virtual(script())
