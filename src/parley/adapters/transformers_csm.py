"""CSM (Sesame): a language model of sound that goes on from how the conversation has sounded so far.

A frame of 80 ms at a time: a backbone draws the first code of Mimi, a smaller network the others. Text and sound of
what was said before stand in front of the text to say, as the model was taught. Every conversation begins with the same
sentence, which is said once when the model is loaded: so all of them have one voice. LoRA adapters beside the
checkpoint are further voices of the same network, each with its own saying of that sentence.
"""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import structlog
import torch
from pydantic import Field
from transformers import AutoTokenizer, CsmForConditionalGeneration

from parley.adapters.stepped_voice import Made, text_of, usual_first
from parley.adapters.torch_device import give_back
from parley.adapters.transformers_checkpoint import Checkpoint, CheckpointOptions
from parley.adapters.transformers_lora import LoraVoices, size_bytes
from parley.audio.pcm import Float32
from parley.models.interfaces import ModelSpec, SpeakingStyle

log = structlog.get_logger("model")

_LONGEST_CHARS = 200
_FIRST_FRAMES, _MOST_FRAMES = 3, 24
"""Of the first piece, which is to be heard soon, and of the longest, which costs less for each frame."""
_FRAMES_OF_A_LETTER, _FRAMES_AT_LEAST = 3, 25
"""Whoever speaks for longer has lost the thread: about four times the usual time."""
_CONVERSATIONS = 64
"""So many are remembered; the one that was silent for longest is forgotten."""
_NO_SOUND: Float32 = np.empty(0, np.float32)
_BEGINNING = "The quick brown fox jumps over the lazy dog."
"""What every conversation begins with."""
_SAMPLE_TEXT = "How are you today?"
_MORE_VOICES = "Further ones are LoRA adapters beside the checkpoint, voices/NAME/"


class CsmOptions(CheckpointOptions):
    """Options of a CSM checkpoint."""

    seed: int | None = Field(None, description="Which voice it has: the sentence that all begin with is drawn with it.")
    speaker: int = Field(0, ge=0, le=9, description="The number that the model knows the speaker by.")
    context_s: float = Field(
        20.0, ge=0, le=60, description="Seconds of its own speech that a conversation goes on from."
    )
    temperature: float | None = Field(None, ge=0, description="How freely it draws; 0: always the likeliest.")


@dataclass(frozen=True, slots=True)
class _Said:
    """A sentence and how it sounded."""

    ids: torch.Tensor
    """Shape (1, tokens)."""
    codes: torch.Tensor
    """Shape (1, frames, codebooks)."""


class CsmNetwork:
    """See `VoiceNetwork`."""

    emotions: Collection[str] = ("neutral",)
    times_words = False
    fixed_speed = True
    sample_text = _SAMPLE_TEXT
    longest_chars = _LONGEST_CHARS

    def __init__(self, spec: ModelSpec, folder: Path) -> None:
        """Raises `ModelError`, `ImportError`, and whatever the library makes of wrong files."""
        options = CsmOptions.model_validate(dict(spec.options))
        checkpoint = Checkpoint(spec, folder, options, torch.bfloat16)
        config = checkpoint.config
        self._name = spec.id
        self._device = checkpoint.device
        self._speaker = options.speaker
        self._context_frames = round(options.context_s * config.codec_config.frame_rate)
        self._positions = int(config.max_position_embeddings)
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        beside = _cache_numbers(config) * checkpoint.dtype.itemsize + size_bytes(folder)
        self._model: Any = checkpoint.load(CsmForConditionalGeneration, beside)
        self._speakers: Any = LoraVoices(spec, folder, self._model)
        self._model.codec_model.float()  # sound in less is noisy
        self._draw_as(options.temperature, int(config.num_codebooks))
        self._end: int = config.codebook_eos_token_id
        self.rate_hz = int(config.codec_config.sampling_rate)
        self._codes = int(config.codec_config.codebook_size)
        self._frame_samples = round(self.rate_hz / config.codec_config.frame_rate)
        self.voices: Sequence[str] = usual_first(spec, self._speakers.names, options.voice, _MORE_VOICES)
        self.languages: Sequence[str] = (options.language or "en",)
        self._conversations: OrderedDict[tuple[str, str], deque[_Said]] = OrderedDict()
        self._beginnings = {voice: self._begin(voice, options.seed) for voice in self.voices}

    def _draw_as(self, temperature: float | None, books: int) -> None:
        """The backbone and the network of the other codes, the library draws for which, draw alike."""
        depth = self._model.depth_decoder.generation_config
        depth.min_new_tokens = depth.max_new_tokens = books - 1
        for drawing in (self._model.generation_config, depth):
            if temperature is not None:
                drawing.do_sample, drawing.temperature = temperature > 0, temperature or 1.0

    def _begin(self, voice: str, seed: int | None) -> _Said:
        """Say what every conversation of a voice begins with."""
        if seed is not None:
            torch.manual_seed(seed)
        ids = self._ids(_BEGINNING)
        read = self._embedded([], ids)
        return _Said(ids, torch.stack(list(self._frames(read, self._most(read, _BEGINNING), voice)), dim=1))

    def say(self, words: Sequence[re.Match[str]], style: SpeakingStyle, owner: str) -> Iterator[Made]:
        """See `VoiceNetwork.say`: a step for each frame; some frames at a time have sound. Speed is the model's own."""
        text = text_of(words)
        voice = style.voice if style.voice in self._beginnings else self.voices[0]
        ids = self._ids(text)
        read = self._embedded([self._beginnings[voice], *self._remembered(owner, voice)], ids)
        most = self._most(read, text)
        made: list[torch.Tensor] = []
        sounded, wanted = 0, _FIRST_FRAMES
        for frame in self._frames(read, most, voice):
            made.append(frame)
            ready = len(made) - sounded >= wanted
            yield Made(self._sound(made, sounded) if ready else _NO_SOUND)
            if ready:
                sounded, wanted = len(made), min(2 * wanted, _MOST_FRAMES)
        if len(made) > sounded:
            yield Made(self._sound(made, sounded))
        if len(made) == most:
            log.warning("a sentence found no end", model=self._name, frames=most)
        elif owner:
            self._remember(owner, voice, _Said(ids, torch.stack(made, dim=1)))

    def _ids(self, text: str) -> torch.Tensor:
        """Text as the model was taught to read it, shape (1, tokens)."""
        marks = self._tokenizer
        said = f"{marks.bos_token}[{self._speaker}]{text}{marks.eos_token}"
        ids: torch.Tensor = marks(said, add_special_tokens=False, return_tensors="pt").input_ids
        return ids.to(self._device)

    def _embedded(self, before: Sequence[_Said], ids: torch.Tensor) -> torch.Tensor:
        """What the backbone reads: each text with its sound and an end behind, then the text to say."""
        parts = []
        for said in before:
            end = torch.full_like(said.codes[:, :1], self._end)
            parts += [self._model.embed_text_tokens(said.ids)]
            parts += [self._model.backbone_model.embed_tokens(torch.cat([said.codes, end], dim=1))]
        return torch.cat([*parts, self._model.embed_text_tokens(ids)], dim=1)

    def _most(self, read: torch.Tensor, text: str) -> int:
        """Frames that a text may take behind what the backbone has read."""
        return min(len(text) * _FRAMES_OF_A_LETTER + _FRAMES_AT_LEAST, self._positions - int(read.shape[1]))

    def _frames(self, embedded: torch.Tensor, most: int, voice: str) -> Iterator[torch.Tensor]:
        """The codes of frame after frame, shape (1, codebooks) each, up to the model's end or `most`; one at least."""
        cache = None
        for index in range(most):
            self._speakers.speak_as(voice)  # another sentence may have had a frame meanwhile
            read = self._model.backbone_model(inputs_embeds=embedded, cache=cache, use_cache=True)
            cache, last = read.cache, read.last_hidden_state[:, -1]
            likely = self._model.lm_head(last)
            if index == 0:
                likely[:, self._end] = -torch.inf  # nothing at all is no way to say a text
            first = self._drawn(likely)
            codes = self._model.depth_decoder.generate(
                input_ids=torch.nn.functional.pad(first, (1, 0)), backbone_last_hidden_state=last.clone()
            )[:, 1:]
            if bool((codes[:, :-1] == self._end).all()):
                return
            yield codes
            embedded = self._model.backbone_model.embed_tokens(codes[:, None])

    def _drawn(self, logits: torch.Tensor) -> torch.Tensor:
        """A code, shape (1, 1), drawn as the checkpoint says."""
        says = self._model.generation_config
        if not says.do_sample:
            return logits.argmax(dim=-1, keepdim=True)
        scores = logits.float() / (says.temperature or 1.0)
        if says.top_k:
            least = scores.topk(min(says.top_k, scores.shape[-1])).values[:, -1:]
            scores = scores.masked_fill(scores < least, -torch.inf)
        return torch.multinomial(scores.softmax(dim=-1), 1)

    def _sound(self, made: Sequence[torch.Tensor], sounded: int) -> Float32:
        """Sound of the frames from `sounded` on. Mimi hears the past alone, but needs all of it to leave no seam.

        The model can draw marks that are no codes of Mimi's, which a GPU would not survive: they become its last code.
        """
        codes = torch.stack(list(made), dim=2).clamp(max=self._codes - 1)
        sound = self._model.codec_model.decode(codes).audio_values[0, 0]
        new: Float32 = sound[sounded * self._frame_samples : len(made) * self._frame_samples].float().cpu().numpy()
        return new

    def _remembered(self, owner: str, voice: str) -> Sequence[_Said]:
        """The last sentences of a voice in a conversation."""
        if (owner, voice) in self._conversations:
            self._conversations.move_to_end((owner, voice))
        return tuple(self._conversations.get((owner, voice), ()))

    def _remember(self, owner: str, voice: str, said: _Said) -> None:
        """Sentences that were said to their end, as many as fit into the context."""
        kept = self._conversations.setdefault((owner, voice), deque())
        kept.append(said)
        while kept and sum(one.codes.shape[1] for one in kept) > self._context_frames:
            kept.popleft()
        while len(self._conversations) > _CONVERSATIONS:
            self._conversations.popitem(last=False)

    def close(self) -> None:
        """See `VoiceNetwork.close`."""
        self._model = self._speakers = None
        self._conversations.clear()
        self._beginnings.clear()
        give_back(self._device)


def _cache_numbers(config: Any) -> int:
    """Numbers that the backbone remembers of a text that is being said, at its longest."""
    return int(
        2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim * config.max_position_embeddings
    )
