"""Whisper on CTranslate2 through faster-whisper, with the encoder's window cut to the real length.

Whisper pads every utterance to 30 s, and nearly all of its cost on a CPU is that padding. CTranslate2's
encoder takes a shorter feature array; with one second of silence behind the speech the text is the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from parley.audio.pcm import Float32
from parley.models.executor import ModelExecutor
from parley.models.interfaces import MODEL_RATE_HZ, Caller, ModelSpec, Recognizer, RecognizerStream, Transcript
from parley.models.recognition import BufferedStream

_PAD_S = 1.0
_SHORTEST_S = 0.1
_NO_SPEECH = 0.6
_DOUBTFUL = -1.0  # mean log probability of the words
_TOKENS_PER_S = 12


class Whisper:
    """The model, one request at a time on `threads` threads."""

    languages: Sequence[str] = ("*",)

    def __init__(self, folder: Path, *, threads: int, device: str, compute_type: str) -> None:
        from faster_whisper import WhisperModel

        self._model = WhisperModel(str(folder), device=device, compute_type=compute_type, cpu_threads=threads)
        self._english_only = not self._model.model.is_multilingual
        self._executor = ModelExecutor("whisper")

    @property
    def idle(self) -> bool:
        """See `Recognizer.idle`."""
        return self._executor.idle

    def open(self, language: str | None = None) -> RecognizerStream:
        """Begin an utterance; `language` None detects it."""
        return BufferedStream(lambda samples, _, caller: self._transcribe(samples, language, caller))

    async def _transcribe(self, samples: Float32, language: str | None, caller: Caller) -> Transcript:
        if len(samples) < _SHORTEST_S * MODEL_RATE_HZ:
            return Transcript("", language or "")
        return await self._executor.run(lambda: self._run(samples, language), caller)

    def _run(self, samples: Float32, language: str | None) -> Transcript:
        from faster_whisper.tokenizer import Tokenizer

        model = self._model
        padded = np.concatenate([samples, np.zeros(int(_PAD_S * MODEL_RATE_HZ), np.float32)])
        features = model.feature_extractor(padded, padding=0)
        encoded = model.encode(features)
        code = "en" if self._english_only else language or self._detect(encoded)
        tokenizer = Tokenizer(
            model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=code
        )  # fmt: skip
        prompt = model.get_prompt(tokenizer, [], without_timestamps=True)
        seconds = len(samples) / MODEL_RATE_HZ
        result = model.model.generate(
            encoded,
            [prompt],
            beam_size=1,
            max_length=len(prompt) + 16 + int(seconds * _TOKENS_PER_S),
            no_repeat_ngram_size=0,
            repetition_penalty=1.0,
            return_no_speech_prob=True,
            return_scores=True,
            suppress_blank=True,
        )[0]
        if result.no_speech_prob > _NO_SPEECH and result.scores[0] < _DOUBTFUL:
            return Transcript("", code)
        return Transcript(without_repetition(tokenizer.decode(result.sequences_ids[0]).strip()), code)

    def _detect(self, encoded: object) -> str:
        token, _ = self._model.model.detect_language(encoded)[0][0]
        return str(token).strip("<|>")

    def close(self) -> None:
        """Stop the thread."""
        self._executor.close()


_STAMMER = re.compile(r"([^\W\d]{1,6}?)\1{4,}")
"""A syllable five times and more within a word."""


def without_repetition(text: str) -> str:
    """Undo the loops that a short window provokes: a sentence said twice in a row, a phrase again and again."""
    sentences = re.findall(r"[^.?!।]+[.?!।]*\s*", text)
    kept: list[str] = []
    for sentence in sentences:
        if not kept or _key(sentence) != _key(kept[-1]) or not _key(sentence):
            kept.append(sentence)
    if len(kept) > 1 and not re.search(r"[.?!।]\s*$", kept[-1]) and _key("".join(kept[:-1])).startswith(_key(kept[-1])):
        kept.pop()  # the beginning once more, broken off
    joined = _STAMMER.sub(r"\1", "".join(kept).strip())
    return re.sub(r"\b(\S+(?:\s+\S+){0,7}?)(?:[\s,]+\1\b){2,}", r"\1", joined, flags=re.IGNORECASE)


def _key(sentence: str) -> str:
    return re.sub(r"\W+", " ", sentence).strip().lower()


def load(spec: ModelSpec) -> Recognizer:
    """Adapter entry point; options: threads, device (cpu, cuda, auto), compute_type."""
    folder = next(iter(spec.files.values())).parent
    device = str(spec.options.get("device", "cpu"))
    return Whisper(
        folder,
        threads=int(spec.options.get("threads", 2)),
        device=device,
        compute_type=str(spec.options.get("compute_type", "int8" if device == "cpu" else "default")),
    )
