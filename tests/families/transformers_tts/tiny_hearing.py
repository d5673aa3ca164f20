"""A checkpoint that hears, with random weights: Qwen2-Audio as the library's own classes make and save it.

It says words that mean nothing, but the same of the same sound, and others of another one.
"""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2AudioConfig,
    Qwen2AudioEncoderConfig,
    Qwen2AudioForConditionalGeneration,
    Qwen2AudioProcessor,
    Qwen2Config,
    WhisperFeatureExtractor,
)

WORDS = "one two three four five six seven eight nine ten red green blue noon rain cats dogs home".split()
_SOUND, _BEGIN, _END, _OPENS, _STOPS = "<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>", "<|im_start|>", "<|im_end|>"
_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}"
    "{% if part.type == 'audio' %}<|audio_bos|><|AUDIO|><|audio_eos|>\n{% else %}{{ part.text }}{% endif %}{% endfor %}"
    "{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_WIDTH, _NEVER = 64, -50.0


def write(folder: Path) -> None:
    """Write the checkpoint into an empty folder."""
    torch.manual_seed(3)
    tokenizer = _tokenizer()
    mark = tokenizer.convert_tokens_to_ids(_SOUND)
    ears = Qwen2AudioEncoderConfig(
        num_mel_bins=80, encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=32, d_model=32,
        max_source_positions=1500,
    )  # fmt: skip
    mind = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=_WIDTH, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=8192, tie_word_embeddings=False,
        bos_token_id=None, eos_token_id=tokenizer.convert_tokens_to_ids(_STOPS),
    )  # fmt: skip
    model = Qwen2AudioForConditionalGeneration(
        Qwen2AudioConfig(audio_config=ears, text_config=mind, audio_token_index=mark)
    )
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.normal_(std=weight[0].numel() ** -0.5)  # livelier than what training begins with
        _say_words_alone(model, [tokenizer.convert_tokens_to_ids(f" {word}") for word in WORDS])
    model.generation_config.eos_token_id = mind.eos_token_id
    model.save_pretrained(folder)
    extractor = WhisperFeatureExtractor(feature_size=80)
    Qwen2AudioProcessor(extractor, tokenizer, chat_template=_TEMPLATE).save_pretrained(folder)


def _say_words_alone(model: Qwen2AudioForConditionalGeneration, words: list[int]) -> None:
    """The first channel is always up, and whatever is no word is written when that is down: never."""
    head, inner = model.get_output_embeddings().weight, model.get_decoder()
    inner.embed_tokens.weight[:, 0] = 1.0
    for layer in inner.layers:
        layer.self_attn.o_proj.weight.mul_(10.0)  # what was said before counts for more than the last word
        layer.self_attn.o_proj.weight[0] = layer.mlp.down_proj.weight[0] = 0.0
    projector = next(module for name, module in model.named_modules() if name.endswith("multi_modal_projector"))
    projector.linear.weight[0], projector.linear.bias[0] = 0.0, 1.0
    head[:, 0] = _NEVER
    head[words, 0] = 0.0


def _tokenizer() -> PreTrainedTokenizerFast:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    plain = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(alphabet)}, merges=[]))
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    plain.add_tokens([AddedToken(f" {word}", normalized=False) for word in WORDS])
    marks = [_SOUND, _BEGIN, _END, _OPENS, _STOPS]
    return PreTrainedTokenizerFast(
        tokenizer_object=plain, eos_token=_STOPS, pad_token=_STOPS, additional_special_tokens=marks
    )
