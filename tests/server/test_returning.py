"""Connections come, get lost and return, in every order; what nobody comes back to is over."""

from __future__ import annotations

import asyncio

import pytest

from parley.errors import ProtocolError
from parley.realtime.session_object import Extensions
from parley.server.call_routes import _answered
from parley.transports.webrtc import RtcCall
from tests.server.fake_server import state_with
from tests.server.sockets import DROPPED, Socket
from tests.virtual_time import run_virtual


def test_a_host_that_is_lost_before_anybody_spoke_comes_back_to_its_guests() -> None:
    async def script() -> None:
        state = state_with()
        host = await Socket(state, parley="1").__aenter__()
        async with Socket(state, parley="1", room=await host.invite(), name="Ben") as guest:
            await host.leave(DROPPED)
            assert guest.people == ["Ben"]
            async with Socket(state, parley="1", resume=host.token) as back:
                assert back.resumed
                assert guest.people == ["Ben", "user"]
                await back.invite()
        assert not state.sessions

    run_virtual(script())


def test_who_was_invited_finds_a_conversation_whose_host_was_lost_before_that() -> None:
    async def script() -> None:
        state = state_with()
        host = await Socket(state, parley="1").__aenter__()
        token = await host.invite()
        await host.leave(DROPPED)
        async with Socket(state, parley="1", room=token, name="Ben") as guest:
            assert guest.people == ["Ben"]
            async with Socket(state, parley="1", resume=host.token) as back:
                assert back.resumed

    run_virtual(script())


def test_who_says_that_it_is_away_may_come_back_though_its_connection_ends_properly() -> None:
    async def script() -> None:
        state = state_with()
        host = await Socket(state, parley="1").__aenter__()
        await host.say("Hello.")
        await host.send("parley.away")
        await host.leave()
        async with Socket(state, parley="1", resume=host.token) as back:
            assert back.resumed
        assert not state.sessions

    run_virtual(script())


def test_nobody_takes_the_name_of_somebody_who_may_come_back() -> None:
    async def script() -> None:
        state = state_with()
        host = await Socket(state, parley="1").__aenter__()
        token = await host.invite()
        await host.say("Hello.")
        await host.leave(DROPPED)
        async with Socket(state, parley="1", room=token, name="user") as impostor:
            assert [e["error"]["code"] for e in impostor.events] == ["name_taken"]
        async with Socket(state, parley="1", resume=host.token) as back:
            assert back.resumed
        async with Socket(state, parley="1", room=token, name="Ben") as late:
            assert late.of("error")[0]["error"]["code"] == "no_room", "it is over"

    run_virtual(script())


def test_guests_without_a_name_get_one_that_is_free() -> None:
    async def script() -> None:
        state = state_with()
        async with Socket(state, parley="1") as host:
            token = await host.invite()
            first = await Socket(state, parley="1", room=token).__aenter__()
            async with Socket(state, parley="1", room=token):
                assert host.people == ["user", "Guest 1", "Guest 2"]
                await first.leave()
                async with Socket(state, parley="1", room=token) as third:
                    assert third.people == ["user", "Guest 2", "Guest 1"]

    run_virtual(script())


def test_of_two_that_come_back_with_one_token_one_is_there() -> None:
    async def script() -> None:
        state = state_with()
        host = await Socket(state, parley="1").__aenter__()
        await host.say("Hello.")
        async with (
            Socket(state, parley="1", resume=host.token) as one,
            Socket(state, parley="1", resume=host.token) as other,
        ):
            await asyncio.sleep(1.0)
            assert [one.resumed, other.resumed] == [True, True]
            assert one.closed is not None, "the other one has come back later"
            assert other.people == ["user"]
        await host.serving
        assert not state.sessions

    run_virtual(script())


def test_a_call_that_fails_before_it_begins_leaves_no_conversation_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(_: RtcCall, __: str) -> str:
        await asyncio.sleep(5.0)
        raise ProtocolError("nothing can be made of this offer", field="sdp")

    monkeypatch.setattr(RtcCall, "answer", answer)

    async def script() -> None:
        state = state_with()
        async with Socket(state, parley="1") as host:
            asked = Socket(state, parley="1", room=await host.invite(), name="Ben").request
            calling = asyncio.create_task(_answered(state, asked, Extensions(), "", None))
            await asyncio.sleep(1.0)
        (invitation,) = state.conversations.invitations._all.values()
        with pytest.raises(ProtocolError, match="nothing can be made"):
            await calling
        assert invitation.conversation._closed, "the last one who was there has left"
        assert not state.conversations.invitations._all

    run_virtual(script())
