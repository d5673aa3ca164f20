"""One client's place in a conversation: how it enters, what it may set, how it leaves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from parley.conversation.circle import Place
from parley.conversation.connection import Connection
from parley.conversation.conversation import Conversation
from parley.conversation.engines.cascade import Cascade
from parley.conversation.engines.duplex import Duplex
from parley.conversation.settings import SessionModels, SessionSettings
from parley.errors import Overloaded, ProtocolError
from parley.models.fakes import FakeChat, FakeDuplexModel, FakeRecognizer, FakeVad
from parley.models.interfaces import UNTOLD, DuplexOpening, DuplexSlot
from tests.virtual_time import run_virtual

SETTINGS = SessionSettings()


def conversation(**more: Duplex) -> Conversation:
    return Conversation(SessionModels(FakeVad(), FakeRecognizer(), Cascade(FakeChat()), engines=more), SETTINGS)


def test_it_is_there_from_its_making_and_speaks_while_it_is_entered() -> None:
    async def script() -> None:
        async with conversation() as talk:
            ann = Connection(talk, SETTINGS, lambda _: None, Place("Ann"))
            assert talk.present == ("Ann",)
            assert not talk.people
            with pytest.raises(ProtocolError, match="only listens"):
                _ = ann.person
            async with ann:
                assert talk.people["Ann"] is ann.person
            assert not talk.present
            assert not talk.people
            await ann.aclose()  # a second time does nothing

    run_virtual(script())


def test_a_host_brings_the_settings_and_a_guest_its_own() -> None:
    async def script() -> None:
        async with conversation() as talk:
            kind = replace(SETTINGS, instructions="Be kind.", language="te")
            async with Connection(talk, kind, lambda _: None) as host:
                assert talk.settings is kind
                mine = replace(kind, language="de")
                async with Connection(talk, mine, lambda _: None, Place("Ben", host=False)) as guest:
                    assert (talk.settings, guest.settings) == (kind, mine)
                    assert guest.person.settings is mine
                    assert host.person.settings is kind

    run_virtual(script())


def test_what_is_set_about_the_voice_before_it_speaks_counts_when_it_does() -> None:
    async def script() -> None:
        async with conversation() as talk:
            ann = Connection(talk, SETTINGS, lambda _: None)
            ann.set_vad(0.9, 0.5)
            async with ann:
                assert ann.person.input._activity.threshold == 0.9
                ann.set_vad(0.4, 0.5)
                assert ann.person.input._activity.threshold == 0.4

    run_virtual(script())


class Full(FakeDuplexModel):
    """All slots are taken."""

    async def open_slot(self, opening: DuplexOpening = UNTOLD) -> DuplexSlot:
        raise Overloaded("all slots are taken")


def test_who_cannot_enter_has_left() -> None:
    async def script() -> None:
        async with conversation(native=Duplex(Full())) as talk:
            talk.context.models = replace(talk.models, engine=Duplex(Full()))
            with pytest.raises(Overloaded):
                async with Connection(talk, SETTINGS, lambda _: None):
                    pass
            assert not talk.present
            assert not talk.people

    run_virtual(script())


def test_a_fault_of_its_own_is_no_fault_of_the_conversation() -> None:
    async def script() -> None:
        async with conversation() as talk, Connection(talk, SETTINGS, lambda _: None) as ann:
            ann.break_down("made to", RuntimeError("made to"))
            assert ann.broken.is_set()
            assert not talk.broken.is_set()

    run_virtual(script())
