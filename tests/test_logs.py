"""Logging goes on when the disk is full, and says so once; a command's output is its own."""

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


_COMMAND = """
import structlog
from parley import logs
log = structlog.get_logger("model")
logs.keep_from_output()
log.info("weights are prepared")
log.warning("a file is old", file="x")
print("{}")
"""


def test_what_a_command_writes_has_no_log_in_it() -> None:
    done = subprocess.run([sys.executable, "-c", _COMMAND], capture_output=True, text=True, check=True)
    assert done.stdout == "{}\n"
    assert "a file is old" in done.stderr
    assert "weights are prepared" not in done.stderr


def test_the_command_line_keeps_its_logs_from_its_output() -> None:
    program = "import sys, structlog; sys.argv = ['parley', '--version']; from parley.cli import main; main()"
    show = "import atexit; atexit.register(lambda: structlog.get_logger('model').info('later'));"
    done = subprocess.run([sys.executable, "-c", f"{show} {program}"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("parley ")
    assert "later" not in done.stdout
