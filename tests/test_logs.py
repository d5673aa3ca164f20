"""Logging goes on when the disk is full, and says so once."""

from __future__ import annotations

import json
import logging
import os
import resource
import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import sys
from pathlib import Path
import structlog
from parley import logs
logs.set_up("info", Path(sys.argv[1]))
for number in range(50):
    structlog.get_logger("server").info("a line", number=number, text="x" * 100)
"""


def test_a_full_disk_is_told_once_and_the_terminal_has_every_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(tmp_path)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)),
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["number"] for line in lines if line["event"] == "a line"] == list(range(50))
    told = [line for line in lines if line["event"] == "a log file lacks lines"]
    assert [line["level"] for line in told] == [logging.getLevelName(logging.WARNING).lower()]
    assert told[0]["file"].endswith("server.log")
