"""``parley replay``: what other turn-taking settings would have decided in conversations that took place."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import msgspec
import typer
import yaml
from rich.table import Table

from parley.cli.terminal import out
from parley.conversation import turn_log
from parley.errors import UsageError
from parley.turns import replay as turns_replay
from parley.turns.replay import LISTENING, TURN_OVER, Decision
from parley.turns.settings import TurnSettings


def replay(
    logs: Annotated[
        list[Path], typer.Argument(help="Evidence logs (.jsonl), as the setting evidence_folder makes them")
    ],
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="A setting to change: NAME=VALUE, any number of times")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A line per decision instead of tables")] = False,
) -> None:
    """Run recorded evidence through turn-taking with other settings and show what would have changed.

    \b
    parley replay sess_1.jsonl                                check that the log replays as it was
    parley replay evidence/*.jsonl --set eagerness=high       answer sooner: whom would that have cut off?
    parley replay sess_1.jsonl --set mode=silence --set silence_s=0.7
    """
    change = _change(changes or [])
    for path in logs:
        decisions = list(turns_replay.replay(turn_log.read(path), change))
        if as_json:
            for decision in decisions:
                typer.echo(json.dumps({"log": path.name, **asdict(decision)}))
        else:
            _show(path, decisions)


def _change(given: list[str]) -> Callable[[TurnSettings], TurnSettings]:
    wanted = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or name not in TurnSettings.__dataclass_fields__:
            names = ", ".join(TurnSettings.__dataclass_fields__)
            raise UsageError(f"--set {text}: NAME=VALUE with a NAME among {names}")
        wanted[name] = yaml.safe_load(value)
    try:
        checked = msgspec.convert(msgspec.to_builtins(TurnSettings()) | wanted, TurnSettings)
    except msgspec.ValidationError as fault:
        raise UsageError(f"--set: {fault}") from fault
    values = {name: getattr(checked, name) for name in wanted}
    return lambda settings: replace(settings, **values)


def _show(path: Path, decisions: list[Decision]) -> None:
    different = [d for d in decisions if d.differs]
    moved = sorted(d.later_s for d in decisions if d.later_s is not None and d.recorded == TURN_OVER)
    out.print(f"[bold]{path.name}[/]: {len(decisions)} decisions, {len(different)} would have been others")
    if moved:
        middle = moved[len(moved) // 2]
        out.print(f"  turns that end all the same: {middle * 1000:+.0f} ms in the middle, {moved[0] * 1000:+.0f} to "
                  f"{moved[-1] * 1000:+.0f} ms", highlight=False)  # fmt: skip
    if not different:
        return
    table = Table("at", "decided", "would have been", "what happened then")
    for decision in different:
        table.add_row(f"{decision.at_s:.2f} s", decision.recorded, decision.replayed, _then(decision))
    out.print(table)


def _then(decision: Decision) -> str:
    words = f'"{decision.words}"' if decision.words else ""
    if decision.spoke_again_s is not None:
        return f"{words} the user spoke again after {decision.spoke_again_s:.2f} s".strip()
    if LISTENING in (decision.recorded, decision.replayed):
        return f"{words} nothing more was said in the next seconds".strip()
    return words
