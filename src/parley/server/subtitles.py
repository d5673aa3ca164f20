"""Recognised speech as SubRip and WebVTT."""

from __future__ import annotations

from collections.abc import Sequence

from parley.models.interfaces import TimedText


def subtitles(segments: Sequence[TimedText], kind: str) -> str:
    """SubRip or WebVTT."""
    comma = "," if kind == "srt" else "."
    blocks = [] if kind == "srt" else ["WEBVTT\n"]
    for number, segment in enumerate(segments, start=1):
        head = f"{number}\n" if kind == "srt" else ""
        blocks.append(f"{head}{_stamp(segment.start_s, comma)} --> {_stamp(segment.end_s, comma)}\n{segment.text}\n")
    return "\n".join(blocks)


def _stamp(seconds: float, comma: str) -> str:
    ms = round(seconds * 1000)
    return f"{ms // 3600000:02}:{ms // 60000 % 60:02}:{ms // 1000 % 60:02}{comma}{ms % 1000:03}"
