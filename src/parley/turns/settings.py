"""Everything about turn-taking that can be set, with its unit and default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mode = Literal["semantic", "silence", "manual"]
Eagerness = Literal["low", "medium", "high", "auto"]


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """Turn-taking of one session."""

    mode: Mode = "semantic"
    """Who ends a turn: all evidence, silence alone, or the client (push to talk)."""
    eagerness: Eagerness = "auto"
    silence_s: float = 0.5
    """Silence that ends a turn in mode ``silence``."""
    create_response: bool = True
    interrupt_response: bool = True
    cancel_at_onset: bool = False
    """Cancel a response at the first voiced sample instead of pausing it and judging (server_vad)."""
    idle_timeout_s: float | None = None
    """After this long without speech the assistant speaks up."""
    language: str = "en"
    speculate_after_s: float = 0.06
    """Silence after which the transcript is finalised and an answer prepared."""
    score_at_s: tuple[float, ...] = (0.2, 0.4, 0.8)
    """Silences at which the turn model is asked."""
    confirm_after_s: float = 0.6
    """Voiced speech over an answer that confirms an interruption without words."""
    verdict_within_s: float = 1.0
    """A paused answer never stays so longer after the user's last voiced sample."""
    partial_after_s: float = 0.3
    """Voiced speech over an answer after which its words are looked at."""
    follow_every_s: float = 0.6
    """Speech after which its words so far are looked at, so that less is left to do when it ends."""
    anticipate: bool = False
    """Whether an answer is prepared while the voice still sounds, to words that could be all (mode ``semantic``); else
    in pauses only."""
    media_timeout_s: float = 1.0
    """A microphone that delivers nothing for so long closes the utterance."""
    transcript_timeout_s: float = 6.0
    """Wait for the final transcript of a short turn ..."""
    transcript_share: float = 1.0
    """... and how much longer for each second of the turn: words are not lost because there are many."""
    sentence_timeout_s: float = 0.15
    """A verdict about the words that takes longer is not waited for."""
    stall_timeout_s: float = 1.5
    """An answer whose voice has words to say, but gives no sound for so long, is begun anew where it broke off."""
    text_timeout_s: float = 15.0
    """The same of one whose model gives no sign of life for so long after all it wrote was said. (A server that merely
    stands still is asked anew before, by who talks to it.)"""
    revival_timeout_s: float = 4.0
    """One whose voice then stays silent for so long has failed."""
    first_audio_timeout_s: float = 30.0
    """A committed answer without a first frame, and without a sign of life from its model, for so long has failed."""
