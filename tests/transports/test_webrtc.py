"""What the SDP answer says of this machine's addresses; a call that is not connected yet."""

from __future__ import annotations

import re

import pytest

from parley.conversation.circle import Place
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
