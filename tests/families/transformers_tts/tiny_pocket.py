"""A checkpoint of Pocket TTS with random weights, as the package's own classes make and save it. It says noise."""

from __future__ import annotations

from pathlib import Path

import torch
import yaml
from pocket_tts import TTSModel, export_model_state
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

RATE_HZ = 24000
_TEXT = "The quick brown fox jumps over the lazy dog. Good morning to all of us! How are you today?"
_WIDTH = 16
_SEANET = {
    "dimension": _WIDTH, "channels": 1, "n_filters": 4, "n_residual_layers": 1, "ratios": [6, 5, 4], "kernel_size": 7,
    "residual_kernel_size": 3, "last_kernel_size": 3, "dilation_base": 2, "pad_mode": "constant", "compress": 2,
}  # fmt: skip
_HEARING = {
    "d_model": _WIDTH, "num_heads": 2, "num_layers": 1, "layer_scale": 0.5, "context": 50, "dim_feedforward": 32,
    "input_dimension": _WIDTH, "output_dimensions": [_WIDTH],
}  # fmt: skip


def write(folder: Path, voices: tuple[str, ...] = ("ann", "bob")) -> None:
    """Write a checkpoint into a new folder. `voices`: each is of another sound."""
    torch.manual_seed(1)
    folder.mkdir(parents=True)
    words = _tokenizer()
    words.save(str(folder / "tokenizer.json"))
    config = {
        "default_temperature": 0.5,
        # about one frame in twelve ends a sentence
        "default_eos_threshold": 0.5,
        "flow_lm": {
            "dtype": "float32", "insert_bos_before_voice": True, "flow": {"depth": 1, "dim": 16},
            "transformer": {"d_model": 32, "hidden_scale": 2, "max_period": 10000, "num_heads": 2, "num_layers": 1},
            "lookup_table": {
                "dim": 32, "n_bins": words.get_vocab_size(), "tokenizer": "tokenizers",
                "tokenizer_path": str(folder / "tokenizer.json"),
            },
        },
        "mimi": {
            "dtype": "float32", "sample_rate": RATE_HZ, "inner_dim": 8, "outer_dim": _WIDTH, "channels": 1,
            "frame_rate": 12.5, "seanet": _SEANET, "transformer": _HEARING,
            "quantizer": {"dimension": 8, "output_dimension": _WIDTH},
        },
    }  # fmt: skip
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    model = TTSModel.load_model(config=folder / "config.yaml")
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.normal_(std=weight[0].numel() ** -0.5)  # livelier than what training begins with
        model.flow_lm.emb_std.fill_(1.0)
    save_file(model.state_dict(), folder / "model.safetensors")
    for number, name in enumerate(voices):
        sound = torch.randn(1, RATE_HZ, generator=torch.Generator().manual_seed(number)) * 0.1
        export_model_state(model.get_state_for_audio_prompt(sound), folder / f"{name}.safetensors")


def _tokenizer() -> Tokenizer:
    words = Tokenizer(models.BPE(unk_token="<unk>"))
    words.pre_tokenizer, words.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=100, special_tokens=["<unk>"], show_progress=False)
    words.train_from_iterator([_TEXT], trainer)
    return words
