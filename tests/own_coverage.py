"""``just coverage-own``: how much of each module its own test file runs, whatever others run of it."""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from pathlib import Path

import coverage

from tests.mutation.judge import forked, passing, run_tests
from tests.mutation.targets import modules
from tests.structure import SOURCE, TESTED, TESTS, own_test

_LONGEST_S = 300.0


def covered(module: Path, test: Path) -> float | None:
    """Per cent of its statements and branches that its own test file runs; None where a test fails."""
    if passing([test], _LONGEST_S) is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "share"

        def measure() -> int:
            measuring = coverage.Coverage(data_file=None, branch=True, include=[str(module)], messages=False)
            measuring.start()
            code = run_tests([test])
            measuring.stop()
            told.write_text(str(measuring.report(file=io.StringIO())), encoding="utf-8")
            return code

        return float(told.read_text(encoding="utf-8")) if forked(measure, _LONGEST_S) == 0 else None


def main() -> int:
    """Print a line for each module; returns the exit code: 1 when a test file fails."""
    parser = argparse.ArgumentParser(prog="just coverage-own", description=__doc__)
    parser.add_argument("only", nargs="*", default=TESTED, help="folders or modules below src/parley (all with tests)")
    failed = False
    for module in modules(parser.parse_args().only):
        inside = module.relative_to(SOURCE)
        test = TESTS / own_test(inside)
        if not test.exists():
            continue
        share = covered(module, test)
        failed |= share is None
        print(f"{'fails' if share is None else f'{share:.0f} %':>6}  {inside}", flush=True)  # noqa: T201 - a command
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
