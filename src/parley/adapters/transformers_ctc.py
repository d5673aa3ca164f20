"""Recognisers of the library transformers that write letter by letter (CTC): Omnilingual ASR, MMS, Parakeet and others.

They tell when each word is said, also of a text that is known before. A checkpoint is a folder as the library's
`save_pretrained` writes it. Omnilingual ASR: Meta, 2025, arXiv 2511.09690, code and weights Apache-2.0.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import MODEL_FOR_CTC_MAPPING, AutoFeatureExtractor, AutoTokenizer

from parley.adapters.ctc import Scores, Span, aligned, likeliest
from parley.adapters.loading import missing
from parley.adapters.torch_device import give_back
from parley.adapters.transformers_checkpoint import Checkpoint, WeightOptions
from parley.audio.pcm import Float32
from parley.errors import ModelError
from parley.models.executor import ModelExecutor
from parley.models.interfaces import (
    MODEL_RATE_HZ,
    UNGUIDED,
    Alignment,
    Caller,
    Guidance,
    ModelSpec,
    RecognizerStream,
    TimedText,
    Transcript,
)
from parley.models.recognition import BufferedStream

_SHORTEST_S = 0.1
_BEGINS_WORD = "\u2581"
"""SentencePiece writes it where a word begins."""


class CtcRecognizer:
    """See `Recognizer` and `Aligner`."""

    guided_by: Collection[str] = ("word_times",)
    tells_ends = False

    def __init__(self, spec: ModelSpec, executor: ModelExecutor) -> None:
        """In the executor's thread. Raises `ModelError`, and whatever the library makes of wrong files and options."""
        options = WeightOptions.model_validate(dict(spec.options))
        self.languages: Sequence[str] = spec.languages
        self._executor = executor
        folder = _folder(spec)
        checkpoint = Checkpoint(spec, folder, options)
        self._extractor: Any = AutoFeatureExtractor.from_pretrained(folder, local_files_only=True)
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        config = checkpoint.config
        self._blank = int(config.blank_token_id if hasattr(config, "blank_token_id") else config.pad_token_id)
        self._between = getattr(self._tokenizer, "word_delimiter_token", None)
        self._device, self._dtype = checkpoint.device, checkpoint.dtype
        self._model: Any = checkpoint.load(_kind(spec, config))
        self._scores(np.zeros(MODEL_RATE_HZ, np.float32))  # the first run is the slowest

    @property
    def idle(self) -> bool:
        """See `Recognizer.idle`."""
        return self._executor.idle

    def open(self, language: str | None = None, guidance: Guidance = UNGUIDED) -> RecognizerStream:
        """Begin an utterance; these models write whatever language they hear."""
        return BufferedStream(lambda samples, _, caller: self._transcribe(samples, language or "", guidance, caller))

    async def _transcribe(self, samples: Float32, language: str, guidance: Guidance, caller: Caller) -> Transcript:
        if len(samples) < _SHORTEST_S * MODEL_RATE_HZ:
            return Transcript("", language)

        def run() -> Transcript:
            scores, frame_s = self._scores(samples)
            spans = likeliest(scores, self._blank)
            tokens = [span.token for span in spans]
            text = self._tokenizer.decode(tokens, group_tokens=False, skip_special_tokens=True).strip()
            words = tuple(_timed(self._words(spans), frame_s)) if guidance.word_times else ()
            sure = float(np.mean([span.score for span in spans])) if spans else 0.0
            return Transcript(text, language, tokens=tuple(tokens), words=words, mean_logprob=sure)

        return await self._executor.run(run, caller)

    async def align(self, samples: Float32, text: str, caller: Caller) -> Alignment | None:
        """See `Aligner.align`."""

        def run() -> Alignment | None:
            scores, frame_s = self._scores(samples)
            words = [(word, self._letters(word)) for word in text.split()]
            tokens: list[int] = []
            places: list[tuple[str, int, int]] = []
            for word, letters in words:
                if not letters:
                    continue
                if tokens and self._between is not None:
                    tokens.append(self._tokenizer.convert_tokens_to_ids(self._between))
                places.append((word, len(tokens), len(tokens) + len(letters)))
                tokens += letters
            spans = aligned(scores, tokens, self._blank)
            if spans is None:
                return None
            said = [(word, spans[begin:end]) for word, begin, end in places]
            sure = float(np.mean([span.score for span in spans])) if spans else -np.inf
            return Alignment(tuple(_timed(said, frame_s)), sure)

        return await self._executor.run(run, caller)

    def _scores(self, samples: Float32) -> tuple[Scores, float]:
        """Of each frame, and how long a frame is, seconds."""
        given = self._extractor(samples, sampling_rate=MODEL_RATE_HZ, return_tensors="pt")
        inputs = {
            name: part.to(self._device, self._dtype if part.is_floating_point() else None)
            for name, part in given.items()
        }
        with torch.inference_mode():
            logits = self._model(**inputs).logits[0].float()
        scores: Scores = torch.log_softmax(logits, dim=-1).cpu().numpy()
        return scores, len(samples) / MODEL_RATE_HZ / max(1, len(scores))

    def _letters(self, word: str) -> list[int]:
        """The tokens of a word, in the case that the model writes; those of its signs that it does not know are left
        out, and a word of nothing else has none."""
        unknown, fewest = self._tokenizer.unk_token_id, None
        for written in (word, word.lower(), word.upper()):
            tokens = self._tokenizer(written, add_special_tokens=False).input_ids
            known = [t for t in tokens if t not in (unknown, self._blank)]
            if fewest is None or len(tokens) - len(known) < fewest[0]:
                fewest = (len(tokens) - len(known), known)
        assert fewest is not None
        pieces = self._tokenizer.convert_ids_to_tokens(fewest[1])
        return fewest[1] if any(piece.strip(_BEGINS_WORD) for piece in pieces) else []

    def _words(self, spans: Iterable[Span]) -> list[tuple[str, list[Span]]]:
        """Words that are written, and their letters."""
        words: list[tuple[str, list[Span]]] = []
        begins = True
        for span in spans:
            (piece,) = self._tokenizer.convert_ids_to_tokens([span.token])
            if piece == self._between or not (letters := piece.strip(f"{_BEGINS_WORD} ")):
                begins = True
                continue
            if begins or piece.startswith(_BEGINS_WORD):
                words.append(("", []))
            text, said = words[-1]
            words[-1], begins = (text + letters, [*said, span]), False
        return words

    def close(self) -> None:
        """Stop the thread, and give the memory back."""
        self._executor.close()
        del self._model
        give_back(self._device)


def _timed(words: Iterable[tuple[str, Sequence[Span]]], frame_s: float) -> Iterable[TimedText]:
    for word, letters in words:
        yield TimedText(word, round(letters[0].begin * frame_s, 3), round(letters[-1].end * frame_s, 3))


def _kind(spec: ModelSpec, config: Any) -> Any:
    """The library's class for it; raises `ModelError`."""
    if type(config) not in MODEL_FOR_CTC_MAPPING:
        raise ModelError(
            f"{spec.id}: config.json: model_type '{config.model_type}' does not write letter by letter (CTC)"
        )
    return MODEL_FOR_CTC_MAPPING[type(config)]


def _folder(spec: ModelSpec) -> Path:
    """Where the checkpoint is; raises `ModelError` that names the file that is missing."""
    if "config.json" not in spec.files or not Path(spec.files["config.json"]).is_file():
        raise missing(spec, "config.json")
    return Path(spec.files["config.json"]).parent
