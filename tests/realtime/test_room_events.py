"""``parley.room.*`` of clients, read."""

from __future__ import annotations

from typing import Any

import pytest

from parley.errors import ProtocolError
from parley.realtime.client_events import CreateResponse, read_command
from parley.realtime.room_events import Invite, RoomAgent, UpdateRoom


def test_agents_have_what_they_are_given_and_no_more() -> None:
    own = {"name": "Eve", "instructions": "Be brief.", "model": "m", "voice": "v", "speed": 1.2, "emotion": "sad"}
    told = read_command({"type": "parley.room.update", "room": {"agents": [{"name": "Ada"}, own], "floor": "round"}})
    assert told == UpdateRoom((RoomAgent("Ada"), RoomAgent("Eve", "Be brief.", "m", "v", 1.2, "sad")), "round")


@pytest.mark.parametrize(("role", "speaks"), [(None, True), ("speaker", True), ("listener", False)])
def test_guests_are_invited_to_speak_unless_it_is_to_listen(role: str | None, *, speaks: bool) -> None:
    assert read_command({"type": "parley.room.invite", "role": role}) == Invite(speaks)


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"type": "parley.room.update"}, "room"),
        ({"type": "parley.room.update", "room": {}}, "room.agents"),
        ({"type": "parley.room.update", "room": {"agents": []}}, "room.agents"),
        ({"type": "parley.room.update", "room": {"agents": [{}]}}, "room.agents[0].name"),
        ({"type": "parley.room.update", "room": {"agents": [{"name": "a\nb"}]}}, "room.agents[0].name"),
        ({"type": "parley.room.update", "room": {"agents": [{"name": "a" * 41}]}}, "room.agents[0].name"),
        ({"type": "parley.room.update", "room": {"agents": [{"name": "Ada", "speed": 9}]}}, "room.agents[0].speed"),
        ({"type": "parley.room.update", "room": {"agents": [{"name": "Ada", "mood": 9}]}}, "room.agents[0].mood"),
        ({"type": "parley.room.update", "room": {"agents": [{"name": "A", "emotion": "x"}]}}, "room.agents[0].emotion"),
        ({"type": "parley.room.update", "room": {"agents": [{"name": "A"}], "floor": "mine"}}, "room.floor"),
        ({"type": "parley.room.update", "room": {"agents": [{"name": "A"}] * 9}}, "room.agents"),
        ({"type": "parley.room.invite", "role": "king"}, "role"),
    ],
)
def test_what_is_wrong_is_named(event: dict[str, Any], field: str) -> None:
    with pytest.raises(ProtocolError) as wrong:
        read_command(event)
    assert wrong.value.field == field


def test_a_response_may_be_asked_of_some_agents() -> None:
    asked = read_command({"type": "response.create", "response": {"parley": {"agents": ["Ada"]}}})
    assert isinstance(asked, CreateResponse)
    assert asked.agents == ("Ada",)
    nobody: list[dict[str, Any]] = [{}, {"agents": []}]
    for own in nobody:
        asked = read_command({"type": "response.create", "response": {"parley": own}})
        assert isinstance(asked, CreateResponse)
        assert asked.agents is None
