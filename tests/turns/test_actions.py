"""Orders say what is usual where nothing is said."""

from __future__ import annotations

from parley.turns import actions as act
from parley.turns.actions import Ending


def test_what_holds_where_nothing_is_said() -> None:
    assert act.CommitTurn("ann", 1, "So.", 0.0, 1.0).lost is False
    assert act.StartResponse("r1", "assistant", "ann", 1, "So.", speculative=False).again is False
    assert act.EndResponse("r1", Ending.FINISHED).reason == ""


def test_what_a_model_is_asked_is_about_somebodys_turn() -> None:
    assert all({"participant", "turn"} <= set(kind.__dataclass_fields__) for kind in act.Question.__args__)
