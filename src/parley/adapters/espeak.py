"""espeak-ng through its C library (GPL-3.0): a voice in over a hundred languages, robotic, in a few milliseconds.

The library has one global state: it is initialised once in a process, for initialising it anew leaves it with pointers
into what it freed, and one text is spoken at a time, whoever asks. Words come from its own events.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import threading
from collections.abc import AsyncGenerator, Collection, Sequence
from typing import Any

import numpy as np

from parley.audio import loudness
from parley.audio.pcm import Int16, to_float, to_int16
from parley.errors import ModelError
from parley.languages import NAMES
from parley.models.executor import ModelExecutor
from parley.models.interfaces import Caller, ModelSpec, SpeakingStyle, SpeechChunk, Synthesizer, WordTiming

_SYNCHRONOUS = 2
_UTF8 = 1
_WORD_EVENT, _END_EVENT = 1, 0
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4  # espeak_PARAMETER
_NORMAL_WPM, _NORMAL_VOLUME, _NORMAL_PITCH, _NORMAL_RANGE = 165, 100, 50, 50
_EMOTIONS = {  # factor of the rate, then what is added to volume, pitch and its range, at full intensity
    "neutral": (1.0, 0, 0, 0),
    "happy": (1.15, 10, 24, 40),
    "sad": (0.75, -20, -20, -40),
    "angry": (1.15, 40, -6, 45),
    "calm": (0.82, -15, -10, -25),
}
_OWN_NAMES = {"zh": "cmn", "no": "nb", "nn": "nb"}
_WARM_UP = "The quick brown fox jumps over the lazy dog. How are you today?"


class _EventId(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    """espeak_EVENT of espeak-ng/speak_lib.h."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class _Voice(ctypes.Structure):
    """The beginning of espeak_VOICE of espeak-ng/speak_lib.h: the library owns it."""

    _fields_ = [("name", ctypes.c_char_p), ("languages", ctypes.c_void_p)]


class _Library:
    """The one there is in a process; see `_library`."""

    def __init__(self) -> None:
        import espeakng_loader

        self._library: Any = ctypes.CDLL(espeakng_loader.get_library_path())
        data = str(espeakng_loader.get_data_path()).encode()
        self.rate_hz = int(self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, 0))
        if self.rate_hz <= 0:
            raise ModelError("espeak-ng could not be initialised")
        self._speaking = threading.Lock()
        self._audio: list[Int16] = []
        self._words: list[tuple[int, int, int]] = []
        self._callback = _CALLBACK(self._collect)
        self._library.espeak_SetSynthCallback(self._callback)
        self.languages = self._listed()

    def _listed(self) -> tuple[str, ...]:
        """Codes of the languages that have a voice."""
        ask = self._library.espeak_ListVoices
        ask.argtypes, ask.restype = [ctypes.c_void_p], ctypes.POINTER(ctypes.POINTER(_Voice))
        found: set[str] = set()
        for voice in itertools.takewhile(bool, ask(None)):
            at = voice.contents.languages  # a byte of priority and a name that a zero ends, each; a zero ends them all
            while ctypes.string_at(at, 1) != b"\0":
                name = ctypes.string_at(at + 1)
                found.add(name.decode())
                at += len(name) + 2
        return tuple(code for code in NAMES if _OWN_NAMES.get(code, code) in found)

    def say(self, text: str, style: SpeakingStyle) -> tuple[Int16, tuple[WordTiming, ...]]:
        """Sound and words of `text`; raises `ModelError`. Any thread may ask."""
        with self._speaking:
            self._audio, self._words = [], []
            language = _OWN_NAMES.get(style.language or "en", style.language or "en").encode()
            if self._library.espeak_SetVoiceByName(language) != 0:
                raise ModelError(f"espeak-ng has no voice for the language '{style.language}'")
            for parameter, value in _parameters(style).items():
                self._library.espeak_SetParameter(parameter, value, 0)
            data = text.encode() + b"\0"
            if self._library.espeak_Synth(data, len(data), 0, 1, 0, _UTF8, None, None) != 0:
                raise ModelError("espeak-ng failed to synthesise", retryable=True)
            audio: Int16 = np.concatenate(self._audio) if self._audio else np.empty(0, np.int16)
            return audio, self._timings(len(audio))

    def _collect(self, samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            self._audio.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while events[index].type != _END_EVENT:
            event = events[index]
            if event.type == _WORD_EVENT:
                self._words.append((event.text_position - 1, event.length, event.sample))
            index += 1
        return 0

    def _timings(self, total: int) -> tuple[WordTiming, ...]:
        starts = [sample for _, _, sample in self._words] + [total]
        return tuple(
            WordTiming(at, at + length, start / self.rate_hz, end / self.rate_hz)
            for (at, length, start), end in zip(self._words, starts[1:], strict=True)
        )


def _parameters(style: SpeakingStyle) -> dict[int, int]:
    """Of the library, for a style: its ranges are 80 to 450 words a minute, 0 to 200, and 0 to 99 twice."""
    factor, volume, pitch, spread = _EMOTIONS[style.emotion]
    share = style.intensity
    speed = max(0.5, min(2.5, style.speed * (1 + share * (factor - 1))))
    return {
        _RATE: int(_NORMAL_WPM * speed), _VOLUME: round(_NORMAL_VOLUME + share * volume),
        _PITCH: round(_NORMAL_PITCH + share * pitch), _RANGE: round(_NORMAL_RANGE + share * spread),
    }  # fmt: skip


_first = threading.Lock()


@functools.cache
def _made() -> _Library:
    return _Library()


def _library() -> _Library:
    """The library, initialised by whoever asks first."""
    with _first:
        return _made()


class Espeak:
    """A voice for over a hundred languages."""

    name = "espeak"
    times_words = True
    fixed_speed = False
    emotions: Collection[str] = tuple(_EMOTIONS)

    def __init__(self) -> None:
        self._library = _library()
        self.rate_hz = self._library.rate_hz
        self.languages: Sequence[str] = self._library.languages
        self.voices: Sequence[str] = ("espeak",)
        self._executor = ModelExecutor("espeak")
        audio, _ = self._library.say(_WARM_UP, SpeakingStyle())
        self._gain = loudness.gain_towards(to_float(audio), self.rate_hz)

    async def synthesize(self, text: str, style: SpeakingStyle, caller: Caller) -> AsyncGenerator[SpeechChunk, None]:
        """See `Synthesizer.synthesize`; one chunk."""
        yield await self._executor.run(lambda: self._say(text, style), caller)

    def _say(self, text: str, style: SpeakingStyle) -> SpeechChunk:
        audio, words = self._library.say(text, style)
        return SpeechChunk(to_int16(loudness.limit(to_float(audio), self._gain)), words)

    def close(self) -> None:
        """Stop the thread."""
        self._executor.close()


def load(spec: ModelSpec) -> Synthesizer:
    """Adapter entry point; needs no file."""
    return Espeak()
