"""Moonshine speech recognition (https://github.com/moonshine-ai/moonshine, MIT) on ONNX Runtime.

The decoder is given what an earlier pass over the beginning of the same utterance understood, and checks it in
one step (speculative decoding, Leviathan et al. 2023, with the recogniser's own past as the draft): only words
from the first disagreement on are decoded one by one. The result is what decoding from nothing would give.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from parley.adapters.moonshine_words import word_times
from parley.adapters.onnx import session
from parley.adapters.turn_head import Head, head_of, last_means
from parley.audio.pcm import Float32
from parley.models.executor import ModelExecutor
from parley.models.interfaces import (
    MODEL_RATE_HZ,
    UNGUIDED,
    Caller,
    Guidance,
    ModelSpec,
    Recognizer,
    RecognizerStream,
    TimedText,
    Transcript,
)
from parley.models.recognition import BufferedStream

_SHORTEST_S = 0.1
_PAD_S = 0.1
_START, _END, _FIRST_WRITTEN = 1, 2, 3
_TOKENS_PER_S = 6.5  # the model loops on noise; nobody speaks faster than this
_TOKENS_AT_LEAST = 6
_SAMPLES_PER_FRAME = 384
_VIEWS_AT_ONCE = 8
_OVER = 0.05
"""So likely an end behind a sentence is one: where the speaker went on it was 0.026 at most (40 clips), before a
sentence that nobody said ("Thank you.") 0.08 to 0.29 in 11 of 15 and 0.013 to 0.029 in the others."""
_LAST_FRAMES = (6, 16)
"""Of 24 ms, over which the encoder's output is averaged."""
_DOUBTED = 2  # last tokens of a draft that are decoded anew: its audio ended in the middle of them


class Moonshine:
    """The model, one utterance at a time; cost grows with the length of the utterance."""

    languages: Sequence[str] = ("en",)
    guided_by: Collection[str] = ("word_times",)

    def __init__(
        self, encoder: Path, decoder: Path, tokenizer: Path, *, head: Head | None = None, threads: int = 2
    ) -> None:
        """`head`: one that was fitted for these weights."""
        self._head = head
        self.tells_ends = head is not None
        self._encoder = session(str(encoder), threads=threads)
        self._decoder = session(str(decoder), threads=threads)
        self._tokens = _read_tokens(tokenizer.read_bytes())
        self._sentence_ends = frozenset(i for i, token in enumerate(self._tokens) if token.endswith((b".", b"?", b"!")))
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

    def open(self, language: str | None = None, guidance: Guidance = UNGUIDED) -> RecognizerStream:
        """Begin an utterance; English only."""
        if guidance.word_times:
            return BufferedStream(self._transcribe_timed)
        return BufferedStream(self._transcribe)

    async def _transcribe(self, samples: Float32, earlier: Transcript, caller: Caller) -> Transcript:
        if len(samples) < _SHORTEST_S * MODEL_RATE_HZ:
            return Transcript("", "en")
        tokens, finished = await self._executor.run(lambda: self._run(samples, earlier.tokens[:-_DOUBTED]), caller)
        return Transcript(self._text(tokens), "en", tokens=tokens, finished=finished)

    async def _transcribe_timed(self, samples: Float32, earlier: Transcript, caller: Caller) -> Transcript:
        """The same with the times of words, and how sure it is."""
        found = await self._transcribe(samples, earlier, caller)
        if not found.text:
            return found
        words, logprob = await self._executor.run(lambda: self._time(samples, found.tokens), caller)
        return replace(found, words=words, mean_logprob=logprob)

    def _time(self, samples: Float32, tokens: tuple[int, ...]) -> tuple[tuple[TimedText, ...], float]:
        """When each word was said, and the mean log probability of the tokens."""
        hidden, _ = self._encode(samples)
        written = np.array([t for t in tokens if t >= _FIRST_WRITTEN], np.int64)
        last = self._logprobs(hidden, written, [len(samples)])[0]

        def likely(views: Sequence[int]) -> Float32:
            rows = [self._logprobs(hidden, written, views[at : at + _VIEWS_AT_ONCE])
                    for at in range(0, len(views), _VIEWS_AT_ONCE)]  # fmt: skip
            return np.concatenate(rows)

        pieces = [self._tokens[t].decode("utf-8", "replace") for t in written]
        return word_times(pieces, likely, samples), float(last.mean())

    def _logprobs(self, hidden: Float32, written: Any, views: Sequence[int]) -> Float32:
        """Log probabilities of the tokens in view of the first samples of the sound, so many in each row."""
        rows, most = len(views), min(hidden.shape[1], max(views) // _SAMPLES_PER_FRAME + 2)
        mask = (np.arange(_samples_of(most))[None] < np.array(views)[:, None]).astype(np.int64)
        empty = {i.name: np.zeros((rows, i.shape[1], 0, i.shape[3]), np.float32) for i in self._past}
        ids = np.tile(np.concatenate([[_START], written])[None], (rows, 1))
        given = {
            "encoder_hidden_states": np.repeat(hidden[:, :most], rows, axis=0), "encoder_attention_mask": mask,
            "input_ids": ids, "use_cache_branch": _NO,
        }  # fmt: skip
        (logits,) = self._decoder.run(["logits"], {**given, **empty})
        scores = logits[:, : len(written)] - logits[:, : len(written)].max(axis=-1, keepdims=True)
        scores -= np.log(np.exp(scores).sum(axis=-1, keepdims=True))
        found: Float32 = np.take_along_axis(scores, written[None, :, None], axis=2)[:, :, 0]
        return found

    def _encode(self, samples: Float32) -> tuple[Float32, Any]:
        """What the encoder makes of the sound, and the mask of its samples, for the decoder too: that thins it out."""
        audio = np.concatenate([samples, np.zeros(int(_PAD_S * MODEL_RATE_HZ), np.float32)])[None]
        mask = np.ones(audio.shape, np.int64)
        (hidden,) = self._encoder.run(None, {"input_values": audio, "attention_mask": mask})
        return hidden, mask

    def look(self, samples: Float32) -> Float32:
        """What the head weighs (576 values): what the encoder makes of the last moments."""
        return last_means(self._encode(samples)[0][0], _LAST_FRAMES)

    def _run(self, samples: Float32, draft: tuple[int, ...]) -> tuple[tuple[int, ...], float | None]:
        """The tokens, and how finished the speaker sounds."""
        hidden, mask = self._encode(samples)
        fixed = {"encoder_hidden_states": hidden, "encoder_attention_mask": mask}
        most = _TOKENS_AT_LEAST + int(len(samples) / MODEL_RATE_HZ * _TOKENS_PER_S)
        tokens, past = self._check(draft[:most], fixed)
        while tokens[-1] != _END and len(tokens) < most:
            logits, *grown = self._decoder.run(
                ["logits", *self._grown],
                {**fixed, **past, "input_ids": np.array([tokens[-1:]], np.int64), "use_cache_branch": _YES},
            )
            tokens.append(self._likeliest(logits[0, -1], tokens[-1]))
            past.update((_past_name(n), v) for n, v in zip(self._grown, grown, strict=True))
        finished = None if self._head is None else self._head.probability(last_means(hidden[0], _LAST_FRAMES))
        return tuple(t for t in tokens if t != _END), finished

    def _check(self, draft: tuple[int, ...], fixed: dict[str, Any]) -> tuple[list[int], dict[str, Any]]:
        """One step over the whole draft: the tokens that the model agrees with, and the one that it says next.

        The weights are int8 and activations are scaled over the whole step, so that wrong tokens would blur right
        ones: a draft that is wrong somewhere is cut there and checked again.
        """
        empty = {i.name: np.zeros((1, i.shape[1], 0, i.shape[3]), np.float32) for i in self._past}
        ids = np.array([[_START, *draft]], np.int64)
        logits, *present = self._decoder.run(None, {**fixed, **empty, "input_ids": ids, "use_cache_branch": _NO})
        said = [self._likeliest(row, before) for row, before in zip(logits[0], ids[0], strict=True)]
        agreed = 0
        while agreed < len(draft) and draft[agreed] == said[agreed]:
            agreed += 1
        if agreed < len(draft):
            return self._check(draft[:agreed], fixed)
        past = {i.name: value for i, value in zip(self._past, present, strict=True)}
        return [*draft, said[agreed]], past

    def _likeliest(self, logits: Float32, before: int) -> int:
        """The next token. Behind a whole sentence the model likes to add another one that nobody said."""
        best = int(logits.argmax())
        if best != _END and before in self._sentence_ends:
            odds = np.exp(logits - logits[best])
            if odds[_END] > _OVER * odds.sum():
                return _END
        return best

    def _text(self, tokens: tuple[int, ...]) -> str:
        written = b"".join(self._tokens[t] for t in tokens if t >= _FIRST_WRITTEN)
        return written.decode("utf-8", "replace").replace("▁", " ").strip()

    def close(self) -> None:
        """Stop the thread."""
        self._executor.close()


_YES, _NO = np.array([True]), np.array([False])


def _samples_of(frames: int) -> int:
    """The fewest samples of which the encoder makes so many frames (kernels 127, 7, 3; strides 64, 3, 2)."""
    return 64 * (3 * (2 * (frames - 1) + 2) + 6) + 127


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
    threads = int(spec.options.get("threads", 2))
    return Moonshine(*(files[n] for n in names), head=head_of(spec.id), threads=threads)
