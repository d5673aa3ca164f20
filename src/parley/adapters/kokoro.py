"""Kokoro-82M voices (https://huggingface.co/hexgrad/Kokoro-82M, Apache-2.0) on ONNX Runtime: many voices, one network.

A voice is a table of styles, one for each number of phonemes. Its name says accent and sex: ``am_puck`` is an American
man, ``bf_emma`` a British woman. Only the English voices are offered: there are phonemes of English alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from parley.adapters.onnx import session, with_output
from parley.adapters.phoneme_voice import PhonemeVoice
from parley.audio.pcm import Float32
from parley.models.interfaces import ModelSpec

_DURATIONS = "/encoder/Clip_output_0"
_STYLE = 256
_LONGEST_CHARS = 90
"""A whole sentence would be waited for: two cores make 5 s of sound in 2 s."""
_ENGLISH = ("af_", "am_", "bf_", "bm_")


class Kokoro(PhonemeVoice):
    """The network and the styles of its voices."""

    def __init__(self, name: str, model: Path, styles: Mapping[str, Path], *, threads: int = 2) -> None:
        """`styles`: each voice's table, (n, 256) of float32; the first speaks when none is named."""
        self._styles = {voice: _styles(path) for voice, path in styles.items()}
        self._session = session(with_output(model, _DURATIONS), threads=threads)
        british = [voice for voice in styles if voice.startswith("b")]
        super().__init__(name, tuple(styles), british=british, longest_chars=_LONGEST_CHARS)

    def _run(self, ids: Sequence[int], voice: str, speed: float) -> tuple[Float32, Float32]:
        styles = self._styles[voice]
        style = styles[min(len(ids) - 2, len(styles) - 1)]  # without the blanks before and behind
        feed = {"tokens": np.array([ids], np.int64), "style": style[None], "speed": np.array([speed], np.float32)}
        sound, durations = self._session.run(None, feed)
        return sound.reshape(-1), durations


def _styles(path: Path) -> Float32:
    found: Float32 = np.fromfile(path, np.float32)
    if not len(found) or len(found) % _STYLE:
        raise ValueError(f"{path.name} is no table of styles of a Kokoro voice")
    return found.reshape(-1, _STYLE)


def load(spec: ModelSpec) -> Kokoro:
    """Adapter entry point; files: the network (.onnx) and the voices' styles (.bin).

    Options: threads; voice, that which speaks when none is named.
    """
    model = next((p for p in spec.files.values() if p.suffix == ".onnx"), None)
    tables = [p for p in spec.files.values() if p.suffix == ".bin" and p.name.startswith(_ENGLISH)]
    if model is None or not tables:
        raise ValueError(f"{spec.id} lacks the network (.onnx) or an English voice (such as af_heart.bin)")
    usual = str(spec.options.get("voice", ""))
    if usual and usual not in (path.stem for path in tables):
        raise ValueError(f"no speaker of {spec.id} is called '{usual}'; it has {', '.join(p.stem for p in tables)}")
    styles = {path.stem: path for path in sorted(tables, key=lambda path: path.stem != usual)}
    return Kokoro(spec.id, model, styles, threads=int(spec.options.get("threads", 2)))
