"""A checkpoint of Whisper with random weights, as the library's own classes make and save it: it knows the real one's
words, and writes down nonsense."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import (
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperTokenizerFast,
)

from parley.models.catalogue import catalogue
from parley.models.store import Store

_WIDTH = 32


def write(folder: Path) -> None:
    """Write the checkpoint into an empty folder."""
    torch.manual_seed(1)
    store, real = Store(), catalogue().get("whisper-base", "asr")
    if not store.is_present(real):
        store.pull(real)
    tokenizer = WhisperTokenizerFast(tokenizer_file=str(store.paths(real)["tokenizer.json"]))
    tokenizer.add_tokens([f"<|{place / 50:.2f}|>" for place in range(1501)], special_tokens=True)
    end, begin = (tokenizer.convert_tokens_to_ids(mark) for mark in ("<|endoftext|>", "<|startoftranscript|>"))
    config = WhisperConfig(
        vocab_size=len(tokenizer), d_model=_WIDTH, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=64, decoder_ffn_dim=64, pad_token_id=end, bos_token_id=end,
        eos_token_id=end, decoder_start_token_id=begin,
    )  # fmt: skip
    model = WhisperForConditionalGeneration(config)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.normal_(std=weight[0].numel() ** -0.5)  # livelier than what training begins with
        model.model.decoder.embed_tokens.weight.normal_()  # so far apart that one word can be likely
    told = model.generation_config
    told._from_model_config = False  # else what follows is not read again
    told.is_multilingual = True
    told.no_timestamps_token_id = tokenizer.convert_tokens_to_ids("<|notimestamps|>")
    told.lang_to_id = {f"<|{code}|>": tokenizer.convert_tokens_to_ids(f"<|{code}|>") for code in ("en", "te")}
    told.task_to_id = {task: tokenizer.convert_tokens_to_ids(f"<|{task}|>") for task in ("transcribe", "translate")}
    told.decoder_start_token_id, told.eos_token_id, told.pad_token_id = begin, end, end
    told.alignment_heads = [[0, 0]]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=80).save_pretrained(folder)
