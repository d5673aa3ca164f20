"""Talking through this machine's microphone and loudspeaker (miniaudio)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator
from typing import Any

import numpy as np
import typer

from parley.audio.pcm import Int16
from parley.cli.terminal import out
from parley.client.connection import RATE_HZ, Connection
from parley.errors import UnavailableError

_QUEUE_FRAMES = 250


async def converse(connection: Connection, *, as_json: bool) -> None:
    """Talk until Ctrl-C or until the server leaves."""
    loop = asyncio.get_running_loop()
    captured: asyncio.Queue[Int16] = asyncio.Queue(_QUEUE_FRAMES)

    def put(samples: Int16) -> None:
        if not captured.full():  # a stalled network: the newest sound is dropped, the talk goes on
            captured.put_nowait(samples)

    devices = _open_devices(lambda samples: loop.call_soon_threadsafe(put, samples), connection)
    connection.on_event = _show_json if as_json else _show
    if not as_json:
        out.print("speak; Ctrl-C ends", style="dim")
    try:
        while connection.closed is None:
            await connection.send_audio(await captured.get())
            await connection.report_played()
    finally:
        for device in devices:
            device.close()


def _open_devices(capture: Any, connection: Connection) -> list[Any]:
    import miniaudio

    common = {"nchannels": 1, "sample_rate": RATE_HZ, "buffersize_msec": 20}
    try:
        microphone = miniaudio.CaptureDevice(input_format=miniaudio.SampleFormat.SIGNED16, **common)
        speaker = miniaudio.PlaybackDevice(output_format=miniaudio.SampleFormat.SIGNED16, **common)
    except miniaudio.MiniaudioError as fault:
        raise UnavailableError(
            f"no microphone or loudspeaker ({fault}); talk with recordings: --input FILE, or open the page"
        ) from fault

    def listen() -> Generator[None, bytes, None]:
        while True:
            data = yield
            capture(np.frombuffer(data, np.int16).copy())

    def play() -> Generator[bytes, int, None]:
        wanted = yield b""
        while True:
            wanted = yield connection.player.take(wanted).tobytes()

    for device, generator in ((microphone, listen()), (speaker, play())):
        next(generator)
        device.start(generator)
    return [microphone, speaker]


def _show(event: dict[str, Any]) -> None:
    if event["type"] == "conversation.item.input_audio_transcription.completed" and event["transcript"]:
        out.print(f"[bold]you[/]    {event['transcript']}", highlight=False)
    elif event["type"] == "response.output_audio_transcript.done":
        out.print(f"[bold]parley[/] {event['transcript']}", highlight=False)
    elif event["type"] == "error":
        out.print(f"[red]{event['error']['message']}[/]", highlight=False)


def _show_json(event: dict[str, Any]) -> None:
    if "delta" not in event:
        typer.echo(json.dumps(event, ensure_ascii=False))
