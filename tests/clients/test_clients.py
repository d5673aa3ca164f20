"""Foreign clients, unchanged: only their base URL and key are ours. Each has a script and an environment of its own."""

from __future__ import annotations

import pytest

from tests.clients.conftest import Runs
from tests.clients.table import SCRIPTS, Client


@pytest.mark.timeout(600)
@pytest.mark.parametrize("client", SCRIPTS, ids=lambda c: c.folder)
def test_a_client_does_all_it_can(client: Client, runs: Runs) -> None:
    seen = runs[client.folder].result()
    assert {s.feature for s in seen} == client.features
    assert not [s for s in seen if not s.ok]
