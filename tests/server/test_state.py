"""What conversations of a server begin with."""

from __future__ import annotations

from typing import Any, cast

import pytest

from parley.config import Config
from parley.server.security import Gate
from parley.server.state import ServerState


@pytest.mark.parametrize("anticipates", [True, False])
def test_an_operator_may_leave_answers_to_pauses(*, anticipates: bool) -> None:
    config = Config.model_validate({"anticipate": anticipates})
    state = ServerState(config, cast("Any", None), Gate(None, []))
    assert (state.session_settings.turns.anticipate_every_s is not None) == anticipates
