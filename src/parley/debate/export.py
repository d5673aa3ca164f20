"""A debate as a document: Markdown, JSON, subtitles."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

Debated = Mapping[str, Any]
"""How a debate stands when it is over, as clients are shown it (``parley.debate.updated``)."""


def as_markdown(debate: Debated) -> str:
    """Who said what, and what came of it."""
    lines = [f"# {debate['topic']}", ""]
    lines += [f"- **{d['name']}**: {d['side']}" for d in debate["debaters"]]
    if debate.get("moderator"):
        lines.append(f"- **{debate['moderator']}**: moderator")
    before = None
    for speech in debate.get("speeches", ()):
        if speech["round"] and speech["round"] != before:
            before = speech["round"]
            lines += ["", f"## {before}"]
        cut = f" *(interrupted by {speech['interrupted_by']})*" if speech["interrupted_by"] else ""
        lines += ["", f"**{speech['speaker']}** ({_clock(speech['began_s'])}): {speech['heard']}{cut}"]
    return "\n".join([*lines, "", *_verdict(debate.get("verdict", {}))]).rstrip() + "\n"


def _verdict(verdict: Mapping[str, Any]) -> list[str]:
    lines = ["## What came of it"] if verdict else []
    for side, claims in verdict.get("claims", {}).items():
        lines += ["", f"### {side}", ""]
        lines += [f"- {claim['text']}" for claim in claims] or ["- (no point was made)"]
        if strongest := verdict["strongest"].get(side):
            lines += ["", f"Taken up most: {strongest}"]
    if left := verdict.get("unanswered"):
        lines += ["", "### Nobody answered", "", *(f"- {claim['text']} ({claim['speaker']})" for claim in left)]
    if votes := verdict.get("votes"):
        lines += ["", "### Votes", "", *(f"- {side}: {count}" for side, count in votes.items())]
    if seconds := verdict.get("seconds"):
        lines += ["", "### Seconds of speech", "", *(f"- {name}: {spent}" for name, spent in seconds.items())]
    return lines


def as_json(debate: Debated) -> str:
    """All of it."""
    return json.dumps(debate, ensure_ascii=False, indent=2) + "\n"


def as_srt(debate: Debated) -> str:
    """Subtitles (SubRip)."""
    cues = [
        f"{n}\n{_stamp(s['began_s'], ',')} --> {_stamp(s['ended_s'], ',')}\n{s['speaker']}: {s['heard']}\n"
        for n, s in enumerate(_heard(debate), 1)
    ]
    return "\n".join(cues)


def as_vtt(debate: Debated) -> str:
    """Subtitles (WebVTT), the speaker as its voice."""
    cues = [
        f"{_stamp(s['began_s'], '.')} --> {_stamp(s['ended_s'], '.')}\n<v {s['speaker']}>{s['heard']}\n"
        for s in _heard(debate)
    ]
    return "\n".join(["WEBVTT\n", *cues])


def file_name(topic: str) -> str:
    """Of a document about a topic, without its ending."""
    return "-".join(re.findall(r"\w+", topic.lower()))[:60].strip("-") or "debate"


FORMATS: Mapping[str, Callable[[Debated], str]] = {
    ".md": as_markdown, ".json": as_json, ".srt": as_srt, ".vtt": as_vtt,
}  # fmt: skip
"""By the end of a file's name."""


def _heard(debate: Debated) -> list[Mapping[str, Any]]:
    return [speech for speech in debate.get("speeches", ()) if speech["heard"].strip()]


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _stamp(seconds: float, mark: str) -> str:
    whole, ms = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{mark}{ms:03}"
