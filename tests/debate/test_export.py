"""A debate as a document."""

from __future__ import annotations

import json
from typing import Any

from parley.debate.export import FORMATS


def speech(speaker: str, heard: str, began: float, ended: float, **more: Any) -> dict[str, Any]:
    return {
        "speaker": speaker, "side": "", "round": "Opening", "began_s": began, "ended_s": ended, "heard": heard,
        "written": heard, "interrupted_by": "", **more,
    }  # fmt: skip


DEBATE: dict[str, Any] = {
    "topic": "Cats or dogs", "moderator": "Mona",
    "debaters": [{"name": "Ada", "side": "for"}, {"name": "Ben", "side": "against"}],
    "speeches": [
        speech("Ada", "Cats clean themselves.", 0.5, 2.25), speech("Ben", "Dogs are", 61.0, 62.0, interrupted_by="you"),
        speech("Mona", "", 70.0, 70.0),
    ],
    "verdict": {
        "claims": {"for": [{"text": "Cats clean themselves.", "speaker": "Ada", "taken_up_by": []}], "against": []},
        "strongest": {"for": "Cats clean themselves."},
        "unanswered": [{"text": "Cats clean themselves.", "speaker": "Ada"}],
        "votes": {"for": 2}, "seconds": {"Ada": 1.8},
    },
}  # fmt: skip


def test_markdown_has_rounds_speeches_and_what_came_of_it() -> None:
    text = FORMATS[".md"](DEBATE)
    for told in (
        "# Cats or dogs", "- **Ben**: against", "- **Mona**: moderator", "## Opening",
        "**Ada** (0:00): Cats clean themselves.", "**Ben** (1:01): Dogs are *(interrupted by you)*",
        "### against\n\n- (no point was made)", "Taken up most: Cats clean themselves.", "- for: 2", "- Ada: 1.8",
    ):  # fmt: skip
        assert told in text
    assert text.count("## Opening") == 1


def test_subtitles_have_those_who_were_heard() -> None:
    assert FORMATS[".srt"](DEBATE) == (
        "1\n00:00:00,500 --> 00:00:02,250\nAda: Cats clean themselves.\n\n"
        "2\n00:01:01,000 --> 00:01:02,000\nBen: Dogs are\n"
    )
    assert FORMATS[".vtt"](DEBATE).startswith(
        "WEBVTT\n\n00:00:00.500 --> 00:00:02.250\n<v Ada>Cats clean themselves.\n\n00:01:01.000"
    )


def test_json_has_all_of_it() -> None:
    assert json.loads(FORMATS[".json"](DEBATE)) == DEBATE


def test_one_that_has_not_ended_can_be_written_too() -> None:
    begun = {key: DEBATE[key] for key in ("topic", "debaters", "moderator")}
    assert FORMATS[".md"](begun).startswith("# Cats or dogs")
    assert FORMATS[".srt"](begun) == ""
