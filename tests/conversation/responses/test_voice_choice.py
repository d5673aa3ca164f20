"""A voice that is not in memory is brought when it is chosen; the one before it speaks until it is there."""

from __future__ import annotations

import asyncio

from parley.conversation import notifications as nt
from parley.conversation.responses.response import ResponseOptions
from parley.errors import ModelError
from parley.models.fakes import FakeChat, FakeSynthesizer
from parley.models.interfaces import Synthesizer
from tests.conversation.test_conversation import play
from tests.stage import Stage


class Shelf:
    """Voices of which one is not in memory until it may come."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.fault: ModelError | None = None
        self.asked: list[str] = []

    async def bring(self, name: str) -> None:
        self.asked.append(name)
        await self.may.wait()
        if self.fault is not None:
            raise self.fault


def stage(shelf: Shelf) -> Stage:
    voices: dict[str, Synthesizer] = {"other": FakeSynthesizer(), "third": FakeSynthesizer()}
    return Stage(
        chat=FakeChat(["One.", "Two.", "Three.", "Four."]), voices=voices,
        hooks={"voice_is_here": lambda name: name != "other", "bring_voice": shelf.bring},
    )  # fmt: skip


def told(s: Stage) -> list[tuple[str, str]]:
    return [(h.voice, h.state) for h in s.of(nt.VoiceChosen)]


async def answer(s: Stage, options: ResponseOptions | None = None) -> None:
    count = len(s.endings)
    s.session.request_response(options)
    await s.silence_until(nt.ResponseEnded, count + 1)


def said(s: Stage, name: str) -> list[str]:
    voice = s.session.models.voices[name]
    assert isinstance(voice, FakeSynthesizer)
    return voice.said


def test_the_voice_before_it_speaks_until_it_is_there() -> None:
    shelf = Shelf()

    async def script(s: Stage) -> None:
        s.set(voice="third")
        await answer(s)
        s.set(voice="other")
        await s.silence(0.1)
        assert told(s) == [("other", "coming")], "it comes before anybody needs it"
        await answer(s)
        assert said(s, "third") == ["One.", "Two."]
        shelf.may.set()
        assert (await s.silence_until(nt.VoiceChosen, 2)).state == "here"
        await answer(s)
        assert said(s, "other") == ["Three."]
        assert shelf.asked == ["other"], "once"

    play(script, lambda: stage(shelf))


def test_an_answer_that_wants_it_for_itself_is_spoken_by_the_sessions_voice_meanwhile() -> None:
    shelf = Shelf()

    async def script(s: Stage) -> None:
        s.set(voice="third")
        await answer(s, ResponseOptions(voice="other"))
        assert said(s, "third") == ["One."]
        shelf.may.set()
        await s.silence_until(nt.VoiceChosen, 2)
        await answer(s, ResponseOptions(voice="other"))
        assert said(s, "other") == ["Two."]
        await answer(s)
        assert said(s, "third") == ["One.", "Three."]

    play(script, lambda: stage(shelf))


def test_one_that_cannot_be_had_is_said_and_the_old_one_goes_on() -> None:
    shelf = Shelf()
    shelf.fault = ModelError("no room")

    async def script(s: Stage) -> None:
        s.set(voice="other")
        shelf.may.set()
        failed = await s.silence_until(nt.VoiceChosen, 2)
        assert (failed.state, failed.why) == ("failed", "no room")
        await answer(s)
        await answer(s)
        assert said(s, "fake-voice") == ["One.", "Two."]
        assert shelf.asked == ["other"], "not with every answer"
        shelf.fault = None
        s.set(voice="third")
        s.set(voice="other")
        assert (await s.silence_until(nt.VoiceChosen, 4)).state == "here"
        await answer(s)
        assert said(s, "other") == ["Three."]

    play(script, lambda: stage(shelf))
