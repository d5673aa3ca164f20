"""Conversations in a language: recordings are said to a server with that language's profile, over a real socket.

    python -m benchmarks.languages telugu RECORDINGS --language te [--repeat 3]

RECORDINGS has a manifest.json: a list with `file`, `transcript` and `language` of each. The answer is always the same
sentence of the language (a language model is not what is looked at), said by the profile's voice. Printed are errors of
words and characters in what was understood, how long finished speakers wait for the first sound, and how many
recordings were answered before they had come to their end.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from tests.conftest import start_server, stop_server
from tests.wild.scripted import ScriptedServer, running, says

from parley.client.caller import RecordedCaller, TurnReport
from parley.client.connection import Connection
from parley.client.word_errors import character_distance, distance

_ANSWERS = {
    "te": "సరే, నాకు అర్థమైంది. మీకు ఇంకేమైనా కావాలా?",
    "hi": "ठीक है, मैं समझ गया। क्या आपको कुछ और चाहिए?",
    "en": "All right, I have understood. Do you need anything else?",
}
_ALONE_S = 90.0


@dataclass(slots=True)
class Found:
    """Of all recordings."""

    words: list[int] = field(default_factory=lambda: [0, 0])
    letters: list[int] = field(default_factory=lambda: [0, 0])
    waits_ms: list[int] = field(default_factory=list)
    said: int = 0
    early: int = 0
    """Recordings that were taken for more than one turn."""
    silent: list[str] = field(default_factory=list)


def main(
    profile: str,
    recordings: Path,
    language: Annotated[str, typer.Option(help="Of the recordings that are taken, ISO 639-1")],
    repeat: Annotated[int, typer.Option(min=1, help="How often each is said")] = 3,
) -> None:
    """Print a line for each recording, and the figures of all."""
    told = json.loads((recordings / "manifest.json").read_text(encoding="utf-8"))
    clips = [entry for entry in told if entry["language"] == language]
    if not clips:
        raise typer.BadParameter(f"{recordings} has no recording in '{language}'")

    answer = says(_ANSWERS.get(language, _ANSWERS["en"]))
    with running(ScriptedServer({" ": answer})) as model, tempfile.TemporaryDirectory() as logs:
        process, server = start_server(
            Path(logs) / "serve.log", PARLEY_PROFILE=profile, PARLEY_LLM_BASE_URL=model.url, PARLEY_LLM="scripted",
            PARLEY_VOICES="[]",
        )  # fmt: skip
        try:
            found = asyncio.run(_talked(server.url, recordings, clips * repeat))
        finally:
            stop_server(process, server)
    waits = np.percentile(found.waits_ms, (50, 95))
    typer.echo(
        f"{profile}: {found.words[0]}/{found.words[1]} words = {100 * found.words[0] / found.words[1]:.1f} %, "
        f"{found.letters[0]}/{found.letters[1]} characters = {100 * found.letters[0] / found.letters[1]:.1f} %; "
        f"waits p50 {waits[0]:.0f}, p95 {waits[1]:.0f} ms, longest {max(found.waits_ms)} ms (n {len(found.waits_ms)}); "
        f"{found.early} of {found.said} answered before their end; not answered: {', '.join(found.silent) or 'none'}"
    )


async def _talked(url: str, folder: Path, clips: list[dict[str, Any]]) -> Found:
    found = Found()
    for clip in clips:
        async with Connection(url) as connection, RecordedCaller(connection) as caller, asyncio.timeout(_ALONE_S):
            reports = [report async for report in caller.exchange(folder / clip["file"])]
        text = " ".join(report.transcript for report in reports)
        _note(found, clip, reports, text)
        typer.echo(f"{reports[-1].voice_to_voice_ms if reports else None!s:>6} ms {clip['file']:34} {text}")
    return found


def _note(found: Found, clip: dict[str, Any], reports: list[TurnReport], text: str) -> None:
    for totals, (errors, count) in (
        (found.words, distance(clip["transcript"], text)), (found.letters, character_distance(clip["transcript"], text))
    ):  # fmt: skip
        totals[0], totals[1] = totals[0] + errors, totals[1] + count
    found.said += 1
    found.early += len(reports) > 1
    last = reports[-1].voice_to_voice_ms if reports else None
    if last is None or not reports[-1].heard:
        found.silent.append(clip["file"])
    else:
        found.waits_ms.append(last)


if __name__ == "__main__":
    typer.run(main)
