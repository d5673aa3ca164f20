"""By which names this server may be called: protection against DNS rebinding.

A page of evil.example can have its own name resolve to this machine; the browser then takes our answers for the
page's own. Such a name is one of the public DNS. So a server without a key answers to addresses, to names without a
dot (nobody can register those), to localhost, to the machine's own names, and to those that the operator names.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable

_HOST = re.compile(r"(\[[0-9a-f:.%]+\]|[^\s:@/\\?#\[\]]+)(:\d{1,5})?")


class Hosts:
    """Judges `Host` headers.

    `configured` are names, ``*.example.org`` for all below one, ``*`` for every name; `own` are names that the
    surroundings gave this server.

    Where a key is needed (`needs_key`), a page that has none gets nothing whatever its name; then names are only
    judged if some are configured.
    """

    def __init__(self, configured: Iterable[str] = (), *, own: Iterable[str] = (), needs_key: bool = False) -> None:
        names = [name.lower().rstrip(".") for name in configured]
        self._any = "*" in names or (needs_key and not names)
        self._below = tuple(name[1:] for name in names if name.startswith("*."))
        machine = socket.gethostname().lower()
        self._names = {*names, *own, machine, f"{machine.partition('.')[0]}.local"}

    def allow(self, header: str) -> bool:
        """Whether a request with this ``Host`` is answered."""
        match = _HOST.fullmatch(header.strip().lower())
        if match is None:
            return False
        name = match.group(1).rstrip(".")
        return self._any or name in self._names or name.endswith(self._below) or _cannot_be_bought(name)


def _cannot_be_bought(name: str) -> bool:
    if "." not in name or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
