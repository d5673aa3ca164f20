"""Whole conversations with fake models on a virtual clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from structlog.testing import capture_logs

from parley.conversation import notifications as nt
from parley.conversation.engines.base import Engine
from parley.conversation.engines.cascade import Cascade
from parley.conversation.engines.duplex import Duplex
from parley.conversation.items import Item
from parley.conversation.responses.response import ResponseOptions
from parley.conversation.settings import SessionSettings
from parley.errors import ModelError, ProtocolError
from parley.models.fakes import (
    FakeChat,
    FakeDuplexModel,
    FakeEndOfSentence,
    FakeEndOfTurn,
    FakeRecognizer,
    FakeSpeechChat,
    FakeSynthesizer,
)
from parley.models.interfaces import Caller
from parley.turns.actions import Ending
from parley.turns.settings import Mode, TurnSettings
from tests.stage import RATE, Stage
from tests.virtual_time import run_virtual

ANTICIPATING = SessionSettings(anticipate=True)
LONG = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen."


def play(script: Callable[[Stage], Awaitable[None]], stage: Callable[[], Stage] = Stage) -> None:
    async def run() -> None:
        async with stage() as s:
            await script(s)

    run_virtual(run())


def test_a_spoken_question_is_answered_and_remembered() -> None:
    async def script(s: Stage) -> None:
        await s.silence(0.3)
        await s.say(1.0)
        ended = await s.silence_until(nt.ResponseEnded)
        assert ended.ending is Ending.FINISHED
        assert [i.heard_text for i in s.session.history.items] == ["What time is it?", "It is noon."]
        first_frame = s.frames[0][0]
        assert first_frame - s.user_speaks[-1][1] < 0.6

    play(script)


def test_the_answer_is_prepared_before_the_turn_is_committed_and_nothing_leaves_before() -> None:
    async def script(s: Stage) -> None:
        s.end_of_turn.value = 0.75
        await s.silence(0.3)
        await s.say(1.0)
        await s.silence(0.27)
        assert s.chat.prompts
        assert not s.of(nt.ResponseStarted)
        assert not s.frames
        await s.silence_until(nt.ResponseEnded)
        assert len(s.chat.prompts) == 1
        (prepared,) = s.of(nt.PreparedResponse)
        assert prepared.used
        assert 30 < prepared.spent_ms < 300

    play(script, lambda: Stage(recognizer=FakeRecognizer(["tell me the time"], 0.02)))


def test_an_answer_to_words_that_could_be_all_waits_for_the_end_of_the_voice() -> None:
    async def script(s: Stage) -> None:
        await s.silence(0.3)
        await s.say(1.0)
        await s.silence(0.04)
        await s.say(0.5)
        assert len(s.chat.prompts) == 1
        assert s.chat.prompts[0][-1]["content"] == "What time is it?"
        assert not s.voice.said, "there is time for its sound when the voice has stopped"
        assert not s.of(nt.ResponseStarted)
        assert not s.frames
        await s.silence_until(nt.ResponseEnded)
        assert s.frames[0][0] - s.user_speaks[-1][1] < 0.3
        assert len(s.chat.prompts) == 1
        assert s.session.history.items[-1].heard_text == LONG

    play(script, lambda: Stage(chat=FakeChat([LONG]), end_of_sentence=FakeEndOfSentence(), settings=ANTICIPATING))


@pytest.mark.parametrize(
    ("asked", "off_host", "anticipates"),
    [(None, False, False), (None, True, True), (True, False, True), (False, True, False)],
)
def test_by_itself_a_model_that_does_not_share_the_processors_answers_ahead_of_time(
    *, asked: bool | None, off_host: bool, anticipates: bool
) -> None:
    async def script(s: Stage) -> None:
        await s.silence(0.3)
        await s.say(1.0)
        await s.silence(0.04)
        await s.say(0.5)
        assert len(s.chat.prompts) == anticipates

    def stage() -> Stage:
        chat = FakeChat([LONG])
        chat.off_host = off_host
        settings = SessionSettings(anticipate=asked)
        return Stage(chat=chat, end_of_sentence=FakeEndOfSentence(), settings=settings)

    play(script, stage)


def test_an_engine_that_hears_is_given_the_whole_turn() -> None:
    async def script(s: Stage) -> None:
        await s.silence(0.3)
        await s.say(1.5)
        await s.silence_until(nt.ResponseEnded)
        (heard,) = model.heard_s
        assert heard > 1.5

    model = FakeSpeechChat()
    engine = Cascade(model)
    play(script, lambda: Stage(engine=engine, end_of_sentence=FakeEndOfSentence(), settings=ANTICIPATING))


def test_words_of_a_pause_that_is_over_are_not_recognised_when_the_queue_gets_to_them() -> None:
    async def script(s: Stage) -> None:
        await s.silence(0.3)
        await s.say(1.0)
        await s.silence(0.16)
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded)
        assert s.recognizer.spared == 1
        assert [i.heard_text for i in s.session.history.items] == ["What time is it?", "It is noon."]

    with capture_logs() as logs:
        play(script, lambda: Stage(recognizer=FakeRecognizer(delay_s=0.3)))
    assert not [entry for entry in logs if entry["log_level"] == "error"]


class Failing:
    """A judge of turns that never answers well."""

    languages: Sequence[str] = ("en",)

    async def probability(self, _: object, caller: Caller, before: str = "") -> float:
        raise ModelError("the judge fails as told")

    async def read(self, before: str, caller: Caller) -> None:
        raise ModelError("the judge fails as told")


def test_a_turn_goes_on_without_judges_that_fail() -> None:
    async def script(s: Stage) -> None:
        with capture_logs() as logs:
            await s.silence(0.3)
            await s.say(1.5)
            await s.silence_until(nt.ResponseEnded)
            await s.say(1.0)
            await s.silence_until(nt.ResponseEnded, 2)
        assert s.endings == [Ending.FINISHED] * 2
        assert {line["missing"] for line in logs if line["event"] == "turn goes on without"} > {"the words' verdict"}
        assert not [line for line in logs if line["event"] == "task failed"]

    play(script, lambda: Stage(end_of_turn=Failing(), end_of_sentence=Failing()))


def test_an_answer_that_was_prepared_in_a_pause_is_told_to_be_of_no_use_when_the_user_goes_on() -> None:
    async def script(s: Stage) -> None:
        s.end_of_turn.value = 0.75
        await s.silence(0.3)
        await s.say(1.0)
        await s.silence(0.36)
        await s.say(0.5)
        await s.silence_until(nt.ResponseEnded)
        assert [p.used for p in s.of(nt.PreparedResponse)] == [False, True]
        assert len(s.of(nt.InputTaken)) == 1

    play(script, lambda: Stage(recognizer=FakeRecognizer(["tell me the time"], 0.02)))


def test_a_user_who_goes_on_is_not_answered_in_the_pause() -> None:
    async def script(s: Stage) -> None:
        await s.silence(0.3)
        await s.say(0.8)
        await s.silence(0.25)
        await s.say(0.8)
        await s.silence_until(nt.ResponseEnded)
        assert len(s.of(nt.InputTaken)) == 1
        assert len(s.of(nt.ResponseStarted)) == 1

    play(script, lambda: Stage(recognizer=FakeRecognizer(["I would like the"]), end_of_turn=FakeEndOfTurn(0.3)))


def test_real_words_cut_the_answer_and_history_keeps_what_was_heard() -> None:
    async def script(s: Stage) -> None:
        await s.silence(0.3)
        await s.say(1.0)
        await s.silence_until(nt.ResponseStarted)
        await s.silence(2.0)
        begins = s.now
        await s.say(1.0)
        cut = await s.silence_until(nt.ResponseEnded)
        assert cut.ending is Ending.CUT
        answer = cut.items[0]
        assert answer.heard_text
        assert LONG.startswith(answer.heard_text)
        assert answer.heard_text != LONG
        played_s = max(f.end_s for t, f in s.frames if t < begins + 0.2)
        assert abs(len(answer.heard_text.split()) - played_s / s.voice.word_s) <= 1
        assert not [t for t, _ in s.frames if begins + 0.15 < t < begins + 0.9]
        await s.silence_until(nt.ResponseEnded, 2)
        assert s.session.history.items[1].heard_text == answer.heard_text
        assert s.chat.prompts[-1][-2]["content"] == answer.heard_text

    play(
        script, lambda: Stage(chat=FakeChat([LONG, "Fine."]), recognizer=FakeRecognizer(["What time?", "No, stop it."]))
    )


def test_of_a_voice_that_tells_no_word_times_is_kept_what_was_heard_too() -> None:
    async def script(s: Stage) -> None:
        s.voice.times_words = False
        s.session.request_response()
        await s.silence_until(nt.ResponseStarted)
        await s.silence(2.7)
        begins = s.now
        await s.say(1.0)
        cut = await s.silence_until(nt.ResponseEnded)
        assert all(h.estimated for h in s.of(nt.ResponseWords))
        played_s = max(f.end_s for t, f in s.frames if t < begins + 0.2)
        heard = cut.items[0].heard_text
        assert LONG.startswith(heard)
        assert abs(len(heard.split()) - played_s / s.voice.word_s) <= 3
        assert s.session.history.items[0].heard_text == heard

    play(script, lambda: Stage(chat=FakeChat([LONG]), recognizer=FakeRecognizer(["No, stop it."])))


@pytest.mark.parametrize("text", ["Mm-hm.", "Yeah, right.", ""])
def test_a_backchannel_or_noise_pauses_and_the_answer_goes_on_from_the_exact_sample(text: str) -> None:
    async def script(s: Stage) -> None:
        await s.silence(0.3)
        await s.say(1.0)
        await s.silence_until(nt.ResponseStarted)
        await s.silence(1.5)
        await s.say(0.25)
        ended = await s.silence_until(nt.ResponseEnded)
        assert ended.ending is Ending.FINISHED
        assert len(s.of(nt.PlayoutPaused)) == len(s.of(nt.PlayoutResumed)) == 1
        assert s.held == [True, False]
        positions = [(f.start_s, f.end_s) for _, f in s.frames]
        for (_, end), (start, _) in pairwise(positions):
            assert start == pytest.approx(end, abs=1e-9)
        assert len(s.of(nt.InputTaken)) == 1

    play(script, lambda: Stage(chat=FakeChat([LONG]), recognizer=FakeRecognizer(["What time?", text])))


@pytest.mark.parametrize(("quieter_db", "ending"), [(6.0, Ending.CUT), (15.0, Ending.FINISHED)])
def test_a_voice_much_quieter_than_the_users_own_is_no_interruption(quieter_db: float, ending: Ending) -> None:
    async def script(s: Stage) -> None:
        await s.silence(0.3)
        await s.say(1.0)
        await s.silence_until(nt.ResponseStarted)
        await s.silence(1.5)
        await s.say(1.0, quieter_db=quieter_db)
        ended = await s.silence_until(nt.ResponseEnded)
        assert ended.ending is ending
        assert bool(s.of(nt.PlayoutPaused)) is (ending is Ending.CUT)

    answers = FakeRecognizer(["What time?", "Did you feed the cat?"])
    play(script, lambda: Stage(chat=FakeChat([LONG, "Fine."]), recognizer=answers))


def test_a_quiet_voice_that_answers_is_heard_as_soon_as_nothing_sounds() -> None:
    async def script(s: Stage) -> None:
        await s.silence(0.3)
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded)
        await s.say(1.0, quieter_db=15)
        await s.silence_until(nt.ResponseEnded, 2)
        assert len(s.of(nt.InputTaken)) == 2

    play(script, lambda: Stage(recognizer=FakeRecognizer(["What time?", "And tomorrow?"])))


def test_server_vad_semantics_cancel_at_onset() -> None:
    async def script(s: Stage) -> None:
        await s.silence(0.3)
        await s.say(1.0)
        await s.silence_until(nt.ResponseStarted)
        await s.silence(1.5)
        await s.say(0.1)
        await s.silence(0.02)
        assert s.endings == [Ending.CUT]

    turns = TurnSettings(mode="silence", cancel_at_onset=True)
    play(script, lambda: Stage.with_turns(turns, chat=FakeChat([LONG])))


def test_push_to_talk_waits_for_commit_and_for_the_request() -> None:
    async def script(s: Stage) -> None:
        await s.say(1.0)
        await s.silence(2.0)
        assert not s.of(nt.InputTaken)
        s.connection.commit_input()
        s.session.request_response()
        await s.silence_until(nt.ResponseEnded)
        assert s.session.history.items[0].text == "What time is it?"

    play(script, lambda: Stage.with_turns(TurnSettings(mode="manual")))


def test_a_file_appended_at_once_is_taken_in_media_time_and_answered_when_drained() -> None:
    from parley.models.fakes import tone

    async def script(s: Stage) -> None:
        pause = np.zeros(2 * RATE, np.int16)
        s.connection.append_audio(np.concatenate([tone(1.0, RATE), pause, tone(1.0, RATE), pause]), RATE)
        await s.silence_until(nt.ResponseEnded)
        assert [h.text for h in s.of(nt.TranscriptDone)] == ["First.", "Second."]
        assert s.endings == [Ending.FINISHED]

    play(script, lambda: Stage(recognizer=FakeRecognizer(["First.", "Second."])))


def test_a_monologue_of_three_minutes_is_one_turn() -> None:
    async def script(s: Stage) -> None:
        for _ in range(60):
            await s.say(2.8)
            await s.silence(0.2)
        await s.silence_until(nt.ResponseEnded)
        assert len(s.of(nt.InputTaken)) == 1

    play(script, lambda: Stage(end_of_turn=FakeEndOfTurn(0.05), recognizer=FakeRecognizer(["and then we"])))


def test_a_recogniser_that_tells_of_ends_is_the_only_one_that_is_asked() -> None:
    turn_model, sentence_model = FakeEndOfTurn(), FakeEndOfSentence()

    async def script(s: Stage) -> None:
        await s.say(1.0)
        await s.silence_until(nt.InputTaken)
        assert (turn_model.asked, sentence_model.asked) == (0, [])
        assert s.now - s.user_speaks[0][1] < 0.3

    def stage() -> Stage:
        sure = FakeRecognizer(["so it was with me"], finished=0.99)
        return Stage(recognizer=sure, end_of_turn=turn_model, end_of_sentence=sentence_model)

    play(script, stage)


def test_a_failing_language_model_is_said_and_the_session_goes_on() -> None:
    async def script(s: Stage) -> None:
        await s.silence(0.3)
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded, 2)
        assert s.endings == [Ending.FAILED, Ending.FINISHED]
        assert "fails as told" in s.of(nt.ResponseEnded)[0].reason
        assert s.session.history.items[-1].heard_text == SessionSettings().apology
        s.chat.answers[0] = "Better."
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded, 3)
        assert s.endings[-1] is Ending.FINISHED

    play(script, lambda: Stage(chat=FakeChat([None])))


def test_an_answer_that_fails_while_it_is_prepared_is_begun_anew() -> None:
    async def script(s: Stage) -> None:
        await s.silence(0.3)
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded)
        assert s.endings == [Ending.FINISHED]

    play(script, lambda: Stage(chat=FakeChat([None, "Better."])))


def test_an_answer_that_stalls_goes_on_from_the_first_word_without_sound() -> None:
    async def script(s: Stage) -> None:
        await s.silence(0.3)
        await s.say(1.0)
        ended = await s.silence_until(nt.ResponseEnded)
        assert ended.ending is Ending.FINISHED
        assert ended.items[0].text == "Well, it is so. But it is late."
        assert " ".join(s.voice.said) == "Well, it is so. But it is late."
        assert s.chat.prompts[-1][-1] == {"role": "assistant", "content": "Well, it is so."}  # "But" may be a part
        assert [m["role"] for m in s.chat.prompts[-1]].count("assistant") == 1, "what was heard of it is in there once"
        assert s.chat.open_streams == 0

    play(script, lambda: Stage(chat=FakeChat(["Well, it is so. But … nothing", " it is late."])))


def test_asking_to_hear_it_again_repeats_the_last_answer_without_the_model() -> None:
    async def script(s: Stage) -> None:
        await s.silence(0.3)
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded)
        await s.say(1.0)
        again = await s.silence_until(nt.ResponseEnded, 2)
        assert again.items[0].text == "It is noon."
        assert len(s.chat.prompts) == 1

    play(script, lambda: Stage(recognizer=FakeRecognizer(["What time is it?", "Could you repeat that, please?"])))


def test_a_language_model_that_stalls_again_is_ended_by_the_watchdog_and_the_failure_is_said() -> None:
    async def script(s: Stage) -> None:
        await s.silence(0.3)
        await s.say(1.0)
        ended = await s.silence_until(nt.ResponseEnded)
        assert ended.ending is Ending.FAILED
        assert ended.reason == "stalled"
        assert ended.items[0].heard_text.strip() == "Well, it is so."
        assert s.chat.open_streams == 0
        await s.silence_until(nt.ResponseEnded, 2)
        assert "Sorry" in " ".join(s.voice.said)

    play(script, lambda: Stage(chat=FakeChat(["Well, it is so. But … nothing", "…"])))


def test_a_voice_that_fails_does_not_end_the_session() -> None:
    async def script(s: Stage) -> None:
        s.voice.fail = True
        await s.silence(0.3)
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded, 2)
        assert s.endings == [Ending.FAILED, Ending.FAILED]
        assert {h.reason for h in s.of(nt.ResponseEnded)} == {"the fake voice fails as told"}
        s.voice.fail = False
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded, 3)
        assert s.endings[-1] is Ending.FINISHED

    play(script)


def test_a_recogniser_that_fails_is_reported_and_the_session_goes_on() -> None:
    async def script(s: Stage) -> None:
        s.recognizer.fail = True
        await s.silence(0.3)
        await s.say(1.0)
        await s.silence_until(nt.TranscriptFailed)
        s.recognizer.fail = False
        told = await s.silence_until(nt.ResponseEnded)
        assert told.items[0].text == s.session.settings.not_understood
        assert not s.of(nt.TranscriptDone), "it is not said to have been silence"
        assert not s.chat.prompts, "nobody answers words that are not known"
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded, 2)
        assert s.session.history.items[-1].text == "It is noon."

    play(script)


@pytest.mark.parametrize("mode", ["semantic", "silence"])
def test_words_are_told_while_they_are_spoken_and_never_after_the_turn(mode: Mode) -> None:
    async def script(s: Stage) -> None:
        await s.silence(0.3)
        await s.say(3.0)
        assert s.of(nt.WordsSoFar), "before the voice has stopped"
        s.connection.commit_input()
        done = await s.silence_until(nt.TranscriptDone)
        await s.silence(2.0)
        assert {(w.item, w.text) for w in s.of(nt.WordsSoFar)} == {(done.item, "What time is it?")}
        last = s.notifications.index(s.of(nt.WordsSoFar)[-1])
        assert last < s.notifications.index(done)

    play(script, lambda: Stage.with_turns(TurnSettings(mode=mode)))


def test_words_over_an_answer_that_goes_on_are_told_to_nobody() -> None:
    async def script(s: Stage) -> None:
        await s.silence(0.3)
        await s.say(1.0)
        await s.silence_until(nt.ResponseStarted)
        await s.silence(1.0)
        told = len(s.of(nt.WordsSoFar))
        await s.say(0.5)
        await s.silence_until(nt.PlayoutResumed)
        await s.silence(1.0)
        assert len(s.of(nt.WordsSoFar)) == told

    play(script, lambda: Stage(recognizer=FakeRecognizer(["What time is it?", "mhm"]), chat=FakeChat([LONG])))


def test_a_recogniser_that_takes_too_long_is_reported_as_such() -> None:
    async def script(s: Stage) -> None:
        await s.say(1.0)
        s.connection.commit_input()
        s.session.request_response()
        failed = await s.silence_until(nt.TranscriptFailed)
        assert "in time" in failed.message
        told = await s.silence_until(nt.ResponseEnded)
        assert told.items[0].text == s.session.settings.not_understood

    play(script, lambda: Stage.with_turns(TurnSettings(mode="manual"), recognizer=FakeRecognizer(delay_s=100.0)))


def test_push_to_talk_is_bounded_and_keeps_what_it_has() -> None:
    async def script(s: Stage) -> None:
        minute = np.zeros(RATE * 60, np.int16)
        for _ in range(9):
            s.connection.append_audio(minute, RATE)
        await s.say(1.0)
        with pytest.raises(ProtocolError, match="commit or clear") as full:
            s.connection.append_audio(minute, RATE)
        assert full.value.code == "input_audio_buffer_full"
        s.connection.commit_input()
        s.session.request_response()
        await s.silence_until(nt.ResponseEnded)
        assert s.session.history.items[0].text == "What time is it?"

    play(script, lambda: Stage.with_turns(TurnSettings(mode="manual")))


def test_an_empty_answer_ends_without_sound() -> None:
    async def script(s: Stage) -> None:
        await s.silence(0.3)
        await s.say(1.0)
        ended = await s.silence_until(nt.ResponseEnded)
        assert ended.ending is Ending.FINISHED
        assert not s.frames

    play(script, lambda: Stage(chat=FakeChat([""])))


def test_a_turn_without_words_is_taken_but_not_answered() -> None:
    async def script(s: Stage) -> None:
        await s.silence(0.3)
        await s.say(0.6)
        await s.silence_until(nt.InputTaken)
        await s.silence(2.0)
        assert not s.of(nt.ResponseStarted)

    play(script, lambda: Stage(recognizer=FakeRecognizer([""])))


def test_an_answer_is_prepared_anew_when_the_client_adds_what_it_did_not_know() -> None:
    async def script(s: Stage) -> None:
        s.voice.word_s = 0.1
        await s.silence(0.3)
        await s.say(1.0)
        while not s.chat.prompts:
            await s.silence(0.02)
        s.session.add_item(Item("note", role="system", text="It is Sunday."))
        await s.silence_until(nt.ResponseEnded)
        assert len(s.of(nt.ResponseStarted)) == 1
        assert "It is Sunday." in str(s.chat.prompts[-1])
        assert [h.used for h in s.of(nt.PreparedResponse)] == [True]

    play(script, lambda: Stage(end_of_turn=FakeEndOfTurn(0.7)))


def test_typed_text_and_a_tool_call_with_its_result() -> None:
    async def script(s: Stage) -> None:
        s.session.add_item(Item("typed", role="user", text="Weather?"))
        s.session.request_response()
        call = (await s.silence_until(nt.ResponseEnded)).items[0]
        assert (call.name, call.arguments) == ("weather", '{"place": "here"}')
        s.session.add_item(Item("out", "function_call_output", call_id=call.call_id, output="sunny"))
        s.session.request_response()
        await s.silence_until(nt.ResponseEnded, 2)
        roles = [m["role"] for m in s.chat.prompts[-1]]
        assert roles == ["system", "user", "assistant", "tool"]

    play(script, lambda: Stage(chat=FakeChat(["tool:weather", "It is sunny."])))


@pytest.mark.parametrize(
    "late",
    [
        Item("late", role="user", text="And tomorrow?"),
        Item("late", "function_call_output", call_id="call_1", output="sunny"),
    ],
    ids=lambda item: item.kind,
)
def test_what_came_while_the_model_thought_stands_behind_the_answer_and_has_the_last_word(late: Item) -> None:
    async def script(s: Stage) -> None:
        s.session.add_item(Item("typed", role="user", text="Weather?"))
        s.session.add_item(Item("call", "function_call", call_id="call_1", name="weather", arguments="{}"))
        s.session.request_response()
        await s.silence(0.1)
        assert s.chat.prompts
        s.session.add_item(late)
        (answer,) = (await s.silence_until(nt.ResponseEnded)).items
        assert [i.id for i in s.session.history.items] == ["typed", "call", answer.id, "late"]
        assert [h.previous for h in s.of(nt.ResponseItemStarted)] == ["call"]
        s.session.request_response()
        await s.silence_until(nt.ResponseEnded, 2)
        assert s.chat.prompts[-1][-1]["content"] in {"And tomorrow?", "sunny"}

    play(script, lambda: Stage(chat=FakeChat(["I do not know yet.", "Sunny."], 0.1)))


def test_a_greeting_stands_before_what_was_typed_while_it_was_thought_of() -> None:
    async def script(s: Stage) -> None:
        s.session.request_response()
        await s.silence(0.1)
        assert s.chat.prompts
        s.session.add_item(Item("typed", role="user", text="Weather?"))
        (answer,) = (await s.silence_until(nt.ResponseEnded)).items
        assert [i.id for i in s.session.history.items] == [answer.id, "typed"]

    play(script, lambda: Stage(chat=FakeChat(token_s=0.1)))


def test_an_answer_to_an_item_that_is_deleted_meanwhile_is_the_last() -> None:
    async def script(s: Stage) -> None:
        s.session.add_item(Item("typed", role="user", text="Weather?"))
        s.session.request_response()
        await s.silence(0.1)
        assert s.chat.prompts
        s.session.add_item(Item("late", role="user", text="And tomorrow?"))
        s.session.delete_item("typed")
        (answer,) = (await s.silence_until(nt.ResponseEnded)).items
        assert [i.id for i in s.session.history.items] == ["late", answer.id]

    play(script, lambda: Stage(chat=FakeChat(token_s=0.1)))


def test_a_greeting_is_spoken_first() -> None:
    async def script(s: Stage) -> None:
        await s.silence_until(nt.ResponseEnded)
        assert s.voice.said == ["Good morning."]

    play(script, lambda: Stage(settings=SessionSettings(greeting="Good morning.")))


def test_an_out_of_band_response_leaves_the_history_alone() -> None:
    async def script(s: Stage) -> None:
        s.session.request_response(
            ResponseOptions(out_of_band=True, modality="text", input=[Item("x", role="user", text="q")])
        )
        ended = await s.silence_until(nt.ResponseEnded)
        assert ended.items[0].text == "It is noon."
        assert not s.session.history.items

    play(script)


def test_the_client_cancels_and_late_truth_corrects_the_history() -> None:
    async def script(s: Stage) -> None:
        await s.silence(0.3)
        await s.say(1.0)
        await s.silence_until(nt.ResponseStarted)
        await s.silence(2.0)
        assert s.session.cancel_response()
        ended = s.of(nt.ResponseEnded)[0]
        assert ended.reason == "client_cancelled"
        before = ended.items[0].heard_text
        s.session.correct_heard(ended.response, 0.65)
        assert s.of(nt.HeardChanged)[0].heard_text == "One two"
        assert s.session.history.items[1].heard_text == "One two" != before

    play(script, lambda: Stage(chat=FakeChat([LONG])))


def test_idle_timeout_makes_the_assistant_speak_up() -> None:
    async def script(s: Stage) -> None:
        await s.silence(0.3)
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded)
        await s.silence_until(nt.IdleTimedOut, limit_s=8)
        await s.silence_until(nt.ResponseEnded, 2)

    play(script, lambda: Stage.with_turns(replace(TurnSettings(), idle_timeout_s=5.0)))


ENGINES: dict[str, Callable[[], Engine]] = {
    "cascade": lambda: Cascade(FakeChat(["I heard you."])),
    "speech_llm": lambda: Cascade(FakeSpeechChat()),
    "duplex": lambda: Duplex(FakeDuplexModel()),
}


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_answers_a_spoken_turn_and_releases_everything(name: str) -> None:
    async def run() -> None:
        engine = ENGINES[name]()
        async with Stage(engine=engine, voice=FakeSynthesizer()) as s:
            await s.silence(0.3)
            await s.say(1.0)
            ended = await s.silence_until(nt.ResponseEnded)
            assert ended.ending is Ending.FINISHED
            assert ended.items[0].heard_text in ("I heard you.", "right so yes")
            assert s.frames
            positions = [f.start_s for _, f in s.frames]
            assert positions == sorted(positions)
            await s.say(1.0)
            await s.silence_until(nt.ResponseEnded, 2)
        if isinstance(engine, Duplex):
            assert engine.duplex is not None
            assert engine.duplex.open_slots == 0  # type: ignore[attr-defined]
        assert not s.session._tasks

    run_virtual(run())


def test_an_engine_that_hears_gets_the_turn_as_sound() -> None:
    model = FakeSpeechChat()

    async def script(s: Stage) -> None:
        await s.silence(1.0)
        await s.say(1.2)
        await s.silence_until(nt.ResponseEnded)
        assert 1.2 <= model.heard_s[0] <= 1.9
        await s.say(0.8)
        await s.silence_until(nt.ResponseEnded, 2)
        users = [m["content"] for m in model.prompts[-1] if m["role"] == "user"]
        assert [[part["type"] for part in content] for content in users] == [["input_audio"]] * 2, "earlier turns, too"
        assert [i.text for i in s.session.history.items if i.role == "user"] == ["What time is it?"] * 2

    play(script, lambda: Stage(engine=Cascade(model)))


@pytest.mark.parametrize("why", ["refuses sound", "breaks off"])
def test_a_model_that_could_not_hear_is_given_the_words(why: str) -> None:
    model = FakeSpeechChat(["I heard you."] if why == "refuses sound" else [None, "I heard you."],
                           refuses_sound=why == "refuses sound")  # fmt: skip

    async def script(s: Stage) -> None:
        await s.silence(0.3)
        await s.say(1.2)
        await s.silence_until(nt.ResponseEnded)
        assert s.endings == [Ending.FINISHED]
        assert model.heard_s[0] > 1
        assert model.prompts[-1][-1]["content"] == "What time is it?"
        assert s.session.history.items[-1].heard_text == "I heard you."

    play(script, lambda: Stage(engine=Cascade(model)))


def test_who_had_not_finished_is_answered_once_and_what_was_answered_before_is_forgotten() -> None:
    whole = "My number is five five one two three."

    async def script(s: Stage) -> None:
        await s.silence(0.3)
        await s.say(1.0)
        early = await s.silence_until(nt.ResponseStarted)
        begun = await s.silence_until(nt.ResponseItemStarted)
        first = s.session.history.items[0]
        await s.say(0.8)
        ended = await s.silence_until(nt.ResponseEnded, 2)
        assert s.endings == [Ending.CUT, Ending.FINISHED]
        assert [h.item for h in s.of(nt.ItemDeleted)] == [first.id, begun.item.id]
        assert [(i.role, i.heard_text) for i in s.session.history.items] == [
            ("user", whole),
            ("assistant", "It is Ann's."),
        ]
        assert [m["content"] for m in s.chat.prompts[-1] if m["role"] != "system"] == [whole]
        assert ended.response != early.response
        assert s.recognizer.heard_s[-1] > 2.0, "both halves and the pause between them"

    recognizer = FakeRecognizer(["My number is five five.", "one two three", whole], 0.02)
    play(script, lambda: Stage(recognizer=recognizer, chat=FakeChat([LONG, "It is Ann's."])))


def test_words_are_judged_behind_what_was_said_to_their_speaker() -> None:
    model = FakeEndOfSentence()

    async def script(s: Stage) -> None:
        await s.silence(0.3)
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded)
        await s.say(1.0)
        await s.silence_until(nt.ResponseEnded, 2)
        assert model.asked[0] == ("", "Call me.")
        assert model.asked[-2:] == [("What time?", ""), ("What time?", "Two thirty.")]

    recognizer = FakeRecognizer(["Call me.", "Two thirty."], 0.02)
    chat = FakeChat(["What time?", "I will."])
    play(script, lambda: Stage(recognizer=recognizer, chat=chat, end_of_sentence=model))
