"""Does the user only want to hear the last answer again?"""

from __future__ import annotations

from parley.turns import words


def wants_it_again(said: str, language: str) -> bool:
    """Whether the whole turn asks for that ("say that again"); then no model is asked."""
    return words.asks_for_repetition(said, language)
