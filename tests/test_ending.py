"""A process that hangs ends all the same."""

from __future__ import annotations

import subprocess
import sys

HANGS = """
import ctypes, sys
from parley.ending import end_within
{before}
end_within(0.3)
ctypes.PyDLL(None).sleep(60)  # in native code, and no other thread of Python's goes on meanwhile
"""


def ended(before: str = "") -> tuple[int, str]:
    command = [sys.executable, "-c", HANGS.format(before=before)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=50)
    return done.returncode, done.stderr


def test_it_ends_within_its_time_and_says_where_it_hung() -> None:
    code, said = ended()
    assert code == 1
    assert 'File "<string>", line 6 in <module>' in said


def test_it_ends_also_where_nobody_can_be_told() -> None:
    assert ended("sys.stderr = None") == (1, "")
