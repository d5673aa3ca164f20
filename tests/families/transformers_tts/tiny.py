"""Checkpoints with random weights, small enough for one core, as the library's own classes make and save them.

What they say is noise, and what is tested is everything around that.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    CsmConfig,
    CsmForConditionalGeneration,
    MimiConfig,
    PreTrainedTokenizerFast,
    VitsConfig,
    VitsModel,
    VitsTokenizer,
)

TELUGU = "తనరకలవపమయగచజటడదబభశసహఅఆఇఈఉఎఏఒఓాిీుూెేైొోౌ్ం "
"""Its first letter is the blank, too, as in MMS-TTS's Telugu."""
LATIN = "etaoinshrdlucmfwypvbgkjqxz' "
HOP = 256
VITS: dict[str, Any] = {
    "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "ffn_dim": 32, "flow_size": 16,
    "spectrogram_bins": 17, "upsample_initial_channel": 32, "resblock_kernel_sizes": [3],
    "resblock_dilation_sizes": [[1, 3]], "duration_predictor_filter_channels": 16, "duration_predictor_num_flows": 2,
    "prior_encoder_num_flows": 2, "prior_encoder_num_wavenet_layers": 1, "posterior_encoder_num_wavenet_layers": 1,
}  # fmt: skip
BOOKS, CODES = 3, 4
LOUDER = 0.05
_TEXT = "the quick brown fox jumps over the lazy dog. good morning to all of us! how are you today?"


def write_vits(folder: Path, letters: str = TELUGU, *, says: dict[str, Any] | None = None, **config: Any) -> None:
    """Write a checkpoint as those of MMS-TTS are. `says`: settings of its tokenizer."""
    torch.manual_seed(1)
    folder.mkdir(parents=True, exist_ok=True)
    model = VitsModel(VitsConfig(vocab_size=len(letters) + 1, **VITS | config))
    with torch.no_grad():
        model.decoder.conv_post.weight *= 30  # to be heard
    model.save_pretrained(folder)
    vocabulary = {letter: i for i, letter in enumerate(letters)} | {"<unk>": len(letters)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    settings = {"language": "tel", "phonemize": False, "is_uroman": False, **(says or {})}
    VitsTokenizer(str(folder / "vocab.json"), pad_token=letters[0], **settings).save_pretrained(folder)


def write_csm(folder: Path, *, layers: tuple[int, int] = (1, 1)) -> None:
    """Write a checkpoint of CSM: its sentences end by chance, after some frames. `layers`: of its two networks."""
    torch.manual_seed(1)
    codec = MimiConfig(
        hidden_size=32, num_filters=4, codebook_size=CODES, codebook_dim=16, num_quantizers=BOOKS,
        vector_quantization_hidden_dimension=16, upsample_groups=32, num_hidden_layers=1, intermediate_size=32,
        num_attention_heads=2, num_key_value_heads=2, sliding_window=20,
    )  # fmt: skip
    tokenizer = _tokenizer()
    depth = {
        "num_codebooks": BOOKS, "backbone_hidden_size": 32, "vocab_size": CODES + 3, "hidden_size": 32,
        "intermediate_size": 32, "num_hidden_layers": layers[1], "num_attention_heads": 2, "num_key_value_heads": 1,
        "max_position_embeddings": BOOKS + 1,
    }  # fmt: skip
    config = CsmConfig(
        num_codebooks=BOOKS, vocab_size=CODES + 3, text_vocab_size=len(tokenizer), hidden_size=32,
        intermediate_size=32, num_hidden_layers=layers[0], num_attention_heads=2, num_key_value_heads=1,
        max_position_embeddings=600, pad_token_id=2, bos_token_id=0, codebook_pad_token_id=CODES + 2,
        audio_token_id=2, audio_eos_token_id=3, depth_decoder_config=depth, codec_config=codec,
    )  # fmt: skip
    model = CsmForConditionalGeneration(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 2 and not name.startswith("codec_model"):
                weight.normal_(std=weight.shape[1] ** -0.5)  # livelier than what training begins with
        for head in (model.lm_head.weight, model.depth_decoder.codebooks_head.weight):
            head.mul_(0.3)  # no code is likely or unlikely, so an end comes after some dozens of frames
        _tell_codes_apart(model.codec_model)
    for drawing in (model.generation_config, model.depth_decoder.generation_config):
        drawing.do_sample, drawing.temperature = True, 1.0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def write_lora(checkpoint: Path, folder: Path, seed: int, **config: Any) -> None:
    """Write an adapter for a checkpoint of CSM, as Unsloth's recipe trains them; its weights are random."""
    torch.manual_seed(seed)
    layers = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    settings = LoraConfig(**{"r": 4, "lora_alpha": 16, "target_modules": layers, "init_lora_weights": False, **config})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks in a way that transformers will drop
        get_peft_model(CsmForConditionalGeneration.from_pretrained(checkpoint), settings).save_pretrained(folder)


def _tell_codes_apart(codec: Any) -> None:
    """A codec whose codes sound different from each other, and loud enough."""
    for name, value in codec.named_buffers():
        if name.endswith("embed_sum"):
            value.normal_()
    for name, weight in codec.decoder.named_parameters():
        if name.endswith("bias"):
            weight.zero_()  # else it hums
    codec.decoder.decoder_seanet.layers[-1].conv.weight.mul_(LOUDER)


def _tokenizer() -> PreTrainedTokenizerFast:
    """Bytes in pairs, with the marks that CSM's has."""
    marks = ["<|begin_of_text|>", "<|end_of_text|>", "<|AUDIO|>", "<|audio_eos|>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=marks, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([_TEXT], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=marks[0], eos_token=marks[1])
