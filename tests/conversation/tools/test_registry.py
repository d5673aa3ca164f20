"""Which tools there are, and what becomes of plug-ins that are none."""

from __future__ import annotations

from typing import Any

import pytest

from parley.conversation.tools import registry
from parley.conversation.tools.clock import CURRENT_TIME
from parley.conversation.tools.tool import Tool
from parley.errors import UsageError


async def nothing(_: dict[str, Any]) -> str:
    return ""


class Point:
    """An entry point that gives a value or fails."""

    def __init__(self, name: str, value: Any) -> None:
        self.name, self.value, self._gives = name, f"some.module:{name}", value

    def load(self) -> Any:
        if isinstance(self._gives, Exception):
            raise self._gives
        return self._gives


def plugins(monkeypatch: pytest.MonkeyPatch, *points: Point) -> None:
    monkeypatch.setattr(registry, "entry_points", lambda group: points if group == "parley.tools" else ())


def test_tools_of_plug_ins_are_found_and_broken_ones_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    weather = Tool("weather", "Tells it.", nothing)
    plugins(
        monkeypatch, Point("broken", ImportError("no module 'x'")), Point("weather", weather), Point("odd", nothing),
        Point("again", Tool("current_time", "Another.", nothing)),
    )  # fmt: skip
    assert registry.installed() == {"current_time": CURRENT_TIME, "weather": weather}
    assert registry.chosen(["weather", "weather"]) == (weather,)


def test_a_tool_that_is_none_is_named_with_those_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    plugins(monkeypatch)
    assert registry.chosen([]) == ()
    with pytest.raises(UsageError, match="tools: no tool is called 'wether'; there are current_time"):
        registry.chosen(["wether"])


@pytest.mark.parametrize(
    ("name", "parameters", "fault"),
    [("two words", {"type": "object"}, "name: 'two words'"), ("f", {"type": "string"}, "parameters of 'f'")],
)
def test_what_no_model_could_call_is_refused(name: str, parameters: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Tool(name, "It does.", nothing, parameters)


async def test_the_time_is_told_of_a_zone() -> None:
    told = await CURRENT_TIME.run({"time_zone": "Asia/Tokyo"})
    assert told["time_zone"] == "Asia/Tokyo"
    assert (await CURRENT_TIME.run({}))["time_zone"]
    for wrong in ("Mars", "../etc/passwd", 5):
        with pytest.raises(ValueError, match=r"is no IANA time zone"):
            await CURRENT_TIME.run({"time_zone": wrong})
