"""What settings are checked for, and what is wrong with them in one line."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated

from pydantic import AfterValidator, SecretStr, ValidationError

_REDIS_SCHEMES = ("redis://", "rediss://", "unix://")


def _check_redis_url(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(_REDIS_SCHEMES):
        raise ValueError(f"must begin with {', '.join(_REDIS_SCHEMES[:-1])} or {_REDIS_SCHEMES[-1]}")
    return url


RedisUrl = Annotated[SecretStr, AfterValidator(_check_redis_url)]
"""Where a Redis is; it may hold a password."""


def explain(fault: ValidationError) -> str:
    """``port: Input should be ...; tls.ca: Field required``; what is wrong with the whole is said of ``file``."""
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in fault.errors())


def nearest(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'port'?`` for a name that is nearly a known one, else nothing."""
    found = get_close_matches(name, list(known), n=1, cutoff=0.7)
    return f"; did you mean '{found[0]}'?" if found else ""
