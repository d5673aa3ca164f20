"""A worker's process, as its owner starts it in the environment of a family."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.looking import unexpected


@contextmanager
def running_worker(folder: Path, tells: str, **settings: Any) -> Iterator[str]:
    """The address of a worker; its log is looked at in the end, and has to have `tells` in it."""
    address = f"unix:{folder}/w.sock"
    told = {"name": "w", "listen": address, "threads": 1, **settings}
    (config := folder / "worker.yaml").write_text(yaml.safe_dump(told))
    with (log := folder / "worker.log").open("wb") as sink:
        command = [sys.executable, "-m", "parley.cli", "worker", "--config", str(config)]
        process = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT)
    try:
        yield address
    finally:
        process.terminate()
        code = process.wait(60)
    assert code == 0, log.read_text()
    assert not unexpected(log.read_text())
    assert tells in log.read_text()
