"""The pipeline alone: sound in, events in media time out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import numpy as np
import pytest

from parley.audio.pcm import Int16
from parley.conversation.engines.cascade import Cascade
from parley.conversation.input.pipeline import InputPipeline
from parley.conversation.settings import SessionModels
from parley.errors import Overloaded, ProtocolError
from parley.models.fakes import FakeChat, FakeRecognizer, FakeVad, tone
from parley.turns import events as ev
from tests.virtual_time import run_virtual

RATE = 24000
FRAME = RATE // 50
E = TypeVar("E")


class Microphone:
    """Somebody's pipeline, and what it told."""

    def __init__(self) -> None:
        self.events: list[ev.Event] = []
        self.answers = False
        self.load: Any = "free"
        models = SessionModels(FakeVad(), FakeRecognizer(), Cascade(FakeChat()))
        self.pipeline = InputPipeline(
            "ann", models, self.events.append, "s1", lambda: self.answers, lambda _: True, lambda: self.load
        )

    async def send(self, samples: Int16) -> None:
        """In real time."""
        for start in range(0, len(samples), FRAME):
            self.pipeline.append(samples[start : start + FRAME], RATE)
            await asyncio.sleep(0.02)

    async def say(self, seconds: float) -> None:
        await self.send(tone(seconds, RATE))

    async def silence(self, seconds: float) -> None:
        await self.send(quiet(seconds))

    def of(self, kind: type[E]) -> list[E]:
        return [e for e in self.events if isinstance(e, kind)]

    @property
    def kinds(self) -> list[str]:
        return [type(e).__name__ for e in self.events if not isinstance(e, ev.MediaAdvanced)]


def quiet(seconds: float) -> Int16:
    return np.zeros(round(seconds * RATE), np.int16)


def play(script: Callable[[Microphone], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        m = Microphone()
        running = asyncio.create_task(m.pipeline.run())
        try:
            await script(m)
        finally:
            running.cancel()
            m.pipeline.close()

    run_virtual(run())


def test_a_voice_begins_and_ends_where_it_does_in_the_sound() -> None:
    async def script(m: Microphone) -> None:
        await m.silence(1.0)
        await m.say(1.0)
        await m.silence(1.0)
        (began,), (ended,) = m.of(ev.VoiceStarted), m.of(ev.VoiceStopped)
        assert began.participant == "ann"
        assert began.at == pytest.approx(1.0, abs=0.04)
        assert ended.at == pytest.approx(2.0, abs=0.04)
        assert m.of(ev.MediaAdvanced)[-1].to == pytest.approx(3.0, abs=0.15)
        assert all(e.live for e in m.of(ev.MediaAdvanced))

    play(script)


def test_while_nobody_speaks_more_is_looked_at_together() -> None:
    async def script(m: Microphone) -> None:
        await m.silence(2.0)
        calm = len(m.of(ev.MediaAdvanced))
        m.answers = True
        await m.silence(2.0)
        assert calm == pytest.approx(20, abs=2)
        assert len(m.of(ev.MediaAdvanced)) - calm == pytest.approx(100, abs=5), "something could be spoken over"

    play(script)


def test_what_others_on_the_machine_do_is_told_while_somebody_speaks() -> None:
    async def script(m: Microphone) -> None:
        m.load = "others wait"
        await m.silence(0.5)
        assert {e.load for e in m.of(ev.MediaAdvanced)} == {"free"}
        await m.say(0.5)
        assert m.of(ev.MediaAdvanced)[-1].load == "others wait"

    play(script)


def test_a_file_that_comes_at_once_is_taken_in_by_its_own_time() -> None:
    async def script(m: Microphone) -> None:
        whole = np.concatenate([quiet(1.0), tone(1.0, RATE), quiet(2.0)])
        m.pipeline.append(whole, RATE)
        assert m.pipeline.uncommitted_s == pytest.approx(4.0)
        await asyncio.sleep(1.0)
        assert [kind for kind in m.kinds if kind != "VoiceFaded"] == ["VoiceStarted", "VoiceStopped"]
        assert not all(e.live for e in m.of(ev.MediaAdvanced))
        assert m.of(ev.MediaAdvanced)[-1].live, "it has caught up"
        assert m.of(ev.MediaAdvanced)[-1].to == pytest.approx(4.0, abs=0.05)

    play(script)


def test_push_to_talk_hears_no_voices_and_takes_what_came_before_the_commit() -> None:
    async def script(m: Microphone) -> None:
        m.pipeline.set_manual(True)
        await m.say(1.0)
        m.pipeline.append(tone(0.5, RATE), RATE)
        m.pipeline.mark("commit")
        m.pipeline.append(tone(0.25, RATE), RATE)
        await asyncio.sleep(0.1)
        assert m.kinds == ["InputCommitted"]
        committed = m.events.index(m.of(ev.InputCommitted)[0])
        before = m.events[committed - 1]
        assert isinstance(before, ev.MediaAdvanced)
        assert before.to == pytest.approx(1.5, abs=0.05)
        assert len(m.pipeline.sound.turn()) / 16000 == pytest.approx(1.75, abs=0.05)
        m.pipeline.forget_turn()
        assert m.pipeline.uncommitted_s == pytest.approx(0.0, abs=0.05)

    play(script)


def test_what_is_to_follow_a_commit_waits_for_it_and_its_faults_are_its_own() -> None:
    async def script(m: Microphone) -> None:
        done: list[str] = []
        m.pipeline.after_commit(lambda: done.append("at once"))
        assert done == ["at once"]
        m.pipeline.mark("commit")
        m.pipeline.after_commit(lambda: done.append("behind"))
        m.pipeline.after_commit(lambda: 1 / 0)  # type: ignore[arg-type]
        assert done == ["at once"]
        await asyncio.sleep(0.1)
        assert done == ["at once", "behind"]
        await m.say(0.5)
        assert m.of(ev.VoiceStarted), "it listens still"

    play(script)


def test_what_is_cleared_is_forgotten() -> None:
    async def script(m: Microphone) -> None:
        m.pipeline.set_manual(True)
        await m.say(1.0)
        m.pipeline.mark("clear")
        await asyncio.sleep(0.1)
        assert m.kinds == ["InputCleared"]
        assert m.pipeline.uncommitted_s == pytest.approx(0.0, abs=0.05)

    play(script)


def test_more_than_can_be_heard_is_refused() -> None:
    async def script(_: Microphone) -> None:
        m = Microphone()  # nobody listens
        for _minute in range(10):
            m.pipeline.append(quiet(60.0), RATE)
        with pytest.raises(Overloaded, match="600 s of audio are waiting"):
            m.pipeline.append(quiet(1.0), RATE)
        pushed = Microphone()
        pushed.pipeline.set_manual(True)
        for _minute in range(10):
            pushed.pipeline.append(quiet(60.0), RATE)
        with pytest.raises(ProtocolError, match="commit or clear it"):
            pushed.pipeline.append(quiet(1.0), RATE)

    play(script)


def test_a_voice_that_does_not_count_is_as_if_it_had_not_begun() -> None:
    async def script(m: Microphone) -> None:
        await m.silence(1.0)
        before = m.pipeline.sound.turn_from
        await m.say(0.1)
        assert len(m.of(ev.VoiceStarted)) == 1
        m.pipeline.disregard_voice(echo=False)
        assert m.pipeline.sound.turn_from == before
        await m.say(0.4)
        assert len(m.of(ev.VoiceStarted)) > 1, "it is looked at anew"

    play(script)


def test_who_is_quieter_than_before_is_told_from_the_speaker_by_that() -> None:
    async def script(m: Microphone) -> None:
        await m.silence(0.5)
        await m.say(1.0)
        await m.silence(1.0)
        m.pipeline.forget_turn(understood=True)
        await m.send(tone(0.5, RATE, level=0.3 / 10))
        first, second = m.of(ev.VoiceStarted)
        assert first.below_own_db is None, "nobody knows yet how loud this one is"
        assert second.below_own_db == pytest.approx(20.0, abs=2.0)

    play(script)


def test_how_long_the_sound_of_a_moment_was_held_back() -> None:
    async def script(m: Microphone) -> None:
        await m.silence(1.0)
        end = m.pipeline.sound.end_s
        assert m.pipeline.capture_s(end) == pytest.approx(0.0, abs=1e-6)
        assert m.pipeline.capture_s(end - 0.05) == pytest.approx(0.05, abs=0.001)
        assert m.pipeline.capture_s(end + 9.0) == 0.0

    play(script)
