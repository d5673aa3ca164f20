"""A role and a voice for Moshi's network, as PersonaPlex has learnt them (NVIDIA, arXiv 2602.06053).

Before the conversation the network is led through a stretch in which its own words and sounds are given: the voice
(sound of a recording, no words), half a second of silence, the role (its words, silent sound), half a second again.
The user's side has a steady tone meanwhile. That is done once; what the network then remembers is kept, and every
conversation begins with a copy of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from moshi.modules.transformer import RingKVCache

from parley.audio.files import read_float
from parley.audio.loudness import integrated_lufs
from parley.audio.pcm import Float32
from parley.errors import ModelError

_VOICE_LUFS = -24.0
_TONE_HZ, _TONE_LEVEL = 440.0, 0.5
_PAUSE_S = 0.5
_STEADY_FRAMES = 25
_NOT_OF_A_SLOT = ("exec_mask", "initial", "condition_sum", "condition_cross", "cfg_is_masked_until")


class Prompt:
    """What the network remembers of its role and voice. Belongs to the thread of the network."""

    def __init__(self, mimi: Any, generator: Any, tokenizer: Any, role: str, voice: Path | None, *, slots: int) -> None:
        """Lead slot 0, which must be empty, through `role` and the recording `voice`.

        Raises `ModelError`, `AudioError`.
        """
        self._mimi, self._generator = mimi, generator
        self._model = generator.lm_model
        self._slots = slots
        words = _role_words(tokenizer, role)
        steps = list(self._steps(words, voice))
        room = self._model.context
        if len(steps) >= room:
            raise ModelError(
                f"role and voice take {len(steps)} frames and the network remembers {room}; make them shorter"
            )
        self._lead(steps)
        self._kept = [[part.clone() for part in self._parts(state, 0, len(steps))] for state in self._states()]
        self._length = len(steps)

    def enter(self, slots: Iterable[int]) -> None:
        """Let these slots, which must be empty, remember it."""
        for slot in slots:
            for state, kept in zip(self._states(), self._kept, strict=True):
                for part, was in zip(self._parts(state, slot, self._length), kept, strict=True):
                    part.copy_(was)

    def _steps(self, words: Sequence[int], voice: Path | None) -> Iterator[tuple[int, torch.Tensor]]:
        """What it says and sounds like in each frame: a word and codes, shape (codebooks,)."""
        silent, padding = self._codes(self._steady(0.0))[-1], self._model.text_padding_token_id
        pause = [(padding, silent)] * round(_PAUSE_S * self._mimi.frame_rate)
        if voice is not None:
            yield from ((padding, codes) for codes in self._codes(_voice(voice, self._mimi)))
            yield from pause
        if words:
            yield from ((word, silent) for word in words)
            yield from pause

    def _lead(self, steps: Sequence[tuple[int, torch.Tensor]]) -> None:
        tone = self._codes(self._steady(_TONE_LEVEL))[-1]
        heard = tone[None, :, None].expand(self._slots, -1, -1)
        delays = self._model.delays[1 : self._model.dep_q + 1]
        self._generator.set_exec_mask(self._only_first())
        for index, (word, _) in enumerate(steps):
            sounds = [steps[max(index - delay, 0)][1][book] for book, delay in enumerate(delays)]
            self._generator.on_text_hook = lambda drawn, word=word: drawn.fill_(word)
            self._generator.on_audio_hook = lambda drawn, sounds=sounds: drawn.copy_(
                torch.stack(sounds).expand_as(drawn)
            )
            self._generator.step(heard)
        self._generator.on_text_hook = self._generator.on_audio_hook = None

    def _codes(self, sound: Float32) -> torch.Tensor:
        """Codes of sound, shape (frames, codebooks); leaves Mimi empty."""
        size = self._mimi.frame_size
        frames = np.pad(sound, (0, -len(sound) % size)).reshape(-1, size)
        device = self._model.device
        self._mimi.set_exec_mask(self._only_first())
        codes = [
            self._mimi.encode(torch.from_numpy(frame).to(device).expand(self._slots, 1, -1))[0, :, 0].clone()
            for frame in frames
        ]
        self._mimi.reset_streaming()
        return torch.stack(codes)

    def _steady(self, level: float) -> Float32:
        """A tone for long enough that the codec has settled on its codes; of level 0, silence."""
        times = np.arange(_STEADY_FRAMES * self._mimi.frame_size) / self._mimi.sample_rate
        tone: Float32 = (level * np.sin(2 * np.pi * _TONE_HZ * times)).astype(np.float32)
        return tone

    def _only_first(self) -> torch.Tensor:
        return torch.arange(self._slots, device=self._model.device) == 0

    def _states(self) -> list[Any]:
        """The streaming states of the generator and the language model."""
        return [*self._generator.get_streaming_state().values(), *self._model.get_streaming_state().values()]

    def _parts(self, state: Any, slot: int, length: int) -> list[torch.Tensor]:
        """What of a state belongs to a slot that has made `length` steps."""
        parts = []
        for name, value in vars(state).items():
            if isinstance(value, RingKVCache):
                parts += [value.cache[:, slot, :, :length], value.end_offset[slot]]
            elif isinstance(value, torch.Tensor) and name not in _NOT_OF_A_SLOT:
                parts.append(value[slot])
        return parts


def _role_words(tokenizer: Any, role: str) -> list[int]:
    text = role.strip()
    return list(tokenizer.encode(f"<system> {text} <system>")) if text else []


def _voice(path: Path, mimi: Any) -> Float32:
    sound = read_float(path, int(mimi.sample_rate))
    loudness = integrated_lufs(sound, int(mimi.sample_rate))
    if not np.isfinite(loudness):
        raise ModelError(f"{path}: there is no voice in this recording")
    gained: Float32 = np.clip(sound * 10 ** ((_VOICE_LUFS - loudness) / 20), -1, 1).astype(np.float32)
    return gained
