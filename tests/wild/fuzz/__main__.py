"""``python -m tests.wild.fuzz KIND URL --seed S --seconds N``: one kind of nonsense for some time, as JSON.

Case 7 of seed 3 is always the same; ``--only 7`` sends it alone.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import time
from collections.abc import Awaitable, Callable
from random import Random

import httpx

from tests.wild.fuzz import calls, frames, requests, sockets
from tests.wild.fuzz.findings import Case, Findings

Attack = Callable[[str, Case], Awaitable[None]]
KINDS: dict[str, tuple[Attack, ...]] = {
    "events": (sockets.send_events, sockets.send_conversation),
    "messages": (sockets.send_messages,),
    "frames": (frames.send_frames,),
    "requests": (requests.send_request,),
    "offers": (calls.send_offer, calls.send_candidates),
    "channel": (calls.send_through_channel,),
}
AT_ONCE = 2
"""Few: what is looked for is what a server does wrong, not how many clients it bears."""
_PAUSE_S = 0.02
_CASE_S = 90.0


async def fuzz(url: str, kind: str, seed: str, seconds: float, only: int | None = None) -> Findings:
    """Case after case, some at once, until the time is over."""
    findings, numbers = Findings(), itertools.count() if only is None else iter([only])
    ends = time.monotonic() + seconds

    async def work() -> None:
        for number in numbers:
            if time.monotonic() > ends:
                return
            case = Case(f"seed {seed}, {kind}, case {number}", Random(f"{seed}/{kind}/{number}"))
            attack = KINDS[kind][number % len(KINDS[kind])]
            try:
                await asyncio.wait_for(attack(url, case), _CASE_S)
            except (TimeoutError, httpx.HTTPError) as fault:  # a busy machine; a fault of the server is told by others
                case.hear(repr(fault), fault="500 Internal" in str(fault))
            except Exception as fault:  # noqa: BLE001 - whatever it is, the server was not to cause it
                case.hear(f"{attack.__name__} ended by {fault!r}", fault=True)
            findings.take(case)
            await asyncio.sleep(_PAUSE_S)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())
    return findings


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("url")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--only", type=int, help="the number of one case")
    given = parser.parse_args()
    os.nice(10)  # what is measured beside it is the server, not how processes share a processor
    found = asyncio.run(fuzz(given.url, given.kind, given.seed, given.seconds, given.only))
    print(json.dumps(found.to_json()))  # noqa: T201


if __name__ == "__main__":
    main()
