"""Two detectors that must agree: Silero says what sounds like speech, WebRTC's says what has speech's spectrum.

WebRTC's detector is a set of Gaussian models of six bands' energies (https://webrtc.org, by `webrtcvad-wheels`); it
takes nearly all that is loud for speech and costs next to nothing. What it denies is held to be no voice whatever
Silero says. In front of both: the constant part of the sound is taken out, and it is brought to an even level.
"""

from __future__ import annotations

import importlib
from collections import deque
from typing import Any

import numpy as np

from parley.adapters.silero import SileroVad
from parley.audio.pcm import Float32, rms_dbfs, to_bytes, to_int16
from parley.errors import ModelError
from parley.models.interfaces import MODEL_RATE_HZ, ModelSpec, Vad, VadStream

_FRAME = MODEL_RATE_HZ // 100
"""WebRTC's detector takes 10, 20 or 30 ms."""
_AGREES_FOR = 8
"""Windows after a frame that it took for speech: it lags behind, and drops weak consonants."""
_DENIED = 0.2
"""Of a probability that is not agreed on; the thresholds that callers may set lie above it."""
_DC_SHARE = 0.005
"""Of a 32 ms window's mean that goes into what is taken out: seconds, as a microphone's offset does not move."""
_EVEN_DBFS, _MOST_GAIN_DB, _GAIN_STEP_DB = -23.0, 12.0, 0.5


class DualVad:
    """See `Vad`; both detectors are asked about every window of 512 samples."""

    window_samples = SileroVad.window_samples

    def __init__(self, silero: SileroVad, detector: Any, *, mode: int, gate_dbfs: float, cooldown_s: float) -> None:
        """`silero` is owned from now on; `detector`: makes a WebRTC detector of a `mode` (0 to 3, 3 denies most).

        `gate_dbfs`: what is quieter is silence. `cooldown_s`: how long after a voice no other one begins.
        """
        self._silero = silero
        self._detector = detector
        self._mode = mode
        self._gate_dbfs = gate_dbfs
        self._cooldown = round(cooldown_s * MODEL_RATE_HZ / self.window_samples)

    def open(self) -> VadStream:
        """A stream with a fresh state."""
        return _Stream(self._silero.open(), self._detector(self._mode), self._gate_dbfs, self._cooldown)

    def close(self) -> None:
        """Stop the thread."""
        self._silero.close()


class _Stream:
    """One input."""

    def __init__(self, silero: VadStream, detector: Any, gate_dbfs: float, cooldown: int) -> None:
        self._silero = silero
        self._detector = detector
        self._gate_dbfs = gate_dbfs
        self._cooldown = cooldown
        self._rest: Float32 = np.empty(0, np.float32)
        self._frames: Float32 = np.empty(0, np.float32)
        self._levels: deque[float] = deque(maxlen=64)
        self._offset = 0.0
        self._gain_db = 0.0
        self._agrees = 0
        """Windows for which the last agreement still holds."""
        self._voice = False
        self._cooling = 0

    async def feed(self, samples: Float32) -> list[float]:
        """See `VadStream.feed`."""
        data = np.concatenate([self._rest, samples])
        size = DualVad.window_samples
        full = len(data) // size * size
        self._rest = data[full:]
        return [await self._judge(data[at : at + size]) for at in range(0, full, size)]

    async def _judge(self, window: Float32) -> float:
        even = self._evened(window)
        (probability,) = await self._silero.feed(even)
        self._agrees = _AGREES_FOR if self._has_speech(even) else max(0, self._agrees - 1)
        loud = rms_dbfs(window) > self._gate_dbfs
        agreed = probability if self._agrees and loud else min(probability, _DENIED)
        return self._cooled(agreed)

    def _evened(self, window: Float32) -> Float32:
        """Without its constant part, and at most 12 dB louder: gains move slowly, so that no edge is made."""
        self._offset += _DC_SHARE * (float(window.mean()) - self._offset)
        centred = window - np.float32(self._offset)
        level = rms_dbfs(centred)
        if level > self._gate_dbfs:
            self._levels.append(level)
        loudest = sorted(self._levels)[-max(1, len(self._levels) // 4)] if self._levels else _EVEN_DBFS
        wanted = float(np.clip(_EVEN_DBFS - loudest, 0.0, _MOST_GAIN_DB))
        self._gain_db += float(np.clip(wanted - self._gain_db, -_GAIN_STEP_DB, _GAIN_STEP_DB))
        even: Float32 = np.clip(centred * np.float32(10 ** (self._gain_db / 20)), -1.0, 1.0)
        return even

    def _has_speech(self, window: Float32) -> bool:
        self._frames = np.concatenate([self._frames, window])
        found = False
        while len(self._frames) >= _FRAME:
            frame, self._frames = self._frames[:_FRAME], self._frames[_FRAME:]
            found = bool(self._detector.is_speech(to_bytes(to_int16(frame)), MODEL_RATE_HZ)) or found
        return found

    def _cooled(self, probability: float) -> float:
        voice = probability > 0.5
        if self._voice and not voice:
            self._cooling = self._cooldown
        elif self._cooling:
            self._cooling -= 1
            probability = min(probability, _DENIED)
            voice = False
        self._voice = voice
        return probability

    def close(self) -> None:
        """See `VadStream.close`."""
        self._silero.close()


def load(spec: ModelSpec) -> Vad:
    """Adapter entry point. Options: mode, gate_dbfs, cooldown_s; raises `ModelError` without WebRTC's detector."""
    try:
        webrtc = importlib.import_module("webrtcvad")
    except ImportError as fault:
        raise ModelError("two detectors need WebRTC's: pip install 'parley-voice[dual-vad]'") from fault
    options = spec.options
    return DualVad(
        SileroVad(str(spec.files["silero_vad.onnx"])), webrtc.Vad, mode=int(options.get("mode", 2)),
        gate_dbfs=float(options.get("gate_dbfs", -50.0)), cooldown_s=float(options.get("cooldown_s", 0.0)),
    )  # fmt: skip
