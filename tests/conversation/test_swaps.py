"""Another language model, recogniser or voice between two turns."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from parley.conversation import notifications as nt
from parley.conversation.engines.base import Engine
from parley.conversation.engines.cascade import Cascade
from parley.conversation.engines.duplex import Duplex, Voiced, opening_of
from parley.conversation.items import Item
from parley.conversation.responses.response import ResponseOptions
from parley.conversation.settings import DEFAULT_INSTRUCTIONS
from parley.errors import Overloaded, ProtocolError
from parley.models.fakes import (
    FakeChat,
    FakeDuplexModel,
    FakeEndOfSentence,
    FakeRecognizer,
    FakeSpeechChat,
    FakeSynthesizer,
)
from parley.models.interfaces import UNTOLD, DuplexOpening, DuplexSlot
from parley.turns.actions import Ending
from tests.conversation.test_conversation import LONG, play
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
        await s.silence_until(nt.ResponseEnded)
        s.set(engine="other", recognizer="other", voice="other")
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded, 2)
        s.set(engine=None, recognizer=None, voice=None)
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded, 3)
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
        assert not s.of(nt.ResponseStarted)
        s.set(engine="other")
        await s.silence_until(nt.ResponseEnded)
        assert said(s) == ["tell me the time", "The other one speaks."]

    play(script, lambda: Stage(recognizer=FakeRecognizer(["tell me the time"], 0.02), engines=other().engines))


def test_an_answer_that_is_being_spoken_goes_on_to_its_end() -> None:
    async def script(s: Stage) -> None:
        await s.say(1.0)
        await s.silence_until(nt.ResponseStarted)
        await s.silence(1.0)
        s.set(engine="other", voice="other")
        ended = await s.silence_until(nt.ResponseEnded)
        assert ended.ending is Ending.FINISHED
        assert said(s)[-1] == LONG

    play(script, lambda: Stage(chat=FakeChat([LONG]), engines=other().engines, voices=other().voices))


def test_a_turn_that_has_begun_keeps_its_recogniser() -> None:
    async def script(s: Stage) -> None:
        await s.say(3.0)
        s.set(recognizer="other")
        await s.say(0.5)
        await s.silence_until(nt.ResponseEnded)
        assert said(s)[0] == "What time is it?"
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded, 2)
        assert said(s)[2] == "Who is there?"

    play(script, other)


class Full(FakeDuplexModel):
    """All slots are taken."""

    async def open_slot(self, opening: DuplexOpening = UNTOLD) -> DuplexSlot:
        raise Overloaded("all slots are taken")


def duplex(model: FakeDuplexModel | None = None, **more: Any) -> Stage:
    return Stage(engines={"duplex": Duplex(model or FakeDuplexModel())}, **more)


def slots(s: Stage) -> int:
    model = s.engines["duplex"].duplex
    assert isinstance(model, FakeDuplexModel)
    return model.open_slots


def test_a_model_that_takes_turns_itself_answers_the_next_turn_and_the_one_before_comes_back() -> None:
    async def script(s: Stage) -> None:
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded)
        s.set(engine="duplex")
        await s.silence(0.5)
        await s.say(1.0)
        before = s.now
        await s.silence_until(nt.ResponseEnded, 2)
        assert s.now - before < 3.0, "it answers at once"
        assert said(s)[-1] == "right so yes"
        s.set(engine=None)
        await s.silence(0.5)
        assert slots(s) == 0
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded, 3)
        assert said(s)[-2:] == ["What time is it?", "It is noon."]
        assert s.endings == [Ending.FINISHED] * 3

    play(script, duplex)


def test_an_answer_that_sounds_ends_before_the_model_that_takes_turns_listens() -> None:
    async def script(s: Stage) -> None:
        await s.say(1.0)
        await s.silence_until(nt.ResponseStarted)
        await s.silence(1.0)
        s.set(engine="duplex")
        ended = await s.silence_until(nt.ResponseEnded)
        assert ended.ending is Ending.FINISHED
        assert said(s)[-1] == LONG
        await s.silence(0.5)
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded, 2)
        assert said(s)[-1] == "right so yes"

    play(script, lambda: duplex(chat=FakeChat([LONG])))


def test_where_no_slot_is_free_the_model_before_goes_on_and_the_client_is_told() -> None:
    async def script(s: Stage) -> None:
        s.set(engine="duplex")
        kept = await s.silence_until(nt.ModelKept)
        assert "all slots are taken" in kept.why
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded)
        assert said(s)[-1] == "It is noon."

    play(script, lambda: duplex(Full()))


def test_one_that_was_chosen_and_left_again_at_once_never_listens() -> None:
    async def script(s: Stage) -> None:
        await s.say(1.0)
        s.set(engine="duplex")
        s.set(engine=None)
        await s.silence_until(nt.ResponseEnded)
        await s.silence(1.0)
        assert slots(s) == 0
        assert said(s)[-1] == "It is noon."

    play(script, duplex)


class Slow(FakeDuplexModel):
    """A slot takes its time."""

    async def open_slot(self, opening: DuplexOpening = UNTOLD) -> DuplexSlot:
        await asyncio.sleep(0.3)
        return await super().open_slot(opening)


def test_a_choice_that_is_taken_back_while_its_slot_is_being_had_counts() -> None:
    async def script(s: Stage) -> None:
        s.set(engine="duplex")
        await s.silence(0.1)
        s.set(engine=None)
        await s.silence(1.0)
        assert slots(s) == 0
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded)
        assert said(s)[-1] == "It is noon."

    play(script, lambda: duplex(Slow()))


def test_answers_are_prepared_ahead_again_once_the_model_that_is_asked_is_back() -> None:
    async def script(s: Stage) -> None:
        s.chat.off_host = True
        s.engines["cascade"] = Cascade(s.chat)
        s.set(engine="cascade")
        assert s.session._taker._context.settings.anticipate
        s.set(engine="duplex")
        await s.silence(0.3)
        assert not s.session._taker._context.settings.anticipate
        s.set(engine="cascade")
        await s.silence(0.3)
        assert s.session._taker._context.settings.anticipate

    play(script, lambda: duplex(end_of_sentence=FakeEndOfSentence()))


def test_what_a_model_remembers_on_its_own_cannot_be_edited() -> None:
    async def script(s: Stage) -> None:
        s.session.add_item(Item("mine", role="user", text="Hello."))
        s.set(engine="duplex")
        await s.silence(0.5)
        with pytest.raises(ProtocolError, match=r"'conversation\.item\.create' is not available with a model that"):
            s.session.add_item(Item("late", role="user", text="Hello?"))
        with pytest.raises(ProtocolError, match=r"'conversation\.item\.delete' is not available"):
            s.session.delete_item("mine")
        assert said(s) == ["Hello."]
        s.set(engine=None)
        await s.silence(0.5)
        s.session.delete_item("mine")
        assert said(s) == []

    play(script, duplex)


def test_what_a_model_that_takes_turns_cannot_do_is_refused_and_fixed_words_are_said() -> None:
    async def script(s: Stage) -> None:
        s.set(engine="duplex")
        await s.silence(0.5)
        for wish in (s.connection.commit_input, s.session.request_response):
            with pytest.raises(ProtocolError, match="takes turns itself"):
                wish()
        s.session.request_response(ResponseOptions(say="Welcome back."))
        await s.silence_until(nt.ResponseEnded)
        assert said(s)[-1] == "Welcome back."
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded, 2)
        assert said(s)[-1] == "right so yes"
        s.session.request_response(ResponseOptions(say="Again."))
        await s.silence(0.3)
        assert s.session.cancel_response()
        assert (await s.silence_until(nt.ResponseEnded, 3)).ending is Ending.CUT

    play(script, duplex)


def test_what_is_said_to_a_model_that_takes_turns_itself_is_written_down_in_its_place() -> None:
    async def script(s: Stage) -> None:
        s.set(engine="duplex")
        await s.silence(0.5)
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded)
        assert said(s) == ["What time is it?", "right so yes"]
        assert [h.text for h in s.of(nt.TranscriptDone)] == ["What time is it?"]
        assert not s.of(nt.SpeechStarted), "clients stop playing on it"
        s.set(engine=None)
        await s.silence(0.3)
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded, 2)
        assert "right so yes" in str(s.chat.prompts[-1]), "who comes back knows what was said"

    play(script, duplex)


def test_speech_over_a_model_that_takes_turns_itself_is_its_own_affair() -> None:
    async def script(s: Stage) -> None:
        s.set(engine="duplex")
        await s.silence(0.5)
        await s.say(1.0)
        await s.silence_until(nt.ResponseStarted)
        await s.silence(0.2)
        await s.say(0.5)
        assert not s.of(nt.PlayoutPaused)
        await s.silence_until(nt.ResponseEnded)
        assert s.endings[0] is Ending.FINISHED

    play(script, duplex)


def test_what_is_cut_of_a_model_that_takes_turns_itself_does_not_go_on_as_another_answer() -> None:
    async def script(s: Stage) -> None:
        s.set(engine="duplex")
        await s.silence(0.5)
        await s.say(1.0)
        await s.silence_until(nt.ResponseStarted)
        await s.silence(0.3)
        assert s.session.cancel_response()
        await s.silence(3.0)
        assert s.endings == [Ending.CUT]
        assert len(s.of(nt.ResponseStarted)) == 1
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded, 2)
        assert s.endings[1] is Ending.FINISHED

    play(script, duplex)


def test_typed_words_are_refused_by_a_model_that_reads_nothing() -> None:
    async def script(s: Stage) -> None:
        s.set(engine="duplex")
        await s.silence(0.5)
        with pytest.raises(ProtocolError, match="remembers on its own"):
            s.session.add_item(Item("typed", role="user", text="Hello?"))

    play(script, duplex)


def test_a_model_that_hears_answers_after_one_that_reads_and_before_one_that_takes_turns() -> None:
    hearing = FakeSpeechChat(["I heard you."])

    async def script(s: Stage) -> None:
        for engine in (None, "hearing", "duplex", "hearing", None):
            count = len(s.of(nt.ResponseEnded))
            s.set(engine=engine)
            await s.silence(0.5)
            await s.say(1.0)
            await s.silence_until(nt.ResponseEnded, count + 1)
        assert said(s)[1::2] == ["It is noon.", "I heard you.", "right so yes", "I heard you.", "It is noon."]
        assert len(hearing.heard_s) == 2

    play(script, lambda: Stage(engines={"hearing": Cascade(hearing), "duplex": Duplex(FakeDuplexModel())}))


def test_a_slot_is_freed_however_the_conversation_ends() -> None:
    async def script(s: Stage) -> None:
        s.set(engine="duplex")
        await s.silence(0.5)
        assert slots(s) == 1

    made: list[Stage] = []

    def make() -> Stage:
        made.append(duplex())
        return made[-1]

    play(script, make)
    assert slots(made[0]) == 0


def test_a_model_that_takes_turns_itself_is_told_what_was_said_before_it_came_and_who_it_is() -> None:
    async def script(s: Stage) -> None:
        s.set(instructions="You are a pirate.")
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded)
        s.set(engine="duplex")
        await s.silence(0.5)
        model = s.engines["duplex"].duplex
        assert isinstance(model, FakeDuplexModel)
        assert model.openings == [DuplexOpening("You are a pirate.", ("User: What time is it?", "You: It is noon."))]

    play(script, duplex)


def test_from_one_voice_of_such_a_model_to_another_the_conversation_goes_on() -> None:
    model = FakeDuplexModel()
    engines: dict[str, Engine] = {name: Duplex(Voiced(model, name)) for name in ("ada", "bea")}

    async def script(s: Stage) -> None:
        s.set(engine="ada")
        await s.silence(0.5)
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded)
        s.set(engine="bea")
        await s.silence(0.5)
        assert model.open_slots == 1
        assert [opening.voice for opening in model.openings] == ["ada", "bea"]
        assert set(model.openings[1].so_far) == {"User: What time is it?", "You: right so yes"}

    play(script, lambda: Stage(engines=engines))


def test_only_what_was_heard_of_an_answer_is_told_and_instructions_that_nobody_wrote_are_not() -> None:
    items = [
        Item("a", role="system", text="Be brief."),
        Item("b", role="user", text="Count\nto  three."),
        Item("c", kind="function_call", name="count"),
        Item("d", role="assistant", text="One, two, three.", heard=8),
        Item("e", role="assistant", text="Nobody heard it.", heard=0),
    ]
    assert opening_of(DEFAULT_INSTRUCTIONS, items) == DuplexOpening("", ("User: Count to three.", "You: One, two"))
    assert opening_of(DEFAULT_INSTRUCTIONS, []) == UNTOLD
