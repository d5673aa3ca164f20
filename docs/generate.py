"""Writes what pages show of the code between `<!-- generated: NAME -->` and `<!-- end of generated -->`.

    python -m docs.generate

A test fails when a page is not as this would write it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

from tests.clients.table import table as clients

from parley.config import Config, variables
from parley.models.catalogue import catalogue
from parley.plan import prices, scenario
from parley.plan.report import of_scenario
from parley.realtime.client_events import CLIENT_EVENTS
from parley.realtime.server_events import EXTENSION_EVENTS, NEVER_SENT, STOCK_EVENTS
from parley.turns.tables import FLOOR, RESPONSE, SPEECH

DOCS = Path(__file__).parent
_PLACE = re.compile(r"<!-- generated: ([\w-]+) -->\n.*?<!-- end of generated -->", re.DOTALL)


def filled(markdown: str) -> str:
    """A page with what the code says now."""
    return _PLACE.sub(
        lambda m: f"<!-- generated: {m[1]} -->\n\n{GENERATORS[m[1]]()}\n\n<!-- end of generated -->", markdown
    )


def _transitions(table: dict[tuple[Enum, str], Any]) -> str:
    rows = [f"| {state.value} | {cause} | {to.value} |" for (state, cause), to in table.items()]
    return "\n".join(["| in | comes | goes to |", "|---|---|---|", *rows])


def _events(events: dict[str, str], head: str) -> str:
    rows = [f"| `{name}` | {text} |" for name, text in events.items()]
    return "\n".join([f"| event | {head} |", "|---|---|", *rows])


def _settings() -> str:
    rows = ["| setting | environment | default | meaning |", "|---|---|---|---|"]
    for name, field in Config.model_fields.items():
        default = str(field.default) if field.default_factory is None else "see there"
        shown = default if len(default) < 40 else default[:37] + "..."
        rows.append(f"| `{name}` | {', '.join(f'`{v}`' for v in variables(name))} | `{shown}` | {field.description} |")
    return "\n".join(rows)


_TRIED = {"real": "yes", "random": "with random weights", "never": "no"}


def _models() -> str:
    rows = ["| model | kind | MB | weights | runtime | run here | what |", "|---|---|---|---|---|---|---|"]
    rows += [
        f"| `{m.id}` | {m.kind} | {m.size / 1e6:.0f} | {m.licence} | {m.runtime_licence} | {_TRIED[m.tried]} "
        f"| {m.summary} |"
        for m in catalogue().models
    ]
    return "\n".join(rows)


def _stated_figures() -> str:
    rows = ["| figure | stated | worked out | | why |", "|---|---|---|---|---|"]
    found = of_scenario(scenario.find("telugu"), prices.shipped(), on_demand=False)
    rows += [f"| {c.figure} | {c.stated} | {c.found} | {c.verdict} | {c.why} |" for c in found.checks]
    return "\n".join(rows)


GENERATORS: dict[str, Callable[[], str]] = {
    "speech-table": lambda: _transitions(SPEECH),
    "response-table": lambda: _transitions(RESPONSE),
    "floor-table": lambda: _transitions(FLOOR),
    "client-events": lambda: "\n".join(f"- `{name}`" for name in CLIENT_EVENTS),
    "server-events": lambda: _events(STOCK_EVENTS, "when"),
    "never-sent": lambda: _events(NEVER_SENT, "why not"),
    "extension-events": lambda: _events(EXTENSION_EVENTS, "meaning"),
    "settings": _settings,
    "models": _models,
    "clients": clients,
    "stated-figures": _stated_figures,
}

if __name__ == "__main__":
    for page in sorted(DOCS.glob("*.md")):
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
