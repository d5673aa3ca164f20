"""A VITS voice as Piper exports it, cut into two graphs, so that speech can be heard before all of it is made.

The first half (text encoder, durations, flow) needs the whole sentence and is cheap. The second half, the
HiFi-GAN decoder (Kong et al. 2020), is convolutions alone: a stretch of it with its surroundings gives the same
samples as the whole, so that it is run piece by piece.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from parley.adapters.onnx import session
from parley.audio.pcm import Float32

_DECODER = "/dec/"
_SURROUNDINGS = 12
"""Frames on each side that a frame's samples depend on; the decoder's receptive field is 11."""
_FIRST, _LONGEST = 32, 160  # frames of a piece: the first one short, each one twice the one before


@dataclass(frozen=True, slots=True)
class Sentence:
    """What the first half made of a sentence."""

    frames: int
    inputs: dict[str, Any]
    """The decoder's; what has as many columns as there are frames is cut with them."""
    durations: Sequence[int] | None
    """Frames of each phoneme id; None when the graph does not say."""


class VitsGraph:
    """One voice. Not thread-safe by itself: it is used from its model's executor."""

    def __init__(self, model: Path, *, threads: int) -> None:
        loaded = onnx.load(str(model))
        graph, opsets = loaded.graph, loaded.opset_import
        decoder = [n for n in graph.node if n.name.startswith(_DECODER)]
        weights = {w.name for w in graph.initializer}
        made = {o for n in decoder for o in n.output}
        seams = sorted({i for n in decoder for i in n.input if i and i not in made and i not in weights})
        sound = [o for n in decoder for o in n.output if not any(o in m.input for m in decoder)]
        if not seams or len(sound) != 1:
            raise ValueError(f"{model.name} is not a VITS voice as Piper exports it (no decoder named '{_DECODER}')")
        ceilings = [o for n in graph.node if n.op_type == "Ceil" for o in n.output]
        self._durations = ceilings[0] if len(ceilings) == 1 else None
        self._inputs = {i.name for i in graph.input}
        outputs = [*seams, *([self._durations] if self._durations else [])]
        self._encoder = session(_part(graph, opsets, list(self._inputs), outputs), threads=threads)
        self._seams = seams
        self._decoder = session(_part(graph, opsets, seams, sound), threads=threads)

    def encode(self, ids: Sequence[int], scales: Sequence[float], speaker: int | None) -> Sentence:
        """Run the first half; `scales` are noise, length (1 is the voice's own speed) and noise of the durations."""
        feed = {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array(scales, np.float32),
        }
        if "sid" in self._inputs:
            feed["sid"] = np.array([speaker or 0], np.int64)
        values = self._encoder.run(None, feed)
        inputs = dict(zip(self._seams, values, strict=False))
        durations = values[-1].reshape(-1).astype(int).tolist() if self._durations else None
        return Sentence(max(v.shape[-1] for v in inputs.values()), inputs, durations)

    def decode(self, sentence: Sentence, begin: int, end: int) -> Float32:
        """Samples of the frames from `begin` to `end`."""
        first, last = max(0, begin - _SURROUNDINGS), min(sentence.frames, end + _SURROUNDINGS)
        cut = {
            name: np.ascontiguousarray(v[..., first:last]) if v.shape[-1] == sentence.frames else v
            for name, v in sentence.inputs.items()
        }
        samples: Float32 = self._decoder.run(None, cut)[0].reshape(-1)
        hop = len(samples) // (last - first)
        return samples[(begin - first) * hop : (end - first) * hop]


def pieces(frames: int) -> Iterator[tuple[int, int]]:
    """Where to cut a sentence: a short first piece that is heard soon, then longer ones that cost less."""
    begin, length = 0, _FIRST
    while begin < frames:
        end = begin + length if frames - begin - length >= _FIRST else frames
        yield begin, end
        begin, length = end, min(_LONGEST, 2 * length)


def _part(graph: Any, opsets: Any, inputs: list[str], outputs: list[str]) -> bytes:
    """The part of `graph` that leads from `inputs` to `outputs`, as a model of its own."""
    maker = {o: n for n in graph.node for o in n.output}
    needed: set[str] = set()
    wanted = list(outputs)
    while wanted:
        name = wanted.pop()
        node = maker.get(name)
        if node is None or name in inputs or node.output[0] in needed:
            continue
        needed.add(node.output[0])
        wanted += [i for i in node.input if i]
    nodes = [n for n in graph.node if n.output[0] in needed]
    used = {i for n in nodes for i in n.input}
    declared = {i.name: i for i in graph.input}
    part = onnx.helper.make_graph(
        nodes,
        "part",
        [declared.get(i) or onnx.helper.make_tensor_value_info(i, onnx.TensorProto.FLOAT, None) for i in inputs],
        [onnx.helper.make_tensor_value_info(o, onnx.TensorProto.FLOAT, None) for o in outputs],
        [w for w in graph.initializer if w.name in used],
    )
    model: bytes = onnx.helper.make_model(part, opset_imports=opsets, ir_version=8).SerializeToString()
    return model
