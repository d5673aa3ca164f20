"""The wire formats of live audio: PCM16 at any supported rate, G.711 at 8 kHz."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from parley.audio import g711, pcm
from parley.audio.pcm import Int16

Encoding = Literal["audio/pcm", "audio/pcmu", "audio/pcma"]


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """How samples travel on the wire."""

    encoding: Encoding = "audio/pcm"
    rate_hz: int = 24000

    @property
    def bytes_per_sample(self) -> int:
        """2 for PCM16, 1 for G.711."""
        return 2 if self.encoding == "audio/pcm" else 1

    def decode(self, data: bytes | bytearray | memoryview) -> Int16:
        """Samples from wire bytes; raise `AudioError` when they cannot be of this format."""
        if self.encoding == "audio/pcm":
            return pcm.from_bytes(data)
        return g711.mulaw_decode(bytes(data)) if self.encoding == "audio/pcmu" else g711.alaw_decode(bytes(data))

    def encode(self, samples: Int16) -> bytes:
        """Wire bytes from samples."""
        if self.encoding == "audio/pcm":
            return pcm.to_bytes(samples)
        return g711.mulaw_encode(samples) if self.encoding == "audio/pcmu" else g711.alaw_encode(samples)
