"""Addresses of servers as people type them."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from parley.errors import UsageError


def realtime_url(url: str, *, exact: bool) -> str:
    """The socket's address from whatever a person types: a host, a page's address, or the full one.

    Raises `UsageError` for what is none.
    """
    address = url if "://" in url else f"ws://{url}"
    scheme, _, rest = address.partition("://")
    scheme = {"http": "ws", "https": "wss"}.get(scheme.lower(), scheme.lower())
    address = f"{scheme}://{rest}"
    try:
        parts = urlsplit(address)
        bad = scheme not in ("ws", "wss") or not parts.hostname or (parts.port == 0)
    except ValueError:
        bad = True
    if bad:
        raise UsageError(f"'{url}' is no server's address; write it as ws://HOST:PORT or https://HOST:PORT")
    host, _, path = rest.partition("/")
    if not path.strip("/"):
        address = f"{scheme}://{host}/v1/realtime"
    if exact and "parley=" not in address:
        address += ("&" if "?" in address else "?") + "parley=1"
    return address


def is_this_machine(host: str) -> bool:
    """Whether a host's name or address means the machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
