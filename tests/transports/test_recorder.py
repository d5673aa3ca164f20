"""A recording has each where everybody hears it, and a disk that does not take it costs the recording alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from parley.transports.recorder import RATE_HZ
from parley.transports.recording import Recording
from tests.conversation.test_rooms import Client, Room
from tests.debate.test_debate import TWO_ROUNDS, debate_in
from tests.transports.test_recording import loud, play, stereo, told


def test_people_are_in_the_middle_and_each_debater_at_its_place(tmp_path: Path) -> None:
    async def script(room: Room, ann: Client, recording: Recording) -> None:
        recording.ask("Ann")
        assert told(ann)["state"] == "on", "who is alone and asks has agreed"
        await ann.say(1.0)
        await room.silence(3.0)
        debate_in(room, TWO_ROUNDS).begin()
        await room.silence(8.0)
        recording.stop()
        assert told(ann)["state"] == "kept"
        await room.silence(0.1)
        (path,) = (tmp_path / "kept").iterdir()
        assert told(ann)["url"] == f"v1/recordings/{path.stem}"
        assert oct(path.stat().st_mode & 0o777) == "0o600"
        sound = stereo(path)
        assert abs(len(sound) / RATE_HZ - 12.0) < 0.1
        mine = sound[: RATE_HZ // 2]
        assert np.allclose(mine[:, 0], mine[:, 1])
        assert loud(mine) == (True, True)
        balance = [
            float(np.sqrt((part[:, 1] ** 2).mean()) / max(1e-9, np.sqrt((part[:, 0] ** 2).mean())))
            for part in np.array_split(sound[4 * RATE_HZ :], 40) if abs(part).max() > 0.1
        ]  # fmt: skip
        assert min(balance) < 0.5, "Ada is heard from the left"
        assert max(balance) > 2, "Ben from the right"

    play(script, tmp_path)


def test_a_disk_that_does_not_take_it_ends_the_recording_and_nothing_else(tmp_path: Path) -> None:
    async def script(room: Room, ann: Client, recording: Recording) -> None:
        (tmp_path / "kept").write_text("a file is in the way")
        recording.ask("Ann")
        await ann.say(2.0)
        await room.silence(2.0)
        assert told(ann)["state"] in ("off", "kept")
        assert "cannot be recorded" in told(ann)["why"]
        assert [speaker for speaker, _, _ in room.said] == ["Ann", "assistant"]

    play(script, tmp_path)
