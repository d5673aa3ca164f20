"""Chatterbox (Resemble AI): English, as whoever a recording is of, as lively as it is asked to; its sound is marked.

The package (https://pypi.org/project/chatterbox-tts/, MIT) has the networks: T3 writes 25 codes of sound a second,
S3Gen, which is the decoder of CosyVoice 2, makes sound of them. Both are stepped here, in the voice's one thread: the
package makes whole texts.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog
from pydantic import Field

from parley.adapters.loading import files_of
from parley.adapters.stepped_voice import Made, SteppedVoice, VoiceOptions, in_pieces, load_voice, text_of, usual_first
from parley.audio import files as sound_files
from parley.audio.pcm import Float32
from parley.errors import ModelError
from parley.models.interfaces import ModelSpec, SpeakingStyle

if TYPE_CHECKING:
    import torch

    from parley.adapters.drawing import Choice

log = structlog.get_logger("model")

_NETWORKS = ("t3_cfg.safetensors", "s3gen.safetensors", "ve.safetensors", "tokenizer.json")
_BUILT_IN, _CLONED = "conds.pt", "seed.wav"
BUILT_IN = "resemble"
"""What the voice is called that comes with the weights."""
_LONGEST_CHARS = 250
_MOST_CODES = 1000
"""Forty seconds of speech."""
_LONGEST_RECORDING_S = 10
"""The package hears no more of one."""
_REPETITION, _MIN_P = 1.2, 0.05
"""As the package draws."""
ALONE = " && pip install --no-deps chatterbox-tts==0.1.7"
"""Its pins fight with ours, and it does with newer packages."""
_MORE_VOICES = "A voice of your own is a file: seed.wav, ten seconds of it"


class ChatterboxOptions(VoiceOptions):
    """Options of a Chatterbox checkpoint."""

    temperature: float = Field(0.8, ge=0, description="How freely it draws; 0: always the likeliest.")
    guidance: float = Field(0.5, ge=0, le=2, description="How closely it follows the text; less is slower and calmer.")
    steps: int = Field(10, ge=1, le=50, description="In which the decoder makes a piece of sound; fewer are faster.")


class ChatterboxNetwork:
    """See `VoiceNetwork`."""

    emotions: Collection[str] = ("neutral",)
    times_words = False
    fixed_speed = False
    sample_text = "The quick brown fox jumps over the lazy dog."
    longest_chars = _LONGEST_CHARS
    languages: Sequence[str] = ("en",)

    def __init__(self, spec: ModelSpec) -> None:
        """Raises `ModelError`, `ImportError`, and whatever the package makes of wrong files."""

        from parley.adapters.cosyvoice_decoder import CODES_S, Decoder
        from parley.adapters.torch_device import begin_thread, check_memory, device_named

        self._options = options = ChatterboxOptions.model_validate(dict(spec.options))
        files = files_of(spec, *_NETWORKS)
        self._name, self._device = spec.id, device_named(spec.id, options.device)
        check_memory(spec.id, self._device, sum(files[name].stat().st_size for name in _NETWORKS))
        begin_thread(options.threads)
        self._model, self._normalised = _model(files, str(self._device))
        self.rate_hz = int(self._model.sr)
        self._speakers = self._voices(files)
        self.voices: Sequence[str] = usual_first(spec, list(self._speakers), options.voice, _MORE_VOICES)
        made, most = self._model.s3gen, _MOST_CODES + CODES_S * _LONGEST_RECORDING_S
        fade = made.trim_fade.cpu().numpy()  # something spills over from the recording
        self._decoder: Any = Decoder(made.flow, made.mel2wav, options.steps, most, self._device, fade)

    def _voices(self, files: dict[str, Path]) -> dict[str, Any]:
        """By name: the one of the recording, called as the model, and the one that comes with the weights."""
        found = {}
        built_in = self._model.conds
        if _CLONED in files:
            sound_files.read(files[_CLONED])  # says what is wrong with it
            self._model.prepare_conditionals(str(files[_CLONED]))
            found[self._name] = self._model.conds
        if built_in is not None:
            found[BUILT_IN] = built_in
        if not found:
            raise ModelError(f"{self._name}: there is no voice: it has no {_BUILT_IN}. {_MORE_VOICES}")
        return found

    def say(self, words: Sequence[re.Match[str]], style: SpeakingStyle, owner: str) -> Iterator[Made]:
        """See `VoiceNetwork.say`: a step for each code, and for each piece of sound."""
        from parley.adapters.cosyvoice_decoder import PIECES, SOUNDS, Tail

        text = self._read(text_of(words))
        if text is None:
            return
        speaker = self._speakers.get(style.voice or "", self._speakers[self.voices[0]])
        codes, tail = (code for code in self._written(speaker, text, style.intensity) if code < SOUNDS), Tail()
        yield from in_pieces(
            codes, PIECES, lambda so_far, last: self._marked(
                self._decoder.piece(speaker.gen, so_far, tail, last=last, speed=style.speed)
            )
        )  # fmt: skip

    def _read(self, text: str) -> torch.Tensor | None:
        """A text as the network reads it, twice, of shape (2, tokens); None where it has no letter that it knows."""
        import torch
        from torch.nn import functional

        from parley.adapters.drawing import knows_letters

        reader, marks = self._model.tokenizer.tokenizer, self._model.t3.hp
        tokens = self._model.tokenizer.text_to_tokens(self._normalised(text))
        if not knows_letters(reader, tokens.flatten().tolist()):
            return None
        begun = functional.pad(tokens, (1, 0), value=marks.start_text_token)
        return functional.pad(begun, (0, 1), value=marks.stop_text_token).expand(2, -1).to(self._device, torch.long)

    def _written(self, speaker: Any, text: torch.Tensor, liveliness: float) -> Iterator[int]:
        """The codes that T3 writes, each a step: with the text, and as if it had none, for guidance."""
        import torch
        from chatterbox.models.t3.modules.cond_enc import T3Cond
        from transformers import DynamicCache

        t3, guidance = self._model.t3, self._options.guidance
        places, start = t3.speech_pos_emb, t3.hp.start_speech_token
        manner = T3Cond(
            speaker_emb=speaker.t3.speaker_emb, cond_prompt_speech_tokens=speaker.t3.cond_prompt_speech_tokens,
            emotion_adv=torch.full((1, 1, 1), liveliness),
        ).to(device=self._device)  # fmt: skip
        codes = torch.full((1, 1), start, device=self._device)
        prompt, _ = t3.prepare_input_embeds(
            t3_cond=manner, text_tokens=text, speech_tokens=codes.expand(2, -1), cfg_weight=1.0
        )
        read = torch.cat([prompt, (t3.speech_emb(codes) + places.get_fixed_embedding(0)).expand(2, -1, -1)], dim=1)
        cache, choose = DynamicCache(), self._choice()
        for place in range(1, _MOST_CODES + 1):
            hidden = t3.tfmr(inputs_embeds=read, cache=cache, use_cache=True).last_hidden_state[:, -1]
            told, untold = t3.speech_head(hidden).float().split(1)
            code = choose(codes, told + guidance * (told - untold))
            if int(code) == t3.hp.stop_speech_token:
                return
            yield int(code)
            codes = torch.cat([codes, code[None]], dim=1)
            read = (t3.speech_emb(code[None]) + places.get_fixed_embedding(place)).expand(2, -1, -1)
        log.warning("a sentence found no end", model=self._name, codes=_MOST_CODES)

    def _choice(self) -> Choice:
        """As the package chooses."""
        from transformers import MinPLogitsWarper

        from parley.adapters.drawing import choice

        return choice(_REPETITION, self._options.temperature, MinPLogitsWarper(_MIN_P))

    def _marked(self, sound: Float32) -> Float32:
        """With the package's watermark, which nobody hears."""
        if len(sound) < self.rate_hz // 10:
            return sound
        marked: Float32 = self._model.watermarker.apply_watermark(sound, sample_rate=self.rate_hz)
        return marked.astype(np.float32)

    def close(self) -> None:
        """See `VoiceNetwork.close`."""
        from parley.adapters.torch_device import give_back

        self._model = self._decoder = None
        self._speakers = {}
        give_back(self._device)


def _model(files: dict[str, Path], device: str) -> tuple[Any, Callable[[str], str]]:
    """The networks with the files that are here, and what tidies a text for them."""
    with warnings.catch_warnings(), redirect_stdout(StringIO()):  # its watermark tells of itself
        warnings.simplefilter("ignore")
        from chatterbox.tts import ChatterboxTTS, punc_norm

        with TemporaryDirectory() as folder:
            for name in (*_NETWORKS, _BUILT_IN):
                if name in files:
                    (Path(folder) / name).symlink_to(files[name].resolve())
            return ChatterboxTTS.from_local(folder, device), punc_norm


async def load(spec: ModelSpec) -> SteppedVoice:
    """Adapter entry point; files: t3_cfg.safetensors, s3gen.safetensors, ve.safetensors, tokenizer.json, and conds.pt
    or seed.wav for a voice. Options: `ChatterboxOptions`."""
    return await load_voice(spec, lambda: ChatterboxNetwork(spec), "chatterbox", ALONE)
