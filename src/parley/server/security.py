"""Who may come in: API key, short-lived client secrets, web origins."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from parley.errors import UsageError

_SECRET_LIFE_S = 600
_MAX_SECRETS = 10_000
_PROTOCOL_KEY = "openai-insecure-api-key."
LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


class Gate:
    """Checks credentials and origins of requests."""

    def __init__(self, api_key: str | None, origins: list[str]) -> None:
        self._key = api_key
        self._origins = {o.rstrip("/").lower() for o in origins}
        self._secrets: dict[str, float] = {}

    @property
    def needs_key(self) -> bool:
        """Whether clients must show a key."""
        return self._key is not None

    def new_secret(self, life_s: float = _SECRET_LIFE_S) -> tuple[str, int]:
        """A secret for one browser and when it expires (Unix time)."""
        now = time.time()
        self._secrets = {s: t for s, t in self._secrets.items() if t > now}
        if len(self._secrets) >= _MAX_SECRETS:
            del self._secrets[next(iter(self._secrets))]
        secret = "ek_" + secrets.token_urlsafe(32)
        self._secrets[secret] = now + life_s
        return secret, int(now + life_s)

    def admits(self, headers: Mapping[str, str], *, secrets_too: bool = True) -> bool:
        """Whether the request carries the key (or a client secret) in a header or a WebSocket subprotocol."""
        if self._key is None:
            return True
        shown = self._shown(headers)
        if shown is None:
            return False
        if hmac.compare_digest(shown.encode(), self._key.encode()):
            return True
        expiry = next((t for s, t in self._secrets.items() if hmac.compare_digest(s.encode(), shown.encode())), 0.0)
        return secrets_too and expiry > time.time()

    @staticmethod
    def _shown(headers: Mapping[str, str]) -> str | None:
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and value:
            return value.strip()
        for protocol in headers.get("sec-websocket-protocol", "").split(","):
            if protocol.strip().startswith(_PROTOCOL_KEY):
                return protocol.strip().removeprefix(_PROTOCOL_KEY)
        return None

    def allows_origin(self, headers: Mapping[str, str]) -> bool:
        """Whether a browser's page may use this server: its own pages, configured ones, or no browser."""
        origin = headers.get("origin")
        if origin is None:
            return True
        if origin.rstrip("/").lower() in self._origins or "*" in self._origins:
            return True
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower()


def check_binding(host: str, *, has_key: bool, insecure: bool) -> None:
    """Refuse an open address without a key; raises `UsageError`."""
    if host not in LOCAL_HOSTS and not has_key and not insecure:
        raise UsageError(
            f"listening on {host} lets others in: set PARLEY_API_KEY to a secret of your choice, "
            "or add --insecure if everybody who reaches this address may talk"
        )
