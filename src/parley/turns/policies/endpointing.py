"""How much silence is still asked of a speaker before the floor changes: until it is unlikely that he goes on.

One small model says how probable that is, from all that is known at a moment: how finished the speaker sounds to the
recogniser, or else to the turn model, and then the sentence model's verdict on the words; the recogniser's closing
mark, and the silence so far: a logistic regression whose weights are data (`endpointing.yaml`), fitted by
`benchmarks/turn_taking.py`. Where sentences end in their verb, its place counts beside the turn model, as if neither
knew of the other. Two prices decide how unlikely is unlikely enough: a second of waiting, and taking somebody's floor.
`eagerness` moves their ratio.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import resources
from typing import Literal

import msgspec

from parley.turns import words
from parley.turns.settings import Eagerness, TurnSettings

Source = Literal["recogniser", "turn_model"]
_GRACE = 1.4  # times the pause into which the last answer came too early
_LONGEST_GRACE_S = 0.9
_WENT_ON_WITHIN_S = 1.6
_REACTS_AFTER_S = 0.5
LONGEST_GAP_S = 3.0
"""Between two halves of a turn."""
_STEP_S = 0.02


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about the pause that is running."""

    probability: float | None = None
    """Of the turn model that the speaker is finished, its last answer in this pause; None when there is no model or no
    answer yet."""
    transcript: str | None = None
    """Of the turn so far, final for this pause; None when not there yet."""
    sentence_end_probability: float | None = None
    """Probability that the words can end there; None when there is no model for that or no answer yet."""
    grace_s: float = 0.0
    """Silence that this speaker is owed whatever the rest says, after an answer that came too early."""
    heard_finished: float | None = None
    """Probability that the speaker is finished, by how he sounded to the recogniser; None where it does not tell."""


class Weights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of the log-odds that the speaker goes on: a sum of these, each times its feature (see `features`)."""

    bias: float
    sound: float
    words: float
    comma: float
    question: float
    trailing: float
    unclosed: float
    silence: float
    silence_squared: float
    no_sound: float
    """What stands for `sound` where nobody judged it."""
    no_words: float
    """What stands for `words` while (or where) no sentence model has answered."""


class Patience(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an eagerness means."""

    goes_on: float
    """Probability of going on below which the turn is over: the price of waiting, over that of taking the floor."""
    shortest_s: float
    longest_s: float
    """Nobody with words on record waits longer ..."""
    unfinished_s: float
    """... unless the words themselves say that they are not finished: then from `longest_s` to this."""


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much each piece of evidence counts, and what waiting is worth."""

    weights: dict[Source, Weights]
    """By who judges the sound."""
    patience: dict[Eagerness, Patience]
    unfinished: float
    """Probability of a sentence's end below which the words say that they are not finished."""
    verb_final: float
    """Probability that somebody goes on whose language ends sentences in their verb, when that has come ..."""
    before_verb: float
    """... and when it has not: without a turn model for the language, that is all there is."""


POLICY = msgspec.yaml.decode((resources.files(__package__) / "endpointing.yaml").read_bytes(), type=Policy)


def required_wait_s(evidence: Evidence, settings: TurnSettings, policy: Policy = POLICY) -> float:
    """Silence (seconds of media time since the last voiced sample) that ends the turn."""
    if settings.mode == "silence":
        return settings.silence_s
    patience = policy.patience[settings.eagerness]
    text, language = evidence.transcript or "", settings.language
    ends = words.ends_in_its_verb(text, language) if evidence.heard_finished is None else None
    by_verb = {None: 0.5, True: policy.verb_final, False: policy.before_verb}[ends]
    if ends is not None and evidence.probability is None:
        wait = patience.shortest_s + (patience.unfinished_s - patience.shortest_s) * by_verb
    else:
        bounds = patience.shortest_s, patience.unfinished_s if ends is False else patience.longest_s
        if _is_unfinished(evidence, language, policy):
            bounds = patience.longest_s, patience.unfinished_s
        weights = policy.weights[source(evidence)]
        known = log_odds(evidence, language, weights) + math.log(by_verb / (1 - by_verb))
        wait = _until_unlikely_s(known, patience.goes_on, bounds, weights)
    return max(wait, evidence.grace_s)


def source(evidence: Evidence) -> Source:
    """Who judges the sound."""
    return "turn_model" if evidence.heard_finished is None else "recogniser"


def _is_unfinished(evidence: Evidence, language: str, policy: Policy) -> bool:
    ends = evidence.sentence_end_probability
    return words.trails_off(evidence.transcript or "", language) or (ends is not None and ends < policy.unfinished)


def _until_unlikely_s(known: float, unlikely: float, bounds_s: tuple[float, float], weights: Weights) -> float:
    """The first silence within bounds at which the speaker is unlikely to go on, else the longest; `known`: log-odds by
    all the rest."""
    limit = math.log(unlikely / (1 - unlikely))
    shortest_s, longest_s = bounds_s
    for step in range(round((longest_s - shortest_s) / _STEP_S)):
        silence_s = shortest_s + step * _STEP_S
        if known + weights.silence * silence_s + weights.silence_squared * silence_s**2 < limit:
            return silence_s
    return longest_s


def log_odds(evidence: Evidence, language: str, weights: Weights) -> float:
    """That the speaker goes on, by everything but the silence and the place of the verb."""
    found = features(evidence, language, weights)
    return weights.bias + sum(float(getattr(weights, name)) * value for name, value in found.items())


def features(evidence: Evidence, language: str, weights: Weights) -> dict[str, float]:
    """What is weighed: log-odds of the sound's judge, power of ten of the sentence's probability, the closing mark."""
    text = (evidence.transcript or "").rstrip()
    sound, said = weights.no_sound, weights.no_words
    judged = evidence.probability if evidence.heard_finished is None else evidence.heard_finished
    if judged is not None:
        bounded = min(max(judged, 0.001), 0.999)
        sound = math.log(bounded / (1 - bounded))
    if (ends := evidence.sentence_end_probability) is not None:
        said = math.log10(min(max(ends, 0.0001), 1.0))
    return {
        "sound": sound,
        "words": said,
        "comma": float(text.endswith(",")),
        "question": float(text.endswith("?")),
        "trailing": float(words.trails_off(text, language)),
        "unclosed": float(text[-1:].isalnum()),
    }


def had_not_finished(pause_s: float, heard_s: float = _WENT_ON_WITHIN_S) -> bool:
    """Of somebody who spoke into an answer `pause_s` after his own last word, having heard `heard_s` of it.

    So soon after the one or the other that was no reaction to it.
    """
    return pause_s <= _WENT_ON_WITHIN_S or (pause_s <= LONGEST_GAP_S and heard_s <= _REACTS_AFTER_S)


def grace_after_s(pause_s: float) -> float:
    """Silence owed to a speaker who spoke into an answer `pause_s` after his own last word."""
    return min(pause_s * _GRACE, _LONGEST_GRACE_S)
