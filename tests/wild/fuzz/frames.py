"""WebSocket handshakes and frames written by hand: what no library would send."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from random import Random
from urllib.parse import urlsplit

from tests.wild.fuzz import events
from tests.wild.fuzz.findings import Case
from tests.wild.fuzz.values import mangled

_ANSWER_S = 0.5
_LENGTHS = (0, 125, 126, 127, 65_535, 65_536, 2**31, 2**32, 2**62, 2**63 - 1, 2**64 - 1)


def frame(random: Random, payload: bytes) -> bytes:
    """A frame around a payload: any bits, any opcode, a length that may lie, a mask that may be missing."""
    usual = random.random() < 0.5
    first = (0x80 | random.choice((1, 2, 8, 9, 10))) if usual else random.randrange(256)
    length = len(payload) if random.random() < 0.8 else random.choice(_LENGTHS)
    masked = random.random() < 0.9
    if length < 126 and random.random() < 0.9:
        head = bytes((first, length | masked << 7))
    elif length < 65_536 and random.random() < 0.9:
        head = bytes((first, 126 | masked << 7)) + length.to_bytes(2, "big")
    else:
        head = bytes((first, 127 | masked << 7)) + length.to_bytes(8, "big")
    if not masked:
        return head + payload
    mask = random.randbytes(4)
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def fragments(random: Random, payload: bytes) -> bytes:
    """A message in pieces, with pings among them and sometimes without an end."""
    found, left, opcode = b"", payload, 1
    while left:
        part, left = left[: random.randrange(1, 200)], left[random.randrange(1, 200) :]
        last = not left and random.random() < 0.8
        found += bytes((opcode | last << 7, 0x80 | min(len(part), 125))) + bytes(4) + part[:125]
        opcode = 0 if random.random() < 0.95 else 1
        if random.random() < 0.2:
            found += b"\x89\x80" + bytes(4)
    return found


def handshake(random: Random, path: str) -> bytes:
    """The request that begins it, mostly right."""
    key = base64.b64encode(random.randbytes(random.choice((16, 16, 16, 16, 0, 15, 300)))).decode()
    version = random.choice(("13", "13", "13", "13", "8", "x", ""))
    lines = [
        f"GET {path} HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}", f"Sec-WebSocket-Version: {version}",
    ]  # fmt: skip
    if random.random() < 0.3:
        lines.append(f"Sec-WebSocket-Protocol: {random.choice(('realtime', 'realtime, x', ',,', 'a' * 5000))}")
    if random.random() < 0.3:
        lines.append(f"Sec-WebSocket-Extensions: {random.choice(('permessage-deflate', 'x; y=', ';;;'))}")
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    return mangled(random, request) if random.random() < 0.1 else request


async def send_frames(url: str, case: Case) -> None:
    """One connection, from its handshake to an end that may come in the middle of a frame."""
    random, place = case.random, urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    path = random.choice(("/v1/realtime", "/ws", "/ws?signalling=1", "/v1/realtime?parley=1", "/nowhere", "/%00?%ff"))
    try:
        await _write(case, writer, handshake(random, path))
        await _hear(case, reader)
        known = events.Known()
        for _ in range(random.randrange(1, 12)):
            given = events.event(random, known)
            payload = (given if isinstance(given, bytes) else given.encode(errors="surrogatepass"))[:5000]
            kind = random.random()
            data = frame(random, payload) if kind < 0.7 else fragments(random, payload)
            await _write(case, writer, data if kind < 0.9 else data[: random.randrange(len(data) + 1)])
        await _hear(case, reader)
    except OSError:
        case.hear("cut")
    finally:
        if random.random() < 0.3:
            writer.transport.abort()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _write(case: Case, writer: asyncio.StreamWriter, data: bytes) -> None:
    case.send(data[:200])
    writer.write(data)
    await asyncio.wait_for(writer.drain(), 10)


async def _hear(case: Case, reader: asyncio.StreamReader) -> None:
    """What the server says within half a second; it may say nothing."""
    found = b""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_ANSWER_S):
            while part := await reader.read(65_536):
                found += part
    status = found[9:12].decode(errors="replace") if found.startswith(b"HTTP/1.1") else "frames"
    case.hear(status, fault=status == "500" or b"internal_error" in found)
