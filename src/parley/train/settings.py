"""What `parley train` may be told: one section for each step that has settings."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

OPEN_LICENCES = ("CC0-1.0", "CC-BY-4.0", "CC-BY-3.0", "CC-BY-SA-4.0", "CC-BY-SA-3.0", "PDDL-1.0", "public-domain")
"""Licences that allow training and passing on, as SPDX writes them."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Collect(_Section):
    """Which recordings may be used."""

    licences: tuple[str, ...] = Field(default=OPEN_LICENCES, description="Licences of sources that are allowed")


class Segment(_Section):
    """What finds speech."""

    vad: str = Field(default="silero-vad", description="Voice activity detector of the catalogue")


class Transcribe(_Section):
    """What writes speech down."""

    models: tuple[str, ...] = Field(default=("moonshine-tiny-en", "whisper-base"), min_length=1)
    """Recognisers of the catalogue; the text is the first one's, the others say how far to trust it."""

    @field_validator("models")
    @classmethod
    def _different(cls, models: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(models)) < len(models):
            raise ValueError("a recogniser that is named twice would agree with itself")
        return models


class Align(_Section):
    """What tells when each word is said."""

    model: str = Field(default="", description="Recogniser of the catalogue that writes letter by letter (CTC)")


class Filter(_Section):
    """What belongs to the data set."""

    shortest_s: float = Field(default=1.0, ge=0)
    longest_s: float = Field(default=30.0, gt=0, validate_default=True)
    least_snr_db: float = Field(default=10.0, description="Level of the clip over the level of the recording's pauses")
    least_agreement: float = Field(default=0.8, ge=0, le=1, description="1 minus the character error rate")
    least_fit: float = Field(
        default=-2.0, le=0, description="Mean logarithm of the likelihood of the letters, where words are aligned"
    )

    @field_validator("longest_s")
    @classmethod
    def _ordered(cls, longest_s: float, others: ValidationInfo) -> float:
        if longest_s <= others.data.get("shortest_s", 0.0):
            raise ValueError("is to be more than shortest_s")
        return longest_s


class Dedupe(_Section):
    """When two clips are one."""

    least_likeness: float = Field(
        default=0.9, gt=0, le=1, description="Correlation of the sound of two clips of similar words"
    )


class Embed(_Section):
    """What tells voices apart."""

    encoder: str = Field(default="d-vector", description="Encoder of speakers of the catalogue")


class Speakers(_Section):
    """Who is who, and whom training does not hear."""

    least_likeness: float = Field(
        default=0.72, gt=0, lt=1, description="Mean cosine of the vectors of two clips of the same speaker"
    )
    held_out_share: float = Field(default=0.05, ge=0, lt=1, description="Of the time: what held-out speakers may say")


class Settings(_Section):
    """All settings."""

    shard: int = Field(default=32, ge=1, le=10_000, description="Clips that are worked on, and kept, together")
    collect: Collect = Collect()
    segment: Segment = Segment()
    transcribe: Transcribe = Transcribe()
    align: Align = Align()
    filter: Filter = Filter()
    dedupe: Dedupe = Dedupe()
    embed: Embed = Embed()
    speakers: Speakers = Speakers()
