"""How long is waited, by what was said."""

from __future__ import annotations

import pytest

from parley.turns.endpointing import Evidence, patience_after_s, required_wait_s
from parley.turns.settings import TurnSettings

TELUGU = TurnSettings(language="te")


@pytest.mark.parametrize(
    "text",
    ["నాకు ఒక కాఫీ కావాలి", "రేపు వాన పడుతుంది.", "మీరు ఎక్కడ ఉన్నారు?", "నేను ఇంటికి వెళ్తాను", "దీపం ఆపండి", "అది నాకు తెలియదు"],
)
def test_a_telugu_sentence_with_its_verb_is_answered_soon(text: str) -> None:
    assert required_wait_s(Evidence(transcript=text), TELUGU) < 0.4


@pytest.mark.parametrize("text", ["నాకు రేపు సాయంత్రం ఆరు గంటలకు.", "మా ఊరి పెద్ద చెరువు పక్కన", "వాన పడితే కానీ", "నేను మరియు మా అన్న."])
def test_before_its_verb_it_is_given_time_whatever_the_recogniser_closed(text: str) -> None:
    assert required_wait_s(Evidence(transcript=text), TELUGU) > 1.0


def test_a_turn_model_that_knows_the_language_counts_more() -> None:
    sure = Evidence(probability=0.95, transcript="నాకు రేపు సాయంత్రం")
    assert required_wait_s(sure, TELUGU) < required_wait_s(Evidence(transcript="నాకు రేపు సాయంత్రం"), TELUGU)


def test_patience_is_owed_to_who_goes_on_soon_and_bounded() -> None:
    assert patience_after_s(0.5) == pytest.approx(0.7)
    assert patience_after_s(1.5) == pytest.approx(1.3)
    assert patience_after_s(2.0) == 0.0
