"""REST requests: so many of one client, so many in all, behind whoever talks live."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from parley.config import Config
from parley.errors import Overloaded
from parley.models.interfaces import Priority
from parley.server.rest import RestLimit, caller_of, client_of
from parley.server.security import Gate
from parley.server.state import ServerState


class Crowd:
    """Requests that go on until `done`."""

    def __init__(self, in_all: int, of_one: int) -> None:
        self.done = asyncio.Event()
        self.limit = RestLimit(self._application, in_all, of_one)

    async def _application(self, _: Scope, __: Receive, send: Send) -> None:
        await self.done.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def ask(self, address: str, path: str = "/v1/audio/speech") -> tuple[int, dict[bytes, bytes]]:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {"type": "http", "path": path, "client": (address, 1), "headers": [], "method": "POST"}
        await self.limit(scope, None, send)  # type: ignore[arg-type]
        return sent[0]["status"], dict(sent[0]["headers"])


async def test_one_client_gets_429_and_a_crowd_503_until_others_have_finished() -> None:
    crowd = Crowd(in_all=3, of_one=2)
    going = [asyncio.create_task(crowd.ask("10.0.0.1")) for _ in range(2)]
    await asyncio.sleep(0)
    status, headers = await crowd.ask("10.0.0.1")
    assert (status, headers[b"retry-after"]) == (429, b"5")
    going.append(asyncio.create_task(crowd.ask("10.0.0.2")))
    await asyncio.sleep(0)
    status, headers = await crowd.ask("10.0.0.3")
    assert (status, headers[b"retry-after"]) == (503, b"5")
    crowd.done.set()
    assert [status for status, _ in await asyncio.gather(*going)] == [200] * 3
    assert (await crowd.ask("10.0.0.1"))[0] == 200


async def test_other_paths_are_not_counted() -> None:
    crowd = Crowd(in_all=1, of_one=1)
    waiting = asyncio.create_task(crowd.ask("10.0.0.1"))
    crowd.done.set()
    assert (await crowd.ask("10.0.0.1", "/health"))[0] == 200
    await waiting


@pytest.mark.parametrize(
    ("host", "client"),
    [("10.0.0.1", "10.0.0.1"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("testclient", "testclient")],
)
def test_a_client_is_an_address_or_the_network_it_was_given(host: str, client: str) -> None:
    assert client_of({"type": "http", "client": (host, 5)}) == client


def test_models_work_for_it_behind_all_others() -> None:
    caller = caller_of(Request({"type": "http", "client": ("10.0.0.1", 1), "headers": []}))
    assert caller.owner == "rest:10.0.0.1"
    assert caller.priority is max(Priority)


async def test_one_address_does_not_take_all_places() -> None:
    none: Any = None
    state = ServerState(Config.model_validate({"max_sessions": 5}), none, Gate(None, []))
    assert [state._places(a) for a in ("10.0.0.1", "127.0.0.1", "::/64")] == [4, 5, 5]
    seats = [state.seat("10.0.0.1") for _ in range(4)]
    for seat in seats:
        seat.__enter__()
    with pytest.raises(Overloaded, match="4 places of your address"):
        await state.admit("10.0.0.1")
    await state.admit("10.0.0.2")
    seats[0].__exit__(None, None, None)
    await state.admit("10.0.0.1")
