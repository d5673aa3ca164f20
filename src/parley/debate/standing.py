"""How a debate stands, as clients are shown it (``parley.debate.updated``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from parley.debate.agenda import Agenda, Slot
from parley.debate.plan import Plan
from parley.debate.record import Record, Speech


@dataclass(frozen=True, slots=True)
class Moment:
    """What is so just now."""

    state: str
    speech: Speech | None
    """What is spoken."""
    slot: Slot | None
    """Its place in the order; without a speech, of people who are waited for."""
    time_s: float
    """Since the beginning."""
    vote_open: bool
    votes: Mapping[str, str]
    """Sides, by who has voted for them."""


def standing(plan: Plan, agenda: Agenda, record: Record, now: Moment) -> dict[str, Any]:
    """Who speaks, who is next, how long; behind its end with what came of it."""
    upcoming, led, speech, slot = agenda.next, plan.moderator, now.speech, now.slot
    found: dict[str, Any] = {
        "state": now.state, "topic": plan.topic, "format": plan.rules.name, "sides": list(plan.rules.sides),
        "debaters": [
            {
                "name": d.name, "side": d.side, "voice": d.voice, "available": agenda.speaks(d.name),
                "muted": agenda.is_muted(d.name), "place": plan.place_of(d.name),
            }
            for d in plan.debaters
        ],
        "moderator": led.name if led else None, "moderator_voice": led.voice if led else None,
        "rounds": [one.name for one in plan.rules.rounds], "round": slot.round if slot is not None else None,
        "speaker": speech.speaker if speech is not None else None,
        "next": (upcoming.whom or upcoming.speaker) if upcoming is not None and now.state == "running" else None,
        "seconds": slot.seconds if slot is not None else None,
        "speaking_s": round(now.time_s - speech.began_s, 1) if speech is not None else None,
        "elapsed_s": round(now.time_s, 1), "minutes": plan.minutes,
        "vote_open": now.vote_open, "votes": _counted(plan, now),
    }  # fmt: skip
    return {**found, **came_of_it(plan, record, now)} if now.state == "over" else found


def came_of_it(plan: Plan, record: Record, now: Moment) -> dict[str, Any]:
    """What was said so far, and what came of it so far."""
    return {
        "verdict": record.verdict(plan.rules.sides, _counted(plan, now)),
        "speeches": [speech.to_json() for speech in record.speeches],
    }


def _counted(plan: Plan, now: Moment) -> dict[str, int]:
    votes = list(now.votes.values())
    return {side: votes.count(side) for side in plan.rules.sides if side in votes}
