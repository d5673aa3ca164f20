"""``just test``: tests that talk in real time, and beside them, at low priority, those that only compute.

Whoever talks waits most of the time: the others use the processors meanwhile, and give way whenever a word is due.
Arguments are pytest's; with a path among them they are all that is run.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent
LIVE = ("bench", "client", "conformance", "e2e")
"""What talks in real time."""
BEHIND = ("models", "train", "workers")
"""What computes too, and follows those: they are done long before the rest is."""
APART = ("clients", "families", "faults", "pages", "wild")
"""What has recipes of its own."""
_NO_TESTS = 5


def _command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "pytest", *arguments]


def _parts(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The two calls of pytest: what talks (with what follows that), and the rest."""
    live = [f"{ROOT.name}/{name}" for name in (*LIVE, *BEHIND)]
    left_out = [f"--ignore={ROOT.name}/{name}" for name in (*LIVE, *BEHIND, *APART)]
    return _command([*live, *arguments]), _command([*left_out, *arguments])


def main(arguments: Sequence[str]) -> int:
    """Returns the exit status: 0 when all have passed."""
    if any(not given.startswith("-") and Path(given.partition("::")[0]).exists() for given in arguments):
        return subprocess.run(_command(arguments), check=False).returncode
    live, rest = _parts(arguments)
    with tempfile.TemporaryFile() as told:
        beside = subprocess.Popen(["nice", "-n", "19", *rest], stdout=told, stderr=subprocess.STDOUT)
        try:
            codes = [subprocess.run(live, check=False).returncode, beside.wait()]
        finally:
            beside.terminate()
            beside.wait()
            told.seek(0)
            sys.stdout.buffer.write(told.read())
            sys.stdout.flush()
    found = [code for code in codes if code != _NO_TESTS]
    return max(found, default=_NO_TESTS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
