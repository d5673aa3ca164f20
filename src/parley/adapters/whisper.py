"""Whisper on CTranslate2 through faster-whisper, with the encoder's window cut to the real length.

Whisper pads every utterance to 30 s, and nearly all of its cost on a CPU is that padding. CTranslate2's
encoder takes a shorter feature array; with one second of silence behind the speech the text is the same.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from parley.adapters.whisper_loops import joined, repeats, without_loops
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
from parley.models.recognition import BufferedStream, voiced_span_s

_PAD_S = 1.0
_SHORTEST_S = 0.1
_NO_SPEECH = 0.6
_DOUBTFUL = -1.0  # mean log probability of the words
_TOKENS_PER_S = 12
_WHOLE_UP_TO_S = 15.0  # what is longer does not loop for want of sound


class Whisper:
    """The model, one request at a time on `threads` threads."""

    guided_by: Collection[str] = ("prompt", "languages", "temperature", "word_times")
    tells_ends = False

    def __init__(self, folder: Path, *, threads: int, device: str, compute_type: str) -> None:
        from faster_whisper import WhisperModel

        self._model = WhisperModel(str(folder), device=device, compute_type=compute_type, cpu_threads=threads)
        self._english_only = not self._model.model.is_multilingual
        self.languages: Sequence[str] = (
            ("en",) if self._english_only else tuple(sorted(self._model.supported_languages))
        )
        if not self._english_only:
            self.guided_by = (*self.guided_by, "translate")
        self._executor = ModelExecutor("whisper")

    @property
    def idle(self) -> bool:
        """See `Recognizer.idle`."""
        return self._executor.idle

    def open(self, language: str | None = None, guidance: Guidance = UNGUIDED) -> RecognizerStream:
        """Begin an utterance; `language` None detects it."""
        return BufferedStream(lambda samples, _, caller: self._transcribe(samples, language, guidance, caller))

    async def _transcribe(
        self, samples: Float32, language: str | None, guidance: Guidance, caller: Caller
    ) -> Transcript:
        if len(samples) < _SHORTEST_S * MODEL_RATE_HZ:
            return Transcript("", language or "")
        return await self._executor.run(lambda: self._run(samples, language, guidance), caller)

    def _run(self, samples: Float32, language: str | None, guidance: Guidance, *, whole: bool = False) -> Transcript:
        """`whole`: in the window of 30 s that the model was made for."""
        from faster_whisper.tokenizer import Tokenizer

        model = self._model
        encoded, frames = self._encoded(samples, whole=whole)
        code = "en" if self._english_only else language or self._detect(encoded, guidance.languages)
        task = "translate" if guidance.translate else "transcribe"
        tokenizer = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task=task, language=code)
        before = tokenizer.encode(f" {guidance.prompt.strip()}") if guidance.prompt else []
        prompt = model.get_prompt(tokenizer, before, without_timestamps=True)
        most = len(prompt) + 16 + int(len(samples) / MODEL_RATE_HZ * _TOKENS_PER_S)
        sampled = {"sampling_topk": 0, "sampling_temperature": guidance.temperature} if guidance.temperature else {}
        result = model.model.generate(
            encoded,
            [prompt],
            beam_size=1,
            max_length=min(model.max_length, most),
            no_repeat_ngram_size=0,
            repetition_penalty=1.0,
            return_no_speech_prob=True,
            return_scores=True,
            suppress_blank=True,
            **sampled,
        )[0]
        if result.no_speech_prob > _NO_SPEECH and result.scores[0] < _DOUBTFUL:
            return Transcript("", code)
        tokens = [token for token in result.sequences_ids[0] if token < tokenizer.eot]
        written, _ = tokenizer.split_to_word_tokens(tokens)
        text, words = tokenizer.decode(tokens).strip(), list[TimedText]()
        if guidance.word_times or (repeats(written) and not whole):
            words = self._aligned(tokenizer, tokens, encoded, frames)
        if repeats(written) and not whole:
            words, sure = without_loops(words, voiced_span_s(samples)[1])
            if not sure and len(samples) <= _WHOLE_UP_TO_S * MODEL_RATE_HZ:
                return self._run(samples, code, guidance, whole=True)
            text = "".join(word.text for word in words).strip()
        return Transcript(
            text, code, tokens=tuple(tokens), mean_logprob=result.scores[0], no_speech=result.no_speech_prob,
            words=_within(words, samples) if guidance.word_times else (),
        )  # fmt: skip

    def _encoded(self, samples: Float32, *, whole: bool) -> tuple[Any, int]:
        """What the encoder makes of the sound, and of how many frames of features."""
        from faster_whisper.audio import pad_or_trim

        padded = np.concatenate([samples, np.zeros(int(_PAD_S * MODEL_RATE_HZ), np.float32)])
        features = self._model.feature_extractor(padded, padding=0)
        frames = features.shape[-1]
        return self._model.encode(pad_or_trim(features) if whole else features), frames

    def _aligned(self, tokenizer: Any, tokens: list[int], encoded: Any, frames: int) -> list[TimedText]:
        """When each word was said, by the model's own attention (dynamic time warping)."""
        (found,) = self._model.find_alignment(tokenizer, [tokens], encoded, frames) or ([],)
        return [TimedText(word["word"], float(word["start"]), float(word["end"])) for word in found]

    def _detect(self, encoded: Any, languages: Sequence[str]) -> str:
        """The likeliest language, of those that it may be."""
        found = [str(token).strip("<|>") for token, _ in self._model.model.detect_language(encoded)[0]]
        return next((code for code in found if code in languages), found[0])

    def close(self) -> None:
        """Stop the thread."""
        self._executor.close()


def _within(words: Sequence[TimedText], samples: Float32) -> tuple[TimedText, ...]:
    """Words without their blanks, from the first sound on and not beyond the last."""
    begin_s, end_s = voiced_span_s(samples)
    placed = []
    for word in joined(words):
        start_s = min(max(word.start_s, begin_s), end_s)
        placed.append(TimedText(word.text.strip(), start_s, max(start_s, min(word.end_s, end_s))))
    return tuple(word for word in placed if word.text)


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
