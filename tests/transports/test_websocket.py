"""What a WebSocket is accepted with."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.websockets import WebSocket

from parley.transports.websocket import PROTOCOL_KEY, accept

KEY = f"{PROTOCOL_KEY}secret"


@pytest.mark.parametrize(
    ("offered", "accepted"),
    [
        ([], None),
        (["realtime"], "realtime"),
        (["chat", "realtime"], "realtime"),
        (["chat", "other"], "chat"),
        (["realtime", KEY, "openai-beta.realtime-v1"], "realtime"),
        ([KEY], None),
        (["realtime, " + KEY], "realtime"),
        ([KEY + ", chat"], "chat"),
        ([""], None),
    ],
)
async def test_the_protocol_that_is_accepted_is_one_of_those_offered_and_never_a_key(
    offered: list[str], accepted: str | None
) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await accept(WebSocket({"type": "websocket", "subprotocols": offered, "headers": []}, receive, send))
    assert sent[0]["subprotocol"] == accepted
