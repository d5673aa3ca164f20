"""Moonshine speech recognition (https://github.com/moonshine-ai/moonshine, MIT) on ONNX Runtime.

The decoder is given what an earlier pass over the beginning of the same utterance understood, and checks it in
one step (speculative decoding, Leviathan et al. 2023, with the recogniser's own past as the draft): only words
from the first disagreement on are decoded one by one. The result is what decoding from nothing would give.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from parley.adapters.onnx import session
from parley.audio.pcm import Float32
from parley.models.executor import ModelExecutor
from parley.models.interfaces import MODEL_RATE_HZ, Caller, ModelSpec, Recognizer, RecognizerStream, Transcript
from parley.models.recognition import BufferedStream

_SHORTEST_S = 0.1
_PAD_S = 0.1
_START, _END, _FIRST_WRITTEN = 1, 2, 3
_TOKENS_PER_S = 6.5  # the model loops on noise; nobody speaks faster than this
_TOKENS_AT_LEAST = 6
_DOUBTED = 2  # last tokens of a draft that are decoded anew: its audio ended in the middle of them


class Moonshine:
    """The model, one utterance at a time; cost grows with the length of the utterance."""

    languages: Sequence[str] = ("en",)

    def __init__(self, encoder: Path, decoder: Path, tokenizer: Path, *, threads: int = 2) -> None:
        self._encoder = session(str(encoder), threads=threads)
        self._decoder = session(str(decoder), threads=threads)
        self._tokens = _read_tokens(tokenizer.read_bytes())
        inputs = self._decoder.get_inputs()
        self._past = [i for i in inputs if i.name.startswith("past_key_values.")]
        if not self._past or len(self._decoder.get_outputs()) != len(self._past) + 1:
            raise ValueError(f"{decoder.name} is not a merged Moonshine decoder (past_key_values missing)")
        self._grown = [
            o.name for o in self._decoder.get_outputs() if o.name.startswith("present") and ".decoder." in o.name
        ]
        self._executor = ModelExecutor("moonshine")
        self._run(np.zeros(MODEL_RATE_HZ, np.float32), ())

    @property
    def idle(self) -> bool:
        """See `Recognizer.idle`."""
        return self._executor.idle

    def open(self, language: str | None = None) -> RecognizerStream:
        """Begin an utterance; English only."""
        return BufferedStream(self._transcribe)

    async def _transcribe(self, samples: Float32, earlier: Transcript, caller: Caller) -> Transcript:
        if len(samples) < _SHORTEST_S * MODEL_RATE_HZ:
            return Transcript("", "en")
        tokens = await self._executor.run(lambda: self._run(samples, earlier.tokens[:-_DOUBTED]), caller)
        return Transcript(self._text(tokens), "en", tokens=tokens)

    def _run(self, samples: Float32, draft: tuple[int, ...]) -> tuple[int, ...]:
        audio = np.concatenate([samples, np.zeros(int(_PAD_S * MODEL_RATE_HZ), np.float32)])[None]
        mask = np.ones(audio.shape, np.int64)  # of the samples, for the decoder too: its graph thins it out itself
        (hidden,) = self._encoder.run(None, {"input_values": audio, "attention_mask": mask})
        fixed = {"encoder_hidden_states": hidden, "encoder_attention_mask": mask}
        most = _TOKENS_AT_LEAST + int(len(samples) / MODEL_RATE_HZ * _TOKENS_PER_S)
        tokens, past = self._check(draft[:most], fixed)
        while tokens[-1] != _END and len(tokens) < most:
            logits, *grown = self._decoder.run(
                ["logits", *self._grown],
                {**fixed, **past, "input_ids": np.array([tokens[-1:]], np.int64), "use_cache_branch": _YES},
            )
            tokens.append(int(logits[0, -1].argmax()))
            past.update((_past_name(n), v) for n, v in zip(self._grown, grown, strict=True))
        return tuple(t for t in tokens if t != _END)

    def _check(self, draft: tuple[int, ...], fixed: dict[str, Any]) -> tuple[list[int], dict[str, Any]]:
        """One step over the whole draft: the tokens that the model agrees with, and the one that it says next.

        The weights are int8 and activations are scaled over the whole step, so that wrong tokens would blur right
        ones: a draft that is wrong somewhere is cut there and checked again.
        """
        empty = {i.name: np.zeros((1, i.shape[1], 0, i.shape[3]), np.float32) for i in self._past}
        ids = np.array([[_START, *draft]], np.int64)
        logits, *present = self._decoder.run(None, {**fixed, **empty, "input_ids": ids, "use_cache_branch": _NO})
        said = logits[0].argmax(axis=-1)
        agreed = 0
        while agreed < len(draft) and draft[agreed] == said[agreed]:
            agreed += 1
        if agreed < len(draft):
            return self._check(draft[:agreed], fixed)
        past = {i.name: value for i, value in zip(self._past, present, strict=True)}
        return [*draft, int(said[agreed])], past

    def _text(self, tokens: tuple[int, ...]) -> str:
        written = b"".join(self._tokens[t] for t in tokens if t >= _FIRST_WRITTEN)
        return written.decode("utf-8", "replace").replace("▁", " ").strip()

    def close(self) -> None:
        """Stop the thread."""
        self._executor.close()


_YES, _NO = np.array([True]), np.array([False])


def _past_name(present: str) -> str:
    return present.replace("present.", "past_key_values.")


def _read_tokens(data: bytes) -> list[bytes]:
    """Moonshine's vocabulary file: each token is its length (one byte, or two from 128 on) and its UTF-8 bytes."""
    tokens: list[bytes] = []
    at = 0
    while at < len(data):
        length = data[at]
        at += 1
        if length >= 128:
            if at == len(data):
                raise ValueError("the vocabulary file is cut off")
            length += (data[at] - 1) * 128
            at += 1
        tokens.append(data[at : at + length])
        at += length
    if at != len(data) or len(tokens) <= _FIRST_WRITTEN:
        raise ValueError("the vocabulary file is cut off")
    return tokens


def load(spec: ModelSpec) -> Recognizer:
    """Adapter entry point. Options: threads."""
    files = {p.name: p for p in spec.files.values()}
    names = ("encoder_model.ort", "decoder_model_merged.ort", "tokenizer.bin")
    missing = [n for n in names if n not in files]
    if missing:
        raise ValueError(f"{spec.id} lacks {', '.join(missing)}")
    return Moonshine(*(files[n] for n in names), threads=int(spec.options.get("threads", 2)))
