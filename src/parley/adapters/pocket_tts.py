"""Pocket TTS (Kyutai): a small voice that streams on a CPU, and speaks as whoever a recording is of.

The package (https://pypi.org/project/pocket-tts/, MIT) has the network. A frame of 80 ms takes two steps: a language
model draws a latent, Mimi's decoder makes sound of it. Both are done here in the voice's one thread, so that several
texts are said in turns; the package's own stream starts threads that share the network, and end when they like to.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog
import yaml
from pydantic import Field

from parley.adapters.loading import files_of
from parley.adapters.stepped_voice import Made, SteppedVoice, VoiceOptions, load_voice, text_of, usual_first
from parley.audio.pcm import Float32
from parley.errors import ModelError
from parley.models.interfaces import ModelSpec, SpeakingStyle

if TYPE_CHECKING:
    import torch

log = structlog.get_logger("model")

_WEIGHTS, _CONFIG, _CLONED = "model.safetensors", "config.yaml", "seed.wav"
_TOKENIZERS = {"tokenizer.json": "tokenizers", "tokenizer.model": "sentencepiece"}
_LONGEST_CHARS = 150
"""The network was taught single sentences, of up to 50 of its tokens."""
_LEAST_FRAMES = 6
"""The network's wish to end is not heeded before."""
_AFTER_END = 2
"""Frames more than the package guesses that a voice goes on behind that wish: the last sound fades."""
_FADE_S = 0.005
"""The decoder begins with a click."""
_LANGUAGES = {
    "english": "en", "french": "fr", "german": "de", "portuguese": "pt", "italian": "it", "spanish": "es",
    "dutch": "nl",
}  # fmt: skip
_MORE_VOICES = "Further ones are files: NAME.safetensors as `pocket-tts export-voice` writes it, or seed.wav to clone"


class PocketOptions(VoiceOptions):
    """Options of a Pocket TTS checkpoint."""

    config: str = Field(
        "", description="A configuration of the package, such as french, where no config.yaml is there."
    )
    temperature: float | None = Field(
        None, ge=0, description="How freely it draws; by default as its configuration has it."
    )


class PocketNetwork:
    """See `VoiceNetwork`."""

    emotions: Collection[str] = ("neutral",)
    times_words = False
    fixed_speed = True
    sample_text = "The quick brown fox jumps over the lazy dog."
    longest_chars = _LONGEST_CHARS

    def __init__(self, spec: ModelSpec) -> None:
        """Raises `ModelError`, `ImportError`, and whatever the package makes of wrong files."""
        from pocket_tts.models.text_chunking import prepare_text_prompt
        from pocket_tts.modules.stateful_module import increment_steps, init_states

        from parley.adapters.torch_device import begin_thread, check_memory, device_named

        self._prepared, self._init_states, self._increment = prepare_text_prompt, init_states, increment_steps
        options = PocketOptions.model_validate(dict(spec.options))
        files = files_of(spec, _WEIGHTS, tuple(_TOKENIZERS))
        self._name, self._device = spec.id, device_named(spec.id, options.device)
        check_memory(spec.id, self._device, files[_WEIGHTS].stat().st_size)
        begin_thread(options.threads)
        self._model = _model(spec, files, options).to(self._device)
        self.rate_hz = int(self._model.sample_rate)
        self._fade: Float32 = np.linspace(0, 1, round(_FADE_S * self.rate_hz), dtype=np.float32)
        self._states = self._voices(files)
        self.voices: Sequence[str] = usual_first(spec, list(self._states), options.voice, _MORE_VOICES)
        name = options.config.partition("_")[0]
        self.languages: Sequence[str] = (options.language or _LANGUAGES.get(name, "en"),)

    def _voices(self, files: dict[str, Path]) -> dict[str, Any]:
        """What the network knows of each voice, by its name."""
        states = {
            name.removesuffix(".safetensors"): self._model.get_state_for_audio_prompt(path)
            for name, path in files.items() if name.endswith(".safetensors") and name != _WEIGHTS
        }  # fmt: skip
        if _CLONED in files:
            if not bool(self._model.flow_lm.speaker_proj_weight.any()):
                raise ModelError(f"{self._name}: {_CLONED}: these weights clone no voice; Kyutai has others that do")
            states[self._name] = self._model.get_state_for_audio_prompt(files[_CLONED], truncate=True)
        if not states:
            raise ModelError(f"{self._name}: there is no voice. {_MORE_VOICES}")
        return states

    def say(self, words: Sequence[re.Match[str]], style: SpeakingStyle, owner: str) -> Iterator[Made]:
        """See `VoiceNetwork.say`: a step for each frame. Speed is the model's own."""
        import torch

        model, flow, mimi = self._model, self._model.flow_lm, self._model.mimi
        text, after = self._prepared(
            text_of(words), model.pad_with_spaces_for_short_inputs,
            model.remove_semicolons, model.append_terminal_punctuation, model.capitalize_first_letter,
            model.replace_characters,
        )  # fmt: skip
        after = model.model_recommended_frames_after_eos or after + _AFTER_END
        tokens = flow.conditioner.prepare(text)
        if self._knows_nothing_of(tokens):
            return
        state = deepcopy(self._states.get(style.voice or "", self._states[self.voices[0]]))
        most = model._estimate_max_gen_len(tokens.shape[1])
        model._expand_kv_cache(state, sequence_length=model._flow_lm_current_end(state) + tokens.shape[1] + most)
        model._run_flow_lm_and_increment_step(model_state=state, text_tokens=tokens)
        steps = int(mimi.encoder_frame_rate / mimi.frame_rate)
        heard = self._init_states(mimi, batch_size=1, sequence_length=most * steps)
        latent: torch.Tensor = torch.full((1, 1, flow.ldim), torch.nan, dtype=flow.dtype, device=self._device)
        ends = most
        for frame in range(most):
            latent, wants_to_end = model._run_flow_lm_and_increment_step(
                model_state=state, backbone_input_latents=latent
            )
            if ends == most and frame >= _LEAST_FRAMES and bool(wants_to_end):
                ends = frame + after
            if frame >= ends:
                return
            sound = mimi.decode_from_latent(latent * flow.emb_std + flow.emb_mean, heard)
            self._increment(mimi, heard, increment=steps)
            yield Made(self._faded(sound[0, 0].float().cpu().numpy(), first=frame == 0))
        log.warning("a sentence found no end", model=self._name, frames=most)

    def _knows_nothing_of(self, tokens: torch.Tensor) -> bool:
        """Whether a text is of letters that the network has never seen."""
        written = self._model.flow_lm.conditioner.tokenizer
        unknown = written.sp.unk_id() if hasattr(written, "sp") else written.tokenizer.token_to_id("<unk>")
        said = [token for token in tokens.flatten().tolist() if any(map(str.isalnum, written.decode([token])))]
        return unknown is not None and not any(token != unknown for token in said)

    def _faded(self, sound: Float32, *, first: bool) -> Float32:
        if first:
            sound = sound.copy()
            sound[: len(self._fade)] *= self._fade[: len(sound)]
        return sound

    def close(self) -> None:
        """See `VoiceNetwork.close`."""
        from parley.adapters.torch_device import give_back

        self._model = None
        self._states = {}
        give_back(self._device)


def _model(spec: ModelSpec, files: dict[str, Path], options: PocketOptions) -> Any:
    """The network by its configuration, with the files that are here and nothing from elsewhere."""
    from pocket_tts import TTSModel
    from pocket_tts.utils.config import CONFIGS_DIR

    config = files.get(_CONFIG, CONFIGS_DIR / f"{options.config or 'english'}.yaml")
    if not config.is_file():
        known = ", ".join(sorted(path.stem for path in CONFIGS_DIR.glob("*.yaml")))
        raise ModelError(f"{spec.id}: option 'config': the package has no '{options.config}'; it has {known}")
    told = yaml.safe_load(config.read_text(encoding="utf-8"))
    tokenizer = next(name for name in _TOKENIZERS if name in files)
    told["weights_path"], told["weights_path_without_voice_cloning"] = str(files[_WEIGHTS]), None
    told["flow_lm"]["lookup_table"] |= {"tokenizer": _TOKENIZERS[tokenizer], "tokenizer_path": str(files[tokenizer])}
    for part in ("flow_lm", "mimi"):
        told[part]["weights_path"] = None
    with TemporaryDirectory() as folder:
        (Path(folder) / _CONFIG).write_text(yaml.safe_dump(told), encoding="utf-8")
        return TTSModel.load_model(config=Path(folder) / _CONFIG, temp=options.temperature)


async def load(spec: ModelSpec) -> SteppedVoice:
    """Adapter entry point; files: model.safetensors, tokenizer.json or tokenizer.model, voices as NAME.safetensors or
    seed.wav, and config.yaml for a configuration of its own. Options: `PocketOptions`."""
    return await load_voice(spec, lambda: PocketNetwork(spec), "pocket-tts")
