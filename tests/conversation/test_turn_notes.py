"""What is remembered of turns is bounded, each person's apart."""

from __future__ import annotations

from parley.conversation.turn_notes import TurnNotes


def test_turns_of_two_people_are_two() -> None:
    notes = TurnNotes()
    assert notes.of("ann", 1).item != notes.of("ben", 1).item
    assert notes.of("ann", 1) is notes.of("ann", 1)


def test_words_so_far_are_told_of_a_turn_that_clients_know_and_that_is_not_over() -> None:
    notes = TurnNotes()
    item = notes.of("ann", 1).item
    assert notes.item("ann", 1) is None
    notes.announced("ann", 1)
    assert notes.item("ann", 1) == item
    notes.closed("ann", 1)
    assert notes.item("ann", 1) is None


def test_a_thousand_turns_without_an_answer_are_not_remembered() -> None:
    notes = TurnNotes()
    for turn in range(1000):
        notes.announced("ann", turn)
        notes.closed("ann", turn)
    kept = notes._notes["ann"]
    assert len(kept) <= 8


def test_a_turn_that_was_none_is_forgotten() -> None:
    notes = TurnNotes()
    item = notes.announced("ann", 1).item
    notes.forget("ann", 1)
    assert notes.of("ann", 1).item != item


def test_the_last_eight_turns_of_each_person_are_kept() -> None:
    notes = TurnNotes()
    items = [notes.of("ann", turn).item for turn in range(1, 10)]
    notes.of("ben", 1)
    assert [notes.of("ann", turn).item for turn in range(2, 10)] == items[1:]
    assert notes.of("ann", 1).item != items[0]


def test_nothing_is_known_of_a_turn_that_has_just_begun() -> None:
    note = TurnNotes().of("ann", 1)
    assert note.item.startswith("item_")
    times = (note.speech_ended, note.captured, note.voice_stopped, note.transcribed)
    assert times == (None,) * 4
    assert (note.open, note.lost, note.told_lost) == (False, False, False)


def test_a_turn_that_was_none_is_forgotten_and_one_that_is_over_is_closed() -> None:
    notes = TurnNotes()
    assert notes.announced("ann", 1) is notes.of("ann", 1)
    assert notes.item("ann", 1) == notes.of("ann", 1).item
    notes.closed("ann", 1)
    assert notes.item("ann", 1) is None
    item = notes.announced("ann", 2).item
    notes.forget("ann", 2)
    assert notes.item("ann", 2) is None
    assert notes.of("ann", 2).item != item
    notes.forget("ann", 9)
    notes.forget("nobody", 1)
    assert notes.item("nobody", 1) is None
