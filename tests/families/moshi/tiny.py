"""A Moshi checkpoint with random weights, small enough for one core, in the layout of the `moshi` package.

The package's own classes make it, and its loading code reads it. What it says is nonsense, and what is tested is
everything around that.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from moshi.models import loaders
from moshi.modules.lora import replace_all_linear_with_lora
from safetensors.torch import save_file

VOCABULARY = 340
_DIMENSION = 32
_CODES = 4
_LOUDER = 300
_TEXT = "the quick brown fox jumps over a lazy dog and says good morning to all of us"
MIMI: dict[str, Any] = {
    "sample_rate": 24000, "channels": 1, "frame_rate": 12.5,
    "seanet": loaders._seanet_kwargs | {"dimension": _DIMENSION, "n_filters": 4},
    "quantizer": {
        "dimension": 16, "n_q": _CODES, "bins": 64, "input_dimension": _DIMENSION, "output_dimension": _DIMENSION
    },
    "transformer": loaders._transformer_kwargs | {
        "d_model": _DIMENSION, "num_heads": 2, "num_layers": 1, "dim_feedforward": 64, "context": 20,
        "layer_scale": 0.1,
        "input_dimension": _DIMENSION, "output_dimensions": [_DIMENSION],
    },
}  # fmt: skip
LM: dict[str, Any] = loaders._lm_kwargs | {
    "dim": 64, "text_card": VOCABULARY, "card": 64, "num_heads": 4, "num_layers": 2, "context": 40,
    "n_q": 2 * _CODES, "dep_q": _CODES, "delays": [0, 0, 1, 1, 1, 0, 1, 1, 1],
    "depformer_dim": 32, "depformer_dim_feedforward": 64, "depformer_num_heads": 2, "depformer_num_layers": 1,
}  # fmt: skip


def write(folder: Path, *, dep_q: int = _CODES, says: Mapping[str, Any] | None = None, **lm: Any) -> dict[str, Path]:
    """Write a checkpoint; returns file names to paths. `says`: further settings of config.json."""
    torch.manual_seed(1)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(_codec().state_dict(), folder / loaders.MIMI_NAME)
    settings = LM | lm
    network = loaders.get_moshi_lm(None, settings | {"dep_q": dep_q}, dtype=torch.float32)
    with torch.no_grad():
        for weight in network.parameters():
            if weight.ndim == 2:
                weight.normal_(std=3 * weight.shape[1] ** -0.5)  # livelier than what training begins with
    save_file(network.state_dict(), folder / loaders.MOSHI_NAME)
    _write_tokenizer(folder / loaders.TEXT_TOKENIZER_NAME)
    (folder / "mimi.json").write_text(json.dumps(MIMI), encoding="utf-8")
    config = settings | {"mimi_config_name": "mimi.json", "model_type": "moshi", **(says or {})}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return {path.name: path for path in sorted(folder.iterdir())}


def _codec() -> Any:
    """A codec that tells sounds apart: the package chooses its codes by what noises and tones look like behind it."""
    codec = loaders.get_mimi(None, MIMI, num_codebooks=_CODES)
    times = torch.arange(1920 * 200) / 24000
    pitch = 2 ** (7 + 5 * torch.rand(200)).repeat_interleave(1920)
    level = 2 ** (-8 * torch.rand(200)).repeat_interleave(1920)
    sound = level * (torch.sin(2 * torch.pi * pitch * times) + 0.3 * torch.randn(len(times)))
    with torch.no_grad():
        for name, weight in codec.named_parameters():
            if name.endswith("bias"):
                weight.zero_()  # else it hums
        codec.decoder.model[-1].conv.conv.weight *= _LOUDER
        seen = codec.encode_to_latent(sound[None, None], quantize=False)
        codec.quantizer.train()(seen, codec.frame_rate)
    return codec.eval()


def write_lora(path: Path, rank: int, *, strength: float, seed: int = 2) -> None:
    """Adapter weights of a random direction."""
    torch.manual_seed(seed)
    network = loaders.get_moshi_lm(None, LM, dtype=torch.float32)
    replace_all_linear_with_lora(network, rank, 1.0, dtype=torch.float32)
    state = {
        name: torch.randn_like(value) * strength for name, value in network.state_dict().items() if "lora_" in name
    }
    save_file(state, path)


def _write_tokenizer(path: Path) -> None:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([_TEXT] * 20), model_writer=model, vocab_size=VOCABULARY, byte_fallback=True,
        model_type="bpe", pad_id=3, hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    path.write_bytes(model.getvalue())
