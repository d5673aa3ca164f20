"""Voices of the library transformers (Apache-2.0): MMS-TTS and other VITS checkpoints, and CSM.

A checkpoint is a folder as the library's `save_pretrained` writes it; `model_type` in its ``config.json`` says which
kind it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from parley.adapters.loading import missing
from parley.adapters.stepped_voice import SteppedVoice, VoiceNetwork, load_voice
from parley.adapters.transformers_lora import adapters
from parley.errors import ModelError
from parley.models.interfaces import ModelSpec


def _vits(spec: ModelSpec, folder: Path) -> VoiceNetwork:
    from parley.adapters.transformers_vits import VitsNetwork

    return VitsNetwork(spec, folder)


def _csm(spec: ModelSpec, folder: Path) -> VoiceNetwork:
    from parley.adapters.transformers_csm import CsmNetwork

    return CsmNetwork(spec, folder)


_KINDS: dict[str, tuple[Callable[[ModelSpec, Path], VoiceNetwork], tuple[str, ...]]] = {
    "vits": (_vits, ("tokenizer_config.json", "vocab.json")),
    "csm": (_csm, ("tokenizer.json", "tokenizer_config.json")),
}
"""How each is made, and the files that it needs beside ``config.json`` and the weights."""

_WITH_ADAPTERS = ("csm",)


async def load(spec: ModelSpec) -> SteppedVoice:
    """Adapter entry point; files: those of a checkpoint, in one folder. Options: `VitsOptions`, `CsmOptions`."""
    return await load_voice(spec, lambda: _network(spec), "transformers-tts")


def _network(spec: ModelSpec) -> VoiceNetwork:
    folder = _folder(spec)
    make, needed = _KINDS[kind := _kind(spec, folder / "config.json")]
    if kind not in _WITH_ADAPTERS and (found := adapters(folder)):
        raise ModelError(
            f"{spec.id}: {found[0]}: LoRA adapters are voices of {', '.join(_WITH_ADAPTERS)}, not of {kind}"
        )
    for name in needed:
        if name not in spec.files:
            raise missing(spec, name)
    return make(spec, folder)


def _folder(spec: ModelSpec) -> Path:
    """Where the checkpoint is; raises `ModelError` that names the file that is missing or elsewhere."""
    if "config.json" not in spec.files:
        raise missing(spec, "config.json")
    if "seed.wav" in spec.files:
        raise ModelError(f"{spec.id}: ref/seed.wav: no voice of this family is cloned from a recording; remove it")
    folder = Path(spec.files["config.json"]).parent
    for name, path in sorted(spec.files.items()):
        if not Path(path).is_file():
            raise ModelError(f"{spec.id}: the file {name} is missing ({path})")
        if Path(path) != folder / name:
            raise ModelError(f"{spec.id}: {path} must be in one folder with the other files, {folder}")
    if not any(name.endswith(".safetensors") for name in spec.files):
        raise missing(spec, "model.safetensors")
    return folder


def _kind(spec: ModelSpec, config: Path) -> str:
    try:
        content = json.loads(config.read_text(encoding="utf-8"))
    except ValueError as fault:
        raise ModelError(f"{spec.id}: config.json is no JSON: {fault}") from fault
    kind = content.get("model_type") if isinstance(content, dict) else None
    if kind not in _KINDS:
        raise ModelError(
            f"{spec.id}: config.json: model_type '{kind}' is no voice that is known; known: {', '.join(_KINDS)}"
        )
    return str(kind)
