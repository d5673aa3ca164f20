"""What a client is told when it comes, and why where it cannot stay."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from parley.conversation.engines.duplex import Duplex
from parley.errors import ModelError
from parley.models.fakes import FakeDuplexModel
from parley.models.interfaces import UNTOLD, DuplexOpening, DuplexSlot
from parley.server.state import ServerState
from tests.server.fake_server import state_with
from tests.server.sockets import DROPPED, Socket
from tests.virtual_time import run_virtual


class Model(FakeDuplexModel):
    """Has a slot or, while it is `busy`, none."""

    busy = False

    async def open_slot(self, opening: DuplexOpening = UNTOLD) -> DuplexSlot:
        if self.busy:
            raise ModelError("no slot is free")
        return await super().open_slot(opening)


def with_model(model: Model) -> ServerState:
    state = state_with()
    models: Any = state.loaded_models
    models.for_sessions = replace(models.for_sessions, engine=Duplex(model))
    return state


def test_session_created_comes_first_whatever_goes_on_and_whatever_is_greeted() -> None:
    async def script() -> None:
        state = state_with(greeting="Welcome to all of you, my friends.")
        async with Socket(state, parley="1") as host:
            token = await host.invite()
            async with Socket(state, parley="1", room=token) as guest, Socket(state, room=token) as stock:
                await asyncio.sleep(5.0)
                for client in (host, guest, stock):
                    assert client.events[0]["type"] == "session.created"
                assert host.of("response.created")

    run_virtual(script())


def test_who_cannot_enter_is_told_why() -> None:
    async def script() -> None:
        state = with_model(Model())
        async with (
            Socket(state, parley="1") as host,
            Socket(state, parley="1", room=await host.invite(), name="Ben") as guest,
        ):
            await asyncio.wait_for(guest.serving, 1.0)
            assert [e["error"]["code"] for e in guest.of("error")] == ["unsupported"]
            assert guest.closed is not None
            assert guest.closed[0] == 1008
            assert "talks with one person alone" in guest.closed[1]
            assert host.people == ["user"]
        assert not state.sessions

    run_virtual(script())


@pytest.mark.parametrize("resumes", [True, False])
def test_a_model_that_has_no_room_for_one_who_comes_back_costs_an_attempt(*, resumes: bool) -> None:
    async def script() -> None:
        model = Model()
        state = with_model(model)
        host = await Socket(state, parley="1").__aenter__()
        await host.invite()
        await host.leave(DROPPED)
        model.busy = True
        query = {"resume": host.token} if resumes else {}
        async with Socket(state, parley="1", **query) as early:
            await asyncio.wait_for(early.serving, 1.0)
            assert [e["error"]["message"] for e in early.of("error")] == ["no slot is free"]
        model.busy = False
        async with Socket(state, parley="1", resume=host.token) as back:
            assert back.resumed
        assert model.open_slots == 0

    run_virtual(script())
