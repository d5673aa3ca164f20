"""Which engine a kind of model stands for, and what each declares."""

from __future__ import annotations

from typing import Any

import pytest

from parley.conversation.engines.registry import engine_of
from parley.models.catalogue import ANSWERS
from parley.models.fakes import FakeChat, FakeDuplexModel, FakeSpeechChat

MODELS: dict[str, Any] = {"llm": FakeChat(), "speech_llm": FakeSpeechChat(), "duplex": FakeDuplexModel()}


def test_everything_that_answers_has_an_engine() -> None:
    assert set(MODELS) == set(ANSWERS)


@pytest.mark.parametrize(
    ("kind", "turns", "hears", "pausable", "history"),
    [
        ("llm", "ours", False, True, "ledger"),
        ("speech_llm", "ours", True, True, "ledger"),
        ("duplex", "model", True, False, "model"),
    ],
)
def test_an_engine_declares_what_it_can(kind: str, turns: str, *, hears: bool, pausable: bool, history: str) -> None:
    engine = engine_of(kind, MODELS[kind])
    assert (engine.turns, engine.accepts_audio, engine.pausable, engine.history) == (turns, hears, pausable, history)
    assert (engine.duplex is None) is (turns == "ours")
