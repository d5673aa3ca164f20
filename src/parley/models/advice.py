"""Which language model suits this machine: a pure judgement of what was measured, and the measuring."""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil

from parley.models.catalogue import Model
from parley.models.interfaces import Caller, ChatModel, ChatOptions

LIGHT = "smollm2-135m"
"""The language model that is there at once on any machine."""
BETTER = "qwen2.5-coder-1.5b"
"""The one that may take its place without being asked for: pinned, under a permissive licence, measured."""
FIRST_CLAUSE_S = 0.6
"""The longest that a caller is to wait for an answer's first clause, from the last word on."""
_GUESS_ALLOWANCE = 1.25
"""An estimate may be wrong: only a model that is slower than this by it is not tried at all."""
_RESERVE_BYTES = 600 * 1024 * 1024
_PROMPT = "You are a friendly voice assistant. Answer in one or two short, plain sentences."
_QUESTIONS = (
    "Could you tell me which river runs through the city of Paris?",
    "What would you take along for a walk in the mountains today?",
    "How many people fit into a small boat on a quiet lake?",
)
_LAST_WORDS = 3
_CLAUSE_TOKENS = 6
"""The first clause is cut at five words, see decision record 2."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What counts of a machine."""

    memory: int
    """Bytes that another program could take now."""
    light_s: float
    """The light model's first clause, seconds."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one model."""

    model: Model
    fits: bool
    first_clause_s: float
    """As measured, else as expected from the light model's."""
    measured: bool
    why: str


def judge(model: Model, machine: Machine, measured_s: float | None = None) -> Verdict:
    """Whether a model's first clause comes soon enough and its memory is there."""
    expected_s = model.work * machine.light_s if measured_s is None else measured_s
    limit_s = FIRST_CLAUSE_S * (_GUESS_ALLOWANCE if measured_s is None else 1.0)
    word = "expected" if measured_s is None else "measured"
    speed = f"first clause {word} after {expected_s * 1000:.0f} ms"
    if not has_room(model, machine.memory):
        why = f"needs {model.memory / 1e9:.1f} GB and some room, {machine.memory / 1e9:.1f} GB are free"
        return Verdict(model, False, expected_s, measured_s is not None, why)
    fits = expected_s <= limit_s
    why = speed if fits else f"{speed}, more than {FIRST_CLAUSE_S * 1000:.0f}"
    return Verdict(model, fits, expected_s, measured_s is not None, why)


def has_room(model: Model, memory: int) -> bool:
    """Whether it fits into so many free bytes, with something left."""
    return model.memory + _RESERVE_BYTES <= memory


def free_memory() -> int:
    """Bytes that could be taken now: of the machine, and of the group of processes that this one is bounded by."""
    free = psutil.virtual_memory().available
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if limit.exists() and used.exists() and (most := limit.read_text().strip()).isdigit():
        free = min(free, int(most) - int(used.read_text()))
    return free


async def first_clause_s(chat: ChatModel, caller: Caller) -> float:
    """Fewest seconds from the last word of a question to the end of the answer's first clause.

    Whatever else the machine does can only add to it.
    As in a conversation, everything but the last words was read while they were spoken.
    """
    taken = []
    for question in _QUESTIONS:
        system = {"role": "system", "content": _PROMPT}
        options = ChatOptions(max_tokens=_CLAUSE_TOKENS, temperature=0.0)
        heard = " ".join(question.split()[:-_LAST_WORDS])
        await chat.prefill([system, {"role": "user", "content": heard}], options, caller)
        began = time.monotonic()
        async with aclosing(chat.stream([system, {"role": "user", "content": question}], options, caller)) as deltas:
            async for _ in deltas:
                pass
        taken.append(time.monotonic() - began)
    return min(taken)


class Notes:
    """What was measured on this machine, kept between starts; a broken note only costs another measurement."""

    def __init__(self, root: Path) -> None:
        """Kept below `root` (``PARLEY_HOME``)."""
        self._path = root / "measured.json"

    def read(self) -> dict[str, float]:
        """Model to seconds of its first clause."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, float])
        except (OSError, msgspec.DecodeError, msgspec.ValidationError):
            return {}

    def write(self, model: str, seconds: float) -> None:
        """Remember one."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_suffix(".part")
        partial.write_bytes(msgspec.json.encode({**self.read(), model: round(seconds, 3)}))
        partial.replace(self._path)
