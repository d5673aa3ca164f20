"""How voices that write codes of sound choose the next one, and whether they can read a text: what several share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from transformers import LogitsProcessorList, RepetitionPenaltyLogitsProcessor, TemperatureLogitsWarper

Choice = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""The next code, shape (1,), by those before it, (1, codes), and how likely each is, (1, kinds)."""


def draw(scores: torch.Tensor, *, likeliest: bool = False) -> torch.Tensor:
    """A code of each row of scores, shape (rows, kinds): at random as they weigh, or the likeliest."""
    return scores.argmax(-1) if likeliest else torch.multinomial(scores.softmax(-1), 1)[:, 0]


def choice(repetition: float, temperature: float, *warpers: Any) -> Choice:
    """Codes that came before are less likely by `repetition`; then `warpers` cut what is unlikely, and one is drawn.

    With a temperature of 0 it is always the likeliest.
    """
    rules = LogitsProcessorList([RepetitionPenaltyLogitsProcessor(float(repetition))])
    if not temperature:
        return lambda codes, scores: draw(rules(codes, scores), likeliest=True)
    rules += [TemperatureLogitsWarper(float(temperature)), *warpers]
    return lambda codes, scores: draw(rules(codes, scores))


def choice_without_repetition(window: int, temperature: float, *warpers: Any) -> Choice:
    """Draws among what `warpers` leave, and a code that is among the last `window` anew, of all others.

    From VALL-E 2 (https://arxiv.org/abs/2406.05370), with no repetition allowed. With a temperature of 0 it is always
    the likeliest.
    """
    if not temperature:
        return lambda _, scores: draw(scores, likeliest=True)
    cuts = LogitsProcessorList([TemperatureLogitsWarper(float(temperature)), *warpers])

    def chosen(codes: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        code = draw(cuts(codes, scores.clone()))
        if bool((codes[:, -window:] == code).any()):
            code = draw((scores / temperature).scatter(1, code[:, None], -torch.inf))
        return code

    return chosen


def knows_letters(reader: Any, tokens: Iterable[int]) -> bool:
    """Whether there is a letter among tokens of a reader (of the library tokenizers): marks are in brackets."""
    names = (str(reader.id_to_token(token)) for token in tokens)
    return any(any(map(str.isalnum, name)) for name in names if not name.startswith("["))
