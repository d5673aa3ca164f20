"""The time, which no language model knows."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from parley.conversation.tools.tool import Tool


async def _now(arguments: dict[str, Any]) -> dict[str, str]:
    """Now in a time zone, else in the server's; raises `ValueError` for a zone that is none."""
    zone = arguments.get("time_zone")
    try:
        now = datetime.now(ZoneInfo(zone)) if zone else datetime.now().astimezone()
    except (OSError, LookupError, TypeError, ValueError):
        raise ValueError(f"time_zone: '{zone}' is no IANA time zone, such as Europe/Paris") from None
    return {"date": f"{now:%A}, {now.day} {now:%B %Y}", "time": f"{now:%H:%M:%S}", "time_zone": zone or f"{now:%Z}"}


CURRENT_TIME = Tool(
    "current_time",
    "Tells the date, the day of the week and the time of day right now.",
    _now,
    {
        "type": "object",
        "properties": {
            "time_zone": {
                "type": "string",
                "description": "IANA time zone, such as Europe/Paris; leave it out for the time where the user is.",
            }
        },
    },
)
