"""Was speech over an answer meant to take the floor? One verdict from words and voiced time."""

from __future__ import annotations

from enum import Enum

from parley.turns import words
from parley.turns.settings import TurnSettings

_HESITATES_S = 0.5


class Verdict(Enum):
    """What becomes of the paused answer."""

    CONFIRM = "confirm"
    RESUME = "resume"
    OPEN = "open"


def judge_words(text: str, *, final: bool, language: str) -> Verdict:
    """Real words confirm at once; a backchannel or nothing resumes once the speech is over; a hesitation stays open."""
    if words.is_noise(text) or words.is_backchannel(text, language):
        return Verdict.RESUME if final else Verdict.OPEN
    return Verdict.OPEN if words.may_be_listening(text, language) else Verdict.CONFIRM


def has_thought_better(silence_s: float) -> bool:
    """Whether somebody who only hesitated says nothing more, by the silence behind it."""
    return silence_s >= _HESITATES_S


def judge_voice(voiced_s: float, *, backchannel_so_far: bool, settings: TurnSettings) -> Verdict:
    """Long voiced speech confirms without words; a run of backchannels is given twice the time."""
    limit = settings.confirm_after_s * (2 if backchannel_so_far else 1)
    return Verdict.CONFIRM if voiced_s >= limit else Verdict.OPEN
