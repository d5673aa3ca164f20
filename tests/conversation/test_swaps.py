"""Another language model, recogniser or voice between two turns."""

from __future__ import annotations

from parley.conversation import happenings as hp
from parley.conversation.engines.cascade import Cascade
from parley.models.fakes import FakeChat, FakeRecognizer, FakeSynthesizer
from parley.turns.actions import Ending
from tests.conversation.test_session import LONG, play
from tests.stage import Stage


def other() -> Stage:
    """A stage with a second model of each kind."""
    return Stage(
        engines={"other": Cascade(FakeChat(["The other one speaks."]))},
        recognizers={"other": FakeRecognizer(["Who is there?"])},
        voices={"other": FakeSynthesizer()},
    )


def said(stage: Stage) -> list[str]:
    return [i.heard_text for i in stage.session.history.items]


def test_the_next_turn_is_heard_answered_and_spoken_by_the_models_that_were_chosen() -> None:
    async def script(s: Stage) -> None:
        await s.say(1.0)
        await s.silence_until(hp.ResponseEnded)
        s.set(engine="other", recognizer="other", voice="other")
        await s.say(1.0)
        await s.silence_until(hp.ResponseEnded, 2)
        s.set(engine=None, recognizer=None, voice=None)
        await s.say(1.0)
        await s.silence_until(hp.ResponseEnded, 3)
        assert said(s) == [
            "What time is it?", "It is noon.", "Who is there?", "The other one speaks.",
            "What time is it?", "It is noon.",
        ]  # fmt: skip
        voice = s.voices["other"]
        assert isinstance(voice, FakeSynthesizer)
        assert voice.said == ["The other one speaks."]
        assert s.voice.said == ["It is noon."] * 2

    play(script, other)


def test_of_an_answer_that_was_prepared_by_the_old_model_nothing_is_said() -> None:
    async def script(s: Stage) -> None:
        s.end_of_turn.value = 0.75
        await s.silence(0.3)
        await s.say(1.0)
        await s.silence(0.27)
        assert s.chat.prompts, "it was prepared"
        assert not s.of(hp.ResponseStarted)
        s.set(engine="other")
        await s.silence_until(hp.ResponseEnded)
        assert said(s) == ["tell me the time", "The other one speaks."]

    play(script, lambda: Stage(recognizer=FakeRecognizer(["tell me the time"], 0.02), engines=other().engines))


def test_an_answer_that_is_being_spoken_goes_on_to_its_end() -> None:
    async def script(s: Stage) -> None:
        await s.say(1.0)
        await s.silence_until(hp.ResponseStarted)
        await s.silence(1.0)
        s.set(engine="other", voice="other")
        ended = await s.silence_until(hp.ResponseEnded)
        assert ended.ending is Ending.FINISHED
        assert said(s)[-1] == LONG

    play(script, lambda: Stage(chat=FakeChat([LONG]), engines=other().engines, voices=other().voices))


def test_a_turn_that_has_begun_keeps_its_recogniser() -> None:
    async def script(s: Stage) -> None:
        await s.say(3.0)
        s.set(recognizer="other")
        await s.say(0.5)
        await s.silence_until(hp.ResponseEnded)
        assert said(s)[0] == "What time is it?"
        await s.say(1.0)
        await s.silence_until(hp.ResponseEnded, 2)
        assert said(s)[2] == "Who is there?"

    play(script, other)
