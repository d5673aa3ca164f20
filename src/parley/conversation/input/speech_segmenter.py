"""From window probabilities and energy to edges: when a voice began and when it really ended.

Silero's probability lags: it falls 70 to 150 ms after the last voiced sample. The energy of 10 ms hops,
compared with the noise floor and the voice's peak, says where the voice ended within the last window that it called
speech. Until the probability has fallen too, or is known not to, what comes is the breath or the weak consonant that
the voice ends in, unless it is louder than what was taken for silence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parley.audio.pcm import Float32

SILENT_DBFS = -120.0
_RATE = 16000
_HOP = 160  # 10 ms
_WINDOW = 512
_LOOK_BACK_HOPS = 40
_QUIET_HOPS = 5
_SURELY_QUIET_HOPS = 6  # silence that is believed while the probability still lags
_SLOW_WINDOWS = 4
_ABOVE_NOISE_DB = 9.0
_BELOW_PEAK_DB = 26.0
_FADING_HOPS = 2
_FADING_BELOW_PEAK_DB = 20.0
_LAGS_WINDOWS = 8  # at most
_FORGETS_DB = 0.4  # of the peak, each 10 ms of silence: the next voice may be another's
_FLOOR_DBFS = -55.0


@dataclass(frozen=True, slots=True)
class Edge:
    """The voice started or stopped at an absolute sample."""

    started: bool
    sample: int


class SpeechSegmenter:
    """Edges of one input. Feed windows of 512 samples at 16 kHz with their probability."""

    def __init__(self, threshold: float = 0.5) -> None:
        self.threshold = threshold
        self.speaking = False
        self.fading = False
        """Whether the voice has become quiet without having stopped."""
        self._samples = 0
        self._hops: list[float] = []  # dBFS of the last hops; the newest ends at `_hop_end`
        self._hop_end = 0
        self._rest: Float32 = np.empty(0, np.float32)
        self._noise_db = -60.0
        self._peak_db = SILENT_DBFS
        self._low_windows = 0
        self._lagging = 0
        """Windows in which the probability may still be that of the voice that ended."""

    def push(self, window: Float32, probability: float) -> Edge | None:
        """Take one window; return the edge that it completes."""
        self._samples += len(window)
        fresh = self._measure(window)
        if not self.speaking:
            if probability < self.threshold:
                self._lagging = 0
                self._peak_db -= _FORGETS_DB * len(fresh)
                self._learn_noise(fresh)
                return None
            if not self._sounds(fresh):
                self._wait_for_probability()
                return None
            self.speaking = True
            self._low_windows = 0
            self._peak_db = max(self._peak_db, self.recent_dbfs)
            return Edge(True, self._onset())
        self._peak_db = max(self._peak_db - 0.02 * len(fresh), *fresh) if fresh else self._peak_db
        quiet = self._quiet_hops(self._voiced_above_db)
        self.fading = self._quiet_hops(self._above_db(_FADING_BELOW_PEAK_DB)) >= _FADING_HOPS
        if probability >= self.threshold - 0.15:
            self._low_windows = 0
            if quiet < _SURELY_QUIET_HOPS:
                return None
        self._low_windows += 1
        if quiet < _QUIET_HOPS and self._low_windows < _SLOW_WINDOWS:
            return None
        self.speaking = self.fading = False
        self._lagging = _LAGS_WINDOWS
        lag = quiet if quiet >= _QUIET_HOPS else 3 * self._low_windows
        return Edge(False, max(0, self._hop_end - lag * _HOP))

    @property
    def peak_dbfs(self) -> float:
        """Level of the loudest 10 ms of the voice, or of the one before; what is seconds ago counts less."""
        return self._peak_db

    @property
    def recent_dbfs(self) -> float:
        """Level of the loudest 10 ms of the last 80."""
        return max(self._hops[-8:], default=SILENT_DBFS)

    def withdraw(self) -> None:
        """What just started is no voice that counts; the next window may start one."""
        self.speaking = self.fading = False

    def _wait_for_probability(self) -> None:
        """It has not fallen: what does not fall for long is another, quieter voice."""
        if self._lagging == 1:
            self._peak_db = SILENT_DBFS
        self._lagging = max(0, self._lagging - 1)

    def _measure(self, window: Float32) -> list[float]:
        data = np.concatenate([self._rest, window])
        full = len(data) // _HOP * _HOP
        self._rest = data[full:]
        hops = data[:full].reshape(-1, _HOP)
        power: NDArray[np.float32] = np.einsum("ij,ij->i", hops, hops) / _HOP
        fresh: list[float] = (10 * np.log10(power + 1e-12)).tolist()
        self._hops = (self._hops + fresh)[-_LOOK_BACK_HOPS:]
        self._hop_end = self._samples - len(self._rest)
        return fresh

    def _learn_noise(self, fresh: list[float]) -> None:
        """Down at once, up slowly: the floor is what remains between words."""
        for db in fresh:
            self._noise_db = (
                max(-90.0, db) if db < self._noise_db else self._noise_db + 0.05 * min(6.0, db - self._noise_db)
            )

    def _sounds(self, fresh: list[float]) -> bool:
        """Whether the window itself is louder than the noise: the probability alone lags behind the voice."""
        limit = max(self._noise_db + _ABOVE_NOISE_DB / 2, _FLOOR_DBFS)
        return max(fresh, default=SILENT_DBFS) > (self._voiced_above_db if self._lagging else limit)

    @property
    def _voiced_above_db(self) -> float:
        return self._above_db(_BELOW_PEAK_DB)

    def _above_db(self, below_peak_db: float) -> float:
        relative = max(self._noise_db + _ABOVE_NOISE_DB, self._peak_db - below_peak_db)
        return min(max(relative, _FLOOR_DBFS), self._peak_db - 10.0)

    def _quiet_hops(self, limit: float) -> int:
        count = 0
        for db in reversed(self._hops):
            if db > limit:
                break
            count += 1
        return count

    def _onset(self) -> int:
        """First voiced sample: from the window back while the energy is above the noise (at most 130 ms)."""
        limit = max(self._noise_db + _ABOVE_NOISE_DB, _FLOOR_DBFS)
        hops = 1
        for hops, db in enumerate(reversed(self._hops[-17:]), start=1):
            if hops > _WINDOW // _HOP + 1 and db < limit:
                break
        return max(0, self._hop_end - hops * _HOP)
