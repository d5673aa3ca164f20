"""What ``parley doctor`` finds out about ways through networks."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SECRET = "a shared secret"


@pytest.fixture
def turn_server(tmp_path: Path) -> Iterator[int]:
    """coturn on loopback, STUN and TURN; its port."""
    if shutil.which("turnserver") is None:
        pytest.skip("Debian's coturn is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [
        "turnserver", "-n", "--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1", "--listening-port", str(port),
        "--realm", "parley", "--use-auth-secret", "--static-auth-secret", SECRET, "--no-cli", "--no-tls", "--no-dtls",
        "--allow-loopback-peers", "--log-file", "stdout", "--pidfile", str(tmp_path / "turn.pid"),
    ]  # fmt: skip
    with (tmp_path / "turn.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield port
    process.kill()
    process.wait()


def doctor(**environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "COLUMNS": "300", **environment}
    command = [sys.executable, "-m", "parley.cli", "doctor"]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


def test_stun_and_turn_servers_are_asked(turn_server: int) -> None:
    servers = {
        "PARLEY_STUN_SERVERS": json.dumps([f"stun:127.0.0.1:{turn_server}"]),
        "PARLEY_TURN_SERVERS": json.dumps([f"turn:127.0.0.1:{turn_server}?transport=tcp"]),
    }
    found = doctor(**servers, PARLEY_TURN_SECRET=SECRET)
    assert "this machine is seen as" in found.stdout
    assert "relays through 127.0.0.1" in found.stdout, found.stdout
    refused = doctor(**servers, PARLEY_TURN_SECRET="another")
    assert "relays nothing" in refused.stdout
    assert refused.returncode == 3


def test_a_pod_and_a_redis_that_is_gone_are_named() -> None:
    found = doctor(RUNPOD_POD_ID="abc123", PARLEY_REDIS_URL="redis://127.0.0.1:1")
    assert "https://abc123-8000.proxy.runpod.net" in found.stdout
    assert "Redis does not answer" in found.stdout
    assert found.returncode == 3


def test_a_server_that_is_none_is_named_before_anything_is_tried() -> None:
    refused = doctor(PARLEY_STUN_SERVERS='["stun.example.org:3478"]')
    assert refused.returncode == 2
    assert "stun_servers" in refused.stderr
