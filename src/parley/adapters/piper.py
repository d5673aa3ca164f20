"""Piper voices (https://github.com/OHF-Voice/piper1-gpl, runtime GPL-3.0) with word timings from phoneme durations."""

from __future__ import annotations

import asyncio
import queue
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np

from parley.audio import loudness
from parley.audio.pcm import Float32, to_int16
from parley.errors import ModelError
from parley.models.executor import ModelExecutor
from parley.models.interfaces import Caller, ModelSpec, SpeakingStyle, SpeechChunk, Synthesizer, WordTiming

_WARM_UP = "The quick brown fox jumps over the lazy dog. How are you today?"
_WORD = re.compile(r"\S+")
_EDGE_S = 0.005  # silence kept before the first and after the last sound of a sentence, see `_trim`


class Piper:
    """One voice. A text is synthesised sentence by sentence; each sentence is a chunk."""

    def __init__(self, model: Path, config: Path, *, threads: int = 2) -> None:
        import json

        from piper import PiperVoice
        from piper.config import PiperConfig

        settings = json.loads(config.read_text(encoding="utf-8"))
        self._voice = PiperVoice(session=_aligned_session(model, threads), config=PiperConfig.from_dict(settings))
        self.name = model.stem
        self.rate_hz = int(settings["audio"]["sample_rate"])
        self.voices: Sequence[str] = tuple(settings.get("speaker_id_map") or ()) or (self.name,)
        self.languages: Sequence[str] = (str(settings.get("language", {}).get("family") or self.name.split("_")[0]),)
        self._executor = ModelExecutor("piper")
        self._gain = 1.0
        warm = np.concatenate([c.audio_float_array for c in self._sentences(_WARM_UP, SpeakingStyle())])
        self._gain = loudness.gain_towards(warm, self.rate_hz)

    async def synthesize(self, text: str, style: SpeakingStyle, caller: Caller) -> AsyncGenerator[SpeechChunk, None]:
        """See `Synthesizer.synthesize`."""
        loop = asyncio.get_running_loop()
        ready: asyncio.Queue[SpeechChunk | None] = asyncio.Queue()
        stopped = queue.SimpleQueue[bool]()

        def work() -> None:
            for chunk in self._chunks(text, style):
                if not stopped.empty():
                    return
                loop.call_soon_threadsafe(ready.put_nowait, chunk)

        job = asyncio.ensure_future(self._executor.run(work, caller))
        job.add_done_callback(lambda _: ready.put_nowait(None))
        try:
            while (chunk := await ready.get()) is not None:
                yield chunk
            try:
                await job
            except (RuntimeError, ValueError, KeyError) as fault:
                raise ModelError(f"the voice {self.name} failed: {fault}", retryable=True) from fault
        finally:
            stopped.put(True)
            job.cancel()

    def _sentences(self, text: str, style: SpeakingStyle) -> Iterator[Any]:
        from piper import SynthesisConfig

        config = self._voice.config
        speaker = config.speaker_id_map.get(style.voice) if style.voice and config.num_speakers > 1 else None
        length = config.length_scale / max(0.25, min(4.0, style.speed))
        synthesis = SynthesisConfig(speaker_id=speaker, length_scale=length)
        yield from self._voice.synthesize(text, synthesis, include_alignments=True)

    def _chunks(self, text: str, style: SpeakingStyle) -> Iterator[SpeechChunk]:
        words = list(_WORD.finditer(text))
        spoken = 0
        offset_s = 0.0
        sentences = list(self._voice.phonemize(text))
        counts = [_word_count(s) for s in sentences if s]
        for index, sentence in enumerate(self._sentences(text, style)):
            left = words[spoken:]
            last = index == len(counts) - 1
            share = left if last else left[: _share(left, counts[index:], text)]
            spoken += len(share)
            audio, lead_s = self._shape(sentence)
            spans = _place(share, _durations(sentence, self.rate_hz), len(sentence.audio_float_array) / self.rate_hz)
            length_s = len(audio) / self.rate_hz
            timings = tuple(
                WordTiming(
                    m.start(), m.end(), offset_s + _clip(a - lead_s, length_s), offset_s + _clip(b - lead_s, length_s)
                )
                for m, (a, b) in zip(share, spans, strict=True)
            )
            offset_s += length_s
            yield SpeechChunk(to_int16(audio), timings)

    def _shape(self, sentence: Any) -> tuple[Float32, float]:
        """Loudness and a trimmed lead; returns the seconds cut in front."""
        audio = loudness.limit(sentence.audio_float_array.copy(), self._gain)
        loud = np.flatnonzero(np.abs(audio) > 0.01)
        cut = max(0, int(loud[0]) - int(_EDGE_S * self.rate_hz)) if len(loud) else 0
        return audio[cut:], cut / self.rate_hz

    def close(self) -> None:
        """Stop the thread."""
        self._executor.close()


def _aligned_session(model: Path, threads: int) -> Any:
    """A session that also gives phoneme durations where the voice's graph has them."""
    import onnx
    from piper.patch_voice_with_alignment import add_alignment_output

    from parley.adapters.onnx import session

    graph = onnx.load(str(model))
    try:
        add_alignment_output(graph)
    except ValueError:  # patched already, or a graph without durations: words are then placed by length
        return session(str(model), threads=threads)
    return session(graph.SerializeToString(), threads=threads)


def _clip(value: float, length_s: float) -> float:
    return min(max(0.0, value), length_s)


def _word_count(phonemes: list[str]) -> int:
    return sum(1 for w in "".join(phonemes).split(" ") if w)


def _share(left: list[re.Match[str]], counts: list[int], text: str) -> int:
    """How many of the words that are left belong to the first of the sentences that are left.

    espeak ends a sentence at closing punctuation; among such places the one is taken that fits the
    sentence's share of phoneme words best.
    """
    goal = len(left) * counts[0] / max(1, sum(counts))
    ends = [i + 1 for i, m in enumerate(left[:-1]) if re.search(r"[.?!:;।…][\"')\]]*$", m.group())]
    return min(ends or [max(1, round(goal))], key=lambda n: abs(n - goal))


def _durations(sentence: Any, rate_hz: int) -> list[tuple[float, float]]:
    """Start and end of each phoneme word, seconds; empty when the voice gives no durations."""
    spans: list[tuple[float, float]] = []
    at = start = 0
    inside = False
    for alignment in sentence.phoneme_alignments or ():
        begins = at
        at += int(alignment.num_samples)
        if alignment.phoneme in (" ", "^", "$", "_", ",", ".", "?", "!", ";", ":"):
            if inside:
                spans.append((start / rate_hz, begins / rate_hz))
            inside = False
        elif not inside:
            inside, start = True, begins
    if inside:
        spans.append((start / rate_hz, at / rate_hz))
    return spans


def _place(words: list[re.Match[str]], spans: list[tuple[float, float]], length_s: float) -> list[tuple[float, float]]:
    """Give each written word its phoneme words: one each when the counts agree, else by share of letters.

    Numbers and abbreviations are several phoneme words, "of the" can be one.
    """
    if not words:
        return []
    if len(words) == len(spans):
        return spans
    weights = np.cumsum([0, *(_weight(m.group()) for m in words)]) / sum(_weight(m.group()) for m in words)
    if not spans:
        return [(float(a) * length_s, float(b) * length_s) for a, b in pairwise(weights)]
    sounding = np.cumsum([0, *(b - a for a, b in spans)])
    return [
        (
            _time_at(float(a) * sounding[-1], spans, sounding),
            _time_at(float(b) * sounding[-1], spans, sounding, end=True),
        )
        for a, b in pairwise(weights)
    ]


def _weight(word: str) -> int:
    """Rough length of a word when spoken: a digit is about four letters."""
    return max(1, sum(4 if c.isdigit() else 1 for c in word if c.isalnum()))


def _time_at(sounded: float, spans: list[tuple[float, float]], sounding: Any, *, end: bool = False) -> float:
    side: Literal["left", "right"] = "left" if end else "right"
    index = min(max(int(np.searchsorted(sounding, sounded, side=side)) - 1, 0), len(spans) - 1)
    return spans[index][0] + (sounded - float(sounding[index]))


def load(spec: ModelSpec) -> Synthesizer:
    """Adapter entry point; files: a voice's .onnx and its .onnx.json. Options: threads."""
    model = next(p for p in spec.files.values() if p.suffix == ".onnx")
    config = model.with_name(model.name + ".json")
    if not config.exists():
        raise ValueError(f"{model} has no {config.name} beside it")
    return Piper(model, config, threads=int(spec.options.get("threads", 2)))
