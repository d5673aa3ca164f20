"""A checkpoint of Chatterbox with random weights, as the package's own classes make and save it. It says noise.

The package fixes the sizes of its networks in its code; `shrink` changes them there, where a process is to load it.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

MOST_CODES = 64
_TEXT = "The quick brown fox jumps over the lazy dog. Good morning to all of us! How are you today?"
_MARKS = ["[STOP]", "[UNK]", "[SPACE]", "[START]"]
_IN_EVERY_PROCESS = "from tests.families.chatterbox import tiny\ntiny.shrink()\n"


def shrink() -> None:
    """Make the package's networks small, in this process, and what they say short."""
    from parley.adapters import chatterbox, cosyvoice_network

    chatterbox._MOST_CODES = cosyvoice_network._LONGEST_CODES = MOST_CODES
    warnings.filterwarnings("ignore", message="pkg_resources is deprecated")
    from chatterbox.models.s3gen import s3gen
    from chatterbox.models.t3 import llama_configs
    from s3tokenizer.model_v2 import ModelConfig, S3TokenizerV2

    llama_configs.LLAMA_CONFIGS["Llama_520M"].update(
        num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2, head_dim=16, intermediate_size=32
    )
    S3TokenizerV2.__init__.__defaults__ = (ModelConfig(n_audio_state=128, n_audio_head=2, n_audio_layer=1),)
    sizes: dict[str, dict[str, Any]] = {
        "UpsampleConformerEncoder": {"linear_units": 32, "num_blocks": 1},
        "ConditionalDecoder": {
            "channels": [32], "n_blocks": 1, "num_mid_blocks": 1, "num_heads": 2, "attention_head_dim": 16,
        },
        "HiFTGenerator": {"base_channels": 64},
    }  # fmt: skip
    for name, smaller in sizes.items():
        setattr(s3gen, name, _smaller(getattr(s3gen, name), smaller))


def shrinking(folder: Path) -> str:
    """A PYTHONPATH with which every process shrinks them when it starts."""
    (folder / "sitecustomize.py").write_text(_IN_EVERY_PROCESS)
    return f"{folder}{os.pathsep}{Path(__file__).parents[3]}"


def _smaller(kind: Any, sizes: dict[str, Any]) -> Any:
    return kind if hasattr(kind, "keywords") else lambda **given: kind(**{**given, **sizes})


def write(folder: Path) -> None:
    """Write a checkpoint into a new folder."""
    from chatterbox.models.s3gen import S3Gen
    from chatterbox.models.t3 import T3
    from chatterbox.models.voice_encoder import VoiceEncoder

    torch.manual_seed(1)
    folder.mkdir(parents=True)
    words = Tokenizer(models.BPE(unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.train_from_iterator([_TEXT], trainers.BpeTrainer(vocab_size=80, special_tokens=_MARKS, show_progress=False))
    words.save(str(folder / "tokenizer.json"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of diffusers
        networks = {"t3_cfg": T3(), "s3gen": S3Gen(), "ve": VoiceEncoder()}
    for name, network in networks.items():
        weights = {key: value.contiguous().clone() for key, value in network.state_dict().items()}
        save_file(weights, folder / f"{name}.safetensors")
