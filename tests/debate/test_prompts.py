"""What debaters are told."""

from __future__ import annotations

import pytest

from parley.debate import prompts
from parley.debate.agenda import Agenda, Debater, Slot
from parley.debate.format import shipped
from parley.debate.plan import Speaker
from parley.debate.record import Record, Speech

SLOT = Slot("Exchange", 1, "Ada", "Answer.", 10.0)
AGENDA = Agenda(shipped()["debate"], [Debater("Ada", "for"), Debater("Ben", "against")])


def record(*speeches: Speech) -> Record:
    made = Record()
    for speech in speeches:
        made.speeches.append(speech)
        made.over(speech)
    return made


def ada(words: str) -> Speech:
    return Speech("Ada", "for", 0.0, heard=words)


def ben(words: str, by: str = "") -> Speech:
    return Speech("Ben", "against", 0.0, heard=words, interrupted_by=by)


def person(words: str, name: str = "user") -> Speech:
    return Speech(name, "", 0.0, heard=words, of_person=True)


CATS, DOGS = "Cats clean themselves every day.", "Dogs are loyal to their people."


@pytest.mark.parametrize(
    ("before", "side", "begins"),
    [
        ([], "for", "I am for it. "),
        ([ben(DOGS)], "for", "Ben, I am for it. "),
        ([ada(CATS), ben(DOGS)], "for", "Ben, I see that differently. "),
        ([ada(CATS), ben(DOGS), person("And fish?")], "for", ""),
        ([ada(CATS), ben(DOGS), person("And fish?", "Ann")], "for", "Ann, "),
        ([ada(CATS), Speech("Cleo", "for", 0.0, heard="Cats purr for all of us.")], "for", "Cleo, "),
        ([ben(DOGS)], "undecided", "Ben, "),
        ([], "guest", ""),
    ],
)
def test_a_speech_begins_with_whom_it_answers_and_where_it_stands(before: list[Speech], side: str, begins: str) -> None:
    assert prompts.first_words("Ada", side, record(*before)) == begins


def test_the_task_has_the_last_point_and_what_people_said_and_the_side_at_its_end() -> None:
    before = record(ada(CATS), person("And fish?"), ben(f"Really. {DOGS} They guard houses, too, day and night."))
    told = prompts.task(SLOT, before, "Ada", prompts.claim("for", "Cats are better than dogs."))
    assert told.splitlines() == [
        'Somebody in the audience said before: "And fish?"',
        f'Ben says: "{DOGS}"',
        "You have spoken about cats, clean, themselves already: speak about something else.",
        "Answer. Your side: it is true that cats are better than dogs. At most 24 words.",
    ]


def test_who_was_interrupted_is_quoted_as_heard() -> None:
    told = prompts.task(SLOT, record(ben("Dogs are loyal to", "Ann")), "Ada", "")
    assert told.startswith('Ben was interrupted at: "Dogs are loyal to"')


def test_personas_know_their_side_and_who_else_is_there() -> None:
    told = prompts.persona(Speaker("Ada", "for", "You love irony."), "Cats are better than dogs", AGENDA)
    assert 'You argue that this is true: "Cats are better than dogs". You talk with Ben, who is against.' in told
    assert "You love irony." in told
    assert prompts.moderator_persona(Speaker("Mona"), "Cats", AGENDA).startswith("You are Mona, the moderator of")


def test_the_moderator_sums_up_points_by_side_also_those_that_still_sound() -> None:
    sounding = Speech("Ben", "against", 0.0, written="Dogs guard the house at night.")
    told = prompts.sum_up("Sum up.", record(ada(CATS)), ["for", "against"], [sounding])
    assert f"for:\n- {CATS}\n\nagainst:\n- Dogs guard the house at night." in told
    assert told.endswith("Sum up.")


def test_an_acronym_in_front_of_a_topic_stays_one() -> None:
    assert "that AI is dangerous" in prompts.claim("for", "AI is dangerous")
    assert "that cats rule" in prompts.claim("against", "Cats rule!")


@pytest.mark.parametrize(
    ("heard", "by", "asks"),
    [
        ("Cats clean", "user", True),
        ("Cats clean", "", False),
        ("Cats clean themselves every", "user", False),
        ("", "user", False),
    ],
)
def test_who_was_broken_off_before_half_of_it_may_finish(heard: str, by: str, *, asks: bool) -> None:
    record = Record()
    record.speeches = [
        Speech(
            "Ada", "for", 0.0, heard=heard, written="Cats clean themselves every day.", interrupted_by=by, ended_s=2.0
        )
    ]
    told = prompts.task(Slot("Exchange", 1, "Ada", "Answer.", 20.0), record, "Ada", "")
    assert ("want to finish that point" in told) is asks
