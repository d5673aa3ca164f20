"""XTTS (Coqui): speaks seventeen languages with any voice that a few seconds of sound are there of.

The package (https://pypi.org/project/coqui-tts/, MPL-2.0) has the network: a GPT writes codes of sound, 21 a second,
and a vocoder makes sound of what the GPT thought of each. Both are stepped here, in the voice's one thread: sound
begins after a few codes, and several texts are said in turns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import Field

from parley.adapters.loading import files_of
from parley.adapters.stepped_voice import (
    Made,
    SteppedVoice,
    VoiceOptions,
    in_pieces,
    languages_first,
    load_voice,
    text_of,
    usual_first,
)
from parley.audio import files as sound_files
from parley.audio.pcm import Float32
from parley.errors import ModelError
from parley.models.interfaces import ModelSpec, SpeakingStyle

if TYPE_CHECKING:
    import torch

    from parley.adapters.drawing import Choice

log = structlog.get_logger("model")

_WEIGHTS, _CONFIG, _TOKENIZER, _SPEAKERS, _CLONED = (
    "model.pth", "config.json", "vocab.json", "speakers_xtts.pth", "seed.wav"
)  # fmt: skip
_NEEDED = (_WEIGHTS, _CONFIG, _TOKENIZER)
_WANTS = {"zh": "pypinyin", "ja": "cutlet"}
"""Languages that are read by a package of their own."""
_CLOSE_LANGUAGES, _LONGEST_CLOSE, _LONGEST = {"zh", "ja", "ko"}, 70, 150
"""Characters that the network was taught to say in one go, in languages that say more with each, and in others."""
_PIECES = (8, 16, 32)
"""Codes of the first piece of sound, of the second, of each further one: the vocoder begins anew with every piece."""
_OVERLAP = 1024
"""Samples in which a piece passes into the next one."""
_RATE_HZ = 22050
_LONGEST_REFERENCE_S = 30
_MORE_VOICES = "A voice of your own is a file: seed.wav, some seconds of it"


class XttsOptions(VoiceOptions):
    """Options of an XTTS checkpoint."""

    temperature: float | None = Field(None, ge=0, description="How freely it draws; by default as config.json has it.")


@dataclass(frozen=True, slots=True)
class _Speaker:
    """What the network knows of a voice: how it speaks, and how it sounds."""

    manner: torch.Tensor
    sound: torch.Tensor


class XttsNetwork:
    """See `VoiceNetwork`."""

    emotions: Collection[str] = ("neutral",)
    times_words = False
    fixed_speed = False
    sample_text = "The quick brown fox jumps over the lazy dog."

    def __init__(self, spec: ModelSpec) -> None:
        """Raises `ModelError`, `ImportError`, and whatever the package makes of wrong files."""

        from parley.adapters.torch_device import begin_thread, check_memory, device_named

        options = XttsOptions.model_validate(dict(spec.options))
        files = files_of(spec, *_NEEDED)
        self._name, self._device = spec.id, device_named(spec.id, options.device)
        check_memory(spec.id, self._device, files[_WEIGHTS].stat().st_size)
        begin_thread(options.threads)
        self._model = _model(files).to(self._device)
        self._config = self._model.config
        self._temperature = options.temperature if options.temperature is not None else self._config.temperature
        self.rate_hz = int(self._config.model_args.output_sample_rate)
        self._speakers = self._voices(files)
        self.voices: Sequence[str] = usual_first(spec, list(self._speakers), options.voice, _MORE_VOICES)
        self._codes = {code.partition("-")[0]: code for code in self._config.languages}
        known = [code for code in self._codes if code not in _WANTS or find_spec(_WANTS[code])]
        self.languages: Sequence[str] = languages_first(spec, known, options.language)
        self.longest_chars = _LONGEST_CLOSE if _CLOSE_LANGUAGES.intersection(known) else _LONGEST

    def _voices(self, files: dict[str, Path]) -> dict[str, _Speaker]:
        """By name: the one of the recording, called as the model, and those that are in its files."""
        found = {}
        if _CLONED in files:
            found[self._name] = self._cloned(files[_CLONED])
        if self._model.speaker_manager is not None:
            for name, told in self._model.speaker_manager.speakers.items():
                found[name] = _Speaker(
                    told["gpt_cond_latent"].to(self._device), told["speaker_embedding"].to(self._device)
                )
        if not found:
            raise ModelError(f"{self._name}: there is no voice: it has no {_SPEAKERS}. {_MORE_VOICES}")
        return found

    def _cloned(self, path: Path) -> _Speaker:
        import torch

        sound = torch.from_numpy(sound_files.read_float(path, _RATE_HZ))[None]
        sound = sound[:, : _RATE_HZ * min(self._config.max_ref_len, _LONGEST_REFERENCE_S)]
        manner = self._model.get_gpt_cond_latents(
            sound, _RATE_HZ, length=self._config.gpt_cond_len, chunk_length=self._config.gpt_cond_chunk_len
        )
        return _Speaker(manner, self._model.get_speaker_embedding(sound, _RATE_HZ))

    def say(self, words: Sequence[re.Match[str]], style: SpeakingStyle, owner: str) -> Iterator[Made]:
        """See `VoiceNetwork.say`: a step for each code, and for each piece of sound."""
        import torch
        from torch.nn import functional

        tokens = self._tokens(text_of(words), style)
        if tokens is None:
            return
        model = self._model
        speaker = self._speakers.get(style.voice or "", self._speakers[self.voices[0]])
        before = overlap = None

        def sound(thoughts: Sequence[torch.Tensor], last: bool) -> Float32:
            nonlocal before, overlap
            heard = torch.cat(list(thoughts))[None]
            if style.speed != 1:
                slower = heard.transpose(1, 2)
                heard = functional.interpolate(slower, scale_factor=1 / style.speed, mode="linear").transpose(1, 2)
            whole = model.hifigan_decoder(heard, g=speaker.sound).squeeze()
            piece, before, overlap = model.handle_chunks(whole, before, overlap, _OVERLAP, is_final=last)
            made: Float32 = piece.float().cpu().numpy()
            return made

        yield from in_pieces(self._thoughts(speaker, tokens), _PIECES, sound)

    def _thoughts(self, speaker: _Speaker, text: torch.Tensor) -> Iterator[torch.Tensor]:
        """What the GPT thinks of each code that it writes, of shape (1, width).

        The package's own stream keeps the prompt of the text that came last in the network, which is shared here.
        """
        import torch
        from transformers import DynamicCache

        gpt, args = self._model.gpt, self._config.model_args
        gpt.compute_embeddings(speaker.manner, text)
        writer, prompt = gpt.gpt_inference, gpt.gpt_inference.cached_prefix_emb
        codes = torch.tensor([[1, args.gpt_start_audio_token]], device=self._device)  # 1 stands for the prompt there
        cache, choose = DynamicCache(), self._choice()
        most = gpt.max_gen_mel_tokens
        for place in range(most):
            read = writer.embeddings(codes[:, -1:]) + writer.pos_embedding.get_fixed_embedding(place, self._device)
            if not place:
                read = torch.cat([prompt, read], dim=1)
            hidden = writer.transformer(inputs_embeds=read, cache=cache, use_cache=True).last_hidden_state
            yield writer.final_norm(hidden[:, -1])
            code = choose(codes, writer.lm_head(hidden[:, -1]).float())
            if int(code) == args.gpt_stop_audio_token:
                return
            codes = torch.cat([codes, code[None]], dim=1)
        log.warning("a sentence found no end", model=self._name, codes=most)

    def _choice(self) -> Choice:
        """As the package chooses."""
        from transformers import TopKLogitsWarper, TopPLogitsWarper

        from parley.adapters.drawing import choice

        config = self._config
        cuts = TopKLogitsWarper(config.top_k), TopPLogitsWarper(config.top_p)
        return choice(config.repetition_penalty, self._temperature, *cuts)

    def _tokens(self, text: str, style: SpeakingStyle) -> torch.Tensor | None:
        """A text as the network reads it; None where it has no letter that the network knows."""
        import torch

        from parley.adapters.drawing import knows_letters

        language = (style.language or "").partition("-")[0]
        language = language if language in self.languages else self.languages[0]
        reader = self._model.tokenizer
        tokens = reader.encode(text.strip().lower(), lang=self._codes[language])
        if not knows_letters(reader.tokenizer, tokens):
            return None
        most = self._config.model_args.gpt_max_text_tokens
        return torch.tensor([tokens[: most - 1]], dtype=torch.int32, device=self._device)

    def close(self) -> None:
        """See `VoiceNetwork.close`."""
        from parley.adapters.torch_device import give_back

        self._model = None
        self._speakers = {}
        give_back(self._device)


def _model(files: dict[str, Path]) -> Any:
    """The network by its configuration, with the files that are here."""
    from TTS.tts.configs.xtts_config import XttsConfig
    from TTS.tts.models.xtts import Xtts

    config = XttsConfig()
    config.from_dict(json.loads(files[_CONFIG].read_text(encoding="utf-8")))
    model = Xtts(config)
    model.load_checkpoint(
        config, checkpoint_path=str(files[_WEIGHTS]), vocab_path=str(files[_TOKENIZER]),
        speaker_file_path=str(files.get(_SPEAKERS, files[_WEIGHTS].with_name("none"))),
    )  # fmt: skip
    return model


async def load(spec: ModelSpec) -> SteppedVoice:
    """Adapter entry point; files: model.pth, config.json, vocab.json, and speakers_xtts.pth or seed.wav for voices.
    Options: `XttsOptions`."""
    return await load_voice(spec, lambda: XttsNetwork(spec), "xtts")
