"""Checkpoints of CosyVoice 2 and 3 with random weights, by the names of the published files. They say noise.

The decoder of the second is that of the package chatterbox-tts, shrunk as `tiny` has it, that of the third our own; the
published files hold the same weights by the same names.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from tokenizers import ByteLevelBPETokenizer
from transformers import Qwen2Config, Qwen2ForCausalLM

from parley.models.interfaces import ModelSpec
from tests.families.speaking import files_of

_TEXT = "The quick brown fox jumps over the lazy dog. Good morning to all of us! How are you today? 你好，大家。"
_CODES = 6561
_WIDTH = 32


def spec_of(folder: Path, **options: Any) -> ModelSpec:
    """A model of the checkpoint in the folder, which decodes in few steps."""
    return ModelSpec("tiny", "cosyvoice", files_of(folder), {"device": "cpu", "steps": 2, **options})


def write(folder: Path, generation: int = 2) -> None:
    """Write a checkpoint into a new folder; for the second `tiny.shrink` has been called in this process."""
    torch.manual_seed(1)
    folder.mkdir(parents=True)
    words = ByteLevelBPETokenizer()
    words.train_from_iterator([_TEXT], vocab_size=300, show_progress=False)
    words.save_model(str(folder))
    config = Qwen2Config(
        vocab_size=320, hidden_size=_WIDTH, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, tie_word_embeddings=True,
    )  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config.to_dict()))
    _write_language_model(folder, config, generation)
    (_write_decoder if generation == 2 else _write_own_decoder)(folder)
    _write_networks_that_hear(folder, f"speech_tokenizer_v{generation}")


def _write_language_model(folder: Path, config: Qwen2Config, generation: int) -> None:
    weights = {f"llm.model.{name}": value for name, value in Qwen2ForCausalLM(config).state_dict().items()}
    kinds = _CODES + (3 if generation == 2 else 200)
    heads: dict[str, torch.nn.Module] = {
        "speech_embedding": torch.nn.Embedding(kinds, _WIDTH),
        "llm_decoder": torch.nn.Linear(_WIDTH, kinds, bias=generation == 2),
    }
    if generation == 2:
        heads["llm_embedding"] = torch.nn.Embedding(2, _WIDTH)
    for name, head in heads.items():
        weights |= {f"{name}.{key}": value for key, value in head.state_dict().items()}
    torch.save(weights, folder / "llm.pt")


def _write_decoder(folder: Path) -> None:
    from chatterbox.models.s3gen import S3Gen

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of diffusers
        made = S3Gen()
    torch.save(made.flow.state_dict(), folder / "flow.pt")
    torch.save({f"generator.{k}": v for k, v in made.mel2wav.state_dict().items()}, folder / "hift.pt")


def _write_own_decoder(folder: Path) -> None:
    from parley.adapters.cosyvoice3_flow import Estimator, Flow
    from parley.adapters.cosyvoice3_vocoder import Vocoder

    flow, vocoder = Flow(_CODES, 192, 24, Estimator(32, 2, 16, 64)), Vocoder(32, 16)
    with torch.no_grad():
        flow.decoder.estimator.rotary_embed.inv_freq.copy_(10000 ** (-torch.arange(8) / 8))
        vocoder.f0_predictor.classifier.bias.fill_(150)  # a voice
    torch.save(flow.state_dict(), folder / "flow.pt")
    torch.save({f"generator.{k}": v for k, v in vocoder.state_dict().items()}, folder / "hift.pt")


def _write_networks_that_hear(folder: Path, listening: str) -> None:
    """A code for every four frames of 128 bands; 192 numbers of all frames of 80 bands."""
    steps = [numpy_helper.from_array(np.array([value], np.int64), name) for name, value in (
        ("first", 0), ("last", 1 << 30), ("time", 2), ("four", 4), ("bands", 1),
    )]  # fmt: skip
    scale = [numpy_helper.from_array(np.array(value), name) for name, value in (
        ("thousand", np.float32(1000)), ("kinds", np.int32(6561)),
    )]  # fmt: skip
    listener = helper.make_graph(
        [
            helper.make_node("Slice", ["feats", "first", "last", "time", "four"], ["some"]),
            helper.make_node("ReduceMean", ["some", "bands"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["mean", "thousand"], ["large"]),
            helper.make_node("Cast", ["large"], ["whole"], to=TensorProto.INT32),
            helper.make_node("Mod", ["whole", "kinds"], ["indices"]),
        ],
        "listener",
        [
            helper.make_tensor_value_info("feats", TensorProto.FLOAT, [1, 128, "frames"]),
            helper.make_tensor_value_info("feats_length", TensorProto.INT32, [1]),
        ],
        [helper.make_tensor_value_info("indices", TensorProto.INT32, [1, "codes"])], [*steps, *scale],
    )  # fmt: skip
    mix = numpy_helper.from_array(np.random.default_rng(1).normal(size=(80, 192)).astype(np.float32), "mix")
    knower = helper.make_graph(
        [
            helper.make_node("ReduceMax", ["input", "bands"], ["loudest"], keepdims=0),
            helper.make_node("MatMul", ["loudest", "mix"], ["output"]),
        ],
        "knower", [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, "frames", 80])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 192])], [steps[-1], mix],
    )  # fmt: skip
    for graph, name in ((listener, listening), (knower, "campplus")):
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
        onnx.checker.check_model(model)
        onnx.save(model, folder / f"{name}.onnx")
