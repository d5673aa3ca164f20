"""The client of docs/rooms.md, run as it stands there: a silent observer that has minutes written."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

from parley.client.connection import Connection
from tests.conftest import RunningServer

PAGE = Path(__file__).parents[2] / "docs" / "rooms.md"


async def _line(process: asyncio.subprocess.Process, pattern: str) -> re.Match[str]:
    assert process.stdout is not None
    async with asyncio.timeout(90):
        async for line in process.stdout:
            if found := re.search(pattern, line.decode()):
                return found
    raise AssertionError(f"no line with {pattern}")


async def test_an_observer_writes_down_who_said_what_and_the_minutes(server: RunningServer, tmp_path: Path) -> None:
    (script,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len([line for line in script.splitlines() if line.strip()]) <= 42
    (tmp_path / "minutes.py").write_text(script)
    environment = {**os.environ, "PARLEY_API_KEY": ""}
    process = await asyncio.create_subprocess_exec(
        sys.executable, tmp_path / "minutes.py", server.url, stdout=asyncio.subprocess.PIPE, env=environment
    )
    try:
        invited = await _line(process, r"parley talk (\S+) --api-key (\S+)")
        address = invited[1].replace("YOU", "Ben")
        async with Connection(address, api_key=invited[2], exact=True) as ben:
            said = {"type": "input_text", "text": "The launch is on Monday, and I write the letter."}
            item = {"type": "message", "role": "user", "content": [said]}
            await ben.send({"type": "conversation.item.create", "item": item})
            assert (await _line(process, r"^Ben: (.*)$"))[1] == said["text"]
            process.send_signal(signal.SIGINT)
            await _line(process, r"^Minutes$")
            assert (await _line(process, r"\w+"))[0]
        await asyncio.wait_for(process.wait(), 30)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
