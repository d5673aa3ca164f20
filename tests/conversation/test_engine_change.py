"""From one engine to another while people come and go: everybody is listened to, and no slot is lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from parley.conversation import notifications as nt
from parley.conversation.engines.duplex import Duplex
from parley.errors import ProtocolError
from parley.models.fakes import FakeDuplexModel
from parley.models.interfaces import UNTOLD, DuplexOpening, DuplexSlot
from tests.conversation.test_rooms import Client, Room
from tests.virtual_time import run_virtual


class SlowModel(FakeDuplexModel):
    """Its slots take two seconds to open."""

    async def open_slot(self, opening: DuplexOpening = UNTOLD) -> DuplexSlot:
        await asyncio.sleep(2.0)
        return await super().open_slot(opening)


def choose(client: Client, engine: str | None) -> None:
    client.connection.update(replace(client.room.conversation.settings, engine=engine))


def test_who_leaves_while_the_engine_changes_keeps_no_slot_and_no_task() -> None:
    async def script() -> None:
        model = SlowModel()
        async with Room(native=Duplex(model)) as room:
            async with Client(room, "Ann") as ann:
                choose(ann, "native")
                await room.silence(0.5)
            await asyncio.sleep(5.0)
            assert model.open_slots == 0
            assert not room.conversation._tasks
            async with Client(room, "Ann") as ann:
                await room.silence(3.0)
                assert ann.connection.person.listening.takes_turns
                assert model.open_slots == 1
        assert model.open_slots == 0

    run_virtual(script())


def test_who_comes_back_while_the_engine_changes_is_listened_to_by_the_new_one() -> None:
    async def script() -> None:
        model = SlowModel()
        async with Room(native=Duplex(model)) as room:
            async with Client(room, "Ann") as ann:
                choose(ann, "native")
                await room.silence(0.5)
            async with Client(room, "Ann") as ann:
                await room.silence(5.0)
                assert ann.connection.person.listening.takes_turns
                assert model.open_slots == 1
        assert model.open_slots == 0

    run_virtual(script())


def test_where_a_guest_comes_meanwhile_the_model_for_one_person_alone_is_not_taken() -> None:
    async def script() -> None:
        model = SlowModel()
        async with Room(native=Duplex(model)) as room, Client(room, "Ann") as ann:
            choose(ann, "native")
            await room.silence(0.5)
            async with Client(room, "Ben", host=False) as ben:
                await room.silence(5.0)
                assert [h.why for h in ann.of(nt.ModelKept)] == [
                    "a model that takes turns itself talks alone with one person"
                ]
                assert model.open_slots == 0
                await ben.say(1.0)
                await room.silence(2.5)
                assert [who for who, _, _ in room.said] == ["Ben", "assistant"]

    run_virtual(script())


def test_of_two_who_come_together_one_gets_the_model_for_one_person_alone() -> None:
    async def script() -> None:
        model = SlowModel()

        async def come(name: str) -> None:
            async with Client(room, name, host=False):
                await asyncio.sleep(5.0)

        async with Room(native=Duplex(model)) as room:
            async with Client(room, "Ann") as ann:
                choose(ann, "native")
                await room.silence(3.0)
            found = await asyncio.gather(come("Ben"), come("Cem"), return_exceptions=True)
            assert [type(f) for f in found] == [type(None), ProtocolError]
            assert model.open_slots == 0

    run_virtual(script())


def test_nothing_of_who_cannot_enter_is_left() -> None:
    async def script() -> None:
        model = SlowModel()
        async with Room(native=Duplex(model)) as room:
            async with Client(room, "Ann") as ann:
                choose(ann, "native")
                await room.silence(3.0)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1.0), Client(room, "Ben", host=False):
                    pass
            assert room.vad.open_streams == 0
            assert not room.conversation.people
            assert not room.conversation.context.several, "he has never been there"

    run_virtual(script())
