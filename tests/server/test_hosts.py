"""By which names a server may be called."""

from __future__ import annotations

import socket

import pytest

from parley.server.hosts import Hosts

MACHINE = socket.gethostname()


@pytest.mark.parametrize(
    "header",
    [
        "localhost", "localhost:8000", "LOCALHOST.", "voice.localhost:3000", "127.0.0.1:8000", "192.168.1.20",
        "[::1]:8000", "[fe80::1]", "server:8000", "mybox", MACHINE, f"{MACHINE.partition('.')[0]}.local:8000",
    ],
)  # fmt: skip
def test_addresses_and_names_that_nobody_can_register_are_answered(header: str) -> None:
    assert Hosts().allow(header)


@pytest.mark.parametrize(
    "header",
    [
        "evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "192.168.1.20.nip.io",
        "evil.example.", "x/health?", "a@localhost", "localhost:8000:1", "[::1", "", " ", "localhost#.evil.example",
    ],
)  # fmt: skip
def test_names_of_the_public_dns_and_malformed_ones_are_not(header: str) -> None:
    assert not Hosts().allow(header)


def test_configured_names_are_answered_and_those_below_a_wildcard() -> None:
    hosts = Hosts(["Voice.Example.org", "*.lan.example"])
    assert hosts.allow("voice.example.org")
    assert hosts.allow("a.b.lan.example:443")
    assert not hosts.allow("lan.example")
    assert not hosts.allow("evillan.example")
    assert not hosts.allow("other.example.org")
    assert Hosts(["*"]).allow("evil.example")


def test_with_a_key_names_are_judged_only_if_some_are_configured() -> None:
    assert Hosts(needs_key=True).allow("proxy.example")
    assert not Hosts(["voice.example.org"], needs_key=True).allow("proxy.example")
    assert Hosts(["voice.example.org"], own=["pod.example"], needs_key=True).allow("pod.example")
    assert not Hosts(needs_key=True).allow("x/health?")
