"""What was said and what became of it."""

from __future__ import annotations

from parley.debate.record import Record, Speech, points


def said(record: Record, speaker: str, side: str, heard: str, began: float = 0.0, by: str = "") -> Speech:
    speech = Speech(speaker, side, began, heard=heard, interrupted_by=by)
    speech.ended_s = began + 5
    record.speeches.append(speech)
    record.over(speech)
    return speech


def test_sentences_that_say_something_are_points_and_questions_are_none() -> None:
    text = 'Well. Cats clean themselves every single day. "Dogs need a walk at six." Is that not true for you all?'
    assert points(text) == ["Cats clean themselves every single day.", '"Dogs need a walk at six."']


def test_who_is_spoken_to_and_stock_phrases_are_no_part_of_a_point() -> None:
    record = Record()
    said(record, "Ben", "against", "Dogs are loyal to their people.")
    said(
        record,
        "Ada",
        "for",
        "Ben, I do not think so. Ben, cats clean themselves every day. Really, cats purr for us too.",
    )
    assert [c.text for c in record.claims if c.side == "for"] == [
        "Cats clean themselves every day.", "Really, cats purr for us too.",
    ]  # fmt: skip
    assert record.words_of("Ada", 2) == ["cats", "purr"]


def test_a_point_is_kept_once_and_by_side() -> None:
    record = Record()
    said(record, "Ada", "for", "Cats clean themselves every single day.")
    said(record, "Ada", "for", "Cats clean themselves, every single day!")
    said(record, "Mona", "", "Thank you for that strong beginning.")
    assert [(c.text, c.side) for c in record.claims] == [("Cats clean themselves every single day.", "for")]
    assert record.used_by("Ada", 5) == ["Cats clean themselves every single day."]
    assert record.used_by("Ada", 5) == [c.text for c in record.claims]


def test_a_point_that_the_other_side_comes_back_to_is_answered() -> None:
    record = Record()
    said(record, "Ada", "for", "Cats clean themselves every day. A cat costs hardly any money each month.")
    said(record, "Ben", "against", "Cleaning themselves does not stop cats from shedding hair everywhere.")
    said(record, "Ada", "for", "Cats clean themselves and I say that again today.")
    first, second = record.claims[:2]
    assert (first.taken_up_by, second.taken_up_by) == (["Ben"], [])
    assert second in record.unanswered()
    assert record.strongest("for") is first


def test_a_person_may_take_up_a_point_of_either_side() -> None:
    record = Record()
    said(record, "Ada", "for", "Cats clean themselves every single day.")
    said(record, "you", "", "But cats that clean themselves still scratch.")
    assert record.claims[0].taken_up_by == ["you"]


def test_the_verdict_tells_points_interruptions_and_times() -> None:
    record = Record()
    said(record, "Ada", "for", "Cats clean themselves every single day.", 0.0)
    said(record, "Ben", "against", "Dogs are", 6.0, "you")
    verdict = record.verdict(["for", "against"], {"for": 2})
    assert verdict["strongest"] == {"for": "Cats clean themselves every single day."}
    assert verdict["interrupted"] == [{"speaker": "Ben", "by": "you", "heard": "Dogs are"}]
    assert (verdict["seconds"], verdict["votes"]) == ({"Ada": 5.0, "Ben": 5.0}, {"for": 2})


def test_what_others_said_since_is_found_behind_ones_own() -> None:
    record = Record()
    assert record.since_own("Ada") == []
    ben = said(record, "Ben", "against", "Dogs are loyal to their people.")
    said(record, "Ada", "for", "Cats are independent, and that is fine.")
    assert record.since_own("Ada") == [ben]
    said(record, "Mona", "", "Exchange. Ada, please.")
    record.speeches.append(Speech("Cleo", "for", 9.0))  # she has begun, and nothing is written yet
    assert record.since_own("Ada") == [ben], "fixed words are nothing to reply to"
    fish = Speech("user", "", 12.0, heard="And fish?", of_person=True)
    record.speeches.append(fish)
    cleo = said(record, "Cleo", "for", "Cats eat fish, so they are on top.")
    assert record.since_own("Ada") == [fish, cleo]
