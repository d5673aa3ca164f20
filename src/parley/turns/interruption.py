"""Was speech over an answer meant to take the floor? One verdict from words and voiced time."""

from __future__ import annotations

from enum import Enum

from parley.turns import words
from parley.turns.settings import TurnSettings


class Verdict(Enum):
    """What becomes of the paused answer."""

    CONFIRM = "confirm"
    RESUME = "resume"
    OPEN = "open"


def judge_words(text: str, *, final: bool, language: str) -> Verdict:
    """Real words confirm at once; a backchannel or nothing resumes once the speech is over."""
    if not words.is_noise(text) and not words.is_backchannel(text, language):
        return Verdict.CONFIRM
    return Verdict.RESUME if final else Verdict.OPEN


def judge_voice(voiced_s: float, *, backchannel_so_far: bool, settings: TurnSettings) -> Verdict:
    """Long voiced speech confirms without words; a run of backchannels is given twice the time."""
    limit = settings.confirm_after_s * (2 if backchannel_so_far else 1)
    return Verdict.CONFIRM if voiced_s >= limit else Verdict.OPEN
