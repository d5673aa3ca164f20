"""How much silence is still asked of a speaker before the floor changes: a falling function of the evidence."""

from __future__ import annotations

import math
from dataclasses import dataclass

from parley.turns import words
from parley.turns.settings import TurnSettings

_DOUBT = 0.5  # below this score a speaker's usual pause is waited for in any case
_LONGEST_HABIT_S = 0.8
_PATIENCE = 1.4  # times the pause into which the last answer came too early
_LONGEST_PATIENCE_S = 1.3
_WENT_ON_WITHIN_S = 1.6


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about the pause that is running."""

    probability: float | None = None
    """Of the turn model that the speaker is finished, the mean of its answers in this pause; None when there is no
    model or no answer yet. (Its later answers alone are worse: long silence convinces it of nearly every end.)"""
    transcript: str | None = None
    """Of the turn so far, final for this pause; None when not there yet."""
    sentence: float | None = None
    """Probability that the words can end there; None when there is no model for that or no answer yet."""
    own_pauses_s: tuple[float, ...] = ()
    """Pauses that this speaker made inside earlier turns and this one."""
    patience_s: float = 0.0
    """Silence that this speaker is owed whatever the rest says, after an answer that came too early."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How much each piece of evidence counts; `benchmarks/turn_taking.py` fits these."""

    power: float = 2.0
    """How steeply the wait falls with the score."""
    without_model: float = 0.6
    """Score while (or where) no turn model has answered."""
    lift_statement: float = 0.5
    """Share of the doubt that a closed sentence removes."""
    lift_question: float = 0.65
    """The same of a question."""
    trailing: float = 0.35
    """What is left of the score of words that cannot end a sentence."""
    unclosed: float = 0.9
    """What is left of the score of a sentence that the recogniser did not close."""
    verb_final: float = 0.45
    """Score, without a turn model, of words in a language whose sentences end in their verb."""
    before_verb: float = 0.5
    """What is left of it while the verb has not come."""
    bias: float = 1.37
    sound: float = 0.35
    words: float = 1.4
    comma: float = -1.7
    question: float = 0.64
    """Where sound and words are both judged by models, the log-odds that the turn is over are their weighted sum:
    `sound` for each unit of the turn model's log-odds, `words` for each power of ten of the sentence's probability,
    and the recogniser's own comma or question mark."""
    threshold: float = 0.0
    sharpness: float = 6.0
    """These log-odds, less the threshold, times the sharpness, are the score's."""
    few_words: int = 3
    few_words_wait_s: float = 0.85
    """So few words are not waited for longer: people rarely pause in them, and "two people" is no sentence either."""
    impossible: float = 0.0015
    """Unless they certainly go on: below this probability of a sentence's end ("I'd like", "thunderstorms could")."""


POLICY = Policy()


def required_wait_s(evidence: Evidence, settings: TurnSettings, policy: Policy = POLICY) -> float:
    """Silence (seconds of media time since the last voiced sample) that ends the turn.

    The evidence becomes a score between 0 (certainly goes on) and 1 (certainly finished); the wait falls
    from the longest to the shortest with it, steeply at first, and never in a step.
    """
    if settings.mode == "silence":
        return settings.silence_s
    shortest, longest = settings.waits_s
    awaits_verb = words.ends_in_its_verb(evidence.transcript or "", settings.language) is False
    goes_on = awaits_verb or (evidence.sentence is not None and evidence.sentence < policy.impossible)
    if evidence.transcript and len(evidence.transcript.split()) <= policy.few_words and not goes_on:
        longest = min(longest, policy.few_words_wait_s)
    score = _score(evidence, settings.language, policy)
    both = evidence.probability is not None and evidence.sentence is not None
    wait = shortest + (longest - shortest) * float((1 - score) ** (1.0 if both else policy.power))
    return max(wait, evidence.patience_s, _habit_s(evidence) if score < _DOUBT else 0.0)


def _score(evidence: Evidence, language: str, policy: Policy) -> float:
    score = policy.without_model if evidence.probability is None else evidence.probability
    text = evidence.transcript
    if text is None:
        return score
    if evidence.probability is not None and evidence.sentence is not None:
        return _joint_score(evidence.probability, evidence.sentence, text, policy)
    if evidence.probability is None and (ends := words.ends_in_its_verb(text, language)) is not None:
        return _verb_final_score(text, ends, policy)
    if words.trails_off(text, language):
        return score * policy.trailing
    if words.is_complete(text):
        # A closed sentence lifts a doubtful model verdict: it says "unfinished" of many short questions.
        lift = policy.lift_question if text.rstrip().endswith("?") else policy.lift_statement
        return score + (1 - score) * lift
    return score * policy.unclosed


def _verb_final_score(text: str, ends: bool, policy: Policy) -> float:
    """The verb tells more than the recogniser's full stop, which closes whatever it was given."""
    if not ends:
        return policy.verb_final * policy.before_verb
    lift = policy.lift_question if text.rstrip().endswith("?") else policy.lift_statement
    return policy.verb_final + (1 - policy.verb_final) * lift


def features(probability: float, sentence: float, text: str) -> tuple[float, float, float, float, float]:
    """What the joint score weighs, in the order of `Policy`'s weights (the first is the bias's 1)."""
    sound = min(max(probability, 0.01), 0.99)
    closing = text.rstrip()[-1:]
    said = math.log10(min(max(sentence, 0.001), 1.0))
    return 1.0, math.log(sound / (1 - sound)), said, float(closing == ","), float(closing == "?")


def _joint_score(probability: float, sentence: float, text: str, policy: Policy) -> float:
    weights = (policy.bias, policy.sound, policy.words, policy.comma, policy.question)
    odds = sum(w * x for w, x in zip(weights, features(probability, sentence, text), strict=True))
    return 1 / (1 + math.exp(-policy.sharpness * (odds - policy.threshold)))


def _habit_s(evidence: Evidence) -> float:
    """A little more than the speaker's usual pause, from the second one on; at most `_LONGEST_HABIT_S`."""
    if len(evidence.own_pauses_s) < 2:
        return 0.0
    ordered = sorted(evidence.own_pauses_s[-8:])
    return min(ordered[len(ordered) // 2] * 1.2, _LONGEST_HABIT_S)


def patience_after_s(pause_s: float) -> float:
    """Patience owed to a speaker who spoke into an answer `pause_s` after his own last word.

    So soon that was no reaction to the answer: he had not finished. Who interrupts later is owed none.
    """
    return min(pause_s * _PATIENCE, _LONGEST_PATIENCE_S) if pause_s <= _WENT_ON_WITHIN_S else 0.0
