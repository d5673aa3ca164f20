"""An answer's sound on a media track: 20 ms whenever they are due, silence where there is nothing to say."""

from __future__ import annotations

import asyncio
import fractions
from collections.abc import AsyncIterator, Callable
from typing import Any

import av
import numpy as np
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from parley.audio.pcm import Int16, mixed
from parley.audio.places import placed
from parley.conversation.output.playout import PlayoutFrame
from parley.realtime import server_events as se
from parley.transports import opus
from parley.transports.audio_sink import AudioTarget
from parley.transports.sound_line import SoundLine

RATE_HZ = 48000
_FRAME = RATE_HZ // 50
FRAME_S = 0.02
_TIME_BASE = fractions.Fraction(1, RATE_HZ)
_FADE_FRAMES = 10  # of silence that are encoded; then the codec rests, and one packet is sent again and again


class TrackSound:
    """The answers' sound as the track pulls it; see `AudioSink`."""

    reports = False

    def __init__(self, send: Callable[[se.Event], None]) -> None:
        self._send = send
        self.stereo = False
        """Whether the client plays two channels."""
        self._place = 0.0
        self._line = SoundLine(RATE_HZ)
        self._key: str | None = None
        self._response: str | None = None

    def deliver(self, frame: PlayoutFrame, target: AudioTarget) -> None:
        """See `AudioSink.deliver`."""
        if self._key != frame.response:
            self._key, self._response, self._place = frame.response, target.response, target.place
            self._send({"type": "output_audio_buffer.started", "response_id": target.response})
        self._line.push(frame)

    def overhear(self, name: str, samples: Int16, rate_hz: int) -> None:
        """See `AudioSink.overhear`: it is mixed into the track."""
        self._line.overhear(name, samples, rate_hz)

    def all_sent(self, target: AudioTarget) -> None:
        """See `AudioSink.all_sent`: the end is told when it was played."""

    def flushed(self) -> None:
        """See `AudioSink.flushed`."""
        self._line.clear()
        self._over("cleared")

    def finished(self) -> None:
        """See `AudioSink.finished`."""
        self._over("stopped")

    def _over(self, how: str) -> None:
        if self._response is not None:
            self._send({"type": f"output_audio_buffer.{how}", "response_id": self._response})
        self._response = None

    def take(self) -> Int16:
        """The next 20 ms, shape (960,), or (960, 2) for a voice that has a place beside the middle."""
        if not self.stereo or not self._place:
            return self._line.take()
        own, others = self._line.take_apart()
        both = placed(own, self._place)
        return both if others is None else mixed(both, placed(others, 0.0))


class PlayoutTrack(MediaStreamTrack):
    """The outgoing track; its clock is absolute, so that it does not drift."""

    kind = "audio"

    def __init__(self, tick: Callable[[float], None], sound: TrackSound, broken: Callable[[Exception], None]) -> None:
        """`broken` is told what `tick` raised: the track ends then."""
        super().__init__()
        self._tick = tick
        self._broken = broken
        self._sound = sound
        self._began: float | None = None
        self._frames = 0
        self._encoder = opus.ResilientEncoder(stereo=sound.stereo) if opus.can_encode else None
        self._silent_frames = 0
        self._silence = b""

    async def recv(self) -> Any:
        """The next frame, when its time has come: as a packet where we encode ourselves."""
        loop = asyncio.get_running_loop()
        if self._began is None:
            self._began = loop.time()
        due = self._began + self._frames * FRAME_S
        await asyncio.sleep(max(0.0, due - loop.time()))
        if self.readyState != "live":
            raise MediaStreamError
        try:
            self._tick(loop.time())
        except Exception as fault:
            self._broken(fault)
            raise MediaStreamError from fault
        samples = self._sound.take()
        made = self._packet(samples) if self._encoder else self._frame(samples)
        made.pts = self._frames * _FRAME
        made.time_base = _TIME_BASE
        self._frames += 1
        return made

    def _packet(self, samples: Int16) -> Any:
        assert self._encoder is not None
        self._silent_frames = 0 if samples.any() else self._silent_frames + 1
        if self._silent_frames <= _FADE_FRAMES or not self._silence:
            self._silence = self._encoder.encode(samples)  # the last one before it is kept serves on
        return av.Packet(self._silence)

    @staticmethod
    def _frame(samples: Int16) -> av.AudioFrame:
        layout = "mono" if samples.ndim == 1 else "stereo"
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate = RATE_HZ
        return frame


async def sound_of(track: MediaStreamTrack, rate_hz: int) -> AsyncIterator[Int16]:
    """What arrives on a track, mono at `rate_hz`, until it ends."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=rate_hz)
    try:
        while True:
            frame = await track.recv()
            assert isinstance(frame, av.AudioFrame)
            for mono in resampler.resample(frame):
                yield mono.to_ndarray().reshape(-1).astype(np.int16, copy=False)
    except MediaStreamError:
        return
