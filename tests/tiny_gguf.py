"""A tiny language model that hears, of random numbers: Qwen2-Audio as llama.cpp loads it, at a thousandth of its size.

It says words that mean nothing, but the same of the same sound, and others of another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFWriter, TokenType
from numpy.typing import NDArray

_WIDTH, _HEADS, _WIDER, _CONTEXT = 64, 2, 128, 4096
_EAR_WIDTH, _MELS, _POSITIONS = 32, 80, 1500
_EPS = 1e-5
_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
WORDS = "one two three four five six seven eight nine ten red green blue noon rain cats dogs home".split()


def hearing_model(folder: Path) -> dict[str, Path]:
    """Write both files of it, the model and its ears; by their names."""
    drawn = np.random.default_rng(8)
    files = {"tiny.gguf": folder / "tiny.gguf", "mmproj-tiny.gguf": folder / "mmproj-tiny.gguf"}
    _write_model(files["tiny.gguf"], drawn)
    _write_ears(files["mmproj-tiny.gguf"], drawn)
    return files


def _bytes_as_letters() -> list[str]:
    """The letters by which byte-level vocabularies (GPT-2's) name the bytes."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in shown]
    return [chr(b) if b in shown else chr(256 + hidden.index(b)) for b in range(256)]


def _write_model(path: Path, drawn: np.random.Generator) -> None:
    writer = GGUFWriter(path, "llama")
    tokens = [*_bytes_as_letters(), *_SPECIAL, *(f"\u0120{word}" for word in WORDS)]
    writer.add_context_length(_CONTEXT)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(_WIDER)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_HEADS)
    writer.add_layer_norm_rms_eps(_EPS)
    writer.add_rope_dimension_count(_WIDTH // _HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    kinds = [TokenType.NORMAL] * len(tokens)
    kinds[256 : 256 + len(_SPECIAL)] = [TokenType.CONTROL] * len(_SPECIAL)
    writer.add_token_types(kinds)
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(256)
    writer.add_eos_token_id(258)
    writer.add_chat_template(
        "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    square, up = (_WIDTH, _WIDTH), (_WIDER, _WIDTH)
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd": (len(tokens), _WIDTH), "output": (len(tokens), _WIDTH), "output_norm": (_WIDTH,),
        "blk.0.attn_norm": (_WIDTH,), "blk.0.attn_q": square, "blk.0.attn_k": square, "blk.0.attn_v": square,
        "blk.0.attn_output": square, "blk.0.ffn_norm": (_WIDTH,), "blk.0.ffn_gate": up, "blk.0.ffn_up": up,
        "blk.0.ffn_down": (_WIDTH, _WIDER),
    }  # fmt: skip
    weights = {f"{name}.weight": drawn.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
    weights["blk.0.attn_output.weight"] *= 10.0  # what was said before counts for more than the last word
    # Its first channel is always up, and whatever is no word is written when that is down: never
    weights["token_embd.weight"][:, 0] = weights["output_norm.weight"][0] = 1.0
    weights["blk.0.attn_output.weight"][0] = weights["blk.0.ffn_down.weight"][0] = 0.0
    weights["output.weight"][:, 0] = [-50.0] * (256 + len(_SPECIAL)) + [0.0] * len(WORDS)
    _finish(writer, weights)


def _write_ears(path: Path, drawn: np.random.Generator) -> None:
    writer = GGUFWriter(path, "clip")
    writer.add_bool("clip.has_audio_encoder", True)
    writer.add_string("clip.projector_type", "qwen2a")
    numbers = {
        "embedding_length": _EAR_WIDTH, "feed_forward_length": _WIDER, "block_count": 1, "projection_dim": _WIDTH,
        "attention.head_count": _HEADS, "num_mel_bins": _MELS,
    }  # fmt: skip
    for name, number in numbers.items():
        writer.add_uint32(f"clip.audio.{name}", number)
    writer.add_float32("clip.audio.attention.layer_norm_epsilon", _EPS)
    writer.add_bool("clip.use_gelu", True)
    square = (_EAR_WIDTH, _EAR_WIDTH)
    shapes: dict[str, tuple[int, ...]] = {
        "a.position_embd.weight": (_POSITIONS, _EAR_WIDTH),
        "a.conv1d.1.weight": (_EAR_WIDTH, _MELS, 3), "a.conv1d.1.bias": (_EAR_WIDTH, 1),
        "a.conv1d.2.weight": (_EAR_WIDTH, _EAR_WIDTH, 3), "a.conv1d.2.bias": (_EAR_WIDTH, 1),
        "a.blk.0.attn_k.weight": square, "a.blk.0.ffn_up.weight": (_WIDER, _EAR_WIDTH),
        "a.blk.0.ffn_up.bias": (_WIDER,), "a.blk.0.ffn_down.weight": (_EAR_WIDTH, _WIDER),
        "a.blk.0.ffn_down.bias": (_EAR_WIDTH,),
        "mm.a.fc.weight": (_WIDTH, _EAR_WIDTH), "mm.a.fc.bias": (_WIDTH,),
    }  # fmt: skip
    for name in ("attn_q", "attn_v", "attn_out"):
        shapes |= {f"a.blk.0.{name}.weight": square, f"a.blk.0.{name}.bias": (_EAR_WIDTH,)}
    for name in ("a.blk.0.ln1", "a.blk.0.ln2", "a.post_ln"):
        shapes |= {f"{name}.weight": (_EAR_WIDTH,), f"{name}.bias": (_EAR_WIDTH,)}
    kernels = {name for name, shape in shapes.items() if len(shape) > 2}
    weights = {name: drawn.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
    weights["mm.a.fc.bias"][0] = 1.0
    _finish(writer, {n: w.astype(np.float16) if n in kernels else w for n, w in weights.items()})


def _finish(writer: GGUFWriter, weights: Mapping[str, NDArray[Any]]) -> None:
    for name, values in weights.items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
