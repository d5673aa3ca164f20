"""MkDocs hook: fills `<!-- generated: NAME -->` from the code, so that the pages cannot drift from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import Any

from parley.config import Config
from parley.models.catalogue import catalogue
from parley.realtime.client_events import CLIENT_EVENTS
from parley.realtime.server_events import EXTENSION_EVENTS, NEVER_SENT, STOCK_EVENTS
from parley.turns.tables import RESPONSE, SPEECH


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by MkDocs for every page."""
    return re.sub(r"<!-- generated: ([\w-]+) -->", lambda m: GENERATORS[m.group(1)](), markdown)


def _diagram(table: dict[tuple[Enum, str], Any]) -> str:
    lines = [f"    {state.value} --> {to.value}: {cause}" for (state, cause), to in table.items()]
    return "```mermaid\nstateDiagram-v2\n" + "\n".join(lines) + "\n```"


def _events(events: dict[str, str], head: str) -> str:
    rows = [f"| `{name}` | {text} |" for name, text in events.items()]
    return "\n".join([f"| event | {head} |", "|---|---|", *rows])


def _settings() -> str:
    rows = ["| setting | environment | default | meaning |", "|---|---|---|---|"]
    for name, field in Config.model_fields.items():
        aliases = [str(a) for a in field.validation_alias.choices if str(a) != name]  # type: ignore[union-attr]
        default = str(field.default)
        shown = default if len(default) < 40 else default[:37] + "..."
        rows.append(f"| `{name}` | {', '.join(f'`{a}`' for a in aliases)} | `{shown}` | {field.description} |")
    return "\n".join(rows)


def _models() -> str:
    rows = ["| model | kind | MB | weights | runtime | what |", "|---|---|---|---|---|---|"]
    rows += [
        f"| `{m.id}` | {m.kind} | {m.size / 1e6:.0f} | {m.licence} | {m.runtime_licence} | {m.summary} |"
        for m in catalogue().models
    ]
    return "\n".join(rows)


GENERATORS: dict[str, Callable[[], str]] = {
    "speech-table": lambda: _diagram(SPEECH),
    "response-table": lambda: _diagram(RESPONSE),
    "client-events": lambda: "\n".join(f"- `{name}`" for name in CLIENT_EVENTS),
    "server-events": lambda: _events(STOCK_EVENTS, "when"),
    "never-sent": lambda: _events(NEVER_SENT, "why not"),
    "extension-events": lambda: _events(EXTENSION_EVENTS, "meaning"),
    "settings": _settings,
    "models": _models,
}
