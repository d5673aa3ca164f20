"""Voices that LoRA makes of one network, whose weights are loaded once (Hu et al., arXiv 2106.09685).

An adapter is a folder as the library peft's `save_pretrained` writes it, which is how Unsloth saves what it trained. It
lies beside the checkpoint as ``voices/NAME/``.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from parley.errors import ModelError
from parley.models.interfaces import ModelSpec
from parley.models.voicepacks import ADAPTER, LORA

_WEIGHTS = "adapter_model.safetensors"
_NAMED = 3
"""So many weights that do not fit are named."""


class LoraVoices:
    """A network, and what makes it speak as somebody. Belongs to the thread of the network."""

    def __init__(self, spec: ModelSpec, folder: Path, model: Any) -> None:
        """Loads every adapter below ``voices/``; the network itself is the voice that is named after the model.

        Raises `ModelError` that names the adapter which is incomplete, or was trained on another network.
        """
        self._plain = self._sounding = spec.id
        found = adapters(folder)
        self.names: Sequence[str] = (spec.id, *(path.name for path in found))
        for path in found:
            _check(spec, path)
        for path in found:
            _load(spec, path, model)
        self._adapted = _adapted(model) if found else []
        for layer in self._adapted:
            layer.enable_adapters(False)

    def speak_as(self, name: str) -> None:
        """From now on the network is this voice; nothing is loaded or copied."""
        if name == self._sounding:
            return
        for layer in self._adapted:
            if name == self._plain:
                layer.enable_adapters(False)
            else:
                layer.set_adapter(name)
                if self._sounding == self._plain:
                    layer.enable_adapters(True)
        self._sounding = name


def adapters(folder: Path) -> list[Path]:
    """The folders of the adapters of a checkpoint."""
    return sorted(path for path in (folder / LORA).glob("[!.]*") if path.is_dir())


def size_bytes(folder: Path) -> int:
    """Of the weights of all adapters of a checkpoint."""
    return sum(file.stat().st_size for path in adapters(folder) for file in path.glob("*.safetensors"))


def _adapted(model: Any) -> list[Any]:
    """The layers that adapters change; that each of them is switched is what the libraries' own switches do, too."""
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.utils import ModulesToSaveWrapper

    return [module for module in model.modules() if isinstance(module, BaseTunerLayer | ModulesToSaveWrapper)]


def _check(spec: ModelSpec, path: Path) -> None:
    for name in (ADAPTER, _WEIGHTS):
        if not (path / name).is_file():
            raise ModelError(f"{spec.id}: {path} is no LoRA adapter: the file {name} is missing")
    if "." in path.name:
        raise ModelError(f"{spec.id}: {path}: the name of a voice has no dot in it; rename the folder")
    if path.name == spec.id:
        raise ModelError(f"{spec.id}: {path}: this name is the network's own; rename the folder")


def _load(spec: ModelSpec, path: Path, model: Any) -> None:
    try:
        import peft  # noqa: F401 - the library transformers looks for it
    except ImportError as fault:
        raise ModelError(
            f"{spec.id} has voices made by LoRA and needs the package peft ({fault}); install the extra: "
            "pip install 'parley-voice[transformers-tts]'"
        ) from fault
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Already found a `peft_config`")  # to have several is what is wanted
            told = model.load_adapter(str(path), adapter_name=path.name, hotswap=False)
    except Exception as fault:  # what the libraries make of a wrong adapter is of every kind
        raise ModelError(f"{spec.id}: {path} does not fit this network: {type(fault).__name__}: {fault}") from fault
    missing = {key for key in told.missing_keys if f".{path.name}." in key}  # those of other adapters are told, too
    if unfit := sorted({*told.unexpected_keys, *missing}):
        more = f" and {len(unfit) - _NAMED} more" if len(unfit) > _NAMED else ""
        raise ModelError(f"{spec.id}: {path} does not fit this network: {', '.join(unfit[:_NAMED])}{more}")
