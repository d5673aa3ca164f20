"""Recordings whose turn ends and pauses are known: how long a finished speaker waits, and whose pauses are taken.

A caller says a recording to the server, as a whole, into the noise of its own room. Each silence of it that has a label
is judged by what the server did in it: when it took the turn for over (``input_audio_buffer.committed``), and when an
answer became audible. What the other party had said before is in the conversation as the assistant's last message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from parley.audio import files
from parley.audio.pcm import Float32, Int16, to_int16
from parley.bench.scenario import MANIFEST, read_manifest
from parley.bench.score import LATE_LIMIT_MS
from parley.client.audibility import AUDIBLE_DBFS, first_audible_s, hops_dbfs
from parley.client.caller import RecordedCaller
from parley.client.connection import RATE_HZ, Connection
from parley.errors import Overloaded, UnavailableError, UsageError
from parley.turns.settings import Eagerness

_ROOM_BEFORE_S = 0.4
_ROOM_BEHIND_S = 4.0
_EARLY_S = 0.1  # labels are that uncertain
_QUIET_PERCENTILE = 5
_LOUDEST_ROOM_DBFS = -50.0
_START_BUFFER_S = 0.06
_QUIET_RUN_S = 0.1
Said = TypeVar("Said")


class Entry(msgspec.Struct, frozen=True):
    """A recording of a manifest; other fields are ignored. Times in seconds of the recording."""

    file: str
    kind: str
    turns: list[tuple[float, float]] = []
    pauses: list[tuple[float, float]] = []
    pause_kinds: list[str] = []
    context: str | None = None
    """What the other party said just before."""
    language: str = "en"
    speaker: str = "unknown"
    transcript: str = ""
    channel: int | None = None
    """The one that is said; None: all of them, mixed."""
    voiced: list[tuple[float, float]] = []
    """Everything that its speaker says, where turns and pauses are not all of it."""

    @property
    def silences(self) -> Iterator[tuple[str, float, float | None]]:
        """Kind, begin and end of each: the pauses, and the ends of turns, the last of which has no end."""
        kinds = self.pause_kinds or ["unknown"] * len(self.pauses)
        for kind, (begin, end) in zip(kinds, self.pauses, strict=True):
            yield kind, begin, end
        begins = sorted(begin for begin, _ in self.voiced or self.turns)
        for _, end in self.turns:
            yield "end", end, next((begin for begin in begins if begin >= end), None)


@dataclass(slots=True)
class Silence:
    """What a server did in one of them, seconds from its begin; None: nothing before it was over."""

    kind: str
    seconds: float | None
    """Until the speaker goes on; None: he does not."""
    committed_s: float | None
    audible_s: float | None
    silenced_s: float | None = None
    """From the speaker's going on to the last of the answer that was heard, where one sounded then."""


@dataclass(slots=True)
class Heard:
    """One recording, said to a server."""

    file: str
    kind: str
    speaker: str
    silences: list[Silence] = field(default_factory=list)
    turns: int = 0
    """Items that the recording has become, without those that were taken back."""
    transcript: str = ""
    void: str = ""
    committed_s: list[float] = field(default_factory=list)
    """When a turn was taken for over, seconds of the recording."""
    interrupted_s: list[float] = field(default_factory=list)
    """When an answer was broken off because the speaker talked."""


@dataclass(frozen=True, slots=True)
class Sides:
    """What a call sounded like, from the beginning of the recording on, at 24 kHz."""

    sent: Int16
    played: Int16
    seconds: float
    """Of the recording; behind it is its room."""


OnResult = Callable[[Entry, Heard, Sides | None], Awaitable[None]]


def manifest(folder: Path) -> list[Entry]:
    """Labelled recordings of a folder with one speaker and a turn; raises `UsageError`."""
    path = folder / MANIFEST
    found = read_manifest(folder, Entry, "file, turns, pauses")
    entries = [e for e in found if e.kind != "dialogue" and (e.turns or e.pauses)]
    if not entries:
        raise UsageError(f"{path} names no recording with turns or pauses")
    if wrong := [e.file for e in entries if e.pause_kinds and len(e.pause_kinds) != len(e.pauses)]:
        raise UsageError(f"{path}: pause_kinds and pauses of {wrong[0]} differ in length")
    return entries


def some(entries: Sequence[Entry], limit: int | None) -> list[Entry]:
    """The first `limit` (None: all) of each kind, spread over its speakers."""
    found: list[Entry] = []
    for _, of_kind in groupby(sorted(entries, key=lambda e: e.kind), key=lambda e: e.kind):
        speakers: dict[str, int] = {}
        in_turns = []
        for entry in of_kind:
            speakers[entry.speaker] = speakers.get(entry.speaker, 0) + 1
            in_turns.append((speakers[entry.speaker], entry))
        found += [entry for _, entry in sorted(in_turns, key=lambda item: item[0])][:limit]
    return found


def in_its_room(recording: Float32, rng: np.random.Generator) -> Int16:
    """A recording at 24 kHz with the noise of its quiet moments before and behind it."""
    hops = recording[: len(recording) // 240 * 240].reshape(-1, 240)
    quiet = np.percentile(np.sqrt(np.mean(np.square(hops), axis=1) + 1e-12), _QUIET_PERCENTILE) if len(hops) else 0.0
    level = min(float(quiet), 10 ** (_LOUDEST_ROOM_DBFS / 20))
    around = [rng.standard_normal(round(s * RATE_HZ)) * level for s in (_ROOM_BEFORE_S, _ROOM_BEHIND_S)]
    return to_int16(np.clip(np.concatenate([around[0], recording, around[1]]), -1, 1).astype(np.float32))


async def say(
    entry: Entry, folder: Path, url: str, eagerness: Eagerness, *, api_key: str | None
) -> tuple[Heard, Sides | None]:
    """Say one recording; a connection that fails, or a caller who is late himself, makes it void.

    Raises `Overloaded` where the server says when to come back.
    """
    recording = files.read_float(folder / entry.file, RATE_HZ, channel=entry.channel)
    sound = in_its_room(recording, np.random.default_rng(len(entry.file)))
    heard = Heard(entry.file, entry.kind, entry.speaker)
    connection = Connection(url, api_key=api_key, exact=False, start_buffer_s=_START_BUFFER_S)
    committed: list[float] = []
    interrupted: list[float] = []
    items: dict[str, str] = {}
    try:
        async with connection, RecordedCaller(connection) as caller:

            def note(event: dict[str, Any]) -> None:
                if event["type"] == "input_audio_buffer.committed":
                    committed.append(caller.now_s)
                    items[event["item_id"]] = ""
                elif event["type"] == "conversation.item.input_audio_transcription.completed":
                    items[event["item_id"]] = event["transcript"]
                elif event["type"] == "conversation.item.deleted":
                    items.pop(event["item_id"], None)
                elif event["type"] == "response.done" and event["response"]["status"] == "cancelled":
                    interrupted.append(caller.now_s)

            connection.on_event = note
            await _prepare(connection, entry, eagerness)
            begins = caller.speak(sound) + _ROOM_BEFORE_S
            until = begins - _ROOM_BEFORE_S + len(sound) / RATE_HZ
            await caller.wait_for(lambda: caller.now_s >= until, until - caller.now_s + 5.0)
            late_ms = float(np.percentile(caller.late_s, 99)) * 1000
            if round(late_ms) > LATE_LIMIT_MS:
                heard.void = f"the caller's own frames were late (p99 {late_ms:.1f} ms)"
            played, sent = caller.played, caller.sent
    except UnavailableError as fault:
        heard.void = str(fault)
        return heard, None
    heard.void = heard.void or "; ".join(connection.talk.errors[:1])
    heard.turns, heard.transcript = len(items), " ".join(items.values())
    heard.silences = [judge(kind, a + begins, b and b + begins, committed, played) for kind, a, b in entry.silences]
    heard.committed_s = [round(at - begins, 3) for at in committed]
    heard.interrupted_s = [round(at - begins, 3) for at in interrupted]
    since = round(begins * RATE_HZ)
    return heard, Sides(sent[since:], played[since:], len(recording) / RATE_HZ)


async def _prepare(connection: Connection, entry: Entry, eagerness: Eagerness) -> None:
    detection = {"type": "semantic_vad", "eagerness": eagerness, "create_response": True, "interrupt_response": True}
    audio = {"input": {"turn_detection": detection, "transcription": {"language": entry.language}}}
    session = {"type": "realtime", "max_output_tokens": 32, "audio": audio}
    await connection.send({"type": "session.update", "session": session})
    if entry.context:
        content = [{"type": "output_text", "text": entry.context}]
        item = {"type": "message", "role": "assistant", "content": content}
        await connection.send({"type": "conversation.item.create", "item": item})


def judge(kind: str, begin_s: float, end_s: float | None, committed: Sequence[float], played: Int16) -> Silence:
    """What became of a silence between two moments of a call (None: the call's end), by the times of the commits."""
    last = len(played) / RATE_HZ
    over = last if end_s is None else end_s
    commit = next((at - begin_s for at in committed if begin_s - _EARLY_S <= at < over), None)
    first = first_audible_s(played, RATE_HZ, max(0.0, begin_s - _EARLY_S))
    audible = None if first is None or first >= over else first - begin_s
    silenced = None
    if end_s is not None and audible is not None:
        silenced = _silenced_s(played, end_s)
    return Silence(kind, None if end_s is None else end_s - begin_s, commit, audible, silenced)


def _silenced_s(played: Int16, since_s: float) -> float | None:
    """Until nothing was heard for a tenth of a second; None where nothing sounded."""
    loud = hops_dbfs(played, RATE_HZ) > AUDIBLE_DBFS
    at, quiet = round(since_s * 100), round(_QUIET_RUN_S * 100)
    if not loud[max(0, at - quiet) : at + 1].any():
        return None
    while at < len(loud) and loud[at : at + quiet].any():
        at += 1
    return max(0.0, at / 100 - since_s)


async def run(
    entries: Sequence[Entry],
    folder: Path,
    url: str,
    eagerness: Eagerness,
    *,
    callers: int,
    api_key: str | None,
    on_result: OnResult | None = None,
) -> list[Heard]:
    """Say all recordings, `callers` at a time; `on_result` gets each with what came of it, and is waited for."""
    waiting, found = iter(entries), list[Heard]()

    async def caller() -> None:
        for entry in waiting:
            heard, sides = await _patiently(partial(say, entry, folder, url, eagerness, api_key=api_key))
            found.append(heard)
            if on_result is not None:
                await on_result(entry, heard, sides)

    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(caller())
    if not any(not h.void for h in found):
        raise UnavailableError(f"no recording came to anything: {found[0].void if found else 'there is none'}")
    return found


async def _patiently(held: Callable[[], Awaitable[Said]]) -> Said:
    """Come back when the server says so, as long as it takes: it is busy with who talks to it already."""
    while True:
        try:
            return await held()
        except Overloaded as refusal:
            await asyncio.sleep(refusal.retry_after_s)
