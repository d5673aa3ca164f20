"""The store of model files under ``PARLEY_HOME``: what is there, whether it is whole, pulling what is not.

A file is written beside its place and moved there only when its hash is right, so a name in the store is
always a whole file as it was when placed. Files changed afterwards are found by size and time stamp, and
by their hash with ``verify``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
from filelock import FileLock

from parley.errors import LicenceRefused, PullError, UnpinnedRefused
from parley.models.catalogue import File, Model
from parley.models.home import home
from parley.models.interfaces import ModelSpec
from parley.models.parcels import Parcels, SourceFailed
from parley.models.sources import fetch

Progress = Callable[[str, int, int], None]
"""Called with the file's name, the bytes that are there and the bytes in all; from several threads."""

_STAMPS = ".verified.json"
_PARCELS = ".packages"
_RESERVE_BYTES = 64 * 1024 * 1024


def sha256_of(path: Path) -> str:
    """Hash of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class Store:
    """Model files on this machine."""

    def __init__(self, root: Path | None = None, *, accept_unpinned: bool | None = None) -> None:
        """`accept_unpinned`: take files whose content nobody has fixed; None: as PARLEY_ACCEPT_UNPINNED says."""
        self.root = root or home()
        said = os.environ.get("PARLEY_ACCEPT_UNPINNED", "").lower() in ("1", "true", "yes", "on")
        self._accept_unpinned = said if accept_unpinned is None else accept_unpinned

    def folder(self, model: Model) -> Path:
        """Where the model's files are."""
        return self.root / "models" / model.id

    def spec(self, model: Model, options: Mapping[str, Any] = MappingProxyType({}), family: str = "") -> ModelSpec:
        """What its adapter gets; `options` and `family` count more than those of the entry."""
        given = {**model.options, **options}
        files = self.paths(model)
        return ModelSpec(model.id, family or model.family, files, given, model.kind, tuple(model.languages))

    def paths(self, model: Model) -> dict[str, Path]:
        """File names to paths; the files need not be there."""
        return {f.name: self.folder(model) / f.name for f in model.files}

    def faults(self, model: Model, *, verify: bool = False) -> dict[str, str]:
        """Files that are not usable, with the reason. `verify` hashes them even if they look untouched."""
        stamps = self._stamps(model)
        found = {}
        for file in model.files:
            fault = self._fault(self.folder(model) / file.name, file, stamps, verify=verify)
            if fault:
                found[file.name] = fault
        return found

    def is_present(self, model: Model) -> bool:
        """Whether all files are there and whole."""
        return not self.faults(model)

    def pull(self, model: Model, progress: Progress = lambda *_: None, *, accept: str | None = None) -> None:
        """Bring every missing or broken file here; files in parallel, one puller at a time.

        Raises `LicenceRefused` when consent is needed, `UnpinnedRefused` when a file has no hash to be checked by,
        `PullError` with a report of every source tried.
        """
        self._check_licence(model, accept)
        self.folder(model).mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder(model) / ".lock"):
            missing = [f for f in model.files if f.name in self.faults(model)]
            if not missing:
                return
            self._check_pins(model, missing)
            self._check_room(sum(f.size for f in missing))
            parcels = Parcels(self.folder(model) / _PARCELS)
            with ThreadPoolExecutor(max_workers=4) as pool:
                pulls = [pool.submit(self._pull_file, model, f, progress, parcels) for f in missing]
            reports = [str(fault) for p in pulls if (fault := p.exception()) is not None]
            if reports:
                raise PullError(f"{model.id} could not be pulled:\n" + "\n".join(reports))
            parcels.clear()

    def remove(self, model: Model) -> int:
        """Delete the model's files; returns the bytes freed."""
        folder = self.folder(model)
        if not folder.exists():
            return 0
        freed = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
        shutil.rmtree(folder)
        return freed

    def _fault(self, path: Path, file: File, stamps: dict[str, list[int]], *, verify: bool) -> str | None:
        if not path.exists():
            return "missing"
        stat = path.stat()
        if file.sha256 and stat.st_size != file.size:
            return f"has {stat.st_size} bytes instead of {file.size}"
        stamp = [stat.st_size, stat.st_mtime_ns]
        if not verify and stamps.get(file.name) == stamp:
            return None
        if file.sha256 and sha256_of(path) != file.sha256:
            return "has the wrong sha256 (corrupted or replaced)"
        return None

    def _pull_file(self, model: Model, file: File, progress: Progress, parcels: Parcels) -> None:
        target = self.folder(model) / file.name
        partial = target.with_name(target.name + ".part")
        failures = []
        for source in file.sources:
            try:
                fetch(source, partial, lambda done, total: progress(file.name, done, total or file.size), parcels)
                if file.sha256 and (found := sha256_of(partial)) != file.sha256:
                    partial.unlink()
                    raise SourceFailed(f"delivers another file (sha256 {found[:12]}… instead of {file.sha256[:12]}…)")
            except SourceFailed as fault:
                failures.append(f"  {file.name}: {source}: {fault}")
                continue
            partial.replace(target)
            self._stamp(model, file.name, target)
            progress(file.name, file.size, file.size)
            return
        raise PullError("\n".join(failures) or f"  {file.name}: no source is known; put the file at {target}")

    def _stamps(self, model: Model) -> dict[str, list[int]]:
        path = self.folder(model) / _STAMPS
        if not path.exists():
            return {}
        with suppress(msgspec.DecodeError, msgspec.ValidationError):  # a broken note only costs a hash
            return msgspec.json.decode(path.read_bytes(), type=dict[str, list[int]])
        return {}

    def _stamp(self, model: Model, name: str, path: Path) -> None:
        with FileLock(self.folder(model) / ".stamps.lock"):
            stat = path.stat()
            stamps = {**self._stamps(model), name: [stat.st_size, stat.st_mtime_ns]}
            note = self.folder(model) / (_STAMPS + ".part")
            note.write_bytes(msgspec.json.encode(stamps))
            note.replace(self.folder(model) / _STAMPS)

    def _check_pins(self, model: Model, missing: Sequence[File]) -> None:
        unpinned = [file.name for file in missing if not file.sha256]
        if unpinned and not self._accept_unpinned:
            raise UnpinnedRefused(
                f"{model.id}: no hash is known of {', '.join(unpinned)}: whatever the source delivers today would be "
                "believed; if you trust it, add --accept-unpinned or set PARLEY_ACCEPT_UNPINNED=1"
            )

    def _check_room(self, needed: int) -> None:
        free = shutil.disk_usage(self.root).free
        if free < needed + _RESERVE_BYTES:
            raise PullError(
                f"{self.root} has {free >> 20} MB free and {needed >> 20} MB are needed; set PARLEY_HOME elsewhere"
            )

    def _check_licence(self, model: Model, accept: str | None) -> None:
        if not model.needs_consent:
            return
        note = self.root / "licences.json"
        accepted = msgspec.json.decode(note.read_bytes(), type=list[str]) if note.exists() else []
        if model.licence in accepted:
            return
        if accept != model.licence:
            raise LicenceRefused(
                f"{model.id} is under the licence '{model.licence}', which is not a permissive one; "
                f"read it, then add --accept-licence {model.licence}"
            )
        self.root.mkdir(parents=True, exist_ok=True)
        note.write_bytes(msgspec.json.encode([*accepted, model.licence]))
