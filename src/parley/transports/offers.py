"""SDP offers are judged before aiortc gets them.

It believes what an offer says: what does not hold together fails half way, leaves a peer that cannot be closed, or
breaks a task of aiortc's own that nobody waits for.
"""

from __future__ import annotations

from aiortc.sdp import SessionDescription

from parley.errors import ProtocolError

UNREADABLE = (ValueError, IndexError, KeyError, AttributeError, TypeError, AssertionError, StopIteration)
"""What aiortc's parser raises for lines that it does not understand."""
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


def unusable(why: Exception | str) -> ProtocolError:
    """The error to be raised; asserts of the parser say nothing."""
    return ProtocolError(
        f"the SDP offer cannot be used: {str(why) or 'a line of it cannot be read'}", field="sdp", code="invalid_sdp"
    )
