"""Qwen3-TTS (https://arxiv.org/abs/2601.15621): a talker writes codes, frame by frame of 80 ms, a decoder makes sound.

The package (https://pypi.org/project/qwen-tts/, Apache-2.0) has the networks, and writes whole texts. Here the talker
is stepped, in the voice's one thread. What it reads before it writes is put together by the package: its call is begun,
and taken over where it would write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog
import torch
from pydantic import Field
from qwen_tts import Qwen3TTSModel
from transformers import (
    DynamicCache,
    LogitsProcessorList,
    MinNewTokensLengthLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    SuppressTokensLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)
from transformers.utils import logging as library_log

from parley.adapters.drawing import draw
from parley.adapters.loading import files_of
from parley.adapters.stepped_voice import Made, in_pieces, languages_first, text_of, usual_first
from parley.adapters.torch_device import begin_thread, check_memory, device_named, dtype_named, give_back
from parley.adapters.transformers_checkpoint import CheckpointOptions
from parley.audio import files as sound_files
from parley.audio.pcm import Float32
from parley.emotions import EMOTIONS, in_words
from parley.errors import ModelError
from parley.models.interfaces import ModelSpec, SpeakingStyle

log = structlog.get_logger("model")

_CODEC = "speech_tokenizer_"
"""How files of the folder of that name are called here."""
_WEIGHTS, _CLONED = "model.safetensors", "seed.wav"
_NEEDED = (
    "config.json", "generation_config.json", _WEIGHTS, "vocab.json", "merges.txt", "tokenizer_config.json",
    "preprocessor_config.json", f"{_CODEC}config.json", f"{_CODEC}{_WEIGHTS}", f"{_CODEC}preprocessor_config.json",
)  # fmt: skip
_PREDEFINED, _DESIGNED = "custom_voice", "voice_design"
_LANGUAGES = {
    "chinese": "zh", "english": "en", "japanese": "ja", "korean": "ko", "german": "de", "french": "fr", "russian": "ru",
    "portuguese": "pt", "spanish": "es", "italian": "it",
}  # fmt: skip
_LONGEST_CHARS = 200
_FRAMES_OF_A_LETTER, _FRAMES_OF_A_SYLLABLE, _FRAMES_AT_LEAST = 3, 9, 25
"""Whoever speaks for longer has lost the thread: about four times the usual time. East Asian letters are syllables."""
_SYLLABLES = "\u2e80"
"""From here on."""
_READABLE = re.compile("[0-9a-zA-Zà-öø-ÿ\u0400-\u04ff\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
"""Digits, and letters of its languages."""
_PIECES = (4, 8, 16)
"""Frames of the first piece of sound, of the second, of each further one."""
_CONTEXT = 25
"""Frames before a piece that the decoder hears again, as many as in the package, which decodes long texts in parts."""


class QwenOptions(CheckpointOptions):
    """Options of a Qwen3-TTS checkpoint."""

    words: str = Field("", description="Of a base model: what is said in seed.wav; its manner is then taken over too.")
    description: str = Field("", description="Of a model that designs voices: who speaks, in words.")
    temperature: float | None = Field(
        None, ge=0, description="How freely it draws; by default as generation_config.json has it; 0: the likeliest."
    )


class _Reads(Exception):
    """What the talker would read, and how it would draw."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        super().__init__()
        self.told = told


class QwenNetwork:
    """See `VoiceNetwork`."""

    times_words = False
    fixed_speed = True
    sample_text = "The quick brown fox jumps over the lazy dog."
    longest_chars = _LONGEST_CHARS

    def __init__(self, spec: ModelSpec) -> None:
        """Raises `ModelError`, `ImportError`, and whatever the package makes of wrong files."""
        self._options = options = QwenOptions.model_validate(dict(spec.options))
        files = files_of(spec, *_NEEDED)
        self._name, self._device = spec.id, device_named(spec.id, options.device)
        begin_thread(options.threads)
        dtype = dtype_named(options.dtype, self._device)
        weights = sum(files[name].stat().st_size for name in (_WEIGHTS, f"{_CODEC}{_WEIGHTS}"))
        check_memory(spec.id, self._device, weights * dtype.itemsize // torch.bfloat16.itemsize)  # as published
        self._package: Any = _package(files, dtype, str(self._device))
        model = self._package.model
        if model.tokenizer_type != "qwen3_tts_tokenizer_12hz":
            raise ModelError(f"{spec.id}: config.json: tokenizer_type: {model.tokenizer_type} is not known here")
        self._codec: Any = model.speech_tokenizer.model
        self.rate_hz = int(self._codec.get_output_sample_rate())
        self._frame_samples = int(self._codec.get_decode_upsample_rate())
        codes = {_LANGUAGES[name]: name for name in model.get_supported_languages() if name in _LANGUAGES}
        self._languages = codes
        self.languages: Sequence[str] = languages_first(spec, codes, options.language)
        self._kind, self._before = model.tts_model_type, list[torch.Tensor]()
        self._asked: Any
        names, self._asked = self._manner_of(files)
        self.voices: Sequence[str] = usual_first(spec, names, options.voice, "No others are in its files")
        wishes = self._kind == _DESIGNED or (self._kind == _PREDEFINED and model.tts_model_size != "0b6")
        self.emotions: Collection[str] = EMOTIONS if wishes else ("neutral",)
        self._talker: Any = model.talker
        self._talker.generate = _read_no_further

    def _manner_of(self, files: Mapping[str, Path]) -> tuple[Sequence[str], Callable[[str, str, SpeakingStyle], None]]:
        """The names of its voices, and the package's call for a text, a language and a style."""
        package, options = self._package, self._options
        if self._kind == _PREDEFINED:
            names = sorted(package.model.get_supported_speakers())
            return names, lambda text, language, style: package.generate_custom_voice(
                text, style.voice, language, instruct=_wish(style)
            )
        if self._kind == _DESIGNED:
            if not options.description:
                raise ModelError(f"{self._name}: option 'description': this model is told in words who speaks")
            return [self._name], lambda text, language, style: package.generate_voice_design(
                text, f"{options.description} {_wish(style)}".strip(), language
            )
        if _CLONED not in files:
            raise ModelError(
                f"{self._name}: there is no voice: it has no {_CLONED}, some seconds of whoever is to speak"
            )
        rate_hz = package.model.speaker_encoder_sample_rate
        heard = package.create_voice_clone_prompt(
            (sound_files.read_float(files[_CLONED], rate_hz), rate_hz), options.words or None, not options.words
        )
        if (codes := heard[0].ref_code) is not None:  # the text's codes go on from the recording's
            self._before = list(codes[-_CONTEXT:].to(self._device))
        return [self._name], lambda text, language, style: package.generate_voice_clone(
            text, language, voice_clone_prompt=heard
        )

    def say(self, words: Sequence[re.Match[str]], style: SpeakingStyle, owner: str) -> Iterator[Made]:
        """See `VoiceNetwork.say`: a step for each frame, and for each piece of sound. Speed is the model's own."""
        text = text_of(words)
        if not _READABLE.search(text):
            return
        before = self._before
        sounded = len(before)

        def sound(frames: Sequence[torch.Tensor], last: bool) -> Float32:
            nonlocal sounded
            heard, first = [*before, *frames], max(0, sounded - _CONTEXT)
            codes = torch.stack(heard[first:], dim=1)[None]
            whole: Float32 = self._codec.decoder(codes).flatten().cpu().numpy()
            piece = whole[(sounded - first) * self._frame_samples :]
            sounded = len(heard)
            return piece

        yield from in_pieces(self._frames(text, style), _PIECES, sound)

    def _told(self, text: str, style: SpeakingStyle) -> Mapping[str, Any]:
        """What the talker reads of a text, and how it draws."""
        spoken = (style.language or self._options.language).partition("-")[0]
        voice = style.voice if style.voice in self.voices else self.voices[0]
        style = SpeakingStyle(voice, emotion=style.emotion, intensity=style.intensity)
        try:
            self._asked(text, self._languages.get(spoken, "auto"), style)
        except _Reads as read:
            return read.told
        raise ModelError(f"{self._name}: the package has written a text by itself: another release?")

    def _frames(self, text: str, style: SpeakingStyle) -> Iterator[torch.Tensor]:
        """The codes of frame after frame, shape (books,) each."""
        told = self._told(text, style)
        draws = {name: value for name, value in told.items() if name.startswith("subtalker_")}
        likeliest = self._options.temperature == 0 or not told["do_sample"]
        if self._options.temperature == 0:
            draws["subtalker_dosample"] = False
        elif self._options.temperature is not None:
            draws["subtalker_temperature"] = self._options.temperature
        shared = {"trailing_text_hidden": told["trailing_text_hidden"], "tts_pad_embed": told["tts_pad_embed"], **draws}
        rules, cache, read = self._rules(told), DynamicCache(), told["inputs_embeds"]
        places = torch.arange(read.shape[1], device=self._device)
        mask = torch.ones((1, len(places)), dtype=torch.long, device=self._device)
        codes = torch.empty((1, 0), dtype=torch.long, device=self._device)
        said = self._talker(
            inputs_embeds=read,
            attention_mask=mask,
            past_key_values=cache,
            use_cache=True,
            cache_position=places,
            **shared,
        )
        usual = sum(_FRAMES_OF_A_SYLLABLE if letter >= _SYLLABLES else _FRAMES_OF_A_LETTER for letter in text)
        most = min(told["max_new_tokens"], usual + _FRAMES_AT_LEAST)
        for _ in range(most):
            code = draw(rules(codes, said.logits[:, -1].float()), likeliest=likeliest)
            if int(code) == told["eos_token_id"]:
                return
            codes = torch.cat([codes, code[None]], dim=1)
            mask = torch.nn.functional.pad(mask, (0, 1), value=1)
            said = self._talker(
                input_ids=code[None], attention_mask=mask, past_key_values=cache, use_cache=True,
                cache_position=torch.tensor([mask.shape[1] - 1], device=self._device), past_hidden=said.past_hidden,
                generation_step=said.generation_step, **shared,
            )  # fmt: skip
            yield said.hidden_states[1][0]
        log.warning("a sentence found no end", model=self._name, frames=most)

    def _rules(self, told: Mapping[str, Any]) -> LogitsProcessorList:
        """What `generate` makes of scores."""
        temperature = told["temperature"] if self._options.temperature is None else self._options.temperature
        rules = LogitsProcessorList([
            RepetitionPenaltyLogitsProcessor(told["repetition_penalty"]),
            MinNewTokensLengthLogitsProcessor(0, told["min_new_tokens"], told["eos_token_id"], device=self._device),
            SuppressTokensLogitsProcessor(told["suppress_tokens"], device=self._device),
        ])  # fmt: skip
        if temperature:
            rules.append(TemperatureLogitsWarper(float(temperature)))
        if told["top_k"]:
            rules.append(TopKLogitsWarper(told["top_k"]))
        if told["top_p"] < 1:
            rules.append(TopPLogitsWarper(told["top_p"]))
        return rules

    def close(self) -> None:
        """See `VoiceNetwork.close`."""
        self._package = self._codec = self._talker = self._asked = None
        self._before = []
        give_back(self._device)


def _read_no_further(**told: Any) -> None:
    """In the place of the talker's `generate`."""
    raise _Reads(told)


def _wish(style: SpeakingStyle) -> str:
    """How to speak, in words."""
    tone = in_words(style.emotion, style.intensity)
    return tone and f"Speak {tone}."


def _package(files: Mapping[str, Path], dtype: torch.dtype, device: str) -> Any:
    """The package's model of the files that are here, which it wants in folders."""
    library_log.set_verbosity_error()  # it tells of its own configuration
    with TemporaryDirectory() as folder:
        codec = Path(folder) / _CODEC.rstrip("_")
        codec.mkdir()
        for name, path in files.items():
            target = codec / name.removeprefix(_CODEC) if name.startswith(_CODEC) else Path(folder) / name
            target.symlink_to(path.resolve())
        package = Qwen3TTSModel.from_pretrained(folder, dtype=torch.float32, device_map=device, local_files_only=True)
    package.model.to(dtype)  # the codec, which is no part of it, stays: sound in less is noisy
    return package
