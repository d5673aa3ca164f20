"""Talking through this machine's microphone and loudspeaker (miniaudio)."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Generator
from typing import Any, Self

import numpy as np
import typer

from parley.audio.jitter import taken
from parley.audio.pcm import Int16, frame_samples, mixed
from parley.cli.terminal import errors, out
from parley.cli.words import words
from parley.client.connection import RATE_HZ, Connection
from parley.errors import UnavailableError

FRAME = frame_samples(RATE_HZ)
_QUEUE_FRAMES = 250
_MOST_FRAMES = 10


async def converse(connection: Connection, *, as_json: bool) -> None:
    """Talk until Ctrl-C or until the server leaves."""
    loop = asyncio.get_running_loop()
    captured: asyncio.Queue[Int16] = asyncio.Queue(_QUEUE_FRAMES)

    def put(samples: Int16) -> None:
        if not captured.full():  # a stalled network: the newest sound is dropped, the talk goes on
            captured.put_nowait(samples)

    def take(count: int) -> Int16:
        answer, voices = connection.player.take(count), connection.player.voices.take(count)
        return answer if voices is None else mixed(answer, voices)

    devices = _open_devices(lambda samples: loop.call_soon_threadsafe(put, samples), take)
    connection.on_event = _show_json if as_json else _show
    if not as_json:
        out.print(words(out, "speak"), style="dim")
    try:
        while connection.closed is None:
            await connection.send_audio(await captured.get())
            await connection.report_played()
    finally:
        for device in devices:
            device.close()


class Devices:
    """This machine's microphone and loudspeaker, 20 ms at a time; used as ``with``.

    Raises `UnavailableError` where there are none. What comes faster than it is taken is dropped beyond 0.2 s.
    """

    def __init__(self) -> None:
        self._captured: deque[Int16] = deque(maxlen=_MOST_FRAMES)
        self._playing: deque[Int16] = deque(maxlen=_MOST_FRAMES)
        self._open: list[Any] = []

    def __enter__(self) -> Self:
        """Open them."""
        self._open = _open_devices(self._captured.append, self._next_to_play)
        return self

    def __exit__(self, *_: object) -> None:
        """Close them."""
        for device in self._open:
            device.close()

    def heard(self) -> Int16:
        """See `parley.client.caller.Devices`."""
        return taken(self._captured, FRAME)

    def play(self, frame: Int16) -> None:
        """See there."""
        self._playing.append(frame)

    def _next_to_play(self, wanted: int) -> Int16:
        """Called by the loudspeaker's thread."""
        frame = taken(self._playing, wanted)
        return np.pad(frame, (0, wanted - len(frame)))


def _open_devices(capture: Callable[[Int16], object], take: Callable[[int], Int16]) -> list[Any]:
    import miniaudio

    common = {"nchannels": 1, "sample_rate": RATE_HZ, "buffersize_msec": 20}
    try:
        microphone = miniaudio.CaptureDevice(input_format=miniaudio.SampleFormat.SIGNED16, **common)
        speaker = miniaudio.PlaybackDevice(output_format=miniaudio.SampleFormat.SIGNED16, **common)
    except miniaudio.MiniaudioError as fault:
        raise UnavailableError(words(errors, "no_devices", why=fault)) from fault

    def listen() -> Generator[None, bytes, None]:
        while True:
            data = yield
            capture(np.frombuffer(data, np.int16).copy())

    def play() -> Generator[bytes, int, None]:
        wanted = yield b""
        while True:
            wanted = yield take(wanted).tobytes()

    for device, generator in ((microphone, listen()), (speaker, play())):
        next(generator)
        device.start(generator)
    return [microphone, speaker]


def _show(event: dict[str, Any]) -> None:
    if event["type"] == "conversation.item.input_audio_transcription.completed" and event["transcript"]:
        out.print(words(out, "you", text=event["transcript"]), highlight=False)
    elif event["type"] == "response.output_audio_transcript.done":
        out.print(words(out, "parley", text=event["transcript"]), highlight=False)
    elif event["type"] == "error":
        out.print(f"[red]{event['error']['message']}[/]", highlight=False)


def _show_json(event: dict[str, Any]) -> None:
    if "delta" not in event:
        typer.echo(json.dumps(event, ensure_ascii=False))
