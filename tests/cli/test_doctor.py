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
from dataclasses import dataclass
from pathlib import Path

import pytest

from parley.workers.certificates import make_authority, make_pair

SECRET = "a shared secret"


@dataclass(frozen=True)
class Turn:
    """coturn on loopback: STUN and TURN."""

    port: int
    tls_port: int
    authority: Path
    """Who signed for it."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def turn_server(tmp_path: Path) -> Iterator[Turn]:
    if shutil.which("turnserver") is None:
        pytest.skip("Debian's coturn is not installed")
    authority = make_authority(tmp_path)
    cert, key = make_pair(tmp_path, "localhost")
    turn = Turn(free_port(), free_port(), authority)
    command = [
        "turnserver", "-n", "--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1", "--realm", "parley",
        "--listening-port", str(turn.port), "--tls-listening-port", str(turn.tls_port), "--no-dtls",
        "--cert", str(cert), "--pkey", str(key), "--use-auth-secret", "--static-auth-secret", SECRET, "--no-cli",
        "--allow-loopback-peers", "--log-file", "stdout", "--pidfile", str(tmp_path / "turn.pid"),
    ]  # fmt: skip
    with (tmp_path / "turn.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", turn.tls_port)) == 0:
                break
        time.sleep(0.05)
    yield turn
    process.kill()
    process.wait()


def doctor(**environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "COLUMNS": "300", **environment}
    command = [sys.executable, "-m", "parley.cli", "doctor"]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=280, check=False)


def test_stun_and_turn_servers_are_asked(turn_server: Turn) -> None:
    servers = {
        "PARLEY_STUN_SERVERS": json.dumps([f"stun:127.0.0.1:{turn_server.port}"]),
        "PARLEY_TURN_SERVERS": json.dumps(
            [
                f"turn:127.0.0.1:{turn_server.port}?transport=tcp",
                f"turns:localhost:{turn_server.tls_port}?transport=tcp",
            ]
        ),
    }
    found = doctor(**servers, PARLEY_TURN_SECRET=SECRET, SSL_CERT_FILE=str(turn_server.authority))
    assert "this machine is seen as" in found.stdout
    assert found.stdout.count("relays through 127.0.0.1") == 2, found.stdout
    refused = doctor(**servers, PARLEY_TURN_SECRET="another", SSL_CERT_FILE=str(turn_server.authority))
    assert refused.stdout.count("relays nothing") == 2
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


def test_tools_that_are_configured_are_looked_for() -> None:
    found = doctor(PARLEY_TOOLS='["current_time", "clock"]')
    assert "the tool 'current_time' is here" in found.stdout
    assert "no tool is called 'clock'" in found.stdout
    assert "there are current_time" in found.stdout
    assert found.returncode == 3
