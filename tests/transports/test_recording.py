"""A conversation is recorded in stereo while everybody agrees, and not a sample longer."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parley.audio import files
from parley.conversation import notifications as nt
from parley.errors import ProtocolError
from parley.transports.pacing import Ticker
from parley.transports.recorder import RATE_HZ
from parley.transports.recording import Recording, Shelf
from tests.conversation.test_rooms import Client, Room
from tests.virtual_time import run_virtual

Script = Callable[[Room, Client, Recording], Coroutine[Any, Any, None]]
SPEECHES = ("Cats clean themselves every single day of the year.",)


def play(script: Script, tmp_path: Path) -> None:
    async def run() -> None:
        async with Room("Hello there.", answers=SPEECHES) as room, Client(room, "Ann") as ann:
            recording = Recording(room.conversation, Shelf(tmp_path / "kept", Ticker()))
            room.conversation.programmes["recording"] = recording
            await script(room, ann, recording)

    run_virtual(run())


def told(client: Client) -> dict[str, Any]:
    return dict(client.of(nt.RecordingChanged)[-1].state)


def stereo(path: Path) -> np.ndarray[Any, Any]:
    """Shape (samples, 2)."""
    left, right = (files.read_float(path, RATE_HZ, channel=channel) for channel in (0, 1))
    return np.stack([left, right], 1)


def loud(sound: np.ndarray[Any, Any]) -> tuple[bool, bool]:
    return bool(abs(sound[:, 0]).max() > 0.05), bool(abs(sound[:, 1]).max() > 0.05)


def test_nothing_is_recorded_before_all_have_agreed_nor_while_somebody_new_has_not(tmp_path: Path) -> None:
    async def script(room: Room, ann: Client, recording: Recording) -> None:
        room.agents("Ada", floor="called")  # who is silent, then
        async with Client(room, "Ben", host=False) as ben:
            recording.ask("Ann")
            assert (told(ben)["state"], told(ben)["asked"]) == ("asking", ["Ben"])
            await ann.say(2.0)
            recording.answer("Ben", agrees=True)
            await room.silence(1.0)
            async with Client(room, "Cem", host=False) as cem:
                assert told(cem)["asked"] == ["Cem"]
                await ben.say(2.0)
                recording.answer("Cem", agrees=True)
                await room.silence(1.0)
            recording.stop()
            await room.silence(0.1)
            (path,) = (tmp_path / "kept").iterdir()
            sound = stereo(path)
            assert abs(len(sound) / RATE_HZ - 2.0) < 0.1
            assert loud(sound) == (False, False)

    play(script, tmp_path)


def test_who_thinks_better_of_it_has_all_of_it_deleted_at_once(tmp_path: Path) -> None:
    async def script(room: Room, ann: Client, recording: Recording) -> None:
        async with Client(room, "Ben", host=False) as ben:
            for late in (False, True):
                recording.ask("Ann")
                recording.answer("Ben", agrees=True)
                await ben.say(3.0)
                if late:
                    recording.stop()
                    await room.silence(0.2)
                    assert list((tmp_path / "kept").iterdir())
                recording.answer("Ben", agrees=False)
                assert told(ann)["state"] == "off"
                await room.silence(0.2)
                assert not list((tmp_path / "kept").iterdir())
                assert told(ann)["url"] is None

    play(script, tmp_path)


def test_a_conversation_that_ends_keeps_what_was_recorded(tmp_path: Path) -> None:
    async def script(room: Room, ann: Client, recording: Recording) -> None:
        recording.ask("Ann")
        await ann.say(2.0)
        await room.conversation.aclose()
        (path,) = (tmp_path / "kept").iterdir()
        assert abs(len(stereo(path)) / RATE_HZ - 2.0) < 0.1

    play(script, tmp_path)


def test_it_is_asked_once_and_answered_when_it_was_asked(tmp_path: Path) -> None:
    async def script(room: Room, ann: Client, recording: Recording) -> None:
        with pytest.raises(ProtocolError, match="nobody has asked"):
            recording.answer("Ann", agrees=True)
        recording.ask("Ann")
        with pytest.raises(ProtocolError, match="already"):
            recording.ask("Ann")

    play(script, tmp_path)
