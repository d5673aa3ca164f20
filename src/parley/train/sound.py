"""The sound of a clip."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from parley.audio import files
from parley.audio.pcm import Float32
from parley.models.interfaces import MODEL_RATE_HZ
from parley.train.clips import Clip


def sound_of(clip: Clip) -> Float32:
    """Its samples at the models' rate."""
    whole = _recording(clip.audio, clip.digest)
    return whole[round(clip.start_s * MODEL_RATE_HZ) : round(clip.end_s * MODEL_RATE_HZ)]


@lru_cache(maxsize=1)
def _recording(audio: str, digest: str) -> Float32:
    """Decoded whole; the clips of one recording follow each other, so the last one is kept."""
    return files.read_float(Path(audio), MODEL_RATE_HZ)
