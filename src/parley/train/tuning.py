"""What training of a recogniser may be told, and what it needs before it begins."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")
"""The layers of Whisper that LoRA may change."""


class Tuning(BaseModel):
    """All settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rank: int = Field(default=32, ge=1, le=1024, description="Of the matrices that are trained beside each layer")
    alpha: float = Field(default=64.0, gt=0, description="Scale of what they add, times 1 / rank")
    dropout: float = Field(default=0.05, ge=0, lt=1)
    layers: tuple[str, ...] = Field(default=PROJECTIONS, min_length=1, description="Names of the layers")
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


@dataclass(frozen=True, slots=True)
class Shape:
    """What the need for memory follows from."""

    weights_bytes: int
    trained: int
    """Parameters."""
    width: int
    layers: tuple[int, int]
    """Of encoder and decoder."""
    positions: tuple[int, int]
    """That one clip has in each."""
    value_bytes: int


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


def needs(shape: Shape, batch: int) -> Needs:
    """The need of a training. Activations: 34 bytes a value at 16 bits in each layer (Korthikanti et al., 2022,
    "Reducing activation recomputation in large transformer models"), without the table of attention, which is not
    kept."""
    values = sum(layers * positions for layers, positions in zip(shape.layers, shape.positions, strict=True))
    activations = batch * values * shape.width * 34 * shape.value_bytes // 2
    return Needs(shape.weights_bytes, shape.trained * 12, activations)


def _gb(size: int) -> str:
    return f"{size / 1e9:.2f} GB"
