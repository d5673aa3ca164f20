"""Weights of the library transformers: where they compute, whether they fit, and whether they are all there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import structlog
import torch
from pydantic import Field
from transformers import AutoConfig
from transformers.utils import logging as library_log

from parley.adapters.stepped_voice import DeviceOptions, VoiceOptions
from parley.adapters.torch_device import begin_thread, check_memory, device_named, dtype_named
from parley.errors import ModelError
from parley.models.interfaces import ModelSpec

log = structlog.get_logger("model")

_NAMED = 3
"""So many weights that are missing are named."""


class WeightOptions(DeviceOptions):
    """Where a checkpoint computes, and how exactly."""

    dtype: str = Field("auto", pattern="^(auto|bfloat16|float16|float32)$", description="Of the weights.")


class CheckpointOptions(VoiceOptions, WeightOptions):
    """Options that every model of the family `transformers-tts` has."""


class Checkpoint:
    """A folder of a checkpoint, read as one kind of model."""

    def __init__(
        self, spec: ModelSpec, folder: Path, options: WeightOptions, usual: torch.dtype = torch.float32
    ) -> None:
        """`usual`: what the weights are to be on a GPU unless the options say it.

        Raises `ModelError`.
        """
        self._spec, self._folder = spec, folder
        self.device = device_named(spec.id, options.device)
        self.dtype = dtype_named(options.dtype, self.device, usual)
        begin_thread(options.threads)
        library_log.disable_progress_bar()
        self.config: Any = AutoConfig.from_pretrained(folder, local_files_only=True)

    def load(self, kind: Any, speech_bytes: int = 0) -> Any:
        """The model with its weights, on its device; `speech_bytes`: what speech that is under way takes beside it.

        Raises `ModelError` where the memory does not suffice, before anything big is loaded, and where weights are
        missing, which the library would make up.
        """
        self._check_memory(kind, speech_bytes)
        model, told = kind.from_pretrained(
            self._folder, config=self.config, dtype=self.dtype, local_files_only=True, use_safetensors=True,
            output_loading_info=True,
        )  # fmt: skip
        refuse_missing(self._spec, told["missing_keys"])
        if unknown := sorted(told["unexpected_keys"]):
            log.warning("weights that config.json knows nothing of", model=self._spec.id, count=len(unknown))
        return model.to(self.device).eval()

    def _check_memory(self, kind: Any, speech_bytes: int) -> None:
        with torch.device("meta"):
            outline = kind(self.config)
        weights = sum(p.numel() for p in outline.parameters()) * self.dtype.itemsize
        check_memory(self._spec.id, self.device, weights, speech_bytes)


def refuse_missing(spec: ModelSpec, names: Iterable[str]) -> None:
    """Raises `ModelError` that names weights which files lack and the library would make up, if there are any."""
    if missing := sorted(names):
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise ModelError(
            f"{spec.id}: its files have no weights called {', '.join(missing[:_NAMED])}{more}, which "
            "config.json asks for"
        )
