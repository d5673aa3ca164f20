"""WebRTC calls: damaged offers and candidates, packets that are none, a data channel full of anything."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from pathlib import Path
from random import Random

import httpx
from aiortc.exceptions import InvalidStateError
from benchmarks.webrtc import call
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.wild.fuzz import events
from tests.wild.fuzz.findings import Case
from tests.wild.fuzz.sockets import judged
from tests.wild.fuzz.values import absurd, dumped, mangled, nearly

_WAY = re.compile(r"a=candidate:\S+ 1 udp \d+ (\d+\.\d+\.\d+\.\d+) (\d+) typ host")
_CANDIDATE = "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host"
_PACKETS = (
    b"\x00\x01\x00\x00\x21\x12\xa4\x42",
    b"\x16\xfe\xfd\x00\x00",
    b"\x80\x6f\x00\x01",
    b"\x81\xc9\x00\x07",
    b"\xff",
    b"",
)
_TOKENS = ("0", "-1", "4294967296", "99999999999999999999", "x", "", "é", "IN", "*", "a" * 3000)
_OFFER = (Path(__file__).parent / "offer.sdp").read_text().replace("\n", "\r\n")
"""As aiortc made it once: the same in every run."""


def damaged(random: Random, sdp: str) -> str:
    """An offer with lines lost, doubled, swapped, or other words in them."""
    lines = sdp.splitlines()
    for _ in range(random.randrange(0, 5)):
        at, other = random.randrange(len(lines)), random.randrange(len(lines))
        how = random.randrange(5)
        if how == 0 and len(lines) > 1:
            del lines[at]
        elif how == 1:
            lines.insert(other, lines[at])
        elif how == 2:
            lines[at], lines[other] = lines[other], lines[at]
        else:
            words = re.split(r"([ :=/])", lines[at])
            words[random.randrange(len(words))] = random.choice(_TOKENS)
            lines[at] = "".join(words)
    found = "\r\n".join(lines) + "\r\n"
    return mangled(random, found.encode()).decode(errors="replace") if random.random() < 0.2 else found


async def send_offer(url: str, case: Case) -> None:
    """An offer by a request; a call that comes of it gets packets that are none, and is mostly hung up."""
    random = case.random
    sdp = damaged(random, _OFFER)
    case.send(sdp[:4000])
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        if random.random() < 0.2:
            form = {"sdp": sdp, "session": dumped(nearly(random, events.session(random)))}
            answer = await client.post("/v1/realtime/calls", files={k: (None, v) for k, v in form.items()})
        else:
            answer = await client.post("/v1/realtime/calls", content=sdp.encode(errors="replace"))
        case.hear(f"offer {answer.status_code}")
        if answer.status_code == 500:
            case.hear(f"an offer {answer.text[:300]}", fault=True)
        if answer.status_code == 201:
            _send_packets(random, answer.text)
            await asyncio.sleep(random.random() * 0.3)
            if random.random() < 0.8:
                await client.post(f"{answer.headers['Location']}/hangup")


def _send_packets(random: Random, answer: str) -> None:
    """STUN, DTLS, RTP and RTCP that are none, to each port of the answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        for host, port in _WAY.findall(answer):
            for _ in range(10):
                packet = random.choice(_PACKETS) + random.randbytes(random.randrange(200))
                with contextlib.suppress(OSError):
                    sender.sendto(packet, (host, int(port)))


async def send_candidates(url: str, case: Case) -> None:
    """Signalling by a socket: an offer, candidates, other things, an end at any time."""
    random = case.random
    sdp = damaged(random, _OFFER) if random.random() < 0.5 else re.sub(r"a=candidate.*\r\n", "", _OFFER)
    messages = [{"type": "parley.rtc.offer", "sdp": sdp}]
    for _ in range(random.randrange(8)):
        line = mangled(random, _CANDIDATE.encode()).decode(errors="replace")
        line = random.choice((_CANDIDATE, _CANDIDATE.replace("127.0.0.1", "x.local"), line, ""))
        messages.append({"type": "parley.rtc.candidate", "candidate": line, "sdpMid": "0"})
    if random.random() < 0.5:
        at = random.randrange(len(messages))
        messages[at] = random.choice((nearly(random, messages[at]), absurd(random)))
    take = judged(case, events.Known())
    async with connect(url.replace("http", "ws", 1) + "/ws?signalling=1", close_timeout=5) as signalling:
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            for message in messages:
                case.send(dumped(message)[:4000])
                await signalling.send(dumped(message))
                if random.random() < 0.5:
                    take(await asyncio.wait_for(signalling.recv(), 0.3))
            async with asyncio.timeout(random.random()):
                while True:
                    take(await signalling.recv())


async def send_through_channel(url: str, case: Case) -> None:
    """A call that comes about, and a data channel full of events, texts and bytes."""
    random, known = case.random, events.Known()
    case.send("a call")
    with contextlib.suppress(TimeoutError, ConnectionError, InvalidStateError):  # the server may end the call
        async with call(url, query=random.choice(("", "?parley=1"))) as caller:
            take = judged(case, known)
            caller.channel.on("message", take)
            for _ in range(random.randrange(1, 60)):
                given = events.event(random, known) if random.random() < 0.7 else events.message(random)
                case.send(given)
                caller.channel.send(given)
                if random.random() < 0.3:
                    await asyncio.sleep(random.random() * 0.1)
            await asyncio.sleep(0.5)
            for event in caller.events:
                case.hear(event["type"])
