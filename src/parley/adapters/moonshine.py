"""Moonshine speech recognition through its own C++ runtime (https://github.com/moonshine-ai/moonshine, MIT)."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from parley.audio.pcm import Float32
from parley.errors import ModelError
from parley.models.executor import ModelExecutor
from parley.models.interfaces import MODEL_RATE_HZ, Caller, ModelSpec, Recognizer, RecognizerStream, Transcript
from parley.models.recognition import BufferedStream

_SHORTEST_S = 0.1
_PAD_S = 0.1


class Moonshine:
    """The model, one thread; cost grows with the length of the utterance."""

    languages: Sequence[str] = ("en",)

    def __init__(self, folder: Path, architecture: str) -> None:
        from moonshine_voice.moonshine_api import ModelArch, TranscriptC
        from moonshine_voice.transcriber import Transcriber

        # vad_threshold 0: the utterance is cut already, so the runtime must not cut it again
        self._transcriber = Transcriber(str(folder), ModelArch[architecture.upper()], options={"vad_threshold": "0.0"})
        self._result_type = TranscriptC
        self._executor = ModelExecutor("moonshine")

    def open(self, language: str | None = None) -> RecognizerStream:
        """Begin an utterance; English only."""
        return BufferedStream(self._transcribe)

    async def _transcribe(self, samples: Float32, caller: Caller) -> Transcript:
        if len(samples) < _SHORTEST_S * MODEL_RATE_HZ:
            return Transcript("", "en")
        return await self._executor.run(lambda: Transcript(self._run(samples), "en"), caller)

    def _run(self, samples: Float32) -> str:
        # The library's own Python call copies every sample through a list, holding the interpreter for
        # milliseconds; the C function takes the array as it is.
        audio = np.concatenate([samples, np.zeros(int(_PAD_S * MODEL_RATE_HZ), np.float32)])
        pointer = audio.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        result = ctypes.POINTER(self._result_type)()
        code = self._transcriber._lib.moonshine_transcribe_without_streaming(
            self._transcriber._handle, pointer, len(audio), MODEL_RATE_HZ, 0, ctypes.byref(result)
        )
        if code < 0 or not result:
            raise ModelError(f"Moonshine failed with code {code}", retryable=True)
        lines = (result.contents.lines[i].text for i in range(result.contents.line_count))
        return " ".join(ctypes.string_at(t).decode("utf-8", "replace").strip() for t in lines if t).strip()

    def close(self) -> None:
        """Stop the thread and free the model."""
        self._executor.close()
        self._transcriber.close()


def load(spec: ModelSpec) -> Recognizer:
    """Adapter entry point."""
    folder = next(iter(spec.files.values())).parent
    return Moonshine(folder, str(spec.options.get("architecture", "tiny")))
