"""Voice packs: a folder for each voice, ``FAMILY/MODEL_ID/``, that a worker can be pointed at.

```
voicepacks/piper/en_us_amy/
  metadata.yaml      what it is, see `Metadata`
  amy.onnx           the model's files, with whatever names its family expects
  amy.onnx.json
  ref/seed.wav       optional: a few seconds of the speaker, for families that clone
  voices/ann/        optional: a LoRA adapter, which is a further voice of the same model
```

Whoever's voice is cloned has agreed to it: a pack with a seed holds a consent to that very recording, or is not read.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
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
LORA = "voices"
ADAPTER = "adapter_config.json"
"""What each of them has, whatever trained it."""
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


class Consent(BaseModel):
    """That somebody lets a voice be cloned from a recording."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    speaker: str = Field(min_length=2, description="Whose voice it is.")
    statement: str = Field(min_length=20, description="What was agreed to, in the speaker's words.")
    given: date = Field(description="When.")
    recording: str = Field(pattern="^[0-9a-f]{64}$", description="sha256 of ref/seed.wav: it is to no other.")


class Metadata(BaseModel):
    """``metadata.yaml`` of a voice pack."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = Field(default=1, description="Of this format.")
    licence: str = Field(min_length=1, description="Of the weights, SPDX where there is one.")
    summary: str = Field(default="", description="One line for people.")
    tags: Tags
    consent: Consent | None = Field(
        default=None, description="Of the speaker in ref/seed.wav; needed where there is one."
    )
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
        """For the adapter: file names to paths; the seed is called ``seed.wav``. LoRA adapters lie beside them."""
        own = (path for path in self.files if self.folder / LORA not in path.parents)
        return ModelSpec(self.id, self.family, {path.name: path for path in own}, dict(self.metadata.options))

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
    if (seed := folder / SEED) in found:
        _check_consent(metadata.consent, seed, path)
    return VoicePack(folder.name, folder.parent.name, folder, metadata, found)


def _check_consent(consent: Consent | None, seed: Path, path: Path) -> None:
    if consent is None:
        raise UsageError(
            f"{path}: consent: there is a voice to clone ({SEED}) and no consent of its speaker; make the pack with "
            "'parley voicepacks make --ref FILE --speaker NAME --consent \"...\"'"
        )
    if consent.recording != _sha256(seed):
        raise UsageError(f"{path}: consent.recording: {consent.speaker} agreed to another recording than {SEED}")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


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


def _consent(speaker: str, statement: str, seed: Path) -> Consent:
    try:
        return Consent(speaker=speaker, statement=statement, given=date.today(), recording=_sha256(seed))
    except ValidationError as fault:
        raise UsageError(f"a voice is cloned with its speaker's consent alone: {explain(fault)}") from fault


def make(
    root: Path, family: str, name: str, files: Sequence[Path], metadata: Metadata, seed: Path | None = None,
    *, speaker: str = "", statement: str = "", lora: Sequence[Path] = (),
) -> VoicePack:  # fmt: skip
    """Make a pack of files that are copied; a voice is cloned from `seed` with its `speaker`'s `statement` of consent.

    `lora`: folders of adapters, each a further voice with the folder's name.

    Raises `UsageError` when it is there already, a file is missing or the consent is.
    """
    folder = root / family / name
    if folder.exists():
        raise UsageError(f"{folder} exists already")
    for path in [*files, *([seed] if seed else [])]:
        if not path.is_file():
            raise UsageError(f"{path} does not exist")
    for path in lora:
        if not (path / ADAPTER).is_file():
            raise UsageError(f"{path} is no LoRA adapter: it has no {ADAPTER}")
    if seed is not None:
        metadata = metadata.model_copy(update={"consent": _consent(speaker, statement, seed)})
    fresh = folder.with_name(f".{name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for path in files:
        shutil.copyfile(path, fresh / path.name)
    if seed is not None:
        (fresh / "ref").mkdir()
        shutil.copyfile(seed, fresh / SEED)
    for path in lora:
        shutil.copytree(path, fresh / LORA / path.resolve().name)
    text = yaml.safe_dump(metadata.model_dump(mode="json", exclude_defaults=True) | {"version": 1}, sort_keys=False)
    (fresh / METADATA).write_text(text, encoding="utf-8")
    fresh.rename(folder)
    return read(folder)
