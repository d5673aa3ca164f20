"""From what a model is, by the catalogue, to the engine that answers with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from parley.conversation.engines.base import Engine
from parley.conversation.engines.cascade import Cascade
from parley.conversation.engines.duplex import Duplex

_ENGINES: Mapping[str, Callable[[Any], Engine]] = {"llm": Cascade, "speech_llm": Cascade, "duplex": Duplex}


def engine_of(kind: str, model: Any) -> Engine:
    """The engine of a loaded model of a kind that answers (`catalogue.ANSWERS`)."""
    return _ENGINES[kind](model)
