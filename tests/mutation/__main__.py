"""``just mutate``: put faults into modules and see whether their own tests notice.

What does not fit into the time is left out by lot, always the same one for a seed.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from pathlib import Path

from tests.mutation.judge import judge, passing
from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.targets import Accepted, accepted, judges_of, modules
from tests.structure import SOURCE

LEAST = 85.0  # per cent of the mutants that are judged
_LONGEST_S = 120.0  # of a module's tests on the source as it is
_PATIENCE = 3.0  # times as long may they take on a mutant


@dataclass(slots=True)
class Module:
    """A module, its mutants and what became of them."""

    path: Path
    mutants: list[Mutant]
    accepted: int = 0
    judged: int = 0
    survivors: list[Mutant] = field(default_factory=list)
    fault: str = ""
    """Why none of them was judged."""
    tests: list[Path] = field(default_factory=list)
    limit_s: float = 0.0

    @property
    def name(self) -> str:
        return str(self.path.relative_to(SOURCE))

    @property
    def killed(self) -> int:
        return self.judged - len(self.survivors)


def prepared(path: Path, known: Sequence[Accepted], lot: random.Random) -> Module:
    """A module with its mutants, shuffled, but for those that may survive."""
    inside = str(path.relative_to(SOURCE))
    excused = {(a.was, a.becomes) for a in known if a.module == inside}
    found = mutants_of(path)
    module = Module(path, [mutant for mutant in found if (mutant.was, mutant.becomes) not in excused])
    module.accepted = len(found) - len(module.mutants)
    lot.shuffle(module.mutants)
    if not module.mutants:
        return module
    module.tests = judges_of(path)
    took_s = passing(module.tests, _LONGEST_S) if module.tests else None
    module.limit_s = _PATIENCE * (took_s or 0.0) + 2.0
    if took_s is None:
        module.fault = "its tests fail on the source as it is" if module.tests else "it has no test file"
    return module


def in_turn(found: Sequence[Module]) -> Iterator[tuple[Module, Mutant]]:
    """One mutant of each module, then the next one of each: the time that there is goes to all of them."""
    queues = ([(module, mutant) for mutant in module.mutants] for module in found if not module.fault)
    return (pair for pair in chain.from_iterable(zip_longest(*queues)) if pair is not None)


def run(found: Sequence[Module], until: float) -> None:
    """Judge mutants until the time is over."""
    for module, mutant in in_turn(found):
        if time.monotonic() > until:
            break
        module.judged += 1
        if not judge(mutant, module.tests, module.limit_s):
            module.survivors.append(mutant)


def report(found: Sequence[Module]) -> float:
    """Print what became of them; returns the share that was noticed, per cent."""
    width = max((len(module.name) for module in found), default=0)
    say(f"{'module':{width}}  mutants  judged  killed      %  accepted")
    for module in found:
        share = f"{100 * module.killed / module.judged:6.1f}" if module.judged else "     -"
        numbers = f"{len(module.mutants):7}  {module.judged:6}  {module.killed:6}  {share}  {module.accepted:8}"
        say(f"{module.name:{width}}  {numbers}  {module.fault}".rstrip())
    judged, killed = sum(m.judged for m in found), sum(m.killed for m in found)
    for module in found:
        for mutant in sorted(module.survivors, key=lambda mutant: mutant.line):
            say(f"\n{mutant.path.relative_to(SOURCE.parents[1])}:{mutant.line}\n- {mutant.was}\n+ {mutant.becomes}")
    whole = 100 * killed / judged if judged else 100.0
    say(f"\n{killed} of {judged} mutants killed: {whole:.1f} % (at least {LEAST:g} % are asked for)")
    return whole


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a command


def main() -> int:
    """Returns the exit code: 1 when too many mutants survive or a module cannot be judged."""
    parser = argparse.ArgumentParser(prog="just mutate", description=__doc__)
    parser.add_argument("--minutes", type=float, default=15.0, help="after so long no further mutant is judged (15)")
    parser.add_argument(
        "--only", nargs="+", default=[], help="folders or modules below src/parley, e.g. turns/policies"
    )
    parser.add_argument("--seed", type=int, default=1, help="which mutants are judged where not all can be (1)")
    given = parser.parse_args()
    until = time.monotonic() + given.minutes * 60
    known = accepted()
    found = [prepared(path, known, random.Random(given.seed)) for path in modules(given.only)]
    found = [module for module in found if module.mutants]
    run(found, until)
    return 1 if report(found) < LEAST or any(module.fault for module in found) else 0


if __name__ == "__main__":
    sys.exit(main())
