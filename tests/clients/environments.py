"""Makes an environment for each client, as its user would, and runs the clients' scripts there.

    python -m tests.clients.environments

makes those that are missing or out of date. Every package is pinned: `requirements.txt`, `package-lock.json`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parent.parent / ".venv-clients"
_UV = [sys.executable, "-m", "uv"]
_AT_ONCE = 4
_INSTALL_LIMIT_S = 900


@dataclass(frozen=True)
class Seen:
    """One feature as the client's script saw it."""

    feature: str
    ok: bool
    seen: str


def make(client: str) -> None:
    """Install what a client needs, anew where its list has changed."""
    source, target = HERE / client, ENVIRONMENTS / client
    needs = _needs(client)
    mark, wanted = target / "made-of", sha256(needs.read_bytes()).hexdigest()
    if mark.exists() and mark.read_text() == wanted:
        return
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    if needs.suffix == ".json":
        for name in ("package.json", needs.name):
            shutil.copy(source / name, target)
        _run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=target)
    else:
        _run([*_UV, "venv", "-q", "--allow-existing", "--python", sys.executable, str(target)])
        _run([*_UV, "pip", "install", "-q", "--system-certs", "--python", str(target), "-r", str(needs)])
    mark.write_text(wanted)


def run(client: str, environ: Mapping[str, str], limit_s: float) -> list[Seen]:
    """Run ``client.py`` or ``client.mjs`` of a client to its end and read the lines that it prints.

    Raises:
        AssertionError: the script failed; with the end of what it said.
        subprocess.TimeoutExpired: it took longer than `limit_s` seconds.
    """
    place = ENVIRONMENTS / client
    script = HERE / client / "client.py"
    command = ["nice", "-n", "5"]  # what they start with must not keep the server from hearing in time
    if script.exists():
        command += [str(place / "bin" / "python"), str(script)]
    else:  # Node looks for packages beside the script
        command += ["node", str(shutil.copy(HERE / client / "client.mjs", place))]
    env = {**{k: v for k, v in os.environ.items() if not k.startswith(("PARLEY_", "OPENAI_"))}, **environ}
    done = subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, timeout=limit_s, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"feature"')]
    assert done.returncode == 0, (lines, done.stdout[-500:], done.stderr[-3000:])
    return [Seen(**json.loads(line)) for line in lines]


def version(client: str, package: str) -> str:
    """The pinned version of a package."""
    needs = _needs(client)
    if needs.suffix == ".json":
        return str(json.loads(needs.read_text())["packages"][f"node_modules/{package}"]["version"])
    lines = needs.read_text().splitlines()
    return next(line.removeprefix(f"{package}==") for line in lines if line.startswith(f"{package}=="))


def _needs(client: str) -> Path:
    lock = HERE / client / "package-lock.json"
    return lock if lock.exists() else HERE / client / "requirements.txt"


def _run(command: list[str], cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=_INSTALL_LIMIT_S, check=False)
    assert done.returncode == 0, (command, done.stderr[-2000:])


if __name__ == "__main__":
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for _ in pool.map(make, sorted(script.parent.name for script in HERE.glob("*/client.*"))):
            pass
