"""Runs tests in forked processes: quickly, because everything but parley is imported once, and never for long."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

import hypothesis
import pytest

from tests.mutation.mutants import Mutant

ROOT = Path(__file__).parents[2]
_EXAMPLES = 10
"""Of a property: a mutant that only rare examples find wants a test that says what it breaks."""


class _Loader(SourceFileLoader):
    """Loads a module with another source."""

    def __init__(self, name: str, mutant: Mutant) -> None:
        super().__init__(name, str(mutant.path))
        self._source = mutant.source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._source, self.path, "exec", dont_inherit=True)


class _Finder(MetaPathFinder):
    """Finds the mutant where its module is imported."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        self._name = module_name(mutant.path)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        where = self._mutant.path
        inner = [str(where.parent)] if where.name == "__init__.py" else None
        return importlib.util.spec_from_file_location(
            fullname, where, loader=_Loader(fullname, self._mutant), submodule_search_locations=inner
        )


class _Calmly:
    """Hypothesis without a database, without chance and without looking for the smallest example."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
        hypothesis.settings.register_profile(
            "mutants", deadline=None, derandomize=True, database=None, phases=phases, max_examples=_EXAMPLES
        )
        hypothesis.settings.load_profile("mutants")


def module_name(path: Path) -> str:
    """The dotted name of a source file."""
    parts = path.relative_to(ROOT / "src").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def run_tests(tests: Sequence[Path]) -> int:
    """Run test files in this process, silently and until the first failure; returns pytest's exit code."""
    os.environ["TEST_EXAMPLES"] = str(_EXAMPLES)
    options = ["-x", "-q", "-p", "no:cacheprovider", "--no-header", "--tb=no", "-W", "ignore::pytest.PytestWarning"]
    return int(pytest.main([*options, *map(str, tests)], plugins=[_Calmly()]))


def judge(mutant: Mutant, tests: Sequence[Path], limit_s: float) -> bool:
    """Whether the tests notice the mutant; one that keeps them busy for too long is noticed, too."""

    def run() -> int:
        sys.meta_path.insert(0, _Finder(mutant))
        return run_tests(tests)

    return forked(run, limit_s) != 0


def passing(tests: Sequence[Path], limit_s: float) -> float | None:
    """Seconds that the tests take on the source as it is; None if they fail.

    What they import of others is imported here, too: the next process need not do it.
    """
    with tempfile.TemporaryDirectory() as folder:
        known = Path(folder) / "modules"

        def run() -> int:
            code = run_tests(tests)
            known.write_text(json.dumps(list(sys.modules)), encoding="utf-8")
            return code

        began = time.monotonic()
        code = forked(run, limit_s)
        took_s = time.monotonic() - began
        if code != 0:
            return None
        for name in json.loads(known.read_text(encoding="utf-8")):
            if name.partition(".")[0] not in ("parley", "tests", "conftest", "__main__") and name not in sys.modules:
                with suppress(Exception):
                    importlib.import_module(name)
    return took_s


def forked(work: Callable[[], int], limit_s: float) -> int:
    """Do `work` in a child of this process; returns what it returns, or -1 when it took too long or broke."""
    sys.stdout.flush()
    sys.stderr.flush()
    gc.freeze()  # else pytest, which collects garbage at its end, looks through all that is shared
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.setsid()
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nowhere, stream)
            code = work()
        finally:
            os._exit(code)
    return _waited(child, limit_s)


def _waited(child: int, limit_s: float) -> int:
    until = time.monotonic() + limit_s
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > until:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return -1
        time.sleep(0.005)
