"""Nonsense of every kind beside a spoken conversation: the server lives, blames the sender, and the talk goes on.

``TEST_FUZZ_S`` is the time for each kind, ``TEST_FUZZ_SEED`` makes the same nonsense again.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from parley.client.word_errors import distance
from tests.conftest import Clip, RunningServer, start_server, stop_server
from tests.wild.fuzz.__main__ import KINDS
from tests.wild.fuzz.innocent import Talked
from tests.wild.fuzz.levels import level, settled

SECONDS = float(os.environ.get("TEST_FUZZ_S", "20"))
SEED = os.environ.get("TEST_FUZZ_SEED", "1")
MOST_GAP_S = 0.3
"""Beyond the gaps of the conversation alone."""
NTH_GAP = 3
"""The largest two may be the machine's: other programs run beside the tests."""
WORD_ERRORS = 2
SETTLES_S = 60.0
_TALKS_S = SECONDS / 2  # the last answer is heard to its end
_ENDS_S = 120.0

pytestmark = pytest.mark.timeout(SECONDS * 3 + 600)


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server of its own, whose answers are short and the same each time, with logs and evidence on the disk."""
    folder = tmp_path_factory.mktemp("fuzz")
    process, running = start_server(
        folder / "serve.log",
        PARLEY_LLM="smollm2-135m",
        PARLEY_MAX_OUTPUT_TOKENS="30",
        PARLEY_TEMPERATURE="0",
        PARLEY_LOG_FOLDER=str(folder / "logs"),
        PARLEY_EVIDENCE_FOLDER=str(folder / "evidence"),
    )
    yield running
    stop_server(process, running)


@pytest.fixture(scope="module")
def alone(besieged: RunningServer, question: Clip) -> Talked:
    """The conversation without anything beside it, twice: the first one warms the models up."""
    asyncio.run(talk(besieged, question))
    return asyncio.run(talk(besieged, question))


async def run(*arguments: str) -> Any:
    """What a program of this folder prints."""
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        out, err = await asyncio.wait_for(program.communicate(), SECONDS + _ENDS_S)
    except TimeoutError:
        program.kill()
        await program.wait()
        raise
    assert program.returncode == 0, err.decode()[-2000:]
    return json.loads(out)


async def talk(server: RunningServer, clip: Clip) -> Talked:
    """The innocent conversation."""
    return Talked(**await run("tests.wild.fuzz.innocent", server.url, str(clip.path), "--seconds", str(_TALKS_S)))


async def attack(server: RunningServer, kind: str, seed: str) -> dict[str, Any]:
    """The nonsense."""
    found = await run("tests.wild.fuzz", kind, server.url, "--seed", seed, "--seconds", str(SECONDS))
    assert isinstance(found, dict)
    return found


def complaints(heard: Talked, alone: Talked, said: str) -> list[str]:
    """What the innocent could say of their conversation."""
    found = [f"closed: {heard.closed}"] if heard.closed else []
    found += [f"told: {error}" for error in heard.errors]
    found += [f"an answer was {s}" for s in heard.statuses if s not in ("completed", "incomplete")]
    found += ["an answer without words" for reply in heard.replies if not reply]
    found += [f"understood {t!r}" for t in heard.transcripts if distance(said, t)[0] > WORD_ERRORS]
    if not heard.replies:
        found.append("nobody answered")
    longest, usual = nth_gap_s(heard), nth_gap_s(alone)
    if longest > usual + MOST_GAP_S:
        found.append(f"gaps of {heard.gaps_s[:5]} s, alone {alone.gaps_s[:5]} s")
    return found


def nth_gap_s(talked: Talked) -> float:
    """The third-largest gap."""
    return talked.gaps_s[NTH_GAP - 1] if len(talked.gaps_s) >= NTH_GAP else 0.0


def logged(log: Path, since: int) -> str:
    """What the server logged of its own faults."""
    text = log.read_bytes()[since:].decode(errors="replace")
    return "\n".join(line[:3000] for line in text.splitlines() if "Traceback" in line)


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("events", marks=pytest.mark.wild(case="events nearly right", before="some broke")),
        pytest.param("messages", marks=pytest.mark.wild(case="messages of any shape", before="an error event")),
        pytest.param("frames", marks=pytest.mark.wild(case="frames by hand", before="closed")),
        pytest.param("requests", marks=pytest.mark.wild(case="requests of any shape", before="500 for deep JSON")),
        pytest.param("offers", marks=pytest.mark.wild(case="damaged offers", before="500, and a call without an end")),
        pytest.param("channel", marks=pytest.mark.wild(case="a channel of anything", before="an error event")),
    ],
)
def test_nonsense_beside_a_conversation(besieged: RunningServer, alone: Talked, question: Clip, kind: str) -> None:
    print(f"TEST_FUZZ_SEED={SEED} TEST_FUZZ_S={SECONDS:g}")  # noqa: T201 - shown where it fails
    before, found = asyncio.run(level(besieged.url, besieged.pid)), ["not tried"]
    for seed in (SEED, f"{SEED}-again"):
        if found:
            talked = asyncio.run(_siege(besieged, question, kind, seed))
            found = complaints(talked, alone, question.transcript)
    assert not found, found
    after = asyncio.run(settled(besieged.url, besieged.pid, before, SETTLES_S))
    print(before, after)  # noqa: T201
    assert after.within(before), (before, after)


async def _siege(server: RunningServer, clip: Clip, kind: str, seed: str) -> Talked:
    """The conversation with nonsense beside it; the server's own faults fail at once."""
    since = server.log.stat().st_size
    talked: Talked
    talked, found = await asyncio.gather(talk(server, clip), attack(server, kind, seed))
    print(kind, {name: found[name] for name in ("cases", "sent")}, "gaps", talked.gaps_s[:5])  # noqa: T201
    assert found["cases"] > 0
    assert not found["faults"], "\n".join(found["faults"])
    assert not (faults := logged(server.log, since)), faults
    return talked


@pytest.mark.wild(case="kinds of nonsense", before="none")
def test_every_kind_of_nonsense_is_sent() -> None:
    assert {"events", "messages", "frames", "requests", "offers", "channel"} == set(KINDS)
