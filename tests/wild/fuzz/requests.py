"""REST requests: right ones with something wrong, forms with odd files, HTTP written by hand."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from random import Random
from typing import Any
from urllib.parse import urlsplit

import httpx

from parley.audio import files
from tests.wild.fuzz import events
from tests.wild.fuzz.findings import Case
from tests.wild.fuzz.values import anything, dumped, mangled, nearly, text

_LIMIT_S = 60
_PATHS = (
    "/", "/health", "/metrics", "/logs", "/logs/audio", "/logs/..%2f..%2fetc%2fpasswd", "/v1/models", "/v1/parley",
    "/openapi.json", "/web/", "/web/page.js", "/web/%2e%2e/app.py", "/web/%00", "/v1/realtime", "/ws", "//", "/%ff",
    "/v1/audio/speech", "/v1/audio/transcriptions", "/v1/chat/completions", "/v1/realtime/client_secrets",
    "/v1/realtime/calls", "/v1/realtime/calls/x/hangup", "/v1/realtime/calls/%00/hangup",
)  # fmt: skip
_METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "PROPFIND")
_MAGIC = (
    b"RIFF",
    b"fLaC",
    b"OggS",
    b"ID3",
    b"\x1aE\xdf\xa3",
    b"FORM",
    b"caff",
    b".snd",
    b"#!AMR\n",
    b"\0\0\0\x20ftypM4A ",
)
_BODIES: dict[str, Callable[[Random], Any]] = {
    "/v1/audio/speech": lambda r: {
        "input": r.choice(("Hello.", "?", "నమస్కారం", "\u200b", "a" * 300)),
        "model": "tts-1",
        "voice": r.choice(("alloy", {"id": "alloy"})),
        "response_format": r.choice(("mp3", "opus", "aac", "flac", "wav", "pcm")),
        "speed": r.choice((0.25, 1.0, 4.0)),
        "language": r.choice((None, "en", "te", "xx")),
    },
    "/v1/chat/completions": lambda r: {
        "model": "smollm2-135m",
        "messages": [{"role": "user", "content": "Hello."}],
        "max_tokens": 3,
        "stream": r.random() < 0.5,
        "temperature": 0,
    },
    "/v1/realtime/client_secrets": lambda r: {
        "expires_after": {"anchor": "created_at", "seconds": 60},
        "session": events.session(r),
    },
}


async def send_request(url: str, case: Case) -> None:
    """One request of any kind."""
    kind = case.random.random()
    if kind < 0.4:
        await _send_json(url, case)
    elif kind < 0.65:
        await _send_form(url, case)
    elif kind < 0.8:
        await _send_anywhere(url, case)
    else:
        await _send_by_hand(url, case)


async def _send_json(url: str, case: Case) -> None:
    random = case.random
    path = random.choice(list(_BODIES))
    right = _BODIES[path](random)
    wrong = random.choice((right, nearly(random, right), nearly(random, right), anything(random)))
    body = dumped(wrong).encode()
    body = mangled(random, body) if random.random() < 0.1 else body
    await _ask(url, case, "POST", path, content=body, headers={"content-type": "application/json"})


async def _send_form(url: str, case: Case) -> None:
    """A recording that may be none, under a name that may be none, beside fields that may be none."""
    random = case.random
    name = random.choice(("it.wav", "it.mp3", "", "../../x", "a" * 5000, "it\x00.wav", "नाम.flac", text(random)[:40]))
    name = name.encode(errors="replace").decode()
    fields = {
        "model": random.choice(("whisper-1", "", text(random)[:200])),
        "language": random.choice(("en", "xx", "", "e" * 5000)),
        "response_format": random.choice(("json", "text", "verbose_json", "srt", "vtt", "x")),
        "stream": random.choice(("true", "false", "maybe")),
    }
    data = {k: v.encode(errors="replace").decode() for k, v in fields.items() if random.random() < 0.5}
    field = "file" if random.random() < 0.9 else "sdp"
    path = "/v1/audio/transcriptions" if random.random() < 0.9 else "/v1/realtime/calls"
    await _ask(url, case, "POST", path, data=data, files={field: (name, recording(random))})


def recording(random: Random) -> bytes:
    """A file that is, or begins as, or was, a recording."""
    kind = random.randrange(4)
    if kind == 0:
        return random.choice(_MAGIC) + random.randbytes(random.randrange(3000))
    wav = files.wav_header(9600, random.choice((8000, 16000, 48000))) + random.randbytes(9600)
    if kind == 1:
        return mangled(random, wav[:60]) + wav[60:]
    if kind == 2:
        return wav[: random.randrange(len(wav))]
    return random.choice((b"", b"ffconcat version 1.0\nfile /etc/passwd\n", random.randbytes(500), wav))


async def _send_anywhere(url: str, case: Case) -> None:
    """Any method on any path, with a query and headers."""
    random = case.random
    headers = {"x-parley": "a" * random.choice((1, 8000)), "accept": random.choice(("*/*", "x", ""))}
    if random.random() < 0.3:
        headers["content-type"] = random.choice(
            ("application/json", "multipart/form-data", "multipart/form-data; boundary=b")
        )
    query = random.choice(("", "?parley=1", "?resume=%00", "?x=" + "y" * 3000, "?%ff=%fe"))
    path = random.choice(_PATHS) + query
    await _ask(
        url,
        case,
        random.choice(_METHODS),
        path,
        content=random.choice((b"", b"{}", b"--b", random.randbytes(50))),
        headers=headers,
    )


async def _ask(url: str, case: Case, method: str, path: str, **what: Any) -> None:
    case.send((method, path, what))
    try:
        async with httpx.AsyncClient(timeout=_LIMIT_S) as client:
            answer = await client.request(method, url + path, **what)
    except httpx.HTTPError as fault:  # the server closed: its right
        case.hear(type(fault).__name__)
        return
    case.hear(f"{path.partition('?')[0]} {answer.status_code}")
    if answer.status_code == 500 or (answer.status_code == 502 and "chat" not in path):
        case.hear(f"{method} {path} {answer.text[:300]}", fault=True)


async def _send_by_hand(url: str, case: Case) -> None:
    """HTTP whose lengths lie, whose chunks are none, whose lines break."""
    random, place = case.random, urlsplit(url)
    path = random.choice(_PATHS)
    body = json.dumps(_BODIES["/v1/audio/speech"](random)).encode()
    framing = random.choice((
        b"Content-Length: %d" % len(body), b"Content-Length: 7", b"Content-Length: -1", b"Content-Length: 99999999999",
        b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nContent-Length: 5",
        b"Content-Length: 5\r\nContent-Length: 6",
    ))  # fmt: skip
    head = b"%s %s HTTP/1.1\r\nHost: localhost\r\n" % (random.choice(_METHODS).encode(), path.encode())
    data = head + b"Content-Type: application/json\r\n" + framing + b"\r\n\r\n" + body
    data = mangled(random, data) if random.random() < 0.5 else data
    case.send(data[:600])
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    found = b""
    try:
        writer.write(data)
        if random.random() < 0.3:
            writer.write_eof()
        with contextlib.suppress(TimeoutError):
            found = await asyncio.wait_for(reader.read(65_536), 1)
    except OSError:
        case.hear("cut")
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    case.hear(f"by hand {found[9:12].decode(errors='replace')}", fault=found[9:12] == b"500")
