"""What the SDP answer says of this machine's addresses; a call that is not connected yet."""

from __future__ import annotations

import asyncio
import json
import re
from types import SimpleNamespace
from typing import Any

import pytest

from parley.conversation.circle import Place
from parley.errors import ModelError, Overloaded, ParleyError, ProtocolError
from parley.transports.offers import announcing
from parley.transports.webrtc import RtcCall
from tests.transports.client import AVAILABLE, STOCK, Client

SDP = (
    "v=0\r\n"
    "a=candidate:f00 1 udp 2130706431 192.168.1.5 50123 typ host\r\n"
    "a=candidate:f01 1 udp 2130706175 fd00::5 50124 typ host\r\n"
    "a=candidate:f02 1 udp 1694498815 203.0.113.9 50123 typ srflx raddr 192.168.1.5 rport 50123\r\n"
    "a=end-of-candidates\r\n"
)


@pytest.mark.parametrize(
    ("address", "own", "port"), [("198.51.100.1", "192.168.1.5", "50123"), ("2001:db8::1", "fd00::5", "50124")]
)
def test_the_public_address_stands_once_beside_each_own_one_of_its_kind(address: str, own: str, port: str) -> None:
    announced = announcing(SDP, address)
    added = [line for line in announced.splitlines() if line not in SDP.splitlines()]
    assert len(added) == 1
    assert f" {address} {port} typ srflx raddr {own} rport {port}" in added[0]
    assert re.sub(re.escape(added[0]) + "\r\n", "", announced) == SDP


def test_an_address_that_the_machine_has_itself_is_not_said_twice() -> None:
    assert announcing(SDP, "192.168.1.5") == SDP


async def test_a_guest_whose_call_is_not_connected_yet_is_not_waited_for() -> None:
    async with Client() as host:
        call = RtcCall(host.session, Place("Ben", host=False), STOCK, AVAILABLE, ice_servers=[])
        try:
            assert list(host.session.present) == ["user", "Ben"]
            assert host.session.context.audience.names == ("user",)
        finally:
            await call.aclose()
        assert list(host.session.present) == ["user"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (ProtocolError("the model talks with one person alone", code="unsupported"), "unsupported"),
        (Overloaded("all slots are taken", retry_after_s=1), "model_unavailable"),
        (ModelError("the model is gone"), "model_unavailable"),
    ],
)
async def test_who_cannot_enter_learns_why_as_soon_as_the_channel_is_open(
    fault: ParleyError, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> Any:
        raise fault

    sent: list[str] = []
    channel = SimpleNamespace(readyState="open", bufferedAmount=0, send=sent.append)
    async with Client() as host:
        monkeypatch.setattr(host.session, "enter", refuse)
        call = RtcCall(host.session, Place("Ben", host=False), STOCK, AVAILABLE, ice_servers=[])
        serving = asyncio.create_task(call.serve(60.0))
        await asyncio.sleep(0)
        call._channel.open(channel)
        await asyncio.wait_for(serving, 10)
        errors = [e["error"] for e in map(json.loads, sent) if e["type"] == "error"]
        assert [(e["message"], e["code"]) for e in errors] == [(str(fault), code)]
        assert list(host.session.present) == ["user"]


async def test_who_cannot_enter_and_never_comes_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object, **__: object) -> Any:
        raise ModelError("the model is gone")

    async with Client() as host:
        monkeypatch.setattr(host.session, "enter", refuse)
        call = RtcCall(host.session, Place("Ben", host=False), STOCK, AVAILABLE, ice_servers=[])
        serving = asyncio.create_task(call.serve(60.0))
        call.abandon()
        await asyncio.wait_for(serving, 10)
        assert list(host.session.present) == ["user"]
