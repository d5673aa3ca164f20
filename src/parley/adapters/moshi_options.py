"""What can be set of a model of the family `moshi`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from parley.models.voicepacks import Consent


class MoshiOptions(BaseModel):
    """Options of a model of the family `moshi`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    slots: int = Field(2, ge=1, le=64, description="Conversations at the same time.")
    device: str = Field("auto", description="cpu, cuda or cuda:1; auto: a GPU where there is one.")
    dtype: str = Field("auto", pattern="^(auto|bfloat16|float16|float32)$", description="Of the language model.")
    context: int | None = Field(None, ge=1, description="Frames of 80 ms that it remembers; fewer take less memory.")
    temperature: float | None = Field(None, ge=0, description="Of the sound; 0: always the likeliest.")
    text_temperature: float | None = Field(None, ge=0, description="Of the words; 0: always the likeliest.")
    seed: int | None = Field(None, description="Makes what is drawn repeatable, for tests.")
    lora: str = Field("", description="Adapter weights (safetensors): one of its files, or a path.")
    lora_scaling: float | None = Field(None, description="How strong they are; none: as their configuration says.")
    voices: dict[str, str] = Field(default_factory=dict, description="Adapter weights that a conversation may choose.")
    role: str = Field("", description="Who it is to be, in words; PersonaPlex has learnt to follow that.")
    told: int = Field(500, ge=0, description="Most tokens of role and earlier talk that clients may tell it; 0: none.")
    voice_prompt: str = Field("", description="Recording of the voice to speak with: one of its files, or a path.")
    consent: Consent | None = Field(None, description="Of the speaker in that recording; none: it is not spoken with.")
    allow_slow: bool = Field(False, description="Load it even where it cannot keep up with speech.")
    late_s: float = Field(0.4, gt=0, description="Seconds behind its speaker from which a conversation skips frames.")
    threads: int | None = Field(None, ge=1, description="Of the CPU.")
