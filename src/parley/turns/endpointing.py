"""How much silence is still asked of a speaker before the floor changes: a falling function of the evidence."""

from __future__ import annotations

from dataclasses import dataclass

from parley.turns import words
from parley.turns.settings import TurnSettings

_DOUBT = 0.5  # below this score a speaker's usual pause is waited for in any case
_LONGEST_HABIT_S = 0.8


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about the pause that is running."""

    probability: float | None = None
    """Of the turn model that the speaker is finished; None when there is no model or no answer yet."""
    transcript: str | None = None
    """Of the turn so far, final for this pause; None when not there yet."""
    own_pauses_s: tuple[float, ...] = ()
    """Pauses that this speaker made inside earlier turns and this one."""


def required_wait_s(evidence: Evidence, settings: TurnSettings) -> float:
    """Silence (seconds of media time since the last voiced sample) that ends the turn.

    The evidence becomes a score between 0 (certainly goes on) and 1 (certainly finished); the wait falls
    from the longest to the shortest with it, steeply at first, and never in a step.
    """
    if settings.mode == "silence":
        return settings.silence_s
    shortest, longest = settings.waits_s
    score = _score(evidence, settings.language)
    wait = shortest + (longest - shortest) * (1 - score) ** 2
    return max(wait, _habit_s(evidence)) if score < _DOUBT else wait


def _score(evidence: Evidence, language: str) -> float:
    score = 0.6 if evidence.probability is None else evidence.probability
    text = evidence.transcript
    if text is None:
        return score
    if words.trails_off(text, language):
        return score * 0.35
    if words.is_complete(text):
        # A closed sentence lifts a doubtful model verdict: it says "unfinished" of many short questions.
        lift = 0.65 if text.rstrip().endswith("?") else 0.5
        return score + (1 - score) * lift
    return score * 0.9


def _habit_s(evidence: Evidence) -> float:
    """A little more than the speaker's usual pause, from the second one on; at most `_LONGEST_HABIT_S`."""
    if len(evidence.own_pauses_s) < 2:
        return 0.0
    ordered = sorted(evidence.own_pauses_s[-8:])
    return min(ordered[len(ordered) // 2] * 1.2, _LONGEST_HABIT_S)
