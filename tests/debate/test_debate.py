"""A debate in a conversation with fake models, on a virtual clock."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from parley.conversation import notifications as nt
from parley.conversation.responses.response import ResponseOptions
from parley.debate.debate import Debate
from parley.debate.format import parse, shipped
from parley.debate.plan import Speaker, completed
from parley.errors import ProtocolError
from tests.conversation.test_rooms import Client, Room
from tests.virtual_time import run_virtual

TWO_ROUNDS = """\
name: mine
title: Mine
about: For a test.
sides: [for, against]
gap_ms: 300
moderator: false
rounds:
  - {name: Opening, order: [each], task: Open., seconds: 20}
  - {name: Exchange, order: [each], task: Answer., seconds: 20}
"""
LONG = "Cats clean themselves every single day, and nobody has to walk them at six in the morning."
SPEECHES = (
    "Cats clean themselves every single day.", "Dogs are loyal to their people for life.",
    "Loyal dogs still need a walk at six.", "Cats clean themselves and scratch the sofa.",
)  # fmt: skip


def debate_in(room: Room, text: str = TWO_ROUNDS, **more: Any) -> Debate:
    rules = shipped()[text] if text in shipped() else parse(text, "x")
    debaters = [
        Speaker("Ada", rules.sides[0], model="mind", voice="deep"),
        Speaker("Ben", rules.sides[-1], model="other mind", voice="bright"),
    ]
    plan = completed("Cats or dogs", rules, debaters[: rules.debaters], None, list(room.voices), **more)
    debate = room.conversation.programmes["debate"] = Debate(room.conversation, plan)
    return debate


def play(
    script: Callable[[Room, Client], Coroutine[Any, Any, None]], *answers: str, asked: str = "But what about fish?"
) -> None:
    """`answers` are both debaters', `asked` what a person says."""

    async def run() -> None:
        async with Room(asked, answers=answers or SPEECHES) as room, Client(room, "user") as me:
            await script(room, me)

    run_virtual(run())


async def over(room: Room, debate: Debate, seconds: float = 120) -> None:
    for _ in range(round(seconds)):
        if debate.state == "over":
            return
        await room.silence(1.0)
    raise AssertionError(f"the debate is {debate.state} after {seconds} s: {room.said}")


def test_speeches_follow_the_order_and_the_next_one_comes_after_the_formats_silence() -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room)
        debate.begin()
        await over(room, debate)
        speeches = debate.record.speeches
        assert [s.speaker for s in speeches] == ["Ada", "Ben", "Ada", "Ben"]
        assert [s.round for s in speeches] == ["Opening", "Opening", "Exchange", "Exchange"]
        assert [s.heard for s in speeches] == [s.written for s in speeches]
        gaps = [b.began_s - a.ended_s for a, b in itertools.pairwise(speeches)]
        assert all(0.29 <= gap <= 0.4 for gap in gaps), gaps
        assert {to for _, to, _ in room.said} == {""}, "to nobody in particular"

    play(script)


def test_the_next_speech_is_made_while_one_sounds_and_knows_what_it_answers() -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room)
        debate.begin()
        await room.silence(1.5)
        assert len(me.of(nt.ResponseStarted)) == 1
        (prompt,) = room.chats["other mind"].prompts
        _, asked, begins = (message["content"] for message in prompt)
        assert f'Ada says: "{SPEECHES[0]}"' in asked
        assert "Open. Your side: it is false that cats or dogs. At most" in asked
        assert begins == "Ada, I am against it."

    play(script)


def test_the_prompt_of_who_would_answer_a_person_is_read_while_a_speech_sounds(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(room: Room, me: Client) -> None:
        read: list[str] = []

        async def prefill(messages: Any, *_: Any) -> None:
            read.append(str(messages[0]["content"]).partition(",")[0])

        for chat in room.chats.values():
            monkeypatch.setattr(chat, "prefill", prefill)
        debate = debate_in(room)
        debate.begin()
        await room.silence(1.0)
        assert debate.record.speeches[-1].speaker == "Ada"
        assert read[-1] == "You are Ada"

    play(script, LONG, *SPEECHES)


def test_who_is_interrupted_is_remembered_as_heard_and_the_order_goes_on_where_it_was() -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room)
        debate.begin()
        await room.silence(1.4)
        await me.say(1.2)
        await over(room, debate)
        speeches = debate.record.speeches
        assert [s.speaker for s in speeches] == ["Ada", "user", "Ada", "Ben", "Ada", "Ben"]
        first, mine, answer = speeches[:3]
        assert first.interrupted_by == "user"
        assert 0 < len(first.heard) < len(first.written)
        assert (mine.heard, answer.interrupted_by) == ("But what about fish?", "")
        assert [to for speaker, to, _ in room.said if speaker == "Ada"][1] == "user", "she was spoken to"
        (asked,) = [p[1]["content"] for p in room.chats["other mind"].prompts if "fish" in p[1]["content"]][:1]
        assert 'Somebody in the audience said before: "But what about fish?"\nAda says: ' in asked
        (answered,) = [p for p in room.chats["mind"].prompts if "fish" in p[-1]["content"]]
        assert answered[0]["content"].startswith('You are Ada, in a spoken debate. You argue that this is true: "Cats')

    play(script, LONG, *SPEECHES)


def test_whoever_is_called_by_name_answers_and_does_not_speak_twice_in_a_row() -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room)
        debate.begin()
        await room.silence(1.4)
        await me.say(1.2)
        await over(room, debate)
        assert [s.speaker for s in debate.record.speeches] == ["Ada", "user", "Ben", "Ada", "Ben"]

    play(script, LONG, *SPEECHES, asked="Ben, what about fish?")


def test_a_debater_whose_model_fails_is_said_to_be_unavailable_and_the_others_go_on() -> None:
    async def script(room: Room, me: Client) -> None:
        room.chats["other mind"].answers.clear()
        room.chats["other mind"].answers.append(None)
        rules = shipped()["debate"]
        plan = completed(
            "Cats or dogs", rules, [Speaker("Ada", "for", model="mind"), Speaker("Ben", "against", model="other mind")],
            None, list(room.voices),
        )  # fmt: skip
        debate = room.conversation.programmes["debate"] = Debate(room.conversation, plan)
        debate.begin()
        await over(room, debate, 240)
        heard = [(s.speaker, s.heard) for s in debate.record.speeches]
        assert heard.count(("Mona", "Ben is not available at the moment. We go on without Ben.")) == 1
        assert [speaker for speaker, _ in heard].count("Ada") == 5
        assert heard[-1] == ("Mona", "Thank you all. This debate is over.")
        assert not any("Sorry" in words for _, words in heard)

    play(script)


def raise_hand(room: Room, name: str, *, up: bool = True) -> None:
    room.conversation.raise_hand(name, up=up)


def test_a_raised_hand_has_the_floor_next_and_the_order_goes_on_behind() -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room, VOTED)
        debate.begin()
        while "Ada" not in said_by(debate):
            await room.silence(0.5)
        async with Client(room, "Zoe", host=False) as zoe:
            raise_hand(room, "Zoe")
            assert debate.standing["next"] == "Zoe"
            while "Zoe has raised a hand. Zoe, please." not in [s.heard for s in debate.record.speeches]:
                await room.silence(0.5)
            await me.say(1.2)  # somebody else was quicker
            await room.silence(4.0)
            await zoe.say(1.2)
            while said_by(debate).count("Ben") == 0:
                await room.silence(0.5)
            before = said_by(debate)
            assert before.index("Zoe") < before.index("Ben"), before
            assert not room.conversation.circle.hands

    play(script)


def test_who_lowers_a_hand_or_does_not_speak_is_not_waited_for_any_longer() -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room)  # without a moderator: the hand is waited for in silence
        debate.begin()
        await room.silence(1.0)
        raise_hand(room, "user")
        raise_hand(room, "user", up=False)
        raise_hand(room, "user")
        while debate.now.speech is not None:
            await room.silence(0.5)
        assert debate.standing["seconds"] == 12.0
        await room.silence(13.0)
        assert said_by(debate)[:2] == ["Ada", "Ben"]
        assert not room.conversation.circle.hands
        await over(room, debate)
        assert said_by(debate) == ["Ada", "Ben", "Ada", "Ben"]

    play(script)


DRAWL = " ".join(["Cats clean themselves, and they do it very well, all day long, every day of the year."] * 12)


def test_a_speech_that_is_far_too_long_is_ended_and_the_next_one_follows() -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room, VOTED.replace("seconds: 20", "seconds: 6"))
        debate.begin()
        while "Ben" not in said_by(debate):
            await room.silence(0.5)
        ada, told = debate.record.speeches[-3:-1]
        assert (ada.speaker, told.heard) == ("Ada", "Thank you, Ada. Your time is up.")
        assert 12.5 <= ada.ended_s - ada.began_s <= 13.5
        assert len(ada.heard) < len(ada.written)
        assert ada.interrupted_by == ""

    play(script, DRAWL, DRAWL)


def test_who_has_been_silent_for_longest_is_asked_by_name() -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room, VOTED)
        async with Client(room, "Zoe", host=False), Client(room, "Yan", host=False) as yan:
            debate.begin()
            await yan.say(1.2)
            while not any("whoever wants to speak" in s.heard for s in debate.record.speeches):
                await room.silence(0.5)
            (asked,) = [s.heard for s in debate.record.speeches if "whoever wants" in s.heard]
            assert asked.endswith("Ask. Zoe, we have not heard from you.")

    play(script)


def test_a_listeners_hand_moves_nothing() -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room)
        debate.begin()
        async with Client(room, "Zoe", speaks=False, host=False):
            raise_hand(room, "Zoe")
            assert debate.standing["next"] == "Ben"
            await over(room, debate)

    play(script)


def test_clients_are_shown_where_each_is_heard_and_how_long_it_speaks() -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room, minutes=2.0)
        debate.begin()
        await room.silence(1.0)
        shown = debate.standing
        assert [(d["name"], d["place"], d["muted"]) for d in shown["debaters"]] == [
            ("Ada", -0.7, False), ("Ben", 0.7, False),
        ]  # fmt: skip
        assert (shown["speaker"], shown["minutes"], shown["rounds"]) == ("Ada", 2.0, ["Opening", "Exchange"])
        assert 0.5 < shown["speaking_s"] <= shown["elapsed_s"] <= 1.1
        assert "verdict" not in shown
        assert debate.whole["speeches"][0]["speaker"] == "Ada"
        debate.mute("Ben", muted=True)
        assert debate.standing["debaters"][1]["muted"]

    play(script)


def test_people_whose_turn_it_is_are_waited_for_and_the_debate_goes_on_without_them() -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room, "duel")
        debate.begin()
        await room.silence(4)
        assert debate.standing["next"] == "people"
        await me.say(1.2)
        await room.silence(6)
        assert [s.speaker for s in debate.record.speeches] == ["Ada", "user", "Ada"]
        await room.silence(36)
        assert [s.speaker for s in debate.record.speeches] == ["Ada", "user", "Ada", "Ada"], "nobody wanted to"
        debate.stop()
        await over(room, debate)

    play(script)


def test_where_nobody_but_agents_takes_part_people_are_not_waited_for() -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room, "duel", spectated=True, minutes=0.2)
        debate.begin()
        await over(room, debate)
        assert {s.speaker for s in debate.record.speeches} == {"Ada"}
        assert debate.record.speeches[-1].ended_s < 20

    play(script)


def test_the_host_skips_mutes_extends_and_stops() -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room)
        debate.begin()
        await room.silence(1.0)
        debate.skip()
        await room.silence(1.5)
        assert [s.speaker for s in debate.record.speeches] == ["Ada", "Ben"]
        assert len(debate.record.speeches[0].heard) < len(SPEECHES[0])
        assert debate.record.speeches[0].interrupted_by == "", "nobody has spoken over her"
        debate.extend()
        debate.mute("Ada", muted=True)
        await over(room, debate)
        assert [s.speaker for s in debate.record.speeches] == ["Ada", "Ben", "Ben", "Ben"]

    play(script)


def test_who_stops_a_debate_has_what_was_said_summed_up() -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room, "debate")
        debate.begin()
        await room.silence(9)
        debate.stop()
        await over(room, debate)
        last = [(s.speaker, s.heard) for s in debate.record.speeches[-2:]]
        assert last[1] == ("Mona", "Thank you all. This debate is over.")
        assert last[0][0] == "Mona"
        told = me.of(nt.DebateChanged)[-1].state
        assert told["state"] == "over"
        assert told["verdict"]["claims"]["for"]

    play(script)


def test_a_vote_counts_once_for_each_and_for_sides_alone() -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room)
        debate.vote("user", "for")
        debate.vote("user", "against")
        debate.vote("Ann", "against")
        assert debate.standing["votes"] == {"against": 2}

    play(script)


def test_who_comes_after_the_end_learns_what_came_of_it() -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room)
        debate.begin()
        await over(room, debate)
        async with Client(room, "Ann") as ann:
            assert ann.of(nt.DebateChanged)[-1].state["verdict"]["claims"]

    play(script)


def test_a_conversation_that_ends_leaves_no_timer() -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room, "duel")
        debate.begin()
        await room.silence(5)
        await room.conversation.aclose()
        assert debate._waits is None
        assert debate.state == "over"

    play(script)


VOTED = """\
name: mine
title: Mine
about: For a test.
sides: [for, against]
rounds:
  - {name: Opening, order: [each], task: Open., seconds: 20}
  - {name: Floor, order: [people], task: Ask., seconds: 10}
closing: {sum_up: Sum up., vote: true}
"""


def said_by(debate: Debate) -> list[str]:
    return [s.speaker for s in debate.record.speeches]


def test_votes_are_waited_for_whatever_else_happens_and_the_debate_ends() -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room, VOTED)
        debate.begin()
        while "vote now" not in debate.record.speeches[-1].heard:
            await room.silence(1.0)
        await room.silence(5.0)
        assert debate.standing["vote_open"]
        debate.vote("user", "for")
        await me.say(1.2)
        await over(room, debate, 60)
        assert debate.record.speeches[-1].heard == "Thank you all. This debate is over."
        assert debate.standing["verdict"]["votes"] == {"for": 1}
        with pytest.raises(ProtocolError, match="over"):
            debate.vote("user", "against")

    play(script)


@pytest.mark.parametrize("at_s", [1.0, 3.0])
def test_whoever_presses_next_twice_or_again_and_again_gets_to_the_end(at_s: float) -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room, "debate")
        debate.begin()
        await room.silence(at_s)
        for _ in range(200):
            if debate.state == "over":
                break
            debate.skip()
            await room.silence(0.1)
        assert debate.state == "over"
        told = [s.written for s in debate.record.speeches if s.speaker == "Mona"]
        assert told.count("Opening. Ada, please.") <= 1

    play(script)


@pytest.mark.parametrize("lost", ["cancelled", "asked for anew"])
def test_a_request_that_is_lost_is_made_again(lost: str) -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room)
        debate.begin()
        await room.silence(1.5)
        assert len(room.chats["other mind"].prompts) == 1, "Ben's speech is made"
        if lost == "cancelled":
            room.conversation.cancel_response()
        else:
            room.conversation.request_response(ResponseOptions(say="I am here.", agents=("Ben",)))
        await over(room, debate)
        assert {s.speaker for s in debate.record.speeches if s.heard != "I am here."} == {"Ada", "Ben"}

    play(script)


def test_nobody_speaks_to_nobody_and_who_comes_back_hears_how_it_stands() -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room)
        debate.begin()
        await room.silence(1.5)
        await me.connection.__aexit__(None, None, None)
        await asyncio.sleep(20.0)
        assert said_by(debate) == ["Ada"]
        async with Client(room, "user") as again:
            assert again.of(nt.DebateChanged)[-1].state["state"] == "running"
            await over(room, debate)
        assert said_by(debate) == ["Ada", "Ben", "Ada", "Ben"]

    play(script)


def test_a_typed_question_takes_the_place_of_people_who_are_waited_for() -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room, "duel")
        debate.begin()
        await room.silence(4)
        assert debate.now.slot is not None
        room.conversation.request_response()
        await room.silence(6)
        assert said_by(debate) == ["Ada", "Ada"]
        debate.stop()
        await over(room, debate)

    play(script)


@pytest.mark.parametrize("what", ["stop", "extend"])
def test_the_host_does_not_wait_for_people(what: str) -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room, "duel")
        debate.begin()
        await room.silence(4)
        getattr(debate, what)()
        await room.silence(4)
        if what == "stop":
            assert debate.state == "over"
        else:
            assert said_by(debate) == ["Ada", "Ada"]
            assert debate.agenda.next is not None
            assert debate.agenda.next.speaker == "people", "they are asked again"

    play(script)


def test_where_nobody_can_speak_the_debate_ends() -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room, "duel", spectated=True)
        debate.begin()
        await room.silence(1)
        debate.mute("Ada", muted=True)
        await over(room, debate, 10)

    play(script)


def test_agents_that_are_taken_away_end_the_debate_and_clients_are_told() -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room)
        debate.begin()
        await room.silence(0.5)
        room.agents("Zoe", "Yan")
        await room.silence(10)
        assert me.of(nt.DebateChanged)[-1].state["state"] == "over"

    play(script)


def test_what_was_cut_before_its_first_word_is_answered_by_nobody() -> None:
    async def script(room: Room, me: Client) -> None:
        debate = debate_in(room)
        debate.begin()
        debate.skip()
        await over(room, debate)
        first = debate.record.speeches[0]
        assert (first.heard, first.said) == ("", "")
        prompt = room.chats["other mind"].prompts[-2]
        assert "Cats clean" not in str(prompt[1]["content"])

    play(script, "Cats clean themselves every single day.", "Dogs are loyal to their people for life.")
