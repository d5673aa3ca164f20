"""Input audio as clients send it: base64 of every kind, and chunks that end in the middle of a sample."""

from __future__ import annotations

import base64
import binascii
import re

from parley.audio.formats import AudioFormat
from parley.audio.pcm import Int16
from parley.errors import ProtocolError
from parley.realtime.session_object import WireFormat

_BLANK = re.compile(r"\s+")
_URL_SAFE = str.maketrans("-_", "+/")


def base64_bytes(text: str, field: str) -> bytes:
    """Bytes of base64, also of its URL-safe alphabet, with line breaks, without padding; raises `ProtocolError`."""
    try:
        return base64.b64decode(text, validate=True)  # as nearly all of them come
    except (binascii.Error, ValueError):
        plain = _BLANK.sub("", text).translate(_URL_SAFE).rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as fault:
        raise ProtocolError(f"'{field}' is not base64 ({fault})", field=field, code="invalid_base64") from fault


class IncomingAudio:
    """One client's chunks as samples: what is left of one behind its last whole sample begins the next."""

    def __init__(self) -> None:
        self._rest = b""

    def samples(self, data: bytes, wire: WireFormat) -> Int16:
        """The whole samples that are there now."""
        chunk_format = AudioFormat(wire.type, wire.rate)
        data = self._rest + data
        whole = len(data) - len(data) % chunk_format.bytes_per_sample
        self._rest = data[whole:]
        return chunk_format.decode(data[:whole])

    def forget(self) -> None:
        """What comes next does not belong to what came before."""
        self._rest = b""
