"""Requests made from the server's own description, right and wrong: none of them is the server's fault."""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok

from tests.conftest import RunningServer

SECONDS = float(os.environ.get("TEST_OPENAPI_S", "40"))
SEED = int(os.environ.get("TEST_OPENAPI_SEED", "1"))
Operation = schemathesis.APIOperation[Any, Any, Any, Any]
_ANSWER_S = 60
_NO_FAULT = {("/v1/chat/completions", 502), ("/v1/realtime/calls", 503), ("/v1/rooms", 503)}
"""What the language model refuses, to which chats are passed through; crowds that are told when to come back."""


@pytest.mark.wild(case="requests made from /openapi.json", before="500 for a body that is no JSON")
@pytest.mark.timeout(SECONDS + 300)
def test_no_request_of_the_description_is_a_fault_of_the_server(server: RunningServer) -> None:
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) > 8
    tries = [(operation, mode) for operation in operations for mode in schemathesis.GenerationMode]
    asked = [ask(operation, mode, SECONDS / len(tries)) for operation, mode in tries]
    assert sum(asked) > 5 * len(operations), asked


def ask(operation: Operation, mode: schemathesis.GenerationMode, seconds: float) -> int:
    """Requests of one kind to one operation for some time; how many there were."""
    ends, asked = time.monotonic() + seconds, 0

    @hypothesis.seed(SEED)
    @settings(
        max_examples=100, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def one(case: schemathesis.Case[Any]) -> None:
        nonlocal asked
        if time.monotonic() > ends:
            return
        asked += 1
        answer = case.call(timeout=_ANSWER_S)
        if (operation.path, answer.status_code) not in _NO_FAULT:
            case.validate_response(answer, checks=[not_a_server_error])

    with contextlib.suppress(Unsatisfiable):  # nothing can be wrong with a request that has no parts
        one()
    return asked
