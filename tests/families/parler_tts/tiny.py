"""A checkpoint of Parler-TTS with random weights, as the package's own classes make and save it. It says noise."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import DacConfig, DacModel, PreTrainedModel, T5Config, T5EncoderModel

BOOKS, CODES = 4, 64
_TEXT = "The quick brown fox jumps over the lazy dog. Good morning to all of us! A woman speaks at a moderate pace."
_MARKS = ["<pad>", "</s>", "<unk>"]
_WIDTH = 32


def write(folder: Path, *, own_codec: bool = False, reads_beside: bool = False) -> None:
    """Write a checkpoint into a new folder.

    `own_codec`: with DAC as the package has it, as older checkpoints do, instead of the library's. `reads_beside`: the
    text stands beside the description, instead of before the codes.
    """
    from parler_tts import (
        DACConfig,
        DACModel,
        ParlerTTSConfig,
        ParlerTTSDecoderConfig,
        ParlerTTSForCausalLM,
        ParlerTTSForConditionalGeneration,
    )

    torch.manual_seed(1)
    folder.mkdir(parents=True)
    words = _words()
    words.save(str(folder / "description_tokenizer.json"))
    words.save(str(folder / "tokenizer.json"))
    text = T5EncoderModel(T5Config(
        vocab_size=words.get_vocab_size(), d_model=24, d_kv=8, d_ff=32, num_layers=1, num_heads=2, is_gated_act=True,
        feed_forward_proj="gated-gelu",
    ))  # fmt: skip
    codec: PreTrainedModel
    if own_codec:
        codec = DACModel(DACConfig(num_codebooks=BOOKS, codebook_size=CODES, latent_dim=32))
    else:
        codec = DacModel(DacConfig(
            encoder_hidden_size=2, downsampling_ratios=[2, 4, 8, 8], decoder_hidden_size=32, n_codebooks=BOOKS,
            codebook_size=CODES, codebook_dim=4, sampling_rate=44100,
        ))  # fmt: skip
    decoder = ParlerTTSForCausalLM(ParlerTTSDecoderConfig(
        vocab_size=CODES + 2, hidden_size=_WIDTH, num_hidden_layers=2, num_attention_heads=2, ffn_dim=32,
        num_codebooks=BOOKS, pad_token_id=CODES, bos_token_id=CODES + 1, eos_token_id=CODES,
        max_position_embeddings=400,
    ))  # fmt: skip
    config = ParlerTTSConfig.from_sub_models_config(
        text.config, codec.config, decoder.config, vocab_size=words.get_vocab_size(),
        prompt_cross_attention=reads_beside, pad_token_id=CODES, decoder_start_token_id=CODES + 1,
    )  # fmt: skip
    model = ParlerTTSForConditionalGeneration(config, text, codec, decoder)
    for head in decoder.lm_heads:
        head.weight.data *= 20  # what is likely differs from step to step, and with what was read
    model.embed_prompts.weight.data *= 50
    model.enc_to_dec_proj.weight.data *= 50
    if not own_codec:
        codec.decoder.conv2.weight.data *= 50  # it is loud
    says = model.generation_config
    says.bos_token_id = says.decoder_start_token_id = CODES + 1
    says.eos_token_id = says.pad_token_id = CODES
    says.do_sample, says.min_new_tokens, says.max_length = True, 10, 90
    model.save_pretrained(folder)


def shrink_own_codec() -> None:
    """Make DAC as the package has it small; its sizes are fixed in its code."""
    from parler_tts.dac_wrapper import modeling_dac

    modeling_dac.DAC = partial(modeling_dac.DAC, encoder_dim=2, decoder_dim=32, codebook_dim=4)


def _words() -> Tokenizer:
    words = Tokenizer(models.BPE(unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Metaspace()
    words.train_from_iterator([_TEXT], trainers.BpeTrainer(vocab_size=90, special_tokens=_MARKS, show_progress=False))
    words.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return words
