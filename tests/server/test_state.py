"""What conversations of a server begin with."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timedelta, timezone
from typing import Any, cast

import pytest

from parley.config import Config
from parley.server.security import Gate
from parley.server.state import ServerState, spoken_clock, turn_credentials


@pytest.mark.parametrize("anticipate", [True, False, None])
def test_an_operator_may_leave_answers_to_pauses(*, anticipate: bool | None) -> None:
    config = Config.model_validate({"anticipate": anticipate})
    state = ServerState(config, cast("Any", None), Gate(None, []))
    assert state.session_settings.anticipate is anticipate


@pytest.mark.parametrize("clock", [True, False])
def test_a_conversation_is_told_when_it_began_unless_the_operator_says_no(*, clock: bool) -> None:
    config = Config.model_validate({"clock": clock, "instructions": "Be kind."})
    settings = ServerState(config, cast("Any", None), Gate(None, [])).session_settings
    assert settings.instructions == "Be kind."  # what a client sees and replaces
    assert settings.opening.startswith("Be kind.")
    assert ("This conversation began on " in settings.opening) is clock


def test_the_clock_is_told_in_words_with_its_zone() -> None:
    at = datetime(2026, 3, 7, 9, 5, tzinfo=timezone(timedelta(hours=5, minutes=30), "IST"))
    assert spoken_clock(at) == "This conversation began on Saturday, 7 March 2026, at 09:05 (IST)."


def test_turn_credentials_are_what_coturn_computes() -> None:
    made = turn_credentials("secret", now=1000.0)
    assert made["username"] == "4600:parley"
    digest = hmac.new(b"secret", b"4600:parley", hashlib.sha1).digest()
    assert base64.b64decode(made["credential"]) == digest
