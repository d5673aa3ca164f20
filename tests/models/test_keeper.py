"""Child processes that are kept: they come back when they die and never outlive their parent."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from parley.errors import ModelError
from parley.models.keeper import Keeper, all_keepers

CHILD = """
import os, sys
from parley.models.subprocesses import end_with_parent
end_with_parent(watch_stdin=False)
print("at", os.getpid(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
async def keeper() -> AsyncIterator[Keeper]:
    keeper = Keeper("child", [sys.executable, "-c", CHILD])
    yield keeper
    await keeper.aclose()


def kill(keeper: Keeper) -> None:
    assert keeper.pid is not None
    os.kill(keeper.pid, signal.SIGKILL)


async def test_a_child_that_dies_again_and_again_comes_back_each_time(keeper: Keeper) -> None:
    lines: list[str] = []
    await keeper.start()
    keeper.on_start = lines.append
    for death in (1, 2, 3):
        kill(keeper)
        assert await keeper.replaced(death, 20)
        assert keeper.restarts == death
        assert keeper.said == f"at {keeper.pid}" == lines[-1]


async def test_it_is_down_until_another_one_is_ready(keeper: Keeper) -> None:
    await keeper.start()
    assert keeper.up
    assert keeper in all_keepers()
    kill(keeper)
    assert keeper._process is not None
    await keeper._process.wait()
    assert not keeper.up
    assert await keeper.until_up(20)
    await keeper.aclose()
    assert not keeper.up
    assert keeper not in all_keepers()


async def test_one_that_lives_is_not_replaced(keeper: Keeper) -> None:
    await keeper.start()
    assert not await keeper.replaced(1, 20)
    assert keeper.restarts == 0


async def test_one_that_cannot_start_says_so() -> None:
    keeper = Keeper("child", [sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(ModelError, match="child: its process ended with code 3"):
        await keeper.start()
    assert keeper not in all_keepers()


async def test_one_that_does_not_get_ready_is_given_up() -> None:
    keeper = Keeper("child", [sys.executable, "-c", "import sys; sys.stdin.read()"], longest_start_s=0.1)
    with pytest.raises(ModelError, match="did not start within"):
        await keeper.start()
    assert keeper._process is not None
    assert keeper._process.returncode is not None


PARENT = """
import asyncio, sys
from parley.models.keeper import Keeper

async def main():
    keeper = Keeper("child", [sys.executable, "-c", sys.argv[1]], longest_start_s=600)
    starting = asyncio.create_task(keeper.start())
    while keeper.pid is None:
        await asyncio.sleep(0.01)
    print(keeper.pid, flush=True)
    await starting
    await asyncio.sleep(600)

asyncio.run(main())
"""

LOADING = """
import time
from parley.models.subprocesses import end_with_parent
end_with_parent(watch_stdin=True)
while True:
    pass
"""


@pytest.mark.parametrize("child", [CHILD, LOADING], ids=["ready", "in the middle of loading"])
async def test_a_child_ends_when_its_parent_is_killed(child: str, tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, child, stdout=subprocess.PIPE, cwd=tmp_path
    )
    assert parent.stdout is not None
    orphan = psutil.Process(int(await parent.stdout.readline()))
    parent.kill()
    await parent.wait()
    await asyncio.to_thread(orphan.wait, 20)
