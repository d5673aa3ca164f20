"""Piper voices (https://github.com/OHF-Voice/piper1-gpl, runtime GPL-3.0) with word timings from phoneme durations."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from parley.adapters.ipa import espeaks
from parley.adapters.saying import Playing, clip, place, sound_begins
from parley.adapters.vits import VitsGraph, pieces
from parley.audio import loudness
from parley.audio.pcm import Float32, to_int16
from parley.errors import ModelError
from parley.models.executor import ModelExecutor
from parley.models.interfaces import (
    Caller,
    ModelSpec,
    Pronunciation,
    SpeakingStyle,
    SpeechChunk,
    Synthesizer,
    WordTiming,
)

_WARM_UP = "The quick brown fox jumps over the lazy dog. How are you today?"
_WORD = re.compile(r"\S+")
_MARKS = ".,;:!?"
_BETWEEN_WORDS = frozenset(" ^$_,.?!;:")


class Piper:
    """One voice or several speakers. A text is made by sentences, a sentence in pieces that are short at first."""

    times_words = True
    fixed_speed = False
    emotions: Collection[str] = ("neutral",)

    def __init__(self, model: Path, config: Path, *, threads: int = 2, usual: str = "") -> None:
        """`usual`: the speaker who speaks when none is named; raises `ValueError` where there is none of that name."""
        import json

        from piper import PiperVoice
        from piper.config import PiperConfig

        settings = json.loads(config.read_text(encoding="utf-8"))
        self._graph = VitsGraph(model, threads=threads)
        self._voice = PiperVoice(session=None, config=PiperConfig.from_dict(settings))  # for its phonemes
        self.name = model.stem
        self.rate_hz = int(settings["audio"]["sample_rate"])
        self._speakers: dict[str, int] = settings.get("speaker_id_map") or {self.name: 0}
        if usual and usual not in self._speakers:
            raise ValueError(f"no speaker of {model.name} is called '{usual}'; it has {', '.join(self._speakers)}")
        self.voices: Sequence[str] = sorted(self._speakers, key=lambda name: (name != usual, self._speakers[name]))
        self.languages: Sequence[str] = (str(settings.get("language", {}).get("family") or self.name.split("_")[0]),)
        self._executor = ModelExecutor("piper")
        self._gain = self._measure_gain()

    async def synthesize(self, text: str, style: SpeakingStyle, caller: Caller) -> AsyncGenerator[SpeechChunk, None]:
        """See `Synthesizer.synthesize`. Every piece is a job of its own, so that speakers take turns."""
        try:
            phonemize = partial(self._phonemize, text, style.pronounced)
            sentences = await self._executor.run(phonemize, caller, within_s=0.0)
            words = list(_WORD.finditer(text))
            counts = [_word_count(phonemes) for phonemes in sentences]
            playing = Playing(self.rate_hz)
            for index, phonemes in enumerate(sentences):
                last = index == len(sentences) - 1
                share = words if last else words[: _share(words, counts[index:], text)]
                words = words[len(share) :]
                said = _Sentence(self, phonemes, share, style, playing)
                async for chunk in said.speak(caller):
                    yield chunk
        except (RuntimeError, ValueError, KeyError) as fault:
            raise ModelError(f"the voice {self.name} failed: {fault}", retryable=True) from fault

    def _phonemize(self, text: str, given: Sequence[Pronunciation] = ()) -> list[list[str]]:
        """Phonemes of each sentence; Piper takes what stands between ``[[`` and ``]]`` as such."""
        from piper.config import PhonemeType

        for part in reversed(given if self._voice.config.phoneme_type == PhonemeType.ESPEAK else ()):
            if sounds := espeaks(part.ipa, self._voice.config.phoneme_id_map, english=self.languages[0] == "en"):
                behind = text[part.end :].lstrip(_MARKS)  # a mark that a text begins with is read out, or left out
                marks = text[part.end : len(text) - len(behind)]
                text = f"{text[: part.start]}[[{sounds}{marks}]]{behind}"
        return [phonemes for phonemes in self._voice.phonemize(text) if phonemes]

    def _encode(self, phonemes: list[str], style: SpeakingStyle) -> Any:
        config = self._voice.config
        speaker = self._speakers.get(style.voice or "", self._speakers[self.voices[0]])
        length = config.length_scale / max(0.25, min(4.0, style.speed))
        scales = (config.noise_scale, length, config.noise_w_scale)
        return self._graph.encode(self._voice.phonemes_to_ids(phonemes), scales, speaker)

    def _measure_gain(self) -> float:
        sentences = [self._encode(phonemes, SpeakingStyle()) for phonemes in self._phonemize(_WARM_UP)]
        audio = [self._graph.decode(s, a, b) for s in sentences for a, b in pieces(s.frames)]
        return loudness.gain_towards(np.concatenate(audio), self.rate_hz)

    def _spans(self, phonemes: list[str], durations: Sequence[int] | None, hop: int) -> list[tuple[float, float]]:
        """Start and end of each phoneme word, seconds; empty when the voice gives no durations."""
        spans: list[tuple[float, float]] = []
        ids = self._voice.config.phoneme_id_map
        at_id = at = start = 0
        inside = False
        for phoneme in ("^", *phonemes) if durations else ():
            begins = at
            width = len(ids.get(phoneme, ())) + (1 if phoneme in ids else 0)  # each is followed by a pad
            at += sum(durations[at_id : at_id + width]) * hop if durations else 0
            at_id += width
            if phoneme in _BETWEEN_WORDS:
                if inside:
                    spans.append((start / self.rate_hz, begins / self.rate_hz))
                inside = False
            elif not inside:
                inside, start = True, begins
        if inside:
            spans.append((start / self.rate_hz, at / self.rate_hz))
        return spans

    def close(self) -> None:
        """Stop the thread."""
        self._executor.close()


class _Sentence:
    """One sentence on its way from phonemes to sound."""

    def __init__(
        self, piper: Piper, phonemes: list[str], words: list[re.Match[str]], style: SpeakingStyle, playing: Playing
    ) -> None:
        self._piper = piper
        self._phonemes = phonemes
        self._words = words
        self._style = style
        self._playing = playing
        self._offset_s = playing.passed_s
        self._cut = 0  # samples of silence left out in front

    async def speak(self, caller: Caller) -> AsyncGenerator[SpeechChunk, None]:
        piper, playing = self._piper, self._playing
        encoded = await piper._executor.run(
            lambda: piper._encode(self._phonemes, self._style), caller, within_s=playing.within_s
        )
        timings: list[WordTiming] = []
        made = given = 0
        for begin, end in pieces(encoded.frames):
            making = partial(piper._graph.decode, encoded, begin, end)
            sound = await piper._executor.run(making, caller, within_s=playing.within_s)
            audio = loudness.limit(sound, piper._gain)
            if not given:
                audio = self._trim(audio)
            made += len(sound)
            if not len(audio):
                continue
            if not given:
                spans = piper._spans(self._phonemes, encoded.durations, len(sound) // (end - begin))
                length_s = encoded.frames * (len(sound) // (end - begin)) / piper.rate_hz
                timings = self._timings(spans, length_s)
            given += len(audio)
            playing.add(len(audio))
            now_s = self._offset_s + given / piper.rate_hz
            last = end == encoded.frames
            begun = [w for w in timings if last or w.start_s < now_s]
            timings = timings[len(begun) :]
            yield SpeechChunk(to_int16(audio), tuple(begun))

    def _trim(self, audio: Float32) -> Float32:
        """Leave out the silence before the first sound."""
        cut = sound_begins(audio, self._piper.rate_hz)
        self._cut += cut
        return audio[cut:]

    def _timings(self, spans: list[tuple[float, float]], length_s: float) -> list[WordTiming]:
        cut_s = self._cut / self._piper.rate_hz
        return [
            WordTiming(
                word.start(),
                word.end(),
                self._offset_s + clip(begin - cut_s, length_s - cut_s),
                self._offset_s + clip(end - cut_s, length_s - cut_s),
            )
            for word, (begin, end) in zip(self._words, place(self._words, spans, length_s), strict=True)
        ]


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


def load(spec: ModelSpec) -> Synthesizer:
    """Adapter entry point; files: a voice's .onnx and its .onnx.json. Options: threads; voice, the usual speaker."""
    model = next(p for p in spec.files.values() if p.suffix == ".onnx")
    config = model.with_name(model.name + ".json")
    if not config.exists():
        raise ValueError(f"{model} has no {config.name} beside it")
    options = spec.options
    return Piper(model, config, threads=int(options.get("threads", 2)), usual=str(options.get("voice", "")))
