"""Hosts for tests: network namespaces on a bridge where the system lets us, else all of them on loopback."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Host:
    """Something with an address of its own where commands run."""

    name: str
    address: str
    namespace: str | None
    link: str | None

    def command(self, *words: str) -> list[str]:
        """A command line that runs there."""
        return ["ip", "netns", "exec", self.namespace, *words] if self.namespace else list(words)

    def cut_off(self) -> None:
        """Nothing arrives and nothing leaves, and nobody is told."""
        assert self.link
        ip("link", "set", self.link, "down")

    def connect(self) -> None:
        """The opposite."""
        assert self.link
        ip("link", "set", self.link, "up")

    def move(self) -> None:
        """Another address, as on another network; `address` is the old one."""
        assert self.namespace
        other = f"{self.address.rpartition('.')[0]}.{100 + int(self.address.rpartition('.')[2])}"
        ip("-n", self.namespace, "addr", "del", f"{self.address}/24", "dev", "eth0")
        ip("-n", self.namespace, "addr", "add", f"{other}/24", "dev", "eth0")


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def namespaces_work() -> bool:
    """Whether this user may make them."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    name = f"parley-{secrets.token_hex(3)}"
    made = subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True).returncode == 0
    if made:
        ip("netns", "delete", name)
    return made


@contextmanager
def hosts(*names: str) -> Iterator[tuple[str, dict[str, Host]]]:
    """Make hosts; gives this side's address, and them by name."""
    if not namespaces_work():
        yield "127.0.0.1", {name: Host(name, "127.0.0.1", None, None) for name in names}
        return
    tag = secrets.token_hex(2)
    net = f"10.{200 + secrets.randbelow(50)}.{secrets.randbelow(250)}"
    with ExitStack() as stack:
        bridge = f"pb{tag}"
        ip("link", "add", bridge, "type", "bridge")
        stack.callback(ip, "link", "delete", bridge)
        ip("addr", "add", f"{net}.1/24", "dev", bridge)
        ip("link", "set", bridge, "up")
        made = {}
        for number, name in enumerate(names, 2):
            space, link = f"parley-{tag}-{name}", f"p{tag}{number}"
            ip("netns", "add", space)
            stack.callback(ip, "netns", "delete", space)
            ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", space)
            ip("link", "set", link, "master", bridge, "up")
            ip("-n", space, "addr", "add", f"{net}.{number}/24", "dev", "eth0")
            ip("-n", space, "link", "set", "eth0", "up")
            ip("-n", space, "link", "set", "lo", "up")
            made[name] = Host(name, f"{net}.{number}", space, link)
        yield f"{net}.1", made


PRIVATE = "10.99.99.2"


def put_behind(nat: Host, host: Host) -> None:
    """Take `host` off the bridge: it has a private address, and `nat`'s address leads to it, port by port."""
    inner, outer = str(host.namespace), str(nat.namespace)
    ip("-n", inner, "link", "delete", "eth0")
    ip("-n", inner, "link", "add", "eth0", "type", "veth", "peer", "name", "inside", "netns", outer)
    ip("-n", inner, "addr", "add", f"{PRIVATE}/30", "dev", "eth0")
    ip("-n", inner, "link", "set", "eth0", "up")
    ip("-n", outer, "addr", "add", "10.99.99.1/30", "dev", "inside")
    ip("-n", outer, "link", "set", "inside", "up")
    ip("-n", inner, "route", "add", "default", "via", "10.99.99.1")
    for command in (
        ("sysctl", "-qw", "net.ipv4.ip_forward=1"),
        ("iptables", "-t", "nat", "-A", "PREROUTING", "-i", "eth0", "-j", "DNAT", "--to-destination", PRIVATE),
        ("iptables", "-t", "nat", "-A", "POSTROUTING", "-o", "eth0", "-j", "SNAT", "--to-source", nat.address),
    ):
        subprocess.run(nat.command(*command), check=True, capture_output=True)
