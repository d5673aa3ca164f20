"""Was speech over an answer meant to take the floor?"""

from __future__ import annotations

import pytest

from parley.turns.policies.interruption import Verdict, has_thought_better, judge_voice, judge_words
from parley.turns.settings import TurnSettings

SETTINGS = TurnSettings(confirm_after_s=0.6)


@pytest.mark.parametrize(
    ("text", "language", "so_far", "final"),
    [
        ("But why?", "en", Verdict.CONFIRM, Verdict.CONFIRM),
        ("Stop.", "en", Verdict.CONFIRM, Verdict.CONFIRM),
        ("Mm-hm.", "en", Verdict.OPEN, Verdict.RESUME),
        ("Yeah, right.", "en", Verdict.OPEN, Verdict.RESUME),
        ("Yeah, but why?", "en", Verdict.CONFIRM, Verdict.CONFIRM),
        ("Got it.", "en", Verdict.OPEN, Verdict.RESUME),
        ("Got", "en", Verdict.OPEN, Verdict.OPEN),
        ("Um.", "en", Verdict.OPEN, Verdict.OPEN),
        ("Okay, I", "en", Verdict.OPEN, Verdict.OPEN),
        ("Um, no.", "en", Verdict.CONFIRM, Verdict.CONFIRM),
        ("", "en", Verdict.OPEN, Verdict.RESUME),
        ("you", "en", Verdict.OPEN, Verdict.RESUME),
        ("సరే", "te", Verdict.OPEN, Verdict.RESUME),
        ("ఆగు", "te", Verdict.CONFIRM, Verdict.CONFIRM),
    ],
)
def test_real_words_confirm_and_signs_of_listening_resume_once_they_are_all(
    text: str, language: str, so_far: Verdict, final: Verdict
) -> None:
    assert judge_words(text, final=False, language=language) is so_far
    assert judge_words(text, final=True, language=language) is final


@pytest.mark.parametrize(("silence_s", "over"), [(0.1, False), (0.49, False), (0.5, True), (2.0, True)])
def test_who_only_hesitated_is_given_half_a_second(silence_s: float, *, over: bool) -> None:
    assert has_thought_better(silence_s) is over


@pytest.mark.parametrize(
    ("voiced_s", "backchannel", "verdict"),
    [
        (0.0, False, Verdict.OPEN),
        (0.59, False, Verdict.OPEN),
        (0.6, False, Verdict.CONFIRM),
        (0.6, True, Verdict.OPEN),
        (1.19, True, Verdict.OPEN),
        (1.2, True, Verdict.CONFIRM),
    ],
)
def test_long_voiced_speech_confirms_without_words_and_a_run_of_backchannels_is_given_twice_the_time(
    voiced_s: float, verdict: Verdict, *, backchannel: bool
) -> None:
    assert judge_voice(voiced_s, backchannel_so_far=backchannel, settings=SETTINGS) is verdict
