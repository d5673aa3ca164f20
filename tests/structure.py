"""What `just lint` asks of the shape of the source: no circles, no file that does too much, none without its own tests.

Imports behind TYPE_CHECKING count: who needs somebody's types needs him. A file of more than 300 lines says why in its
first lines: ``# Above 300 lines: ...``. A module's own tests are in ``tests/``, at the same place: `UNTESTED` says
whose are elsewhere, and why.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp

TESTS = Path(__file__).parent
SOURCE = TESTS.parent / "src" / "parley"
MOST_LINES = 300
_FIRST_LINES = 12
TESTED = ("turns", "conversation", "realtime", "transports")
"""Folders in which every module has a test file of its own."""
_DECLARES = "declares values; who makes or takes them is tested"
_IN_CONVERSATION = "tests/conversation/test_conversation.py plays it with fake models"
_BY_KIND = "tests/conversation/spoken/ has a table for each kind of writing, not for each module"
_ON_AN_ADAPTER = "tests/transports/test_realtime_adapter.py shows it on the wire"
_IN_CALLS = "tests/transports/test_webrtc.py and tests/e2e/test_webrtc.py call with it"
UNTESTED: dict[str, str] = {
    "conversation/notifications.py": _DECLARES,
    "conversation/settings.py": _DECLARES,
    "conversation/context.py": _DECLARES,
    "conversation/engines/base.py": _DECLARES,
    "conversation/audio_items.py": _IN_CONVERSATION,
    "conversation/crowd.py": "tests/server/test_admission.py is about it",
    "conversation/engines/cascade.py": _IN_CONVERSATION,
    "conversation/engines/duplex.py": _IN_CONVERSATION,
    "conversation/engines/duplex_runner.py": _IN_CONVERSATION,
    "conversation/engines/steady.py": "tests/wild/test_language_models.py breaks its answers off",
    "conversation/input/turn_inference.py": _IN_CONVERSATION,
    "conversation/listener.py": "tests/conversation/test_audience.py is about several of them",
    "conversation/listening.py": _IN_CONVERSATION,
    "conversation/person.py": _IN_CONVERSATION,
    "conversation/turn_driver.py": _IN_CONVERSATION,
    "conversation/responses/out_of_band.py": _IN_CONVERSATION,
    "conversation/spoken": _BY_KIND,
    "conversation/tools/tool.py": "tests/conversation/tools/test_executor.py carries out several",
    "realtime/client_events.py": "tests/realtime/test_reader_words.py reads every one of them",
    "realtime/session_update.py": "tests/realtime/test_session_object.py is about what it changes",
    "transports/audio_sink.py": _DECLARES,
    "transports/client_items.py": _ON_AN_ADAPTER,
    "transports/endings.py": _DECLARES,
    "transports/event_sound.py": _ON_AN_ADAPTER,
    "transports/response_request.py": _ON_AN_ADAPTER,
    "transports/returning.py": _DECLARES,
    "transports/rtc_channel.py": _IN_CALLS,
    "transports/rtc_quality.py": _IN_CALLS,
    "transports/rtc_track.py": _IN_CALLS,
}
"""Modules, or folders, below the source that have none, and why."""
_REASON = re.compile(r"^# Above 300 lines: \S", re.MULTILINE)


def circle(imports: Mapping[str, set[str]]) -> list[str]:
    """Modules that import each other in a ring, the first one again at the end; empty if there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as found:
        return list(found.args[1])[::-1]
    return []


def imports_of(package: str) -> dict[str, set[str]]:
    """Each module and what it imports of its own package, also for its types alone."""
    graph = grimp.build_graph(package, exclude_type_checking_imports=False, cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def too_long(folder: Path) -> Iterator[str]:
    """Files above the limit that give no reason."""
    for path in sorted(folder.rglob("*.py")):
        lines = path.read_text(encoding="utf-8").splitlines()
        generated = "v1" in path.relative_to(folder).parts
        if len(lines) > MOST_LINES and not generated and not _REASON.search("\n".join(lines[:_FIRST_LINES])):
            yield f"{path.relative_to(folder)}: {len(lines)} lines, and no word on why in the first {_FIRST_LINES}"


def own_test(module: Path) -> Path:
    """The test file of a module, both below their folders; a package's is named after it."""
    name = module.parent.name if module.name == "__init__.py" else module.stem
    folder = module.parent.parent if module.name == "__init__.py" else module.parent
    return folder / f"test_{name}.py"


def untested(source: Path, tests: Path, folders: Sequence[str], excepted: Mapping[str, str]) -> Iterator[str]:
    """Modules without tests of their own, and exceptions that are none (any more)."""
    found: set[str] = set()
    for path in sorted(p for folder in folders for p in (source / folder).rglob("*.py")):
        module = path.relative_to(source)
        if (tests / own_test(module)).exists() or not _does_something(path):
            continue
        by = next((name for name in map(str, (module, *module.parents)) if name in excepted), None)
        if by is None:
            yield f"{module}: no {own_test(module)}, and no word on why in {Path(__file__).name}"
        else:
            found.add(by)
    for name in sorted(excepted.keys() - found):
        yield f"{name}: excepted from having tests of its own, but it has them, or is not there"


def _does_something(path: Path) -> bool:
    """Whether a file has more than a description and what it passes on."""
    passing = ast.Import | ast.ImportFrom | ast.Assign | ast.Expr
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return path.name != "__init__.py" or any(not isinstance(part, passing) for part in body)


def main() -> int:
    """Print what is wrong; returns the exit code."""
    faults = [*too_long(SOURCE), *untested(SOURCE, TESTS, TESTED, UNTESTED)]
    if ring := circle(imports_of("parley")):
        faults.append("a circle of imports: " + " -> ".join(ring))
    for fault in faults:
        print(fault)  # noqa: T201 - a command
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
