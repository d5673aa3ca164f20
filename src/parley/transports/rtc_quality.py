"""What the network does to a call, as RTCP tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiortc import RTCPeerConnection
from aiortc.stats import RTCInboundRtpStreamStats, RTCRemoteInboundRtpStreamStats

from parley.transports.opus import ReorderBuffer


@dataclass(slots=True)
class Quality:
    """What the network did to a call so far."""

    packets_received: int = 0
    packets_lost: int = 0
    packets_late: int = 0
    round_trip_s: float | None = None
    """The last that RTCP told."""
    lost_there: int = 0
    """Of our packets, as the client reports."""

    async def look(self, peer: RTCPeerConnection, buffers: Sequence[ReorderBuffer]) -> None:
        """Ask how far behind the peer is, and what got lost."""
        for report in (await peer.getStats()).values():
            if isinstance(report, RTCRemoteInboundRtpStreamStats) and report.kind == "audio":
                self.lost_there = report.packetsLost
                self.round_trip_s = report.roundTripTime or self.round_trip_s
            elif isinstance(report, RTCInboundRtpStreamStats) and report.kind == "audio":
                self.packets_received = report.packetsReceived
        self.packets_lost = sum(b.lost for b in buffers)
        self.packets_late = sum(b.late for b in buffers)
