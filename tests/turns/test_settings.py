"""What holds where nothing is set."""

from __future__ import annotations

from parley.turns.settings import TurnSettings


def test_what_holds_where_nothing_is_set() -> None:
    assert TurnSettings() == TurnSettings(
        mode="semantic", eagerness="auto", silence_s=0.5, create_response=True, interrupt_response=True,
        cancel_at_onset=False, idle_timeout_s=None, language="en", speculate_after_s=0.06,
        score_at_s=(0.2, 0.4, 0.8), confirm_after_s=0.6, verdict_within_s=1.0, partial_after_s=0.3,
        follow_every_s=0.6, anticipate=False, media_timeout_s=1.0, transcript_timeout_s=6.0, transcript_share=1.0,
        sentence_timeout_s=0.15, stall_timeout_s=1.5, text_timeout_s=15.0, revival_timeout_s=4.0,
        first_audio_timeout_s=30.0,
    )  # fmt: skip
