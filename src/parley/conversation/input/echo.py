"""Takes the machine's own voice, and steady noise, out of the microphone's sound before anybody looks for speech in it.

What leaves for the listener is noted with the time at which it will be played. Each 10 ms of the microphone is
cleaned against what was being played when they arrived: an echo is always later than that, and how much later is
what the canceller finds out. While nothing was played for a while, nothing is done and nothing costs anything.

Whether there is an echo at all is found by likeness of the 200 ms in which a voice seems to begin to what was played
in the last 0.7 s (`turns/policies/echo_veto.py` judges it). A voice that has just begun may be alike by chance for a
moment, which costs it that moment; only what stays alike switches the canceller on. What the echoes here have come to
is the measure for those that follow: a voice over an echo is like what was played, too, only less.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

import numpy as np

from parley.audio.pcm import Float32, Frame, Int16, to_float, to_int16
from parley.audio.resample import AdaptingResampler
from parley.models.interfaces import MODEL_RATE_HZ

_BLOCK = MODEL_RATE_HZ // 100
_LINGERS_S = 1.0  # an echo, and the canceller's work, outlast the sound
_DRIFT_S = 0.06
_SAME_S = 0.005
_MOST_FRAMES = 3000  # a minute, should the microphone say nothing
_NEAR = MODEL_RATE_HZ // 5
_SURE = 5  # windows of 32 ms: the first of a voice are so short that another's may be like them by chance
_SURE_WITHIN_S = 0.4
_USUAL_OF = 9  # echoes, the last ones
_LATEST_S = 0.7  # an echo comes after its sound: buffers, loudspeaker, room, network
_LEARNS_S = 2.0  # of echo, before the canceller is believed alone


class Canceller(Protocol):
    """Cleans 10 ms at 16 kHz of what the loudspeaker played."""

    def process(self, near: Int16, far: Int16) -> Int16:
        """The microphone's 10 ms without it."""


class EchoGuard:
    """One listener's loudspeaker and microphone. Times are the loop's clock, seconds."""

    def __init__(self, make: Callable[[bool, bool], Canceller], *, echo: bool | None = False) -> None:
        """`make` gives what cancels an echo, suppresses noise, or both, as its arguments say; `echo` as `configure`."""
        self._make = make
        self._asked = echo
        self._found = False
        self._suppresses_noise = False
        self._canceller: Canceller | None = None
        self._learned_s = 0.0
        self._resampler = AdaptingResampler(MODEL_RATE_HZ)
        self._frames: deque[tuple[float, Frame]] = deque(maxlen=_MOST_FRAMES)  # begins, as they were sent
        self._far: deque[tuple[float, Int16]] = deque()  # the same, those before them, at 16 kHz
        self._until = float("-inf")
        self._held: list[Int16] = []
        self._near = np.empty(0, np.float32)  # the last of the microphone as it came
        self._alike: deque[float] = deque(maxlen=_SURE)  # when it was like what was played
        self._likeness = 0.0  # when it was last looked at
        self._likenesses: deque[float] = deque(maxlen=_USUAL_OF)
        self._at = 0.0
        self._rest: Float32 = np.empty(0, np.float32)

    def configure(self, *, echo: bool | None, noise: bool) -> None:
        """What to take away from now on: the echo while something is played, steady noise all the time.

        `echo` None: once there is one (`heard_itself`).
        """
        if (echo, noise) != (self._asked, self._suppresses_noise):
            self._asked, self._suppresses_noise = echo, noise
            self._begin_anew()

    def _begin_anew(self) -> None:
        """The next canceller knows nothing of the room yet."""
        self._canceller, self._learned_s = None, 0.0

    @property
    def cancels_echo(self) -> bool:
        """Whether what sounds over an answer comes without its echo, and quieter than it was."""
        return self._found if self._asked is None else self._asked

    def played(self, frame: Frame, at: float) -> None:
        """A frame was sent that will be played at `at`, or when what comes before is over."""
        if self._asked is False:
            return
        begins = max(at, self._until)
        self._frames.append((begins, frame))
        self._until = begins + len(frame.samples) / frame.rate_hz

    def _convert(self) -> None:
        """Bring what was played to the microphone's rate, what is connected in one piece."""
        while self._frames:
            begins, frame = self._frames.popleft()
            parts, end = [frame.samples], begins + len(frame.samples) / frame.rate_hz
            while self._frames and self._frames[0][0] - end < _SAME_S:
                _, following = self._frames.popleft()
                parts.append(following.samples)
                end += len(following.samples) / frame.rate_hz
            if self._far and abs(begins - (last := _end(*self._far[-1]))) < _SAME_S:
                begins = last
            self._far.append((begins, self._resampler.push(np.concatenate(parts), frame.rate_hz)))

    def _forget(self, before: float) -> None:
        while self._far and _end(*self._far[0]) < before:
            self._far.popleft()
        while self._frames and self._frames[0][0] < before:
            self._frames.popleft()

    def likeness(self, now: float) -> float | None:
        """How alike what sounds like a voice in the microphone at `now` is to what was played, 0 to 1.

        None where nothing was played lately, nobody asks, or the canceller knows the echo and has taken it away.
        """
        if self._asked is False or now > self._until + _LINGERS_S or len(self._near) < _NEAR // 2:
            return None
        if self.cancels_echo and self._learned_s > _LEARNS_S:
            return None
        self._convert()
        searched = round(_LATEST_S * MODEL_RATE_HZ) + _NEAR
        self._likeness = likeness(self._near, to_float(self._played_from(now - searched / MODEL_RATE_HZ, searched)))
        return self._likeness

    @property
    def usual_likeness(self) -> float | None:
        """What it came to for the last echoes; None where there were too few."""
        return float(np.median(self._likenesses)) if len(self._likenesses) >= _SURE else None

    def heard_itself(self, now: float) -> None:
        """It was taken for an echo: one that is again and again is cancelled from then on."""
        self._alike.append(now)
        self._likenesses.append(self._likeness)
        if not self.cancels_echo and len(self._alike) == _SURE and now - self._alike[0] < _SURE_WITHIN_S:
            self._found = True
            self._begin_anew()

    def _played_from(self, begin: float, count: int) -> Int16:
        """The `count` samples that were played from `begin` on, silence included."""
        sound = np.zeros(count, np.int16)
        for starts, samples in self._far:
            offset = round((starts - begin) * MODEL_RATE_HZ)
            if offset >= count:
                break
            source = samples[max(0, -offset) : count - offset]
            place = max(0, offset)
            sound[place : place + len(source)] = source
        return sound

    def hushed(self, now: float, *, keep: bool) -> None:
        """The listener's loudspeaker fell silent; what it had not played is kept for `resumed` or thrown away."""
        self._convert()
        past, unplayed = deque[tuple[float, Int16]](), list[Int16]()
        for begins, samples in self._far:
            cut = min(max(0, round((now - begins) * MODEL_RATE_HZ)), len(samples))
            if cut:
                past.append((begins, samples[:cut]))
            if cut < len(samples):
                unplayed.append(samples[cut:])
        self._far, self._held = past, unplayed if keep else []
        self._until = min(self._until, now)

    def resumed(self, now: float) -> None:
        """It goes on with what was kept."""
        for samples in self._held:
            begins = max(now, self._until)
            self._far.append((begins, samples))
            self._until = _end(begins, samples)
        self._held = []

    def clean(self, audio: Float32, now: float) -> Float32:
        """Microphone sound (16 kHz) that arrived at `now`, without the echo; up to 10 ms are held back meanwhile."""
        sounding = now <= self._until + _LINGERS_S
        self._near = np.concatenate([self._near, audio])[-_NEAR:] if sounding else self._near[:0]
        self._forget(now - 2 * _LATEST_S)
        echoes = self.cancels_echo and sounding
        if not echoes and not self._suppresses_noise:
            rest, self._rest = self._rest, np.empty(0, np.float32)
            return np.concatenate([rest, audio]) if len(rest) else audio
        if self._canceller is None:
            self._canceller = self._make(self.cancels_echo, self._suppresses_noise)
        self._convert()
        data = np.concatenate([self._rest, audio])
        full = len(data) // _BLOCK * _BLOCK
        self._rest = data[full:]
        near = to_int16(data[:full]).reshape(-1, _BLOCK)
        begins = now - full / MODEL_RATE_HZ
        if abs(begins - self._at) > _DRIFT_S:
            self._at = begins
        self._learned_s += full / MODEL_RATE_HZ if echoes and now <= self._until else 0.0
        cleaned = [self._canceller.process(block, self._far_block()) for block in near]
        return to_float(np.concatenate(cleaned)) if cleaned else np.empty(0, np.float32)

    def _far_block(self) -> Int16:
        """What was played in the 10 ms from `_at` on, which move on."""
        begin, self._at = self._at, self._at + _BLOCK / MODEL_RATE_HZ
        return self._played_from(begin, _BLOCK)


def _end(begins: float, samples: Int16) -> float:
    return begins + len(samples) / MODEL_RATE_HZ


def likeness(near: Float32, far: Float32) -> float:
    """The largest normalised cross-correlation of `near` with a part of `far` (longer), 0 to 1; 0 for silence.

    Of the differences from sample to sample: the low notes of two voices are alike.
    """
    near, far = np.diff(near), np.diff(far)
    if not 0 < len(near) <= len(far):
        return 0.0
    size = 1 << (len(far) + len(near) - 1).bit_length()
    both = np.fft.irfft(np.fft.rfft(far, size) * np.conj(np.fft.rfft(near, size)), size)[: len(far) - len(near) + 1]
    energy = np.concatenate([[0.0], np.cumsum(np.square(far, dtype=np.float64))])
    energies = (energy[len(near) :] - energy[: len(energy) - len(near)]) * np.sum(np.square(near, dtype=np.float64))
    sounding = energies > energies.max() / 1e4
    return float(np.max(np.abs(both[sounding]) / np.sqrt(energies[sounding]))) if energies.max() > 0 else 0.0
