"""A recogniser by CTC that has learnt a few recordings by heart: the library's own classes make, train and save it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import Wav2Vec2Config, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

from parley.audio.pcm import Float32

_STEPS = 150


def write(folder: Path, learnt: Sequence[tuple[Float32, str]]) -> None:
    """Write the checkpoint into an empty folder; it knows the letters of the texts, in capitals."""
    torch.manual_seed(1)
    letters = sorted({letter for _, text in learnt for letter in text.upper()} - {" "})
    vocabulary = {sign: number for number, sign in enumerate(["<pad>", "<s>", "</s>", "<unk>", "|", *letters])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    tokenizer = Wav2Vec2CTCTokenizer(str(folder / "vocab.json"))
    extractor = Wav2Vec2FeatureExtractor(return_attention_mask=False)
    model = Wav2Vec2ForCTC(Wav2Vec2Config(
        vocab_size=len(vocabulary), hidden_size=48, num_hidden_layers=1, num_attention_heads=2, intermediate_size=96,
        conv_dim=(32,) * 4, conv_kernel=(10, 8, 4, 4), conv_stride=(5, 4, 4, 4), num_feat_extract_layers=4,
        num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4, pad_token_id=0, hidden_dropout=0.0,
        attention_dropout=0.0, feat_proj_dropout=0.0, final_dropout=0.0, layerdrop=0.0, mask_time_prob=0.0,
        activation_dropout=0.0, ctc_loss_reduction="mean",
    ))  # fmt: skip
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    batches = [
        (
            extractor(sound, sampling_rate=16000, return_tensors="pt").input_values,
            torch.tensor([tokenizer(text.upper()).input_ids]),
        )
        for sound, text in learnt
    ]
    model.train()
    for _ in range(_STEPS):
        for values, labels in batches:
            optimizer.zero_grad()
            model(values, labels=labels).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    extractor.save_pretrained(folder)


def spaced(words: Sequence[Float32], pause_s: float = 0.4) -> tuple[Float32, list[tuple[float, float]]]:
    """Words with pauses between them, and where each is, seconds."""
    parts, spans, at = [], [], 0.0
    for word in words:
        pause = np.zeros(round(pause_s * 16000), np.float32)
        parts += [pause, word]
        spans.append((at + pause_s, at + pause_s + len(word) / 16000))
        at = spans[-1][1]
    return np.concatenate([*parts, np.zeros(round(pause_s * 16000), np.float32)]), spans
