"""``just pythons``: what differs between Pythons, run by the oldest and the newest other one that this machine has.

Standard libraries differ (regular expressions, event loops, annotations), so these are the tests of what is written by
hand, and one command from its beginning to its end. Arguments are pytest's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

ROOT = Path(__file__).parent.parent
TESTS = [
    f"tests/{name}"
    for name in (
        "audio", "conversation", "debate", "realtime", "transports", "turns", "web",
        "e2e/test_command_line.py", "train/test_demo.py", "workers/test_serving.py",
    )
]  # fmt: skip
_UV = [sys.executable, "-m", "uv"]
_LIMIT_S = 900
_NEWEST_MINOR = 30
_VERSION = "import platform; print(platform.python_version())"


def installed() -> dict[Version, Path]:
    """The Pythons of this machine: on the path, and pyenv's."""
    folders = [Path(folder) for folder in (*os.environ["PATH"].split(":"), "/usr/bin", "/usr/local/bin")]
    folders += (Path.home() / ".pyenv/versions").glob("*/bin")
    names = [f"python3.{minor}" for minor in range(_NEWEST_MINOR)]
    found = {}
    for path in {folder / name for folder in folders for name in names if (folder / name).is_file()}:
        told = subprocess.run([path, "-c", _VERSION], capture_output=True, text=True, timeout=60, check=False)
        if told.returncode == 0:  # what pyenv puts on the path fails for those that are not chosen
            found[Version(told.stdout.strip())] = path
    return found


def chosen(found: Iterable[Version], allowed: SpecifierSet, running: Version) -> list[Version]:
    """The oldest and the newest of those that are allowed, without the one that is running."""
    others = sorted(version for version in found if version in allowed and version != running)
    return sorted({*others[:1], *others[-1:]})


def environment(version: Version, python: Path) -> Path:
    """Make an environment of this Python with what the tests need; returns it."""
    target = ROOT / f".venv-python-{version}"
    install = [*_UV, "pip", "install", "-q", "--system-certs", "--python", str(target)]
    for command in (
        [*_UV, "venv", "-q", "--allow-existing", "--python", str(python), str(target)],
        [*install, "-r", str(ROOT / "requirements/dev.txt")],
        [*install, "--no-deps", "-e", str(ROOT)],
    ):
        subprocess.run(command, timeout=_LIMIT_S, check=True)
    return target


def main(arguments: Sequence[str]) -> int:
    """Returns the exit status: 0 when all have passed, or there is no other Python."""
    allowed = SpecifierSet(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"])
    found = installed()
    worst = 0
    for version in chosen(found, allowed, Version(sys.version.split()[0])):
        target = environment(version, found[version])
        print(f"Python {version}", flush=True)  # noqa: T201
        path = f"{target / 'bin'}:{os.environ['PATH']}"
        command = [str(target / "bin/python"), "-m", "pytest", "-q", *(arguments or TESTS)]
        worst = max(worst, subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}, check=False).returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
