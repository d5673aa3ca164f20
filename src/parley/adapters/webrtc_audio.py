"""WebRTC's audio processing (echo canceller AEC3, high-pass filter, noise suppression) from the `livekit` wheel."""

from __future__ import annotations

from typing import Any

import numpy as np

from parley.audio.pcm import Int16

BLOCK = 160  # 10 ms at 16 kHz, the only length it takes
_RATE_HZ = 16000


class AudioProcessor:
    """One microphone. The first seconds of an echo teach it the room."""

    def __init__(self, echo_cancellation: bool, noise_suppression: bool) -> None:
        from livekit import rtc

        self._rtc = rtc
        self._module = rtc.AudioProcessingModule(
            echo_cancellation=echo_cancellation, high_pass_filter=True, noise_suppression=noise_suppression
        )

    def process(self, near: Int16, far: Int16) -> Int16:
        """Clean 10 ms of a microphone (16 kHz) of what the loudspeaker played at that time or before."""
        self._module.process_reverse_stream(self._frame(far))
        frame = self._frame(near)
        self._module.process_stream(frame)
        return np.frombuffer(bytes(frame.data), np.int16)

    def _frame(self, samples: Int16) -> Any:
        return self._rtc.AudioFrame(bytearray(samples.tobytes()), _RATE_HZ, 1, BLOCK)
