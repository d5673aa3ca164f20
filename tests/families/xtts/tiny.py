"""A checkpoint of XTTS with random weights, as the package's own classes make and save it. It says noise."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from TTS.tts.configs.xtts_config import XttsArgs, XttsConfig
from TTS.tts.models.xtts import Xtts

RATE_HZ = 24000
_WIDTH = 32
_MOST_CODES = 30
_STOP = 65
_TEXT = "the quick brown fox jumps over the lazy dog. good morning to all of us! how are you today?"
_MARKS = ["[STOP]", "[UNK]", "[SPACE]", "[START]", "[en]", "[de]"]


def make_brief(folder: Path) -> None:
    """Change a checkpoint, so that it ends as soon as it has begun."""
    told = torch.load(folder / "model.pth")
    told["model"]["gpt.mel_head.bias"][_STOP] = 100.0
    torch.save(told, folder / "model.pth")


def write(folder: Path, speakers: tuple[str, ...] = ("Ann Lee", "Bob Day")) -> None:
    """Write a checkpoint into a new folder. The vocoder is as large as ever: the package fixes its size."""
    torch.manual_seed(1)
    folder.mkdir(parents=True)
    words = Tokenizer(models.BPE(unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.train_from_iterator([_TEXT], trainers.BpeTrainer(vocab_size=80, special_tokens=_MARKS, show_progress=False))
    words.save(str(folder / "vocab.json"))
    config = XttsConfig(
        languages=["en", "de", "ja"],
        model_args=XttsArgs(
            gpt_layers=1, gpt_n_model_channels=_WIDTH, gpt_n_heads=2, gpt_max_audio_tokens=_MOST_CODES,
            gpt_num_audio_tokens=66, gpt_start_audio_token=64, gpt_stop_audio_token=_STOP,
            gpt_number_text_tokens=words.get_vocab_size(), gpt_start_text_token=3, gpt_stop_text_token=0,
            gpt_use_perceiver_resampler=True, decoder_input_dim=_WIDTH,
        ),
    )  # fmt: skip
    config.save_json(str(folder / "config.json"))
    config.model_args.tokenizer_file = str(folder / "vocab.json")
    model = Xtts(config)
    model.init_models()
    model.gpt.mel_head.bias.data[_STOP] = -10.0  # it speaks until it must end
    torch.save({"model": model.state_dict()}, folder / "model.pth")
    known = {
        name: {"gpt_cond_latent": torch.randn(1, 32, _WIDTH), "speaker_embedding": torch.randn(1, 512, 1)}
        for name in speakers
    }
    torch.save(known, folder / "speakers_xtts.pth")
