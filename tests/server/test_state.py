"""What conversations of a server begin with."""

from __future__ import annotations

from typing import Any, cast

import pytest

from parley.config import Config
from parley.server.security import Gate
from parley.server.state import ServerState


@pytest.mark.parametrize("anticipate", [True, False, None])
def test_an_operator_may_leave_answers_to_pauses(*, anticipate: bool | None) -> None:
    config = Config.model_validate({"anticipate": anticipate})
    state = ServerState(config, cast("Any", None), Gate(None, []))
    assert state.session_settings.anticipate is anticipate
