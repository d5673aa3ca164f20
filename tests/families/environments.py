"""Makes the environment of a heavy model family: its worker and its tests live there, beside nothing else.

    python -m tests.families.environments NAME

makes ``.venv-family-NAME`` if it is missing or out of date. Every package is pinned (``NAME/requirements.txt``), torch
too (``NAME/alone.txt``: packages whose own pins are not heeded). That one comes by this machine's own pip: where its
settings offer a build for CPUs (``torch==X+cpu``), that is taken, else the one of the Python index, which brings the
libraries of CUDA.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
_TORCH = HERE / "torch.txt"
_UV = [sys.executable, "-m", "uv"]
_INSTALL_LIMIT_S = 1800


def families() -> list[str]:
    """The names of the families that have an environment."""
    return sorted(path.parent.name for path in HERE.glob("*/requirements.txt"))


def make(family: str) -> Path:
    """Install what a family needs, anew where its list has changed; returns the environment."""
    target = ROOT / f".venv-family-{family}"
    lists = [path for path in (HERE / family / "requirements.txt", HERE / family / "alone.txt") if path.exists()]
    mark = target / "made-of"
    wanted = sha256(b"".join(path.read_bytes() for path in (*lists, _TORCH))).hexdigest()
    if not mark.exists() or mark.read_text() != wanted:
        shutil.rmtree(target, ignore_errors=True)
        _run([*_UV, "venv", "-q", "--python", sys.executable, str(target)])
        _run([sys.executable, "-m", "pip", "--python", str(target), "install", "-q", "-r", str(_TORCH)])
        wanted_lists = [argument for path in lists for argument in ("-r", str(path))]
        _run([*_UV, "pip", "install", "-q", "--system-certs", "--no-deps", "--python", str(target), *wanted_lists])
        _drop_cuda(target)
        mark.write_text(wanted)
    _run([*_UV, "pip", "install", "-q", "--system-certs", "--no-deps", "--python", str(target), "-e", str(ROOT)])
    return target


def _drop_cuda(target: Path) -> None:
    """Beside a torch for CPUs, torchaudio cannot load its own library, which is built for CUDA; it works without."""
    built = subprocess.run(
        [str(target / "bin/python"), "-c", "import torch; print(torch.version.cuda or '')"],
        capture_output=True, text=True, timeout=_INSTALL_LIMIT_S, check=True,
    )  # fmt: skip
    if not built.stdout.strip():
        for library in target.glob("lib/python*/site-packages/torchaudio/lib/*.so"):
            library.unlink()


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_LIMIT_S, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr[-2000:]}")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in families():
        sys.exit(f"which family? there are: {', '.join(families())}")
    print(make(sys.argv[1]))  # noqa: T201
