"""The vocabulary in which all voices are asked how to sound; each family maps it to what it has."""

from __future__ import annotations

EMOTIONS = ("neutral", "happy", "sad", "angry", "calm")
