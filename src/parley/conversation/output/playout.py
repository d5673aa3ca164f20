"""What a listener hears next: responses as time lines of audio, pulled frame by frame.

House rules: a sample is given out exactly once, in order, and never while its response is not released or
is paused. Positions are seconds of the response's audio. The puller's clock is the only clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from parley.audio.pcm import FRAME_MS, Frame, Int16, fade
from parley.turns import events as ev

_FADE_S = 0.01
_SILENCE_S = 0.5
"""Voices leave so much behind a sentence, at most; what is longer was asked for."""
_DECAY_S = 0.03
_QUIET = 64
"""Below it samples are silent (-54 dBFS)."""


@dataclass(frozen=True, slots=True)
class PlayoutFrame:
    """A frame and where it stands in its response."""

    response: str
    frame: Frame
    start_s: float

    @property
    def end_s(self) -> float:
        """Position after the frame."""
        return self.start_s + self.frame.seconds


@dataclass(slots=True)
class _Track:
    response: str
    chunks: deque[tuple[Int16, int]] = field(default_factory=deque)
    appended_s: float = 0.0
    pulled_s: float = 0.0
    released: bool = False
    paused: bool = False
    complete: bool = False
    started: bool = False
    starved: bool = False
    fade_in: bool = False


class Playout:
    """One listener's time lines. `notify` gets `PlayoutStarted`, `PlayoutStarved` and `PlayoutFed`."""

    def __init__(self, notify: Callable[[ev.Event], None]) -> None:
        self._notify = notify
        self._tracks: dict[str, _Track] = {}
        self.on_ready: Callable[[], None] = lambda: None
        """Called when audio may be waiting that was not before, so that a puller need not wait for its tick."""

    def append(self, response: str, samples: Int16, rate_hz: int) -> float:
        """Add audio to a response; returns the position at which it begins."""
        track = self._tracks.setdefault(response, _Track(response))
        begins = track.appended_s
        if len(samples):
            track.chunks.append((samples, rate_hz))
            track.appended_s += len(samples) / rate_hz
            if track.starved:
                track.starved = False
                self._notify(ev.PlayoutFed(response))
            if track.released:
                self.on_ready()
        return begins

    def release(self, response: str) -> None:
        """Let a response be heard (its turn is committed)."""
        self._tracks.setdefault(response, _Track(response)).released = True
        self.on_ready()

    def complete(self, response: str) -> None:
        """No more audio will come for this response: the silence that its end leaves is not waited for."""
        track = self._tracks.setdefault(response, _Track(response))
        track.complete = True
        self._drop_silence(track)

    def pause(self, response: str) -> None:
        """Give out nothing more of it until resumed."""
        if track := self._tracks.get(response):
            track.paused = True

    def resume(self, response: str) -> None:
        """Go on with the next sample, faded in."""
        if track := self._tracks.get(response):
            track.paused = False
            track.fade_in = track.started
            self.on_ready()

    def flush(self, response: str) -> bool:
        """Forget a response; returns whether audio of it was left."""
        track = self._tracks.pop(response, None)
        return bool(track and track.chunks)

    def buffered_s(self, response: str) -> float:
        """Seconds that wait to be pulled."""
        track = self._tracks.get(response)
        return track.appended_s - track.pulled_s if track else 0.0

    def is_drained(self, response: str) -> bool:
        """Whether everything of a complete response was pulled (or it never had a sound)."""
        track = self._tracks.get(response)
        return track is None or (track.complete and not track.chunks)

    @property
    def current(self) -> str | None:
        """The response that is next to be pulled, paused or not."""
        return next((t.response for t in self._tracks.values() if t.released), None)

    def pull(self) -> PlayoutFrame | None:
        """The next 20 ms (the last frame of a response may be shorter), or None when nothing may sound."""
        current = self.current
        track = self._tracks[current] if current is not None else None
        if track is None or track.paused:
            return None
        if not track.chunks:
            if track.started and not track.complete and not track.starved:
                track.starved = True
                self._notify(ev.PlayoutStarved(track.response))
            return None
        samples, rate_hz = self._take(track)
        if track.fade_in:
            samples = fade(samples, fade_in=int(_FADE_S * rate_hz))
            track.fade_in = False
        start_s = track.pulled_s
        track.pulled_s += len(samples) / rate_hz
        if not track.chunks and track.complete:
            track.pulled_s = track.appended_s
        if not track.started:
            track.started = True
            self._notify(ev.PlayoutStarted(track.response))
        return PlayoutFrame(track.response, Frame(samples, rate_hz), start_s)

    @staticmethod
    def _drop_silence(track: _Track) -> None:
        silent_s, loud = 0.0, False
        for samples, rate_hz in reversed(track.chunks):
            end = samples[-int(_SILENCE_S * rate_hz) - 1 :]
            sounding = np.flatnonzero(np.abs(end.astype(np.int32)) > _QUIET)
            loud = len(sounding) > 0
            silent_s += (len(end) - (int(sounding[-1]) + 1 if loud else 0)) / rate_hz
            if loud or silent_s > _SILENCE_S:
                break
        drop_s = silent_s - _DECAY_S if loud and silent_s <= _SILENCE_S else 0.0
        while drop_s > 0 and track.chunks:
            samples, rate_hz = track.chunks.pop()
            left = max(0, len(samples) - round(drop_s * rate_hz))
            track.appended_s -= (len(samples) - left) / rate_hz
            drop_s -= len(samples) / rate_hz
            if left:
                track.chunks.append((samples[:left], rate_hz))

    @staticmethod
    def _take(track: _Track) -> tuple[Int16, int]:
        """Up to 20 ms from the front; joins chunks of the same rate."""
        rate_hz = track.chunks[0][1]
        wanted = rate_hz * FRAME_MS // 1000
        parts: list[Int16] = []
        while wanted and track.chunks and track.chunks[0][1] == rate_hz:
            samples, _ = track.chunks.popleft()
            parts.append(samples[:wanted])
            if len(samples) > wanted:
                track.chunks.appendleft((samples[wanted:], rate_hz))
            wanted -= len(parts[-1])
        return (parts[0] if len(parts) == 1 else np.concatenate(parts)), rate_hz
