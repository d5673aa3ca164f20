"""What training of a model may be told, and what it needs before it begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")
"""The layers of Whisper that LoRA may change."""
LLAMA_PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""Those of networks of Llama's kind, which CSM is made of."""


class Tuning(BaseModel):
    """What every training may be told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rank: int = Field(default=32, ge=1, le=1024, description="Of the matrices that are trained beside each layer")
    batch: int = Field(default=8, ge=1, description="Clips that are in memory together")
    accumulate: int = Field(default=2, ge=1, description="Batches for one step of the optimiser")
    learning_rate: float = Field(default=5e-4, gt=0)
    warmup_steps: int = Field(default=50, ge=0)
    epochs: float = Field(default=3.0, gt=0, description="How often each clip is heard")
    check_every: int = Field(
        default=100, ge=1, description="Steps between two checkpoints, and looks at held-out clips"
    )
    patience: int = Field(default=3, ge=1, description="Looks without a better loss, after which it stops")
    seed: int = 1
    usd_an_hour: float = Field(default=0.0, ge=0, description="Price of the machine")


class LayerTuning(Tuning):
    """What training of a model of the library transformers may be told."""

    alpha: float = Field(default=64.0, gt=0, description="Scale of what they add, times 1 / rank")
    dropout: float = Field(default=0.05, ge=0, lt=1)
    layers: tuple[str, ...] = Field(min_length=1, description="Names of the layers")


class WhisperTuning(LayerTuning):
    """What training of Whisper may be told."""

    layers: tuple[str, ...] = Field(default=PROJECTIONS, min_length=1)


class CsmTuning(LayerTuning):
    """What training of CSM may be told; as Unsloth's recipe for it has it."""

    alpha: float = Field(default=32.0, gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    layers: tuple[str, ...] = Field(default=LLAMA_PROJECTIONS, min_length=1)
    batch: int = Field(default=2, ge=1)
    accumulate: int = Field(default=4, ge=1)
    learning_rate: float = Field(default=2e-4, gt=0)
    warmup_steps: int = Field(default=5, ge=0)
    held_out_share: float = Field(default=0.05, ge=0, lt=1, description="Of the clips: what it is judged by")
    number: int = Field(default=0, ge=0, le=9, description="The number that the model knows the speaker by")


class MoshiTuning(Tuning):
    """What training of Moshi may be told; the weights of the loss are those of its publishers (Défossez et al., 2024,
    "Moshi: a speech-text foundation model for real-time dialogue"), the rest is what their trainer suggests."""

    rank: int = Field(default=128, ge=1, le=1024)
    scaling: float = Field(default=2.0, gt=0, description="Scale of what the matrices add")
    seconds: float = Field(default=100.0, ge=1.0, description="Length of the pieces that dialogues are cut into")
    batch: int = Field(default=1, ge=1, description="Pieces that are in memory together")
    accumulate: int = Field(default=16, ge=1)
    learning_rate: float = Field(default=2e-6, gt=0)
    first_code_weight: float = Field(default=100.0, gt=0, description="Of a frame's first code, which has the meaning")
    padding_weight: float = Field(default=0.5, ge=0, description="Of the frames in which no word begins")


@dataclass(frozen=True, slots=True)
class Stack:
    """Layers of one width, and what of a clip goes through them."""

    width: int
    layers: int
    positions: int

    def activations(self, value_bytes: int, *, again: bool) -> int:
        """Bytes that are kept for the gradients: 34 a value at 16 bits in each layer (Korthikanti et al., 2022,
        "Reducing activation recomputation in large transformer models"), without the table of attention, which is not
        kept. `again`: each layer is computed again when its gradients are wanted, and keeps but what it was given."""
        of_a_layer = self.positions * self.width * 34 * value_bytes // 2
        if not again:
            return self.layers * of_a_layer
        return of_a_layer + self.layers * self.positions * self.width * value_bytes


@dataclass(frozen=True, slots=True)
class Needs:
    """Bytes of memory while it trains, reckoned before it begins."""

    weights: int
    training: int
    """Gradients and the two moments of the optimiser, of what is trained."""
    activations: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.training + self.activations

    def __str__(self) -> str:
        """For people."""
        parts = ("weights", self.weights), ("optimiser", self.training), ("a batch", self.activations)
        return f"{_gb(self.total)} ({', '.join(f'{name} {_gb(size)}' for name, size in parts)})"


def needs(
    weights_bytes: int, trained: int, stacks: Sequence[Stack], likelihoods: int, batch: int, value_bytes: int, *,
    again: bool = False,
) -> Needs:  # fmt: skip
    """The need of a training of `trained` parameters. A clip goes through `stacks` (`again`: see `Stack.activations`)
    and makes so many `likelihoods`, of 32 bits: those, what the loss makes of them, and the gradients of both."""
    activations = batch * (sum(stack.activations(value_bytes, again=again) for stack in stacks) + likelihoods * 12)
    return Needs(weights_bytes, trained * 12, activations)


def _gb(size: int) -> str:
    return f"{size / 1e9:.2f} GB"
