"""Offers that do not hold together are refused before aiortc believes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from parley.errors import ProtocolError
from parley.transports.offers import check_offer

OFFER = (Path(__file__).parent.parent / "wild" / "fuzz" / "offer.sdp").read_text()


def test_an_offer_as_it_should_be() -> None:
    check_offer(OFFER)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("m=audio 40142 UDP", "m=audio UDP"),
        ("c=IN IP4 192.0.2.2", "c=IN 192.0.2.2"),
        (" typ host", ""),
        ("a=rtpmap:96 opus/48000/2", "a=rtpmap:96 opus"),
        ("a=setup:actpass", "a=setup:x"),
        ("a=mid:1", "a=mid:0"),
        ("a=group:BUNDLE 0 1", "a=group:BUNDLE 7 0 1"),
        ("a=mid:0", "a=mid:5"),
    ],
)
def test_a_damaged_one_is_refused_with_a_reason(old: str, new: str) -> None:
    assert old in OFFER
    with pytest.raises(ProtocolError, match=r"the SDP offer cannot be used: .+"):
        check_offer(OFFER.replace(old, new))
