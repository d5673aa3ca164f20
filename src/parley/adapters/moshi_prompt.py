"""What Moshi's network is told before and between what it says: a role, a voice, what was said before.

Role and voice as PersonaPlex has learnt them (NVIDIA, arXiv 2602.06053): a conversation begins behind a stretch in
which the network's own words and sounds are given. First the voice (sound of a recording, no words), half a second of
silence, the role (its words, silent sound), half a second again. The user's side has a steady tone meanwhile. An
earlier conversation is read behind the role, in the same way.

Nothing of that has to be said: all of it is read in one go, in a memory of its own for one conversation, and that is
copied into the slot. (Read among the slots, it would overwrite what others remember longest, for the network writes
into all of them.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import structlog
import torch
from moshi.modules.transformer import RingKVCache, StreamingMultiheadAttention
from moshi.utils.compile import no_compile

from parley.audio.files import read_float
from parley.audio.loudness import integrated_lufs
from parley.audio.pcm import Float32
from parley.errors import ModelError
from parley.models.interfaces import DuplexOpening

log = structlog.get_logger("model")

_VOICE_LUFS = -24.0
_TONE_HZ, _TONE_LEVEL = 440.0, 0.5
_PAUSE_S = 0.5
_STEADY_FRAMES = 25
_NOT_OF_A_SLOT = ("exec_mask", "initial", "condition_sum", "condition_cross", "cfg_is_masked_until")
_BEFORE = "You have talked before:"
_LONGEST_WHISPER, _MOST_WHISPERED = 600, 160
"""Characters, and tokens, each of which is a frame in which it is silent."""

_Steps = list[tuple[int, torch.Tensor]]
"""What the network says and sounds like in each frame: a word and codes, shape (codebooks,)."""


class Prompt:
    """Tells the network things. Belongs to the thread of the network, and is used without gradients."""

    def __init__(
        self, name: str, mimi: Any, generator: Any, tokenizer: Any, role: str, voice: Path | None, *,
        slots: int, most: int, alone: Callable[[int], AbstractContextManager[None]] = lambda _: nullcontext(),
    ) -> None:  # fmt: skip
        """Read `role` and the recording `voice` while nobody converses; Mimi is left empty.

        `most`: words, in tokens, that a conversation may be told at its beginning; `alone`: lets the network work for
        a slot's conversation by itself. Raises `ModelError`, `AudioError`.
        """
        self._name = name
        self._mimi, self._generator = mimi, generator
        self._model = generator.lm_model
        self._tokenizer = tokenizer
        self._slots, self._most, self._alone = slots, most, alone
        self._role = role.strip()
        self._padding = self._model.text_padding_token_id
        self.silent = self._codes(self._steady(0.0))[-1]
        """Codes of silence, shape (codebooks,)."""
        self._tone = self._codes(self._steady(_TONE_LEVEL))[-1]
        self._voice = [] if voice is None else [(self._padding, codes) for codes in self._codes(_voice(voice, mimi))]
        steps = self._steps(self._words(self._role))
        if len(steps) >= self._model.context:
            raise ModelError(
                f"role and voice take {len(steps)} frames and the network remembers {self._model.context}; "
                "make them shorter"
            )
        self._kept = self._read(0, steps) if steps else None

    def enter(self, slots: Iterable[int]) -> None:
        """Let these slots, which must be empty, remember the role and the voice."""
        for slot in slots:
            if self._kept is not None:
                self._remember(slot, self._kept)

    def lead(self, slot: int, opening: DuplexOpening) -> None:
        """Let this slot, which must be empty, remember what it is told, and the voice.

        A role of the client's that is too long is cut, of what was said before the last lines are told.
        """
        beside = len(self._steps([self._padding])) - 1
        room = max(0, min(self._most, self._model.context // 2, self._model.context - 1 - beside))
        words = self._words(opening.role.strip() or self._role)
        if opening.role.strip() and len(words) > room:
            log.warning("the role is too long and cut", model=self._name, tokens=len(words), most=room)
            words = words[:room]
        words += self._words_so_far(opening.so_far, room - len(words))
        if steps := self._steps(words):
            self._remember(slot, self._read(slot, steps))

    def words_of(self, whisper: str) -> list[int]:
        """What it is to read, in tokens, of something that it is told meanwhile; of a long one the beginning."""
        return self._words(whisper.strip()[:_LONGEST_WHISPER])[:_MOST_WHISPERED]

    def _words_so_far(self, lines: Sequence[str], room: int) -> list[int]:
        told: list[int] = []
        for count in range(1, len(lines) + 1):
            longer = self._words(" ".join((_BEFORE, *lines[-count:])))
            if len(longer) > room:
                break
            told = longer
        return told

    def _words(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(f"<system> {text} <system>")) if text else []

    def _steps(self, words: Sequence[int]) -> _Steps:
        pause = [(self._padding, self.silent)] * round(_PAUSE_S * self._mimi.frame_rate)
        voice = [*self._voice, *pause] if self._voice else []
        told = [*((word, self.silent) for word in words), *pause] if words else []
        return [*voice, *told]

    def _read(self, slot: int, steps: _Steps) -> list[list[torch.Tensor]]:
        """What a slot remembers that has made these steps: the generator's memory, then the network's."""
        model, count = self._model, len(steps)
        given = self._given(steps)
        with self._alone(slot), self._memory_of_its_own(count) as states:
            model.forward_text(given[None, :, :count])
            network = [[part.clone() for part in _parts(state, 0, count)] for state in states()]
        state = self._generator.get_streaming_state()[""]
        places = state.cache.shape[2]
        recent = torch.full_like(state.cache[0], model.ungenerated_token_id)
        for position in range(max(0, count - places + 1), count + 1):
            recent[:, position % places] = given[:, position]
        kept = {"cache": recent, "offsets": torch.full_like(state.offsets[0], count)}
        return [[kept[name] for name, _ in _named(state)], *network]

    def _given(self, steps: _Steps) -> torch.Tensor:
        """What the network is given, step by step and once more, shape (streams, steps + 1).

        Words, its own codes and the user's, each as much later as the network has learnt it.
        """
        model = self._model
        own = torch.stack([codes[: model.dep_q] for _, codes in steps], dim=1)
        words = torch.tensor([[word for word, _ in steps]], device=own.device)
        user = self._tone[: model.num_codebooks - model.dep_q - 1, None].expand(-1, len(steps))
        given: torch.Tensor = model._get_initial_token()[0].repeat(1, len(steps) + 1)
        for stream, (codes, delay) in enumerate(zip(torch.cat([words, own, user]), model.delays, strict=True)):
            given[stream, 1 + delay :] = codes[: max(0, len(steps) - delay)]
        return given

    @contextmanager
    def _memory_of_its_own(self, frames: int) -> Iterator[Any]:
        """The network with a memory for one conversation of that length; what the slots remember comes back behind it.

        Gives a function that returns the states of that memory.
        """
        model = self._model
        slots = model.get_streaming_state()
        attentions = [m for m in model.transformer.modules() if isinstance(m, StreamingMultiheadAttention)]
        contexts = [attention.context for attention in attentions]
        model.set_streaming_state(dict.fromkeys(slots))
        try:
            for attention in attentions:  # else it would be as long as a whole slot's
                attention.context = frames
            with no_compile(), model.streaming(1):  # a length that was not had before would be compiled anew
                yield lambda: model.get_streaming_state().values()
        finally:
            for attention, context in zip(attentions, contexts, strict=True):
                attention.context = context
            model.set_streaming_state(slots)

    def _remember(self, slot: int, kept: Sequence[Sequence[torch.Tensor]]) -> None:
        states = [*self._generator.get_streaming_state().values(), *self._model.get_streaming_state().values()]
        for state, parts in zip(states, kept, strict=True):
            length = next((part.shape[2] for part in parts if part.ndim == _CACHED), 0)
            for part, was in zip(_parts(state, slot, length), parts, strict=True):
                part.copy_(was)

    def _codes(self, sound: Float32) -> torch.Tensor:
        """Codes of sound, shape (frames, codebooks); leaves Mimi empty."""
        size = self._mimi.frame_size
        frames = np.pad(sound, (0, -len(sound) % size)).reshape(-1, size)
        device = self._model.device
        self._mimi.set_exec_mask(torch.arange(self._slots, device=device) == 0)
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


_CACHED = 4  # dimensions of what one slot keeps of keys and values: (2, heads, frames, size)


def _named(state: Any) -> list[tuple[str, Any]]:
    """What of a state is kept for each slot."""
    return [
        (name, value)
        for name, value in vars(state).items()
        if isinstance(value, (RingKVCache, torch.Tensor)) and name not in _NOT_OF_A_SLOT
    ]


def _parts(state: Any, slot: int, length: int) -> list[torch.Tensor]:
    """What of a state belongs to a slot that has made `length` steps."""
    parts: list[torch.Tensor] = []
    for _, value in _named(state):
        if isinstance(value, RingKVCache):
            parts += [value.cache[:, slot, :, :length], value.end_offset[slot]]
        else:
            parts.append(value[slot])
    return parts


def _voice(path: Path, mimi: Any) -> Float32:
    sound = read_float(path, int(mimi.sample_rate))
    loudness = integrated_lufs(sound, int(mimi.sample_rate))
    if not np.isfinite(loudness):
        raise ModelError(f"{path}: there is no voice in this recording")
    gained: Float32 = np.clip(sound * 10 ** ((_VOICE_LUFS - loudness) / 20), -1, 1).astype(np.float32)
    return gained
