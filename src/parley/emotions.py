"""The vocabulary in which all voices are asked how to sound; each family maps it to what it has."""

from __future__ import annotations

EMOTIONS = ("neutral", "happy", "sad", "angry", "calm")
_SLIGHTLY, _VERY = 1 / 3, 2 / 3


def in_words(emotion: str, intensity: float) -> str:
    """Such as "in a very happy tone", for voices that are told in words; nothing for a neutral one."""
    degree = "slightly " if intensity < _SLIGHTLY else "very " if intensity > _VERY else ""
    return "" if emotion == "neutral" else f"in a {degree}{emotion} tone"
