"""Base64 as clients write it."""

from __future__ import annotations

import base64

import pytest

from parley.errors import ProtocolError
from parley.transports.incoming import base64_bytes

DATA = bytes(range(256)) + b"\xff\xfe\xfb"
PLAIN = base64.b64encode(DATA).decode()
URL_SAFE = base64.urlsafe_b64encode(DATA).decode()


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        URL_SAFE,
        PLAIN.rstrip("="),
        URL_SAFE.rstrip("="),
        base64.encodebytes(DATA).decode(),
        "\r\n".join(PLAIN[at : at + 76] for at in range(0, len(PLAIN), 76)),
        f"  {PLAIN}\n",
        f"{URL_SAFE[:10]}\t{URL_SAFE[10:].rstrip('=')}",
    ],
)
def test_every_writing_of_the_same_bytes_is_read(text: str) -> None:
    assert base64_bytes(text, "audio") == DATA


def test_nothing_is_nothing() -> None:
    assert base64_bytes("", "audio") == b""


@pytest.mark.parametrize("text", ["%%%", "AAA\u00e9", "A", "AAAAA", "data:audio/wav;base64,AAAA", "AA=A"])
def test_what_is_no_base64_is_named(text: str) -> None:
    with pytest.raises(ProtocolError) as fault:
        base64_bytes(text, "item.content.audio")
    assert (fault.value.field, fault.value.code) == ("item.content.audio", "invalid_base64")
