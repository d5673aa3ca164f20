"""SDP: offers are judged before aiortc gets them, answers are told what only the network knows.

It believes what an offer says: what does not hold together fails half way, leaves a peer that cannot be closed, or
breaks a task of aiortc's own that nobody waits for.
"""

from __future__ import annotations

import ipaddress
import re

from aiortc.sdp import SessionDescription

from parley.errors import ProtocolError

UNREADABLE = (ValueError, IndexError, KeyError, AttributeError, TypeError, AssertionError, StopIteration)
"""What aiortc's parser raises for lines that it does not understand."""
_HOST_CANDIDATE = re.compile(r"a=candidate:(\S+) (\d+) udp (\d+) (\S+) (\d+) typ host.*\r\n")
_MAX_MESSAGE_SIZE = re.compile(r"^a=max-message-size:(\d{1,12})\s*$", re.MULTILINE)
_KINDS = ("audio", "video", "application")


def check_offer(sdp: str) -> None:
    """Raises `ProtocolError` for an offer that cannot be read, or whose parts do not belong together."""
    try:
        offer = SessionDescription.parse(sdp)
    except UNREADABLE as fault:
        raise unusable(fault) from fault
    names = [media.rtp.muxId for media in offer.media if media.rtp.muxId]
    if len(set(names)) < len(names):
        raise unusable("two of its media have the same 'mid'")
    known = {media.rtp.muxId for media in offer.media if media.kind in _KINDS}
    for group in offer.group:
        if group.semantic == "BUNDLE" and group.items and group.items[0] not in known:
            raise unusable("its BUNDLE group begins with media that it does not have")


def longest_message(sdp: str) -> int | None:
    """Bytes of a message that the data channel's other side takes (0: any number); None where it says nothing."""
    found = _MAX_MESSAGE_SIZE.search(sdp)
    return int(found.group(1)) if found is not None else None


def unusable(why: Exception | str) -> ProtocolError:
    """The error to be raised; asserts of the parser say nothing."""
    return ProtocolError(
        f"the SDP offer cannot be used: {str(why) or 'a line of it cannot be read'}", field="sdp", code="invalid_sdp"
    )


def announcing(sdp: str, address: str) -> str:
    """`sdp` with each of this machine's own candidates once more, as they are seen behind NAT that keeps ports."""
    version = ipaddress.ip_address(address).version

    def seen(host: re.Match[str]) -> str:
        foundation, component, priority, own, port = host.groups()
        if ipaddress.ip_address(own).version != version or own == address:
            return host.group()
        less = int(priority) - (26 << 24)  # RFC 8445, 5.1.2: server-reflexive 100, host 126
        return (
            f"{host.group()}a=candidate:{foundation}p {component} udp {less} {address} {port} typ srflx "
            f"raddr {own} rport {port}\r\n"
        )

    return _HOST_CANDIDATE.sub(seen, sdp)
