"""Voice packs: a folder for each voice, ``FAMILY/MODEL_ID/``, that a worker can be pointed at.

```
voicepacks/piper/en_us_amy/
  metadata.yaml      what it is, see `Metadata`
  amy.onnx           the model's files, with whatever names its family expects
  amy.onnx.json
  ref/seed.wav       optional: a few seconds of the speaker, for families that clone
```
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from parley.audio import files as audio_files
from parley.errors import AudioError, ModelError, ModelNotFound, UsageError
from parley.models.interfaces import ModelSpec
from parley.models.plugins import adapter
from parley.validation import explain

METADATA = "metadata.yaml"
SEED = "ref/seed.wav"
_SEED_S = (2.0, 30.0)


class Tags(BaseModel):
    """What routing and people look for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lang: tuple[str, ...] = Field(min_length=1, description="Languages, ISO 639-1; '*' for every one.")
    expressive: bool = Field(default=False, description="Speaks with feeling without being told how.")
    cpu_ok: bool = Field(default=True, description="Fast enough without a GPU.")
    lora: bool = Field(default=False, description="Fine-tuned by LoRA.")
    zero_shot: bool = Field(default=False, description="Clones the voice of ref/seed.wav.")
    domain: tuple[str, ...] = Field(default=(), description="What it is good at: news, dialogue ...")


class Metadata(BaseModel):
    """``metadata.yaml`` of a voice pack."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = Field(default=1, description="Of this format.")
    licence: str = Field(min_length=1, description="Of the weights, SPDX where there is one.")
    summary: str = Field(default="", description="One line for people.")
    tags: Tags
    options: dict[str, Any] = Field(default={}, description="Options of the family's adapter.")


@dataclass(frozen=True, slots=True)
class VoicePack:
    """A voice pack that was read."""

    id: str
    family: str
    folder: Path
    metadata: Metadata
    files: tuple[Path, ...] = field(default=())
    """The model's, without metadata; the seed is among them as `ref/seed.wav`."""

    @property
    def spec(self) -> ModelSpec:
        """For the adapter: file names to paths; the seed is called ``seed.wav``."""
        return ModelSpec(self.id, self.family, {p.name: p for p in self.files}, dict(self.metadata.options))

    @property
    def tag_names(self) -> tuple[str, ...]:
        """Its yes-or-no tags that hold, and its domains."""
        tags = self.metadata.tags
        flags = tuple(n for n in ("expressive", "cpu_ok", "lora", "zero_shot") if getattr(tags, n))
        return flags + tags.domain


def schema() -> str:
    """The JSON schema of ``metadata.yaml``."""
    return json.dumps(Metadata.model_json_schema(), indent=2) + "\n"


def folders(root: Path) -> list[Path]:
    """Every folder that claims to be a voice pack; raises `UsageError` when `root` is none."""
    if not root.is_dir():
        raise UsageError(f"{root} is not a folder of voice packs")
    return sorted(p.parent for p in root.glob(f"*/*/{METADATA}"))


def read(folder: Path) -> VoicePack:
    """Read a pack; raises `UsageError` that names the file and the field at fault."""
    path = folder / METADATA
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        metadata = Metadata.model_validate(content)
    except OSError as fault:
        raise UsageError(f"{path}: {fault.strerror}") from fault
    except yaml.YAMLError as fault:
        raise UsageError(f"{path}: not valid YAML ({fault})") from fault
    except ValidationError as fault:
        raise UsageError(f"{path}: {explain(fault)}") from fault
    found = tuple(sorted(p for p in folder.rglob("*") if p.is_file() and p.name != METADATA))
    return VoicePack(folder.name, folder.parent.name, folder, metadata, found)


def faults(pack: VoicePack) -> Iterator[str]:
    """What is wrong with a pack beyond its metadata."""
    try:
        adapter(pack.family)
    except (ModelNotFound, ModelError) as fault:
        yield str(fault)
    if not [p for p in pack.files if p != pack.folder / SEED]:
        yield "it has no model file"
    seed = pack.folder / SEED
    if pack.metadata.tags.zero_shot and not seed.exists():
        yield f"it is tagged zero_shot and has no {SEED}"
    if seed.exists():
        yield from _seed_faults(seed)


def _seed_faults(seed: Path) -> Iterator[str]:
    try:
        samples, rate_hz = audio_files.read(seed)
    except AudioError as fault:
        yield f"{SEED}: {fault}"
        return
    seconds = len(samples) / rate_hz
    if not _SEED_S[0] <= seconds <= _SEED_S[1]:
        yield f"{SEED} is {seconds:.1f} s long; {_SEED_S[0]:.0f} to {_SEED_S[1]:.0f} s of one speaker are needed"


def make(
    root: Path, family: str, name: str, files: Sequence[Path], metadata: Metadata, seed: Path | None = None
) -> VoicePack:
    """Make a pack of files that are copied; raises `UsageError` when it is there already or a file is missing."""
    folder = root / family / name
    if folder.exists():
        raise UsageError(f"{folder} exists already")
    for path in [*files, *([seed] if seed else [])]:
        if not path.is_file():
            raise UsageError(f"{path} does not exist")
    fresh = folder.with_name(f".{name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for path in files:
        shutil.copyfile(path, fresh / path.name)
    if seed is not None:
        (fresh / "ref").mkdir()
        shutil.copyfile(seed, fresh / SEED)
    text = yaml.safe_dump(metadata.model_dump(mode="json", exclude_defaults=True) | {"version": 1}, sort_keys=False)
    (fresh / METADATA).write_text(text, encoding="utf-8")
    fresh.rename(folder)
    return read(folder)
