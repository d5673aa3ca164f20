"""A persona over a conversation's settings."""

from __future__ import annotations

from dataclasses import replace

from parley.conversation.agent import Agent, Persona
from parley.conversation.engines.cascade import Cascade
from parley.conversation.settings import SessionModels, SessionSettings
from parley.models.fakes import FakeChat, FakeRecognizer, FakeVad

SETTINGS = SessionSettings(instructions="Be kind.", engine="m", voice="v", speed=1.1, language="te")


def test_what_a_persona_is_not_given_it_has_from_the_conversation() -> None:
    assert Persona("Ada").over(SETTINGS) == SETTINGS
    assert Persona().over(SETTINGS) == SETTINGS


def test_what_it_is_given_is_its_own() -> None:
    own = Persona("Ada", "Be brief.", "other", "deep", 0.9).over(SETTINGS)
    assert own == replace(SETTINGS, instructions="Be brief.", engine="other", voice="deep", speed=0.9)
    assert Persona("Ada", instructions="").over(SETTINGS).instructions == "", "nothing is something, too"


def test_an_agent_is_called_as_its_persona_is() -> None:
    models = SessionModels(FakeVad(), FakeRecognizer(), Cascade(FakeChat()))
    assert Agent(Persona("Ada"), SETTINGS, models).name == "Ada"
    assert Agent(Persona(), SETTINGS, models).name == "assistant"
