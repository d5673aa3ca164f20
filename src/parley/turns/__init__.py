"""Turn-taking as a pure state machine: events with timestamps in, actions out. No clock, no I/O, no model."""

from parley.turns.taker import TurnTaker

__all__ = ["TurnTaker"]
