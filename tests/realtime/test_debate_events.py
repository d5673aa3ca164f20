"""What clients say about debates."""

from __future__ import annotations

from typing import Any

import pytest

from parley.errors import ProtocolError
from parley.realtime.client_events import read_command
from parley.realtime.debate_events import DebateSpeaker, StartDebate, SteerDebate, VoteInDebate


def start(**debate: Any) -> Any:
    return read_command({"type": "parley.debate.start", "debate": {"topic": "Cats or dogs", **debate}})


def test_a_topic_is_enough() -> None:
    assert start() == StartDebate("Cats or dogs", "debate", (), None, None, spectated=False)


def test_everything_may_be_said() -> None:
    ada = {"name": "Ada", "side": "for", "instructions": "Be kind.", "model": "m", "voice": "v", "speed": 1.2}
    made = start(format={"name": "mine"}, debaters=[ada, {}], moderator={"name": "Mo"}, minutes=3, spectated=True)
    assert made == StartDebate(
        "Cats or dogs", {"name": "mine"}, (DebateSpeaker("Ada", "for", "Be kind.", "m", "v", 1.2), DebateSpeaker()),
        DebateSpeaker("Mo"), 3, spectated=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("debate", "field"),
    [
        ({"topic": None}, "debate.topic"),
        ({"topic": "x" * 400}, "debate.topic"),
        ({"format": 5}, "debate.format"),
        ({"debaters": [{}] * 7}, "debate.debaters"),
        ({"debaters": [{"name": "x" * 50}]}, "debate.debaters[0].name"),
        ({"debaters": [{"persona": "x"}]}, "debate.debaters[0].persona"),
        ({"minutes": 0}, "debate.minutes"),
        ({"minutes": 1e9}, "debate.minutes"),
        ({"spectated": "yes"}, "debate.spectated"),
        ({"topics": "x"}, "debate.topics"),
        ({"moderator": []}, "debate.moderator"),
    ],
)
def test_what_is_wrong_is_named(debate: dict[str, Any], field: str) -> None:
    with pytest.raises(ProtocolError) as fault:
        start(**debate)
    assert fault.value.field == field


@pytest.mark.parametrize(
    ("event", "command"),
    [
        ({"type": "parley.debate.next"}, SteerDebate("next")),
        ({"type": "parley.debate.extend"}, SteerDebate("extend")),
        ({"type": "parley.debate.stop"}, SteerDebate("stop")),
        ({"type": "parley.debate.mute", "name": "Ada"}, SteerDebate("mute", "Ada")),
        ({"type": "parley.debate.unmute", "name": "Ada"}, SteerDebate("unmute", "Ada")),
        ({"type": "parley.debate.vote", "side": "for"}, VoteInDebate("for")),
    ],
)
def test_a_debate_is_steered(event: dict[str, Any], command: object) -> None:
    assert read_command(event) == command


@pytest.mark.parametrize("kind", ["mute", "unmute", "vote"])
def test_what_needs_a_name_is_refused_without_one(kind: str) -> None:
    with pytest.raises(ProtocolError, match="Missing required"):
        read_command({"type": f"parley.debate.{kind}"})
