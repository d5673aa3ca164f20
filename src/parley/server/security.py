"""Who may come in: API key, short-lived client secrets, web origins, host names."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from parley.errors import UsageError
from parley.realtime.session_object import RealtimeSession
from parley.server.hosts import Hosts
from parley.transports.websocket import PROTOCOL_KEY

_SECRET_LIFE_S = 600
_MAX_SECRETS = 10_000
LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
KEY_HOLDER = "key"
"""Who shows the key, or comes where none is needed."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not let in."""

    status: int
    code: str
    message: str


_WRONG_HOST = Refusal(403, "host_not_allowed", "this server does not answer to that host name; add it to allowed_hosts")
_WRONG_ORIGIN = Refusal(
    403, "origin_not_allowed", "pages of this origin may not use this server; add it to allowed_origins"
)
_NO_KEY = Refusal(401, "invalid_api_key", "an API key is needed: send 'Authorization: Bearer KEY'")


@dataclass(frozen=True, slots=True)
class _Secret:
    """What a client secret opens: one session object's conversations, for a while."""

    until: float
    session: RealtimeSession | None


class Gate:
    """Checks host names, origins and credentials of requests.

    Keys and secrets are kept and compared as digests: neither length nor content shows in the time it takes.
    """

    def __init__(self, api_key: str | None, origins: list[str], hosts: Hosts | None = None) -> None:
        self.invites: Callable[[bytes], bool] = lambda _: False
        """Whether a digest is that of an invitation, which opens what a client secret opens."""
        self._key = digest(api_key) if api_key is not None else None
        self._origins = {o.rstrip("/").lower() for o in origins}
        self._hosts = hosts or Hosts(needs_key=api_key is not None)
        self._secrets: dict[bytes, _Secret] = {}

    @property
    def needs_key(self) -> bool:
        """Whether clients must show a key."""
        return self._key is not None

    def new_secret(self, life_s: float = _SECRET_LIFE_S, session: RealtimeSession | None = None) -> tuple[str, int]:
        """A secret for one browser and when it expires (Unix time); its conversations begin with `session`."""
        now = time.time()
        self._secrets = {s: given for s, given in self._secrets.items() if given.until > now}
        if len(self._secrets) >= _MAX_SECRETS:
            del self._secrets[next(iter(self._secrets))]
        secret = "ek_" + secrets.token_urlsafe(32)
        self._secrets[digest(secret)] = _Secret(now + life_s, session)
        return secret, int(now + life_s)

    def refusal(self, headers: Headers, *, is_open: bool = False, secrets_too: bool = False) -> Refusal | None:
        """Why a request is not let in; None: it is. Nobody needs a key for what `is_open`."""
        if not all(self._hosts.allow(host) for host in headers.getlist("host")):
            return _WRONG_HOST
        if not self._allows_origin(headers):
            return _WRONG_ORIGIN
        if not is_open and not self._admits(headers, secrets_too=secrets_too):
            return _NO_KEY
        return None

    def foreign_origin(self, headers: Headers) -> str | None:
        """The origin of a page that is not this server's own and may use it, as it is configured."""
        origin = headers.get("origin")
        if origin is None or not all(self._hosts.allow(host) for host in headers.getlist("host")):
            return None
        return origin if self._is_configured(origin) else None

    def _is_configured(self, origin: str) -> bool:
        return origin.rstrip("/").lower() in self._origins or "*" in self._origins

    def owner(self, headers: Headers) -> str:
        """Who it is that was let in: the holder of the key, or of one client secret."""
        shown = _shown(headers)
        if self._key is None or shown is None or hmac.compare_digest(shown, self._key):
            return KEY_HOLDER
        return shown.hex()

    def session_of(self, headers: Headers) -> RealtimeSession | None:
        """The session object that the client secret was made for; None for who shows the key."""
        shown = _shown(headers)
        given = self._secrets.get(shown) if shown is not None else None
        return given.session if given is not None else None

    def _admits(self, headers: Headers, *, secrets_too: bool) -> bool:
        if self._key is None:
            return True
        shown = _shown(headers)
        if shown is None:
            return False
        if hmac.compare_digest(shown, self._key):
            return True
        given = self._secrets.get(shown)
        return secrets_too and ((given is not None and given.until > time.time()) or self.invites(shown))

    def _allows_origin(self, headers: Headers) -> bool:
        """Whether a browser's page may use this server: its own pages, configured ones, or no browser."""
        origin = headers.get("origin")
        if origin is None:
            return True
        if self._is_configured(origin):
            return True
        own = urlsplit(origin).netloc.lower()
        return bool(own) and own == headers.get("host", "").lower()


def digest(secret: str) -> bytes:
    """What a key, a secret or an invitation is kept and compared as."""
    return hashlib.sha256(secret.encode()).digest()


def shown_secret(headers: Headers) -> str | None:
    """The credential in a header or a WebSocket subprotocol."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value:
        return value.strip()
    if scheme.lower() == "basic":
        return _password(value.strip())
    for protocol in headers.get("sec-websocket-protocol", "").split(","):
        if protocol.strip().startswith(PROTOCOL_KEY):
            return protocol.strip().removeprefix(PROTOCOL_KEY)
    return None


def _password(credentials: str) -> str | None:
    """Of ``Authorization: Basic``: what programs send that know no header, but take an address with a password."""
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2] or None
    except ValueError:
        return None


def _shown(headers: Headers) -> bytes | None:
    return digest(secret) if (secret := shown_secret(headers)) is not None else None


def check_binding(host: str, *, has_key: bool, insecure: bool) -> None:
    """Refuse an open address without a key; raises `UsageError`."""
    if host not in LOCAL_HOSTS and not has_key and not insecure:
        raise UsageError(
            f"listening on {host} lets others in: set PARLEY_API_KEY to a secret of your choice, "
            "or add --insecure if everybody who reaches this address may talk"
        )
