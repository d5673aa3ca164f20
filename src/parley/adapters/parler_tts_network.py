"""Parler-TTS (https://arxiv.org/abs/2402.01912): a description in words says who speaks, and how.

The package (https://pypi.org/project/parler-tts/, Apache-2.0) has the network: a decoder, which has read the
description and the text, writes nine codes a frame, each one step later than the one before it, and DAC makes sound of
them. Both are stepped here, in the voice's one thread; the package's own stream decodes everything anew for each piece,
and needs a thread for each text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import structlog
import torch
from parler_tts import ParlerTTSForConditionalGeneration
from parler_tts.logits_processors import ParlerTTSLogitsProcessor
from pydantic import Field
from tokenizers import Tokenizer
from transformers import (
    DynamicCache,
    EncoderDecoderCache,
    LogitsProcessorList,
    MinNewTokensLengthLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
)
from transformers.utils import logging as library_log

from parley.adapters.drawing import draw
from parley.adapters.loading import files_of
from parley.adapters.stepped_voice import Made, in_pieces, text_of, usual_first
from parley.adapters.torch_device import begin_thread, check_memory, device_named, dtype_named, give_back
from parley.adapters.transformers_checkpoint import CheckpointOptions, refuse_missing
from parley.audio.pcm import Float32
from parley.emotions import EMOTIONS, in_words
from parley.errors import ModelError
from parley.models.interfaces import ModelSpec, SpeakingStyle

log = structlog.get_logger("model")

_CONFIG, _DESCRIPTIONS = "config.json", "description_tokenizer.json"
_TEXTS = "tokenizer.json"
_NEEDED = (_CONFIG, "generation_config.json", _TEXTS)
_LONGEST_CHARS = 200
_PIECES = (24, 48, 96)
"""Frames of the first piece of sound, of the second, of each further one; there are 86 in a second."""
_REACH = 11
"""Frames on either side that the sound of one depends on, by the sizes of DAC's kernels."""
_REMEMBERED = 64
"""Descriptions."""
_SLOW, _FAST = 0.85, 1.15
_MORE_VOICES = "Option 'speakers' has further ones"


class ParlerOptions(CheckpointOptions):
    """Options of a Parler-TTS checkpoint."""

    speakers: str = Field(
        "woman=A woman, man=A man",
        pattern=r"^\s*[^,=\s]+\s*(=[^,]+)?(,\s*[^,=\s]+\s*(=[^,]+)?)*$",
        description="Voices, with commas between them: a name, and where the description has another, =WHO.",
    )
    description: str = Field(
        "{voice} speaks {manner}. The recording is of very high quality: very clear audio and no background noise.",
        pattern=r"\{voice\}",
        description="What it is told; {voice} is who speaks, {manner} the mood and the pace.",
    )
    temperature: float | None = Field(
        None, ge=0, description="How freely it draws; by default as generation_config.json has it."
    )


class ParlerNetwork:
    """See `VoiceNetwork`."""

    emotions: Collection[str] = EMOTIONS
    times_words = False
    fixed_speed = False
    sample_text = "The quick brown fox jumps over the lazy dog."
    longest_chars = _LONGEST_CHARS

    def __init__(self, spec: ModelSpec) -> None:
        """Raises `ModelError`, `ImportError`, and whatever the packages make of wrong files."""
        self._options = options = ParlerOptions.model_validate(dict(spec.options))
        files = files_of(spec, *_NEEDED)
        folder = files[_CONFIG].parent
        if elsewhere := [path for path in files.values() if path.parent != folder]:
            raise ModelError(f"{spec.id}: {elsewhere[0]} must be in one folder with the other files, {folder}")
        self._name, self._device = spec.id, device_named(spec.id, options.device)
        self._speakers = _speakers(options.speakers)
        self.voices: Sequence[str] = usual_first(spec, list(self._speakers), options.voice, _MORE_VOICES)
        spoken = () if "*" in spec.languages else spec.languages
        self.languages: Sequence[str] = (options.language,) if options.language else spoken or ("en",)
        dtype = dtype_named(options.dtype, self._device)
        weights = sum(path.stat().st_size for name, path in files.items() if name.endswith(".safetensors"))
        check_memory(spec.id, self._device, weights * dtype.itemsize // 4)
        begin_thread(options.threads)
        self._reader: Any = Tokenizer.from_file(str(files[_TEXTS]))
        apart = files.get(_DESCRIPTIONS)
        self._reader_of_descriptions: Any = self._reader if apart is None else Tokenizer.from_file(str(apart))
        self._model: Any = _model(spec, folder, dtype).to(self._device).eval()
        self.rate_hz = int(self._model.audio_encoder.config.sampling_rate)
        self._books = int(self._model.decoder.num_codebooks)
        self._frame_samples = len(self._decoded(torch.zeros(self._books, 2 * _REACH, dtype=torch.long))) // (2 * _REACH)
        self._described: Any = lru_cache(_REMEMBERED)(self._read_description)

    def say(self, words: Sequence[re.Match[str]], style: SpeakingStyle, owner: str) -> Iterator[Made]:
        """See `VoiceNetwork.say`: a step for each frame, and for each piece of sound. Speed is slow, usual or fast."""
        text = self._read(text_of(words))
        if text is None:
            return
        sounded = 0

        def sound(frames: Sequence[torch.Tensor], last: bool) -> Float32:
            nonlocal sounded
            until, first = len(frames) - (0 if last else _REACH), max(0, sounded - _REACH)
            whole = self._decoded(torch.stack(list(frames[first:]), dim=1))
            piece = whole[(sounded - first) * self._frame_samples : (until - first) * self._frame_samples]
            sounded = until
            return piece

        yield from in_pieces(self._frames(text, self._description(style)), _PIECES, sound)

    def _description(self, style: SpeakingStyle) -> str:
        """What the network is told of how to speak."""
        voice = style.voice if style.voice in self._speakers else self.voices[0]
        pace = "slow" if style.speed < _SLOW else "fast" if style.speed > _FAST else "moderate"
        manner = f"{in_words(style.emotion, style.intensity)} at a {pace} pace".lstrip()
        return self._options.description.replace("{voice}", self._speakers[voice]).replace("{manner}", manner)

    def _read(self, text: str) -> torch.Tensor | None:
        """A text as the network reads it, shape (1, tokens); None where it has no letter that the network knows."""
        read = self._reader.encode(text)
        known = self._reader.decode(read.ids, skip_special_tokens=True)
        return torch.tensor([read.ids], device=self._device) if any(map(str.isalnum, known)) else None

    def _read_description(self, description: str) -> torch.Tensor:
        """A description as the decoder looks at it, shape (1, tokens, width)."""
        ids = torch.tensor([self._reader_of_descriptions.encode(description).ids], device=self._device)
        hidden: torch.Tensor = self._model.text_encoder(input_ids=ids).last_hidden_state
        project: Callable[[torch.Tensor], torch.Tensor] | None = getattr(self._model, "enc_to_dec_proj", None)
        return hidden if project is None else project(hidden)

    def _frames(self, text: torch.Tensor, description: str) -> Iterator[torch.Tensor]:
        """The codes of frame after frame, shape (codebooks,) each.

        The code of book k for frame f is written in step f + k; before, a book's code is the mark of a beginning.
        """
        decoder, says = self._model.decoder, self._model.generation_config
        told, begin = self._described(description), self._model.embed_prompts(text)
        if self._model.prompt_cross_attention:
            told = torch.cat([told, begin + self._model.embed_positions(begin, 0).to(begin.device)], dim=1)
        cache, rules = EncoderDecoderCache(DynamicCache(), DynamicCache()), self._rules()
        likeliest = self._options.temperature == 0 or not says.do_sample
        codes = torch.full((self._books, 1), says.decoder_start_token_id, dtype=torch.long, device=self._device)
        going_on = torch.ones(self._books, dtype=torch.bool, device=self._device)
        for place in range(1, says.max_length):
            column = codes[:, -1:].clone()
            column[place - 1 :] = says.bos_token_id
            first = {} if place > 1 or self._model.prompt_cross_attention else {"prompt_hidden_states": begin}
            scores = decoder(
                input_ids=column, encoder_hidden_states=told, past_key_values=cache, use_cache=True, **first
            ).logits[:, -1].float()  # fmt: skip
            drawn = torch.where(going_on, draw(rules(codes, scores), likeliest=likeliest), says.pad_token_id)
            going_on &= drawn != says.eos_token_id
            codes = torch.cat([codes, drawn[:, None]], dim=1)
            frame = codes[:, place - self._books + 1 :].diagonal().clone() if place >= self._books else None
            if frame is None:
                continue
            if int(frame[0]) == says.eos_token_id:
                return
            if bool((frame < self._model.audio_encoder.config.codebook_size).all()):  # the others are marks
                yield frame
        log.warning("a sentence found no end", model=self._name, frames=says.max_length)

    def _rules(self) -> LogitsProcessorList:
        """What the package and its `generate` make of scores, for one text."""
        says, rules = self._model.generation_config, LogitsProcessorList()
        if says.min_new_tokens:
            rules.append(
                MinNewTokensLengthLogitsProcessor(1, says.min_new_tokens, says.eos_token_id, device=self._device)
            )
        rules.append(ParlerTTSLogitsProcessor(says.eos_token_id, self._books, 1, self._device))
        temperature = says.temperature if self._options.temperature is None else self._options.temperature
        if temperature and temperature != 1:
            rules.append(TemperatureLogitsWarper(float(temperature)))
        if says.top_k:
            rules.append(TopKLogitsWarper(says.top_k))
        return rules

    def _decoded(self, codes: torch.Tensor) -> Float32:
        """The sound of frames, given as (books, frames)."""
        codes = codes.to(self._device)[None]
        if self._model.use_4dim_audio_codes:
            codes = codes[None]
        scales = {"audio_scales": [None]} if self._model.use_audio_scales else {}
        sound: Float32 = (
            self._model.audio_encoder.decode(audio_codes=codes, **scales).audio_values.flatten().cpu().numpy()
        )
        return sound

    def close(self) -> None:
        """See `VoiceNetwork.close`."""
        self._model = self._described = None
        give_back(self._device)


def _speakers(told: str) -> dict[str, str]:
    """Voices by name, and who each is in the description."""
    pairs = (one.partition("=") for one in told.split(","))
    return {name.strip(): who.strip() or name.strip().capitalize() for name, _, who in pairs}


def _model(spec: ModelSpec, folder: Path, dtype: torch.dtype) -> Any:
    """The network with its weights, the codec's in float32, as sound in less is noisy.

    Raises `ModelError` where some are missing, which the library would make up.
    """
    library_log.set_verbosity_error()  # it tells of its own configuration
    model, told = ParlerTTSForConditionalGeneration.from_pretrained(
        folder, torch_dtype=torch.float32, local_files_only=True, use_safetensors=True, output_loading_info=True
    )
    refuse_missing(spec, told["missing_keys"])
    for name, part in model.named_children():
        if name != "audio_encoder":
            part.to(dtype)
    return model
