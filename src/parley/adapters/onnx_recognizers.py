"""Recognisers of NVIDIA's NeMo and others as ONNX, through onnx-asr (MIT): Parakeet, IndicConformer, GigaAM.

They run on ONNX Runtime, without torch. The library makes their features and reads their letters; it is told which form
the files have (`RecognizerOptions.form`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx_asr
import onnxruntime
from onnx_asr.asr import TimestampedResult
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from parley.audio.pcm import Float32
from parley.errors import ModelError
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
from parley.validation import explain

_SHORTEST_S = 0.1
_LAST_PIECE_S = 0.16
"""How long the last piece of a word is taken to sound: the library tells when pieces begin."""


class RecognizerOptions(BaseModel):
    """Options of a model of the family `onnx-asr`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    form: str = Field(description="Which files there are, in the library's words: nemo-conformer-tdt, -ctc, -rnnt ...")
    quantization: str = Field("", description="The ending of the files that are quantised: int8")
    threads: int = Field(2, ge=1)


class OnnxRecognizer:
    """See `Recognizer`."""

    guided_by: Collection[str] = ("word_times",)
    tells_ends = False

    def __init__(self, name: str, folder: Path, languages: Sequence[str], options: RecognizerOptions) -> None:
        """Whatever the library makes of wrong files is raised."""
        threads = onnxruntime.SessionOptions()
        threads.intra_op_num_threads = options.threads
        threads.inter_op_num_threads = 1
        threads.add_session_config_entry("session.intra_op.allow_spinning", "0")
        threads.log_severity_level = 3
        self.languages: Sequence[str] = languages
        self._model = onnx_asr.load_model(
            options.form, folder, quantization=options.quantization or None, sess_options=threads
        ).with_timestamps()
        self._recognised(np.zeros(MODEL_RATE_HZ, np.float32), "")  # the first run is the slowest
        self._executor = ModelExecutor(name)

    @property
    def idle(self) -> bool:
        """See `Recognizer.idle`."""
        return self._executor.idle

    def open(self, language: str | None = None, guidance: Guidance = UNGUIDED) -> RecognizerStream:
        """Begin an utterance; most of these models write whatever language they hear."""
        return BufferedStream(lambda samples, _, caller: self._transcribe(samples, language or "", guidance, caller))

    async def _transcribe(self, samples: Float32, language: str, guidance: Guidance, caller: Caller) -> Transcript:
        if len(samples) < _SHORTEST_S * MODEL_RATE_HZ:
            return Transcript("", language)

        def run() -> Transcript:
            found = self._recognised(samples, language)
            words = tuple(_timed(found, len(samples) / MODEL_RATE_HZ)) if guidance.word_times else ()
            sure = float(np.mean(found.logprobs)) if found.logprobs else 0.0
            return Transcript(found.text.strip(), language, words=words, mean_logprob=sure)

        return await self._executor.run(run, caller)

    def _recognised(self, samples: Float32, language: str) -> TimestampedResult:
        return self._model.recognize(samples, language=language or None)

    def close(self) -> None:
        """Stop the thread."""
        self._executor.close()


def _timed(found: TimestampedResult, seconds: float) -> Iterator[TimedText]:
    """Words and when each is said; none where the model does not tell of times."""
    pieces = list(zip(found.tokens or (), found.timestamps or (), strict=False))
    begins = [at for at, (piece, _) in enumerate(pieces) if piece.startswith(" ") or at == 0]
    for begin, end in zip(begins, [*begins[1:], len(pieces)], strict=True):
        text = "".join(piece for piece, _ in pieces[begin:end]).strip()
        if not text:
            continue
        following = pieces[end][1] if end < len(pieces) else seconds
        over = min(pieces[end - 1][1] + _LAST_PIECE_S, following)
        yield TimedText(text, round(pieces[begin][1], 3), round(over, 3))


def load(spec: ModelSpec) -> Recognizer:
    """Adapter entry point; files: those of one model, in one folder. Options: `RecognizerOptions`."""
    folders = {Path(path).parent for path in spec.files.values()}
    if len(folders) != 1:
        raise ModelError(f"{spec.id}: its files are to be in one folder; they are in {len(folders)}")
    try:
        return OnnxRecognizer(
            spec.id, folders.pop(), spec.languages, RecognizerOptions.model_validate(dict(spec.options))
        )
    except ValidationError as fault:
        raise ModelError(f"{spec.id}: options: {explain(fault)}") from fault
    except Exception as fault:  # what the library makes of wrong files is of every kind
        raise ModelError(f"{spec.id} could not be loaded: {type(fault).__name__}: {fault}") from fault
