"""People hear each other: in even pieces, mixed, and never later and later."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from parley.audio.pcm import Frame, Int16, from_bytes, silence
from parley.conversation.output.playout import PlayoutFrame
from parley.models.fakes import tone
from parley.realtime.session_object import WireFormat
from parley.transports.audio_sink import AudioTarget
from parley.transports.rtc_track import TrackSound
from parley.transports.voices import Neighbours, Voice
from tests.transports.client import Client
from tests.transports.test_room_desk import together

RATE = 24000
FRAME = RATE // 50
RAMP = np.arange(1, FRAME * 6 + 1, dtype=np.int16)


@pytest.mark.parametrize("piece", [160, FRAME, 700])
def test_a_voice_that_comes_in_any_pieces_is_given_on_in_frames_without_a_gap(piece: int) -> None:
    voice, frames = Voice(RATE), []
    for start in range(0, len(RAMP), piece):
        voice.push(RAMP[start : start + piece], RATE)
        if (frame := voice.pull()) is not None:
            frames.append(frame)
    while (frame := voice.pull()) is not None:
        frames.append(frame)
    frames.append(voice.rest())
    assert np.array_equal(np.concatenate(frames), RAMP)
    assert {len(frame) for frame in frames[:-1]} == {FRAME}


def test_a_little_of_it_waits_before_it_begins_and_again_after_it_ran_out() -> None:
    voice = Voice(RATE)
    for _ in range(2):
        voice.push(RAMP[:FRAME], RATE)
        assert voice.pull() is None
        voice.push(RAMP[:FRAME], RATE)
        assert voice.pull() is not None
        assert voice.pull() is not None
        assert voice.pull() is None


def test_what_comes_faster_than_it_is_taken_is_dropped() -> None:
    voice = Voice(RATE)
    for number in range(200):
        voice.push(np.full(FRAME, number, np.int16), RATE)
    first = voice.pull()
    assert first is not None
    assert first[0] >= 175, "half a second is kept"


def test_several_are_heard_at_once_and_never_louder_than_there_are_numbers_for() -> None:
    neighbours = Neighbours(RATE)
    loud = np.full(FRAME * 3, 30000, np.int16)
    for name in ("Ann", "Ben"):
        neighbours.hear(name, loud, RATE)
    mixed = neighbours.pull()
    assert mixed is not None
    assert set(mixed) == {32767}


def test_nothing_is_passed_on_while_nobody_says_anything() -> None:
    neighbours, passed = Neighbours(RATE), 0
    for number in range(100):
        sound = tone(0.02, RATE) if number < 10 else np.full(FRAME, 5, np.int16)
        neighbours.hear("Ann", sound, RATE)
        passed += neighbours.pull() is not None
    assert 30 <= passed <= 36, "and half a second behind it"


def heard_by(client: Client) -> Int16:
    parts = [from_bytes(base64.b64decode(e["delta"])) for e in client.of("parley.voices.delta")]
    return np.concatenate([np.zeros(0, np.int16), *parts])


@pytest.mark.parametrize("speaks", [True, False])
def test_everybody_else_hears_who_speaks_and_nobody_itself(*, speaks: bool) -> None:
    async def script(ann: Client, ben: Client) -> None:
        await ann.speak(1.0)
        await ann.silence(1.6)
        assert 0.9 <= (abs(heard_by(ben).astype(int)) > 1000).mean() * len(heard_by(ben)) / RATE / 0.95 <= 1.1
        assert not len(heard_by(ann))
        assert not ben.ticker._members, "its clock rests"

    together(script, speaks=speaks)


def test_who_is_muted_is_not_heard_by_people_either() -> None:
    async def script(ann: Client, ben: Client) -> None:
        ann.send("parley.room.mute", name="Ben")
        await ben.speak(1.0)
        assert not len(heard_by(ann))

    together(script)


def test_a_call_hears_them_on_its_track_beside_the_answer() -> None:
    sound = TrackSound(lambda _: None)
    sound.overhear("Ann", tone(0.1, RATE), RATE)
    heard = np.concatenate([sound.take() for _ in range(10)])
    assert abs(heard).max() > 1000
    assert len(heard) == 10 * 960


@pytest.mark.parametrize(
    ("stereo", "place", "levels"),
    [(True, -0.7, (1.0, 0.3)), (True, 0.7, (0.3, 1.0)), (True, 0.0, (1.0,)), (False, -0.7, (1.0,))],
)
def test_an_answer_is_heard_at_its_place_where_the_client_plays_stereo(
    stereo: bool, place: float, levels: tuple[float, ...]
) -> None:
    sound, answer = TrackSound(lambda _: None), tone(0.02, 48000)
    sound.stereo = stereo
    target = AudioTarget("resp_1", "item_1", 0, WireFormat("audio/pcm", 24000), place)
    sound.deliver(PlayoutFrame("one", Frame(answer, 48000), 0.0), target)
    channels = sound.take().reshape(960, -1)
    assert [float(abs(channel).max() / abs(answer).max()) for channel in channels.T] == pytest.approx(levels, abs=0.01)


def test_other_people_are_in_the_middle_beside_a_voice_that_has_a_place() -> None:
    sound = TrackSound(lambda _: None)
    sound.stereo = True
    sound.overhear("Ann", tone(0.1, RATE), RATE)
    target = AudioTarget("resp_1", "item_1", 0, WireFormat("audio/pcm", 24000), 1.0)
    sound.deliver(PlayoutFrame("one", Frame(silence(0.02, 48000), 48000), 0.0), target)
    heard = np.concatenate([sound.take() for _ in range(10)])
    assert heard.shape == (9600, 2)
    assert abs(heard).max() > 1000
    assert np.array_equal(heard[:, 0], heard[:, 1])
