"""Files of a Moshi checkpoint, in the layout of the `moshi` package, and the networks that are made of them.

PersonaPlex is the same network with a depth transformer that also has weights for the user's codes, which nobody needs
to have predicted: those are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from moshi.models import loaders
from moshi.modules.transformer import StreamingMultiheadAttention
from safetensors import safe_open
from safetensors.torch import load_file

from parley.adapters.loading import missing
from parley.errors import ModelError
from parley.models.interfaces import ModelSpec

_KINDS = ("moshi", "personaplex")
_SCALING = 2.0
"""Of adapter weights whose configuration does not say; so the package has it."""
_OF_A_STEP = re.compile(r"(?:^|\.)(?:linears|depformer_in|depformer_norms|gating|in_projs|out_projs)\.(\d+)\.")
_EMBEDDING = re.compile(r"^depformer_emb\.(\d+)\.")
_STACKED = re.compile(r"^depformer\..*self_attn\.(?:in_proj|out_proj)[._]")


def find(spec: ModelSpec, lora: Path | None) -> loaders.CheckpointInfo:
    """The files of a checkpoint; raises `ModelError` that names the one that is missing or wrong."""
    config_path = spec.files.get("config.json")
    raw = _config(spec, config_path) if config_path is not None else {}
    kind = raw.get("model_type", "moshi")
    if kind not in _KINDS:
        raise ModelError(f"{spec.id}: config.json: model_type '{kind}' does not converse; known: {', '.join(_KINDS)}")

    def file(setting: str, usual: str) -> Path:
        name = raw.get(setting) or usual
        if name not in spec.files or not Path(spec.files[name]).is_file():
            raise missing(spec, name)
        return Path(spec.files[name])

    weights = file("moshi_name", loaders.MOSHI_NAME)
    codec = file("mimi_name", loaders.MIMI_NAME)
    tokenizer = file("tokenizer_name", loaders.TEXT_TOKENIZER_NAME)
    if lora is None and raw.get("lora_name"):
        lora = file("lora_name", "")
    if "dim" not in raw:  # a checkpoint whose network is the package's own Moshi 7B
        return loaders.CheckpointInfo(weights, codec, tokenizer, model_type=kind, lora_weights=lora)
    codec_config = file("mimi_config_name", "") if raw.get("mimi_config_name") else None
    return loaders.CheckpointInfo.from_hf_repo(
        "", weights, codec, tokenizer, config_path, mimi_config_path=codec_config, lora_weights=lora
    )


def _config(spec: ModelSpec, path: Path) -> dict[str, Any]:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise ModelError(f"{spec.id}: {path}: {fault.strerror}") from fault
    except ValueError as fault:
        raise ModelError(f"{spec.id}: {path.name} is no JSON: {fault}") from fault
    if not isinstance(raw, dict):
        raise ModelError(f"{spec.id}: {path.name} must be an object of settings")
    return raw


def overrides(info: loaders.CheckpointInfo, context: int | None, lora_scaling: float | None) -> dict[str, Any]:
    """What is said of the network beside the checkpoint's own configuration.

    `context`: frames that it remembers; None: as many as its configuration says.
    """
    said: dict[str, Any] = {} if context is None else {"context": context}
    if info.lora_weights is not None:
        scaling = scaling_of(info, lora_scaling)
        said |= {"lora": True, "lora_rank": rank_of(info.lora_weights), "lora_scaling": scaling}
    return said


def scaling_of(info: loaders.CheckpointInfo, wanted: float | None) -> float:
    """How strong adapter weights are: as is wanted, else as the checkpoint's configuration says."""
    return wanted if wanted is not None else float((info.lm_config or {}).get("lora_scaling", _SCALING))


def rank_of(lora: Path) -> int:
    """The rank of adapter weights, which their file does not say in words."""
    for name, (rank, *_) in _shapes(lora).items():
        if name.endswith("lora_A.weight") and not name.startswith("depformer"):
            return int(rank)
    raise ModelError(f"{lora.name} has no LoRA weights of Moshi (transformer....lora_A.weight)")


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The tensors of a safetensors file."""
    with safe_open(str(path), framework="pt") as weights:
        return {name: tuple(weights.get_slice(name).get_shape()) for name in weights.keys()}  # noqa: SIM118 (no dict)


def outline(info: loaders.CheckpointInfo, dtype: torch.dtype, said: Mapping[str, Any]) -> Any:
    """The language model without its weights, which takes no memory; wrong settings raise here."""
    no_lora = {k: v for k, v in said.items() if not k.startswith("lora")}
    return loaders.get_moshi_lm(
        None, lm_kwargs=_plain(info.lm_config), device="meta", dtype=dtype, lm_kwargs_overrides=no_lora
    )


def _plain(config: dict[str, Any] | None) -> dict[str, Any] | None:
    return {k: v for k, v in config.items() if not k.startswith("lora")} if config else None


def sizes(model: Any, slots: int) -> tuple[int, int]:
    """Bytes of the weights of a language model, and of the memory of `slots` conversations."""
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    of_one = sum(
        2 * m.context * m.embed_dim // m.kv_repeat * m.in_projs[0].weight.element_size()
        for m in model.transformer.modules()
        if isinstance(m, StreamingMultiheadAttention) and m.context
    )
    return weights, of_one * slots


def language_model(
    info: loaders.CheckpointInfo, model: Any, device: torch.device, dtype: torch.dtype, said: Mapping[str, Any]
) -> Any:
    """The language model with its weights on `device`; `model` is its outline."""
    steps = sum(bool(re.fullmatch(r"linears\.\d+\.weight", name)) for name in _shapes(info.moshi_weights))
    if steps <= model.dep_q:
        return info.get_moshi(
            device=device, dtype=dtype, fuse_lora=info.lora_weights is not None, lm_kwargs_overrides=dict(said)
        )
    if info.lora_weights is not None:
        raise ModelError(f"{info.lora_weights.name}: adapter weights are not supported on a checkpoint of PersonaPlex")
    state = {
        name: kept.to(device=device, dtype=dtype)
        for name, tensor in load_file(str(info.moshi_weights)).items()
        if (kept := _of_first_steps(name, tensor, model.dep_q, steps)) is not None
    }
    model.load_state_dict(state, assign=True)
    model.eval()
    return model


def _of_first_steps(name: str, tensor: torch.Tensor, wanted: int, steps: int) -> torch.Tensor | None:
    """What of a tensor belongs to the first `wanted` of `steps` steps of the depth transformer; None: nothing."""
    if found := _EMBEDDING.match(name):
        return tensor if int(found[1]) < wanted - 1 else None
    if found := _OF_A_STEP.search(name):
        return tensor if int(found[1]) < wanted else None
    return tensor[: len(tensor) // steps * wanted] if _STACKED.match(name) else tensor
