"""A debate by the protocol, with fake models."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.transports.client import STOCK, Client
from tests.transports.test_room_desk import OPTED_IN, play


def start(c: Client, **debate: Any) -> None:
    c.send("parley.debate.start", debate={"topic": "Cats or dogs", "spectated": True, **debate})


def told(c: Client) -> dict[str, Any]:
    return dict(c.of("parley.debate.updated")[-1]["debate"])


def test_a_debate_is_held_from_the_first_word_to_the_verdict() -> None:
    async def script(c: Client) -> None:
        start(c, format="oxford", minutes=0.3, debaters=[{"name": "Ann"}, {"name": "Bob"}], moderator={"name": "Mo"})
        assert told(c)["speaker"] == "Mo"
        while told(c)["state"] != "over":
            await c.until("parley.debate.updated", len(c.of("parley.debate.updated")) + 1, 60)
        debate = told(c)
        assert [(d["name"], d["side"]) for d in debate["debaters"]] == [("Ann", "for"), ("Bob", "against")]
        assert {s["speaker"] for s in debate["speeches"]} == {"Mo", "Ann", "Bob"}
        assert debate["verdict"]["seconds"]["Ann"] > 0
        agents = [e["response"]["parley"]["agent"] for e in c.of("response.created")]
        assert agents == [s["speaker"] for s in debate["speeches"]]

    play(script, Client(shown=OPTED_IN))


@pytest.mark.parametrize(
    ("debate", "field", "words"),
    [
        ({"format": "oxfrod"}, "debate.format", "oxford"),
        ({"format": {"name": "mine", "title": "T"}}, "debate.format", "rounds: Field required"),
        ({"debaters": [{"name": "Ann", "side": "maybe"}]}, "debate.debaters[0].side", "for, against"),
        ({"debaters": [{"name": "Ann", "side": "for"}]}, "debate.debaters", "nobody argues for 'against'"),
        ({"debaters": [{"name": "Ann"}, {"name": "ann"}]}, "room.agents", "two would be called"),
        ({"debaters": [{"name": "Ann", "voice": "none"}]}, "debate.debaters[0].voice", "none"),
        ({"moderator": {"model": "none"}}, "debate.moderator.model", "none"),
        ({"topic": "  "}, "debate.topic", "needs a topic"),
    ],
)
def test_a_debate_that_cannot_be_held_is_refused_and_nothing_has_changed(
    debate: dict[str, Any], field: str, words: str
) -> None:
    async def script(c: Client) -> None:
        start(c, **debate)
        assert c.error["param"] == field
        assert words in c.error["message"]
        assert list(c.session.agents) == ["assistant"]
        assert not c.session.programmes
        start(c)
        assert told(c)["state"] == "running"

    play(script, Client(shown=OPTED_IN))


def test_one_debate_at_a_time_and_none_to_steer_before_there_is_one() -> None:
    async def script(c: Client) -> None:
        for event in ("next", "extend", "stop"):
            c.send(f"parley.debate.{event}")
            assert "no debate is held here" in c.error["message"]
        start(c)
        start(c)
        assert "held here already" in c.error["message"]
        c.send("parley.debate.mute", name="Zoe")
        assert c.error["param"] == "debate.name"
        c.send("parley.debate.vote", side="maybe")
        assert c.error["param"] == "debate.side"
        c.send("parley.debate.vote", side="for")
        assert told(c)["votes"] == {"for": 1}

    play(script, Client(shown=OPTED_IN))


def test_a_stock_client_is_told_how_to_ask_for_one() -> None:
    async def script(c: Client) -> None:
        start(c)
        assert "?parley=1" in c.error["message"]
        assert "debate" not in c.session.programmes

    play(script, Client(shown=STOCK))


def test_no_voice_is_brought_into_memory_for_who_did_not_ask_for_one() -> None:
    async def script(c: Client) -> None:
        context = c.session.context
        context.models = replace(context.models, voice_is_here=lambda name: name == "fake-voice")
        c.session._offered = context.models
        c.adapter._debate._available = replace(
            c.adapter._debate._available,
            voices=replace(c.adapter._debate._available.voices, known=("fake-voice", "big")),
        )
        start(c, debaters=[{"name": "Ann"}, {"name": "Bob"}])
        assert [d["voice"] for d in told(c)["debaters"]] == ["fake-voice", "fake-voice"]

    play(script, Client(shown=OPTED_IN))


@pytest.mark.parametrize(("kind", "begins"), [("md", "# Cats or dogs\n"), ("json", "{"), ("vtt", "WEBVTT")])
def test_what_was_said_is_handed_out_as_a_document_at_any_time(kind: str, begins: str) -> None:
    async def script(c: Client) -> None:
        start(c, debaters=[{"name": "Ann"}, {"name": "Bob"}])
        await c.until("response.done")
        c.send("parley.debate.export", format=kind)
        document = c.of("parley.debate.document")[-1]
        assert (document["format"], document["name"]) == (kind, f"cats-or-dogs.{kind}")
        assert document["text"].startswith(begins)
        assert "Welcome. Our topic today" in document["text"]
        c.send("parley.debate.export", format="doc")
        assert c.error["param"] == "format"

    play(script, Client(shown=OPTED_IN))
