"""The tools that there are: built in, and of plug-ins (entry point group ``parley.tools``)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import entry_points

import structlog

from parley.conversation.tools.clock import CURRENT_TIME
from parley.conversation.tools.tool import Tool
from parley.errors import UsageError

log = structlog.get_logger("server")

GROUP = "parley.tools"


def installed() -> dict[str, Tool]:
    """By name. A plug-in that cannot be loaded, is no `Tool` or has another's name is logged and left out."""
    found = {CURRENT_TIME.name: CURRENT_TIME}
    for point in entry_points(group=GROUP):
        try:
            tool = point.load()
            if not isinstance(tool, Tool):
                raise TypeError(f"{point.value} is a {type(tool).__name__}, no Tool")
            if tool.name in found:
                raise ValueError(f"there is a tool '{tool.name}' already")
        except Exception as fault:
            log.warning("a tool is left out", entry_point=point.name, error=str(fault), exc_info=True)
        else:
            found[tool.name] = tool
    return found


def chosen(names: Sequence[str]) -> tuple[Tool, ...]:
    """Those that a configuration names; raises `UsageError` that lists what there is."""
    if not names:
        return ()
    there = installed()
    for name in names:
        if name not in there:
            raise UsageError(f"tools: no tool is called '{name}'; there are {', '.join(sorted(there))}")
    return tuple(there[name] for name in dict.fromkeys(names))
