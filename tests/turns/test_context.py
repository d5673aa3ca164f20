"""What the parts of the turn-taker share: people are known from the first word about them, orders keep their order."""

from __future__ import annotations

from parley.turns import actions as act
from parley.turns.context import TurnContext
from parley.turns.settings import TurnSettings
from parley.turns.tables import Speech

SETTINGS = TurnSettings(language="te")


def test_somebody_new_has_everybodys_settings_and_arrived_now() -> None:
    context = TurnContext(SETTINGS, now=5.0)
    ann = context.person("ann")
    assert (ann.name, ann.settings, ann.arrived) == ("ann", SETTINGS, 5.0)
    context.now = 6.0
    assert context.person("ann") is ann
    assert ann.arrived == 5.0
    assert list(context.people) == ["ann"]


def test_it_begins_with_nobody_nothing_and_at_no_time() -> None:
    context = TurnContext(SETTINGS)
    assert (context.people, context.orders, context.now) == ({}, [], 0.0)
    assert TurnContext(SETTINGS).orders is not context.orders


def test_holders_are_those_who_are_in_a_turn() -> None:
    context = TurnContext(SETTINGS)
    for name, speech in (("ann", Speech.SPEAKING), ("ben", Speech.SILENT), ("cem", Speech.PAUSING)):
        context.person(name).speech = speech
    assert context.holders == ["ann", "cem"]


def test_a_turn_is_announced_once() -> None:
    context = TurnContext(SETTINGS)
    ann = context.person("ann")
    ann.turn, ann.onset_s = 3, 1.5
    context.announce(ann)
    context.announce(ann)
    assert context.orders == [act.AnnounceSpeechStarted("ann", 3, 1.5)]


def test_words_so_far_are_asked_for_and_it_is_remembered_when() -> None:
    context = TurnContext(SETTINGS)
    ann = context.person("ann")
    ann.turn, ann.revision, ann.media_s = 3, 2, 1.5
    context.ask_partial(ann, urgent=True)
    context.ask_partial(ann, urgent=False)
    assert context.orders == [
        act.TranscribePartial("ann", 3, 2, urgent=True), act.TranscribePartial("ann", 3, 2, urgent=False)
    ]  # fmt: skip
    assert ann.partial_asked_s == 1.5
