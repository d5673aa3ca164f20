"""Mimi and the language model of Moshi, stepped for all slots at once (the `moshi` package: code MIT, Kyutai).

A frame of 80 ms is encoded by Mimi, answered by the language model and decoded by Mimi. The package's streaming
modules keep a memory for each slot. Two of its means keep slots apart: an execution mask, which says whose memory goes
forward, and a reset mask, which says whose is emptied.
"""

from __future__ import annotations

import codecs
import gc
import re
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from statistics import median

import numpy as np
import structlog
import torch
from moshi.models import LMGen
from moshi.utils.compile import no_compile

from parley.adapters import moshi_checkpoint as checkpoint
from parley.adapters.moshi_options import MoshiOptions
from parley.adapters.moshi_prompt import Prompt
from parley.adapters.moshi_voices import MoshiVoices
from parley.adapters.slot_batch import Mask
from parley.adapters.torch_device import device_named, dtype_named, free_bytes
from parley.audio.pcm import Float32, Int16
from parley.errors import ModelError
from parley.models.interfaces import DuplexOpening, ModelSpec
from parley.models.store import sha256_of

log = structlog.get_logger("model")

_WARM_UP_STEPS = 3
_MEASURED_STEPS = 5
_MARGIN = 1.1
_TIGHT = 0.75
_VOICE = re.compile(r"[\w-]{1,64}")


class MoshiNetwork:
    """See `SlotNetwork`. Everything, its making too, happens in one thread: CUDA graphs are recorded and played there.

    What is sampled is drawn for all slots at once, so `seed` repeats a run only as a whole; with both temperatures at 0
    nothing is drawn, and what a slot says depends on its own frames alone.
    """

    def __init__(self, spec: ModelSpec, options: MoshiOptions) -> None:
        """Raises `ModelError`: a file is missing or wrong, the memory or the speed does not suffice."""
        self.slots, self.late_s = options.slots, options.late_s
        self._device = device_named(spec.id, options.device)
        if options.threads is not None:
            torch.set_num_threads(options.threads)
        with self._inferring():
            self._load(spec, options)
            self._begin(spec, options)

    @contextmanager
    def _inferring(self) -> Iterator[None]:
        """Without gradients; on CPUs without `torch.compile`, which wants a compiler of C++ and minutes."""
        with torch.no_grad():
            if self._device.type == "cuda":
                yield
            else:
                with no_compile():
                    yield

    def _load(self, spec: ModelSpec, options: MoshiOptions) -> None:
        dtype = dtype_named(options.dtype, self._device)
        lora = _file(spec, "lora", options.lora) if options.lora else None
        voices = {name: _file(spec, f"voices: {name}", path) for name, path in options.voices.items()}
        if wrong := [name for name in voices if not _VOICE.fullmatch(name)]:
            raise ModelError(f"{spec.id}: option 'voices': '{wrong[0]}' is no name: letters, digits, _ and - make one")
        info = checkpoint.find(spec, lora)
        said = checkpoint.overrides(info, options.context, options.lora_scaling)
        outline = checkpoint.outline(info, dtype, said)
        if not outline.dep_q:
            raise ModelError(f"{spec.id} speaks no sound (dep_q is 0): it is no model for conversations")
        beside = info.mimi_weights.stat().st_size + sum(path.stat().st_size for path in voices.values())
        self._check_memory(spec, outline, beside)
        self._mimi = info.get_mimi(device=self._device)
        self._tokenizer = info.get_text_tokenizer()
        model = checkpoint.language_model(info, outline, self._device, dtype, said)
        self.voices: Sequence[str] = tuple(voices)
        self._voices: MoshiVoices | None = None
        if voices:
            scaling = checkpoint.scaling_of(info, options.lora_scaling)
            self._voices = MoshiVoices(
                model, lambda: checkpoint.outline(info, torch.float32, said), voices, scaling, self.slots
            )
        drawing = dict(info.lm_gen_config)
        if drawing.get("cfg_coef", 1) != 1:
            raise ModelError(f"{spec.id}: config.json: 'cfg_coef' is not 1: guidance is not supported")
        if options.temperature is not None:
            drawing["temp"] = options.temperature
        if options.text_temperature is not None:
            drawing["temp_text"] = options.text_temperature
        self._generator = LMGen(model, support_out_of_sync=True, **drawing)
        self._silent_words = {model.text_padding_token_id, model.end_of_text_padding_id}
        self.rate_hz = int(self._mimi.sample_rate)
        self.frame_samples = int(self._mimi.frame_size)

    def _begin(self, spec: ModelSpec, options: MoshiOptions) -> None:
        self._mimi.streaming_forever(self.slots)
        self._generator.streaming_forever(self.slots)
        self._fresh = np.ones(self.slots, np.bool_)
        """Slots that have not had a frame yet."""
        self._prompt: Prompt | None = None
        self._reads = options.told > 0
        self._to_read: list[deque[int]] = [deque() for _ in range(self.slots)]
        """Words that each slot is told by a whisper."""
        self._given: list[deque[bool]] = [deque(maxlen=self._generator.max_delay + 1) for _ in range(self.slots)]
        """Whether its last words were such."""
        self._decoders = [codecs.getincrementaldecoder("utf-8")("replace") for _ in range(self.slots)]
        everyone = np.ones(self.slots, np.bool_)
        silence = np.zeros((self.slots, self.frame_samples), np.float32)
        took = []
        for _ in range(_WARM_UP_STEPS + _MEASURED_STEPS):
            began = time.perf_counter()
            self.step(silence, everyone)
            took.append(time.perf_counter() - began)
        self._check_speed(spec, options, median(took[_WARM_UP_STEPS:]))
        voice = _voice(spec, options) if options.voice_prompt else None
        self.reset(everyone)
        self._prompt = Prompt(
            spec.id, self._mimi, self._generator, self._tokenizer, options.role, voice, slots=self.slots,
            most=options.told, alone=self._alone,
        )  # fmt: skip
        self.reset(everyone)
        if options.seed is not None:
            torch.manual_seed(options.seed)

    def _check_memory(self, spec: ModelSpec, outline: object, beside: int) -> None:
        """Before anything big is loaded, of which the codec and voices take `beside`; raises `ModelError`."""
        weights, memory = checkpoint.sizes(outline, self.slots)
        needed = round((weights + memory + beside) * _MARGIN)
        free = free_bytes(self._device)
        log.info("memory asked", model=spec.id, needed_mb=needed >> 20, free_mb=free >> 20, device=str(self._device))
        if needed > free:
            raise ModelError(
                f"{spec.id} needs {needed / 1e9:.2f} GB of memory on {self._device} "
                f"({weights / 1e9:.2f} GB of weights, {memory / 1e9:.2f} GB for {self.slots} slots) "
                f"and {free / 1e9:.2f} GB are free; fewer 'slots' or a shorter 'context' take less"
            )

    def _check_speed(self, spec: ModelSpec, options: MoshiOptions, step_s: float) -> None:
        """Whether it keeps up with speech; raises `ModelError` where it does not."""
        frame_s = self.frame_samples / self.rate_hz
        figures = f"a step of {self.slots} slots takes {step_s * 1e3:.1f} ms on {self._device}"
        log.info("step measured", model=spec.id, slots=self.slots, ms=round(step_s * 1e3, 1), device=str(self._device))
        if step_s > frame_s and not options.allow_slow:
            raise ModelError(
                f"{spec.id} cannot keep up with speech: {figures}, a frame lasts {frame_s * 1e3:.0f} ms; take a GPU, "
                "fewer 'slots', or set 'allow_slow' to have it skip frames"
            )
        if step_s > frame_s * _TIGHT:
            log.warning("hardly or not as fast as speech", model=spec.id, figures=figures, frame_ms=frame_s * 1e3)

    def reset(self, which: Mask) -> None:
        """See `SlotNetwork.reset`. A conversation with a role or a voice begins behind that."""
        with self._inferring():
            mask = self._tensor(which)
            self._mimi.reset_streaming(mask)
            self._generator.reset_streaming(mask)
            if self._prompt is not None:
                self._prompt.enter(np.flatnonzero(which).tolist())
        self._fresh |= which
        for index in np.flatnonzero(which).tolist():
            self._choose(index, "")
            self._decoders[index].reset()
            self._to_read[index].clear()
            self._given[index].clear()

    def lead(self, slot: int, opening: DuplexOpening) -> None:
        """See `SlotNetwork.lead`."""
        self._choose(slot, opening.voice)
        if self._prompt is not None and (self._reads or opening.voice):
            opening = opening if self._reads else DuplexOpening(voice=opening.voice)
            with self._inferring():
                self._prompt.lead(slot, opening)

    def _choose(self, slot: int, voice: str) -> None:
        if self._voices is not None:
            with self._inferring():
                self._voices.choose(slot, voice)

    def _alone(self, slot: int) -> AbstractContextManager[None]:
        return self._voices.alone(slot) if self._voices is not None else nullcontext()

    def whisper(self, slot: int, text: str) -> None:
        """See `SlotNetwork.whisper`: its next words are these, and its sound is silence."""
        if self._prompt is not None and self._reads:
            self._to_read[slot].extend(self._prompt.words_of(text))

    def step(self, frames: Float32, ready: Mask) -> tuple[Int16, Sequence[str]]:
        """See `SlotNetwork.step`. The first frames of a conversation are silent: the codes of one moment are spread."""
        with self._inferring():
            mask = self._tensor(ready)
            self._mimi.set_exec_mask(mask)
            self._generator.set_exec_mask(mask)
            codes = self._mimi.encode(torch.from_numpy(frames).to(self._device)[:, None])
            if (first := self._fresh & ready).any():
                # The package's own server does so: what it takes first lies before the conversation, and the
                # codec's padding belongs before the frame that follows.
                self._mimi.reset_streaming(self._tensor(first))
                self._fresh &= ~ready
            self._give_words(ready)
            tokens = self._generator.step(codes)
            spoken = (tokens[:, 1:, 0] >= 0).all(dim=1)
            self._mimi.set_exec_mask(spoken)
            sound = self._mimi.decode(tokens[:, 1:].clamp(min=0))[:, 0]
            sound = torch.where(spoken[:, None], sound, torch.zeros_like(sound))
            samples = (sound.clamp(-1, 1) * 32767).round().to(torch.int16).cpu().numpy()
            words = tokens[:, 0, 0].tolist()
        return samples, [
            self._word(i, word) if ready[i] and not self._is_given(i) else "" for i, word in enumerate(words)
        ]

    def _give_words(self, ready: Mask) -> None:
        """Let slots that have something to read think the next word of it, in silence."""
        reading = [bool(ready[i] and self._to_read[i]) for i in range(self.slots)]
        for index in np.flatnonzero(ready):
            self._given[index].append(reading[index])
        model = self._generator.lm_model
        delays = model.delays[1 : model.dep_q + 1]  # a code belongs to a word that was thought so much earlier
        still = np.array([[len(given) > d and given[-1 - d] for d in delays] for given in self._given])
        if self._prompt is None or not (any(reading) or still.any()):
            self._generator.on_text_hook = self._generator.on_audio_hook = None
            return
        words = torch.tensor([self._to_read[i].popleft() if reads else 0 for i, reads in enumerate(reading)])
        words, read = words.to(self._device), self._tensor(np.array(reading))
        silent, silenced = self._prompt.silent[: model.dep_q], self._tensor(still)
        self._generator.on_text_hook = lambda drawn: drawn.copy_(torch.where(read, words, drawn))
        self._generator.on_audio_hook = lambda drawn: drawn.copy_(torch.where(silenced, silent, drawn))

    def _is_given(self, index: int) -> bool:
        """Whether the word that comes out now was read; words come out as late as the latest of their codes."""
        given = self._given[index]
        return len(given) == given.maxlen and given[0]

    def _word(self, index: int, token: int) -> str:
        """The text of a token of the inner monologue; letters of some scripts come byte by byte."""
        if token < 0 or token in self._silent_words or token >= self._tokenizer.get_piece_size():
            return ""
        if self._tokenizer.is_control(token):
            return ""
        piece = str(self._tokenizer.id_to_piece(token))
        if self._tokenizer.is_byte(token):
            return self._decoders[index].decode(bytes([int(piece[1:-1], 16)]))
        return self._decoders[index].decode(b"", final=True) + piece.replace("\u2581", " ")

    def _tensor(self, mask: Mask) -> torch.Tensor:
        return torch.from_numpy(mask.copy()).to(self._device)

    def close(self) -> None:
        """See `SlotNetwork.close`."""
        del self._generator, self._mimi, self._prompt, self._voices
        gc.collect()  # states and graphs know each other
        if self._device.type == "cuda":
            torch.cuda.empty_cache()


def _voice(spec: ModelSpec, options: MoshiOptions) -> Path:
    """The recording to speak like; its speaker must have agreed to that, as with a voice pack."""
    path = _file(spec, "voice_prompt", options.voice_prompt)
    if options.consent is None:
        raise ModelError(
            f"{spec.id}: option 'consent': {path.name} is a voice to clone and there is no consent of its speaker; "
            "say speaker, statement, given (a date) and recording (the sha256 of the file)"
        )
    if options.consent.recording != sha256_of(path):
        raise ModelError(
            f"{spec.id}: option 'consent': {options.consent.speaker} agreed to another recording than {path.name}"
        )
    return path


def _file(spec: ModelSpec, option: str, name: str) -> Path:
    path = Path(spec.files.get(name, name)).expanduser()
    if not path.is_file():
        raise ModelError(f"{spec.id}: option '{option}': {path} does not exist")
    return path
