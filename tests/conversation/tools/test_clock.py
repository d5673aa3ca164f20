"""The tool that tells the time."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from parley.conversation.tools.clock import CURRENT_TIME


async def test_it_tells_date_and_time_of_a_zone() -> None:
    before = datetime.now(ZoneInfo("Asia/Kolkata"))
    told: Any = await CURRENT_TIME.run({"time_zone": "Asia/Kolkata"})
    after = datetime.now(ZoneInfo("Asia/Kolkata"))
    assert f"{before:%H:%M:%S}" <= told["time"] <= f"{after:%H:%M:%S}" or before.date() != after.date()
    assert told["date"] in {f"{day:%A}, {day.day} {day:%B %Y}" for day in (before, after)}
    assert told["time_zone"] == "Asia/Kolkata"


async def test_without_a_zone_it_is_the_servers() -> None:
    told: Any = await CURRENT_TIME.run({})
    assert told["time_zone"] == f"{datetime.now().astimezone():%Z}"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", 7])
async def test_a_zone_that_is_none_is_named(zone: object) -> None:
    with pytest.raises(ValueError, match="is no IANA time zone"):
        await CURRENT_TIME.run({"time_zone": zone})
