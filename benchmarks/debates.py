"""Debates as somebody hears them: how soon debaters fall silent and answer, and how they follow each other.

    python -m benchmarks.debates step-in QUESTION.wav... --url URL [--count 20] [--webrtc]
    python -m benchmarks.debates listen --minutes 3 [--url URL] [--count 2] [--format F] [--debater NAME:SIDE ...]

`step-in` says a question into a speech that has gone on for a while, again and again: from its first voiced sample to
the last audible one of the debater, and from its last voiced sample to the first audible one of whoever answers.
`listen` plays whole debates among agents: each speaker's sound is transcribed and compared with what was written of it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Protocol

import numpy as np
import typer

from benchmarks import webrtc
from parley.audio import files
from parley.audio.pcm import Int16
from parley.client.audibility import hops_dbfs, speech_ends_s, speech_starts_s
from parley.client.caller import RecordedCaller, load_clip
from parley.client.connection import RATE_HZ, Connection
from parley.client.statistics import summary
from parley.client.word_errors import distance

app = typer.Typer(help=__doc__, no_args_is_help=True)
TOPIC = "Cats are better than dogs"
_INTO_S = 1.2
"""How long a speech has gone on when somebody steps in."""
_SILENT_S = 0.6
_WAITS_S = 0.04
"""How long sound waits in a browser's buffer, usually."""
_ANSWER_S = 12.0
_AUDIBLE_DBFS = -45.0
_SHORTEST_GAP_S = 0.1
_NEAR_S = 0.15
"""A silence that a speech begins in, or so near to, is between two speeches."""
_HOLE_S = 0.7
"""A silence inside a speech that nobody would take for a breath."""


class Caller(Protocol):
    """Somebody who hears a debate and says recordings into it; times are seconds of what was heard."""

    rate_hz: int
    events: list[dict[str, Any]]

    @property
    def now_s(self) -> float:
        """Where it is."""

    async def send(self, event: dict[str, Any]) -> None:
        """A client event."""

    async def say(self, clip: Path) -> float:
        """Begin to say it; returns when its first sample is said."""

    def heard_since(self, seconds: float) -> Int16:
        """From there until now."""

    async def until(self, seconds: float) -> None:
        """Until so much was heard."""


class _BySocket:
    def __init__(self, connection: Connection, caller: RecordedCaller) -> None:
        self.rate_hz = RATE_HZ
        self.events: list[dict[str, Any]] = []
        self._connection, self._caller = connection, caller
        connection.on_event = self.events.append

    async def send(self, event: dict[str, Any]) -> None:
        await self._connection.send(event)

    async def say(self, clip: Path) -> float:
        return self._caller.speak(load_clip(clip))

    @property
    def now_s(self) -> float:
        return self._caller.now_s

    def heard_since(self, seconds: float) -> Int16:
        return self._caller.played_since(seconds)

    async def until(self, seconds: float) -> None:
        await self._caller.wait_for(lambda: self.now_s >= seconds, 120)


class _ByCall:
    def __init__(self, call: webrtc.Call) -> None:
        self.rate_hz, self.events = webrtc.RATE, call.events
        self._call = call

    async def send(self, event: dict[str, Any]) -> None:
        self._call.channel.send(json.dumps(event))

    async def say(self, clip: Path) -> float:
        self._call.microphone.say(webrtc.clip(clip))
        return self.now_s

    @property
    def now_s(self) -> float:
        return self._call.heard_s

    def heard_since(self, seconds: float) -> Int16:
        """As by a browser, in which sound waits a little."""
        return self._call.heard_since(seconds - _WAITS_S)

    async def until(self, seconds: float) -> None:
        while self.now_s < seconds:  # noqa: ASYNC110 - twenty looks a second
            await asyncio.sleep(0.05)


@asynccontextmanager
async def _caller(url: str, *, by_webrtc: bool) -> AsyncIterator[Caller]:
    if by_webrtc:
        async with webrtc.call(url.replace("ws", "http", 1), query="?parley=1", keep_sound=True) as call:
            yield _ByCall(call)
        return
    async with Connection(url, exact=True) as connection, RecordedCaller(connection) as caller:
        yield _BySocket(connection, caller)


@app.command("step-in")
def step_in(
    clips: list[Path],
    url: str = "ws://localhost:8000",
    count: int = 20,
    by_webrtc: Annotated[bool, typer.Option("--webrtc", help="By a call instead of a socket")] = False,
) -> None:
    """Say questions into speeches."""
    asyncio.run(_step_in(clips, url, count, by_webrtc=by_webrtc))


async def _step_in(clips: list[Path], url: str, count: int, *, by_webrtc: bool) -> None:
    silent: list[tuple[str, float]] = []
    answered: list[tuple[str, float]] = []
    async with _caller(url, by_webrtc=by_webrtc) as caller:
        debate = {"topic": TOPIC, "format": _endless()}
        await caller.send({"type": "parley.debate.start", "debate": debate})
        while len(silent) < count:
            clip = clips[len(silent) % len(clips)]
            await _speech(caller)
            said = load_clip(clip)
            begins, (*_, ends) = speech_starts_s(said, RATE_HZ) or 0.0, speech_ends_s(said, RATE_HZ)
            at_s = await caller.say(clip)
            await caller.until(at_s + ends + _ANSWER_S)
            quiet_s, sounds_s = _between(_audible(caller, at_s), begins, ends)
            silent.append((clip.name, (quiet_s - begins) * 1000))
            if sounds_s is not None:
                answered.append((clip.name, (sounds_s - ends) * 1000))
            told = f"{answered[-1][1]:.0f} ms" if sounds_s is not None else "nothing"
            told += f" ({_last_waterfall(caller)})"
            typer.echo(f"{len(silent):3} {clip.name}: silent after {silent[-1][1]:.0f} ms, answered after {told}")
    typer.echo(json.dumps({"silent_ms": summary(silent), "answered_ms": summary(answered)}))


def _last_waterfall(caller: Caller) -> str:
    """Where the time of the last answer to somebody went, as the server says."""
    last: dict[str, Any] = next((e for e in reversed(caller.events) if e["type"] == "parley.waterfall"), {})
    return f"{last.get('total_ms')} ms by the server's clock"


def _endless() -> dict[str, Any]:
    each = {"name": "Exchange", "order": ["each"], "task": "Answer what was said last.", "seconds": 25, "repeat": 0}
    return {
        "name": "endless", "title": "Endless", "about": "For measuring.", "sides": ["for", "against"],
        "moderator": False, "rounds": [each],
    }  # fmt: skip


def _audible(caller: Caller, since_s: float) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Of each 10 ms that were heard from there on."""
    loud: np.ndarray[Any, np.dtype[np.bool_]] = hops_dbfs(caller.heard_since(since_s), caller.rate_hz) > _AUDIBLE_DBFS
    return loud


async def _speech(caller: Caller) -> None:
    """Until somebody has spoken for a while, and goes on."""
    while True:
        await caller.until(max(_INTO_S, caller.now_s + 0.1))
        if _audible(caller, caller.now_s - _INTO_S).mean() > 0.8:
            return


def _between(audible: np.ndarray[Any, Any], begins_s: float, ends_s: float) -> tuple[float, float | None]:
    """When it was silent after words began, and when somebody was heard after they had ended; seconds of `audible`."""
    quiet, first = round(_SILENT_S * 100), round(begins_s * 100)
    silent = next((n for n in range(first, len(audible)) if not audible[n : n + quiet].any()), len(audible))
    after = np.flatnonzero(audible[max(silent, round(ends_s * 100)) :])
    sounds = (max(silent, round(ends_s * 100)) + int(after[0])) / 100 if len(after) else None
    return silent / 100, sounds


@app.command()
def listen(
    minutes: float = 3.0,
    count: int = 1,
    url: Annotated[str | None, typer.Option(help="Server; without it one is started for each debate")] = None,
    debater: Annotated[list[str] | None, typer.Option(help="As of `parley debate`")] = None,
    topic: str = TOPIC,
    rules: Annotated[str, typer.Option("--format", help="As of `parley debate`")] = "debate",
    model: Annotated[str, typer.Option(help="Recogniser that reads what was said")] = "whisper-base",
) -> None:
    """Play debates among agents, and read what each speaker's sound says."""
    options = [part for one in debater or [] for part in ("--debater", one)] + ["--format", rules]
    if url is not None:
        options += ["--url", url]
    asyncio.run(_listen(count, ["debate", topic, "--spectate", "--minutes", str(minutes), *options], model))


async def _listen(count: int, command: list[str], model: str) -> None:
    gaps: list[tuple[str, float]] = []
    holes: list[float] = []
    errors = words = overlaps = repeated = 0
    for number in range(count):
        with tempfile.TemporaryDirectory() as folder:
            debate, parts, silences = await _held(Path(folder), command, model)
            for speech, heard in parts:
                found, length = distance(speech["heard"], heard)
                errors, words = errors + found, words + length
                if found > length / 4:
                    typer.echo(f"{speech['speaker']} wrote: {speech['heard']}\n{speech['speaker']} said:  {heard}")
        speeches = debate["speeches"]
        pairs = list(itertools.pairwise(speeches))
        for since, until in silences:
            if any(since - _NEAR_S < s["began_s"] < until + _NEAR_S for s in speeches[1:]):
                gaps.append((f"{number}", (until - since) * 1000))
            elif until - since > _HOLE_S:
                holes.append(round(until - since, 2))
        overlaps += sum(b["began_s"] < a["ended_s"] - 0.05 for a, b in pairs)
        points = [c["text"] for side in debate["verdict"]["claims"].values() for c in side]
        repeated += len(points) - len(set(points))
        typer.echo(f"{number}: {len(speeches)} speeches, speakers {sorted({s['speaker'] for s in speeches})}")
    told = {
        "word_errors": round(errors / max(1, words), 4), "words": words, "overlaps": overlaps,
        "repeated_points": repeated, "gaps_ms": summary(gaps), "holes_s": holes,
    }  # fmt: skip
    typer.echo(json.dumps(told))


async def _held(
    folder: Path, command: list[str], model: str
) -> tuple[dict[str, Any], list[tuple[dict[str, Any], str]], list[tuple[float, float]]]:
    """How a debate went, each speech with what a recogniser hears of it, and begin and end of silences, by its time."""
    sound, told = folder / "d.wav", folder / "d.json"
    await _run(*command, "-o", str(sound), "-t", str(told), "-q")
    debate = json.loads(told.read_text())
    samples = load_clip(sound)
    begins, found = _begins_s(samples, debate["speeches"])
    parts = []
    for number, speech in enumerate(debate["speeches"]):
        since, until = begins + speech["began_s"] - 0.1, begins + speech["ended_s"] + 0.2
        cut = samples[round(max(0.0, since) * RATE_HZ) : round(until * RATE_HZ)]
        path = folder / f"{number}.wav"
        files.write(path, cut, RATE_HZ)
        parts.append((speech, (await _run("transcribe", str(path), "-q", "--model", model)).strip()))
    return debate, parts, [(since - begins, until - begins) for since, until in found]


def _begins_s(samples: Int16, speeches: list[dict[str, Any]]) -> tuple[float, list[tuple[float, float]]]:
    """Where the debate's clock began in its recording, and the silences there.

    The first sound of a server that has just started comes late, so all speeches have a say: each begins, most likely,
    at the end of a silence.
    """
    silences, first = _silences(samples), (speech_starts_s(samples, RATE_HZ) or 0.0) - speeches[0]["began_s"]
    ends = [until for _, until in silences]
    offsets = [min((e - s["began_s"] for e in ends), key=lambda o: abs(o - first)) for s in speeches[1:] if ends]
    return float(np.median(offsets or [first])), silences


def _silences(samples: Int16) -> list[tuple[float, float]]:
    """Begin and end of each between two sounds, seconds."""
    audible = np.flatnonzero(hops_dbfs(samples, RATE_HZ) > _AUDIBLE_DBFS) / 100
    return [(float(a) + 0.01, float(b)) for a, b in itertools.pairwise(audible) if b - a > _SHORTEST_GAP_S]


async def _run(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec("parley", *arguments, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    if process.returncode:
        raise typer.Exit(process.returncode)
    return out.decode()


if __name__ == "__main__":
    app()
