"""Which modules are mutated, by which tests each is judged, and which survivors are accepted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.structure import SOURCE, TESTS, own_test

HERE = Path(__file__).parent
FOLDERS = (
    "turns",
    "conversation/history.py",
    "conversation/items.py",
    "conversation/memory.py",
    "conversation/summary.py",
    "conversation/turn_notes.py",
    "conversation/turn_log.py",
    "conversation/output",
    "conversation/responses/latency.py",
    "conversation/responses/outcomes.py",
    "conversation/responses/prompt.py",
    "conversation/responses/reading_ahead.py",
    "conversation/responses/request_builder.py",
    "conversation/responses/response.py",
    "conversation/input/speech_segmenter.py",
    "conversation/input/audio_buffer.py",
)
FURTHER: dict[str, tuple[str, ...]] = {
    "turns": ("turns/test_taker.py", "turns/test_room.py"),
    "turns/taker.py": ("turns/test_floor.py", "turns/test_responses.py", "turns/test_room.py"),
    "turns/records.py": ("turns/test_speech.py", "turns/test_taker.py"),
    "turns/policies": (),
    "turns/ledger.py": (),
    "turns/words.py": ("turns/test_lexicon.py",),
    "turns/lexicon": (),
    "turns/actions.py": (),
    "turns/events.py": (),
    "turns/replay.py": (),
    "turns/tables.py": (),
    "turns/settings.py": (),
}
"""Tests beside a module's own that say its rules, by module or folder; the nearest counts."""


class Accepted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mutant that may survive: no test could notice it, or none should."""

    module: str
    was: str
    becomes: str
    reason: str


def accepted() -> list[Accepted]:
    """All of them."""
    return msgspec.yaml.decode((HERE / "accepted.yaml").read_bytes(), type=list[Accepted])


def modules(only: Sequence[str] = ()) -> list[Path]:
    """Source files to mutate, by folder or file below ``src/parley`` (without its suffix, if one likes)."""
    found: dict[Path, None] = {}
    for name in only or FOLDERS:
        at = SOURCE / name
        files = sorted(at.rglob("*.py")) if at.is_dir() else [at.with_suffix(".py")]
        found |= dict.fromkeys(f for f in files if f.exists())
    return list(found)


def judges_of(module: Path) -> list[Path]:
    """A module's own test file, if it has one, and the further ones."""
    inside = module.relative_to(SOURCE)
    named = [str(inside), *map(str, inside.parents)]
    further = next((FURTHER[name] for name in named if name in FURTHER), ())
    own = TESTS / own_test(inside)
    return list(dict.fromkeys([*([own] if own.exists() else []), *(TESTS / name for name in further)]))
