"""Events say what is usual where nothing is said, and every one of them has a rule."""

from __future__ import annotations

from parley.turns import TurnTaker
from parley.turns import events as ev
from parley.turns.settings import TurnSettings


def test_what_holds_where_nothing_is_said() -> None:
    started = ev.VoiceStarted("ann", 1.0)
    assert (started.below_own_db, started.echo_likeness, started.usual_likeness) == (None, None, None)
    assert ev.MediaAdvanced("ann", 1.0).live is True
    assert ev.Transcribed("ann", 1, 0, "So.", True).lost is False
    assert (ev.ResponseRequested().participant, ev.ResponseRequested().agents) == ("user", None)
    assert ev.ResponseCancelled().response is None
    assert ev.SettingsChanged(TurnSettings()).participant is None


def test_every_event_has_a_rule() -> None:
    assert set(ev.Event.__args__) == set(TurnTaker()._rules)
