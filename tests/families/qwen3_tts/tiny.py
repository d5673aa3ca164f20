"""Checkpoints of Qwen3-TTS with random weights, as the package's own classes make and save them. They say noise."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import EncodecFeatureExtractor, Qwen2TokenizerFast

BOOKS, CODES, END = 4, 32, 40
_TEXT = [
    *["assistant"] * 50,
    "The quick brown fox jumps over the lazy dog. Good morning to all of us! How are you? user",
]
_MARKS = ["<|im_start|>", "<|im_end|>", "<tts_pad>", "<tts_text_bos>", "<tts_text_eod>"]
_ATTENTION = {"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16}
_SPEAKERS = {
    "enc_dim": 32, "enc_channels": [16, 16, 16, 16, 48], "enc_attention_channels": 8, "enc_res2net_scale": 2,
    "enc_se_channels": 8,
}  # fmt: skip


def write(folder: Path, kind: str, *, size: str = "1b7", tokenizer: str = "12hz") -> None:
    """Write a checkpoint of a kind (custom_voice, base, voice_design) into a new folder, with the names that the
    adapter has for its files."""
    from qwen_tts.core.models import Qwen3TTSConfig, Qwen3TTSForConditionalGeneration

    torch.manual_seed(1)
    folder.mkdir(parents=True)
    words = _words(folder)
    start, end, pad, begin, done = (words.convert_tokens_to_ids(mark) for mark in _MARKS)
    talker = {
        "vocab_size": CODES + 1024, "text_vocab_size": len(words), "hidden_size": 32, "text_hidden_size": 32,
        "intermediate_size": 32, "num_hidden_layers": 2, "num_code_groups": BOOKS, "max_position_embeddings": 1000,
        "rope_scaling": {"rope_type": "default", "mrope_section": [4, 2, 2], "interleaved": True}, "pad_token_id": None,
        "codec_eos_token_id": END, "codec_think_id": 41, "codec_nothink_id": 42, "codec_think_bos_id": 43,
        "codec_think_eos_id": 44, "codec_pad_id": 45, "codec_bos_id": 46, **_ATTENTION,
        "codec_language_id": {"chinese": 50, "english": 51, "german": 52, "sichuan_dialect": 53},
        "spk_id": {"vivian": 60, "eric": 61}, "spk_is_dialect": {"vivian": False, "eric": "sichuan_dialect"},
        "code_predictor_config": {
            "vocab_size": CODES, "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1,
            "num_code_groups": BOOKS, **_ATTENTION,
        },
    }  # fmt: skip
    config = Qwen3TTSConfig(
        talker_config=talker, tts_model_type=kind, tts_model_size=size,
        tokenizer_type=f"qwen3_tts_tokenizer_{tokenizer}", im_start_token_id=start, im_end_token_id=end,
        tts_pad_token_id=pad, tts_bos_token_id=begin, tts_eos_token_id=done,
        speaker_encoder_config=_SPEAKERS,
    )  # fmt: skip
    model = Qwen3TTSForConditionalGeneration(config)
    model.talker.codec_head.weight.data *= 20  # what is likely differs from step to step
    model.save_pretrained(folder)
    told = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(told | {"speaker_encoder_config": _SPEAKERS}))  # as published
    draws = {"do_sample": True, "temperature": 0.9, "top_k": 20, "repetition_penalty": 1.05, "max_new_tokens": 60}
    (folder / "generation_config.json").write_text(json.dumps(draws))
    (folder / "preprocessor_config.json").write_text(json.dumps({"processor_class": "Qwen3TTSProcessor"}))
    _write_codec(folder)


def _write_codec(folder: Path) -> None:
    from qwen_tts.core import Qwen3TTSTokenizerV2Config, Qwen3TTSTokenizerV2Model

    config = Qwen3TTSTokenizerV2Config(
        encoder_config={
            "hidden_size": 32, "num_filters": 4, "codebook_size": CODES, "codebook_dim": 16, "num_quantizers": BOOKS,
            "vector_quantization_hidden_dimension": 16, "upsample_groups": 32, "num_hidden_layers": 1,
            "intermediate_size": 32, "num_attention_heads": 2, "num_key_value_heads": 2, "sliding_window": 20,
        },
        decoder_config={
            "codebook_size": CODES, "codebook_dim": 32, "hidden_size": 32, "latent_dim": 32, "num_attention_heads": 2,
            "num_key_value_heads": 2, "head_dim": 16, "intermediate_size": 32, "num_hidden_layers": 1,
            "sliding_window": 12, "num_quantizers": BOOKS, "decoder_dim": 64, "upsample_rates": [8, 5, 4, 3],
            "upsampling_ratios": [2, 2],
        },
        encoder_valid_num_quantizers=BOOKS,
    )  # fmt: skip
    codec, model = folder / "codec", Qwen3TTSTokenizerV2Model(config)
    for name, table in model.state_dict().items():
        if name.endswith(("embedding_sum", "embed_sum")):
            table.normal_()
    for name, weights in model.decoder.decoder.named_parameters():
        if name.endswith("conv.weight"):
            weights.data *= 4  # it is loud
    model.decoder.decoder[-1].conv.weight.data *= 500
    model.save_pretrained(codec)
    EncodecFeatureExtractor(sampling_rate=24000).save_pretrained(codec)
    for path in codec.iterdir():
        path.rename(folder / f"speech_tokenizer_{path.name}")
    codec.rmdir()


def _words(folder: Path) -> Qwen2TokenizerFast:
    words = ByteLevelBPETokenizer()
    words.train_from_iterator(_TEXT, vocab_size=320, min_frequency=1, show_progress=False)
    words.save_model(str(folder))
    made = Qwen2TokenizerFast(
        vocab_file=str(folder / "vocab.json"), merges_file=str(folder / "merges.txt"), additional_special_tokens=_MARKS
    )
    made.save_pretrained(folder)
    return made
