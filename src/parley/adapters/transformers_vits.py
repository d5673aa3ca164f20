"""MMS-TTS and other VITS checkpoints: a sentence is made at once, and the network tells how long each letter lasts.

VITS: Kim, Kong and Son, arXiv 2106.06103. MMS, which has a checkpoint for each of 1,100 languages: Pratap et al.,
arXiv 2305.13516.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field
from transformers import VitsModel, VitsTokenizer

from parley.adapters.saying import pause_s, sound_ends
from parley.adapters.stepped_voice import Made
from parley.adapters.torch_device import give_back
from parley.adapters.transformers_checkpoint import Checkpoint, CheckpointOptions
from parley.errors import ModelError
from parley.languages import code_of
from parley.models.interfaces import ModelSpec, SpeakingStyle

_LONGEST_CHARS = 250
_SPEEDS = (0.25, 4.0)
_SAMPLE_LETTERS, _SAMPLE_WORD = 48, 4


class VitsOptions(CheckpointOptions):
    """Options of a VITS checkpoint."""

    seed: int | None = Field(None, description="Every sentence is drawn with it, so the same text sounds the same.")


class VitsNetwork:
    """See `VoiceNetwork`."""

    emotions: Collection[str] = ("neutral",)
    times_words = True
    fixed_speed = False
    longest_chars = _LONGEST_CHARS

    def __init__(self, spec: ModelSpec, folder: Path) -> None:
        """Raises `ModelError`, `ImportError`, and whatever the library makes of wrong files."""
        options = VitsOptions.model_validate(dict(spec.options))
        checkpoint = Checkpoint(spec, folder, options)
        self._device = checkpoint.device
        self._seed = options.seed
        self._letters = _Letters(spec, folder)
        config = checkpoint.config
        self._model: Any = checkpoint.load(VitsModel)
        self._model.duration_predictor.register_forward_hook(self._note_durations)
        self._log_durations: Any = None
        self.rate_hz = int(config.sampling_rate)
        self._hop = int(np.prod(config.upsample_rates))
        self._speakers = _speakers(spec, int(config.num_speakers), options.voice)
        self.voices: Sequence[str] = tuple(self._speakers)
        self.languages: Sequence[str] = (_code(options.language or self._letters.language),)
        self.sample_text = self._letters.sample_text

    def _note_durations(self, _: Any, __: Any, made: Any) -> None:
        """The model keeps to itself how long each letter lasts, logarithms of frames."""
        self._log_durations = made

    def say(self, words: Sequence[re.Match[str]], style: SpeakingStyle, owner: str) -> Iterator[Made]:
        """See `VoiceNetwork.say`: one step. What follows has the pause in it that the words' last mark asks for."""
        ids, places = self._letters.read([word.group() for word in words])
        if not ids:
            return
        if self._seed is not None:
            torch.manual_seed(self._seed)
        rate = float(self._model.speaking_rate) * min(max(style.speed, _SPEEDS[0]), _SPEEDS[1])
        said = self._model(
            input_ids=torch.tensor([ids], device=self._device),
            speaker_id=self._speakers.get(style.voice or "", self._speakers[self.voices[0]]),
            speaking_rate=rate,
        )
        sound = said.waveform[0].float().cpu().numpy()
        # as the model itself makes frames of them
        frames = torch.ceil(torch.exp(self._log_durations.float()) / rate).flatten().cpu().numpy()
        sounds_until = sound_ends(sound)
        ends_s = np.concatenate([[0.0], np.cumsum(frames)]) * self._hop
        ends_s = np.minimum(ends_s, sounds_until) / self.rate_hz
        spans = [(float(ends_s[first]), float(ends_s[behind])) for first, behind in places]
        pause = round(pause_s(words[-1].group()) * self.rate_hz) if sounds_until else 0
        yield Made(np.pad(sound[:sounds_until], (0, pause)), spans)

    def close(self) -> None:
        """See `VoiceNetwork.close`."""
        self._model = self._log_durations = None
        give_back(self._device)


class _Letters:
    """A checkpoint's own letters: what it reads of a word."""

    def __init__(self, spec: ModelSpec, folder: Path) -> None:
        """Raises `ModelError` for a checkpoint that reads phonemes, or Latin letters and has nothing to make them."""
        self._tokenizer = VitsTokenizer.from_pretrained(folder, local_files_only=True)
        if self._tokenizer.phonemize:
            raise ModelError(
                f"{spec.id}: tokenizer_config.json: phonemize: checkpoints that read phonemes are not supported, those "
                "that read letters are (MMS-TTS)"
            )
        self._romanize = _romanizer(spec) if self._tokenizer.is_uroman else None
        self._ids: dict[str, int] = {letter: i for letter, i in self._tokenizer.encoder.items() if len(letter) == 1}
        self.language = str(self._tokenizer.language or "")

    @property
    def sample_text(self) -> str:
        """Words of all letters, in their order."""
        letters = "".join(letter for letter in self._ids if letter.isalpha())[:_SAMPLE_LETTERS]
        return " ".join(letters[i : i + _SAMPLE_WORD] for i in range(0, len(letters), _SAMPLE_WORD)) + "."

    def read(self, words: Sequence[str]) -> tuple[list[int], list[tuple[int, int]]]:
        """What the network takes, and which part of it is each word: first and behind the last.

        No ids where it knows no letter of any word. The tokenizer itself is not asked for the ids: it takes the letter
        whose number is 0 (Telugu's is త) for a token that stands alone and leaves out the blanks beside that.
        """
        blanks = [0] if self._tokenizer.add_blank else []
        ids: list[int] = [*blanks]
        places: list[tuple[int, int]] = []
        for word in words:
            letters = [self._ids[letter] for letter in self._spelled(word) if letter in self._ids]
            if letters and len(ids) > len(blanks) and " " in self._ids:
                ids += [self._ids[" "], *blanks]
            first = len(ids)
            for letter in letters:
                ids += [letter, *blanks]
            places.append((first, max(first, len(ids) - len(blanks))))
        return (ids if len(ids) > len(blanks) else []), places

    def _spelled(self, word: str) -> str:
        if self._romanize is not None and not word.isascii():
            word = self._romanize(word)
        spelled, _ = self._tokenizer.prepare_for_tokenization(word)
        return str(spelled)


def _romanizer(spec: ModelSpec) -> Callable[[str], str]:
    """Latin letters of words in any script, by the method of Hermjakob, May and Knight (ACL 2018)."""
    try:
        import uroman
    except ImportError as fault:
        raise ModelError(
            f"{spec.id} reads Latin letters and needs the package uroman to make them ({fault}); install the extra: "
            "pip install 'parley-voice[transformers-tts]'"
        ) from fault
    romanize: Callable[[str], str] = uroman.Uroman().romanize_string
    return romanize


def _speakers(spec: ModelSpec, count: int, usual: str) -> dict[str, int]:
    """Names of speakers to their numbers, the usual one first; a single one is named after the model."""
    names = [f"speaker-{i}" for i in range(count)] if count > 1 else [spec.id]
    if usual and usual not in names:
        raise ModelError(f"{spec.id}: option 'voice': no speaker is called '{usual}'; it has {', '.join(names)}")
    return {name: names.index(name) for name in sorted(names, key=lambda name: name != usual)}


def _code(language: str) -> str:
    """As parley writes it, where it knows the language; checkpoints have three letters, and sometimes a script."""
    first = language.partition("-")[0]
    try:
        return code_of(first) or "*"
    except ValueError:
        return first
