"""Adapter weights (LoRA, Hu et al. 2021) of several voices on one network: each conversation has one of them, or none.

The weights of all voices stand beside each other as one adapter whose rank is the sum of theirs. A mask says which of
its columns count for a slot, so that a step costs two small products more, whoever has which voice, and a change of
voice changes no weight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from moshi.modules.lora import LoRALinear, replace_all_linear_with_lora
from safetensors.torch import load_file
from torch import nn

from parley.adapters.moshi_checkpoint import rank_of
from parley.errors import ModelError


class _Chosen:
    """Which columns of the adapters count: `mask`, shape (slots, columns)."""

    def __init__(self, slots: int, columns: int, device: torch.device, dtype: torch.dtype) -> None:
        self.mask = torch.zeros((slots, columns), device=device, dtype=dtype)
        self.now = self.mask


class _Masked(LoRALinear):
    """A product with one weight for all slots, and what each slot's voice adds."""

    def __init__(self, base: nn.Linear, down: torch.Tensor, up: torch.Tensor, chosen: _Chosen) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = base.in_features, base.out_features
        self.rank, self.scaling = len(down), 1.0
        self.frozen_W = base
        self.lora_A = nn.Linear(base.in_features, self.rank, bias=False, device="meta")
        self.lora_B = nn.Linear(self.rank, base.out_features, bias=False, device="meta")
        self.lora_A.weight = nn.Parameter(down, requires_grad=False)
        self.lora_B.weight = nn.Parameter(up, requires_grad=False)
        self._chosen = chosen

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of `x`, shape (slots, steps, in); shape (slots, steps, out)."""
        added: torch.Tensor = self.lora_B(self.lora_A(x) * self._chosen.now[:, None])
        product: torch.Tensor = self.frozen_W(x)
        return product + added


class MoshiVoices:
    """Chooses for each slot. Belongs to the thread of the network, which it changes when it is made."""

    def __init__(
        self, model: Any, outline: Callable[[], Any], files: Mapping[str, Path], scaling: float, slots: int
    ) -> None:
        """`outline` makes the network without weights, to read a file with. Raises `ModelError` for a wrong file."""
        ranks = {name: rank_of(path) for name, path in files.items()}
        ends = torch.tensor(list(ranks.values())).cumsum(0).tolist()
        self._columns = {name: slice(end - ranks[name], end) for name, end in zip(ranks, ends, strict=True)}
        self._chosen = _Chosen(slots, ends[-1], model.device, model.dtype)
        read = {name: _read(outline(), name, path, ranks[name]) for name, path in files.items()}
        for place in sorted(set().union(*read.values())):
            parent, _, name = place.rpartition(".")
            owner = model.get_submodule(parent)
            base = owner.get_submodule(name)
            down = torch.zeros((ends[-1], base.in_features))
            up = torch.zeros((base.out_features, ends[-1]))
            for voice, found in read.items():
                if place in found:
                    columns = self._columns[voice]
                    down[columns], up[:, columns] = found[place][0], scaling * found[place][1]
            there = {"device": base.weight.device, "dtype": base.weight.dtype}
            setattr(owner, name, _Masked(base, down.to(**there), up.to(**there), self._chosen))

    def choose(self, slot: int, voice: str) -> None:
        """Let a slot speak with a voice, "": the network's own."""
        self._chosen.mask[slot] = 0
        if voice:
            self._chosen.mask[slot, self._columns[voice]] = 1

    @contextmanager
    def alone(self, slot: int) -> Iterator[None]:
        """Let the network work for one conversation outside the slots, with the voice that a slot has."""
        self._chosen.now = self._chosen.mask[slot : slot + 1]
        try:
            yield
        finally:
            self._chosen.now = self._chosen.mask


def _read(outline: Any, voice: str, path: Path, rank: int) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """The weights of a file by the names of the products that they belong to."""
    replace_all_linear_with_lora(outline, rank, 1.0, device=torch.device("meta"), dtype=torch.float32)
    state = {name: weight.float() for name, weight in load_file(str(path)).items() if "lora_" in name}
    try:
        unknown = outline.load_state_dict(state, strict=False, assign=True).unexpected_keys
    except RuntimeError as fault:
        raise ModelError(f"voice '{voice}': {path.name} does not fit the network: {fault}") from fault
    if unknown:
        raise ModelError(f"voice '{voice}': {path.name} has weights of another network: {unknown[0]}")
    return {
        name: (module.lora_A.weight.detach(), module.lora_B.weight.detach())
        for name, module in outline.named_modules()
        if isinstance(module, LoRALinear) and not module.lora_A.weight.is_meta
    }
