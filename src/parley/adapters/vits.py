"""A VITS voice as Piper exports it, cut into three graphs, so that speech can be heard before all of it is made.

The first part (text encoder, durations) needs the whole sentence. The other two are convolutions alone: the flow
(WaveNets, van den Oord et al. 2016, in coupling layers) and the HiFi-GAN decoder (Kong et al. 2020). A stretch of them
with its surroundings gives the same samples as the whole, so that they are run piece by piece.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from parley.adapters.onnx import session
from parley.audio.pcm import Float32

_FLOW, _DECODER = "/flow/", "/dec/"
_SURROUNDINGS = 12
"""Frames on each side that a frame's samples depend on; the decoder's receptive field is 11."""
_FLOW_SURROUNDINGS = 32
"""The same of the flow: four coupling layers of four convolutions that see two frames to each side."""
_FIRST, _LONGEST = 20, 160  # frames of a piece: the first one short, each one three times the one before
_FLOW_STRETCH = 128  # frames that the flow makes at a time, at least: every stretch makes its surroundings again


@dataclass(slots=True)
class Sentence:
    """What the first part made of a sentence, and what the flow has made of that so far."""

    frames: int
    inputs: dict[str, Any]
    """The flow's; what has as many columns as there are frames is cut with them."""
    durations: Sequence[int] | None
    """Frames of each phoneme id; None when the graph does not say."""
    flowed: int = 0
    """Frames that the flow has made."""
    latents: dict[str, Any] = field(default_factory=dict)
    """The decoder's inputs, for these frames."""


class VitsGraph:
    """One voice. Not thread-safe by itself: it is used from its model's executor."""

    def __init__(self, model: Path, *, threads: int) -> None:
        loaded = onnx.load(str(model))
        graph, opsets = loaded.graph, loaded.opset_import
        decoder = [n for n in graph.node if n.name.startswith(_DECODER)]
        flow = _following(graph, _FLOW, until=_DECODER)
        self._flow_seams, self._seams = _inputs_of(graph, flow), _inputs_of(graph, decoder)
        sound = [o for n in decoder for o in n.output if not any(o in m.input for m in decoder)]
        if not self._flow_seams or len(sound) != 1:
            raise ValueError(f"{model.name} is not a VITS voice as Piper exports it (no '{_FLOW}' or no '{_DECODER}')")
        ceilings = [o for n in graph.node if n.op_type == "Ceil" for o in n.output]
        self._durations = ceilings[0] if len(ceilings) == 1 else None
        self._inputs = {i.name for i in graph.input}
        outputs = [*self._flow_seams, *([self._durations] if self._durations else [])]
        self._encoder = session(_part(graph, opsets, list(self._inputs), outputs), threads=threads)
        self._flow = session(_part(graph, opsets, self._flow_seams, self._seams), threads=threads)
        self._decoder = session(_part(graph, opsets, self._seams, sound), threads=threads)

    def encode(self, ids: Sequence[int], scales: Sequence[float], speaker: int | None) -> Sentence:
        """Run the first part; `scales` are noise, length (1 is the voice's own speed) and noise of the durations."""
        feed = {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array(scales, np.float32),
        }
        if "sid" in self._inputs:
            feed["sid"] = np.array([speaker or 0], np.int64)
        values = self._encoder.run(None, feed)
        inputs = dict(zip(self._flow_seams, values, strict=False))
        durations = values[-1].reshape(-1).astype(int).tolist() if self._durations else None
        return Sentence(max(v.shape[-1] for v in inputs.values()), inputs, durations)

    def decode(self, sentence: Sentence, begin: int, end: int) -> Float32:
        """Samples of the frames from `begin` to `end`."""
        first, last = max(0, begin - _SURROUNDINGS), min(sentence.frames, end + _SURROUNDINGS)
        self._let_flow(sentence, last)
        samples: Float32 = self._decoder.run(None, _cut(sentence.latents, sentence.flowed, first, last))[0].reshape(-1)
        hop = len(samples) // (last - first)
        return samples[(begin - first) * hop : (end - first) * hop]

    def _let_flow(self, sentence: Sentence, until: int) -> None:
        """Make the decoder's inputs up to a frame: what the first piece needs, then in longer stretches."""
        while sentence.flowed < until:
            begin = sentence.flowed
            end = min(sentence.frames, max(until, begin + _FLOW_STRETCH) if begin else until)
            first, last = max(0, begin - _FLOW_SURROUNDINGS), min(sentence.frames, end + _FLOW_SURROUNDINGS)
            made = self._flow.run(None, _cut(sentence.inputs, sentence.frames, first, last))
            for name, value in zip(self._seams, made, strict=True):
                if value.shape[-1] == last - first:
                    earlier = [sentence.latents[name]] if begin else []
                    sentence.latents[name] = np.concatenate(
                        [*earlier, value[..., begin - first : end - first]], axis=-1
                    )
                else:
                    sentence.latents[name] = value
            sentence.flowed = end


def _cut(values: dict[str, Any], frames: int, first: int, last: int) -> dict[str, Any]:
    """The columns of what has `frames` of them; the rest (a speaker's vector) as it is."""
    return {
        name: np.ascontiguousarray(v[..., first:last]) if v.shape[-1] == frames else v for name, v in values.items()
    }


def pieces(frames: int) -> Iterator[tuple[int, int]]:
    """Where to cut a sentence: a short first piece that is heard soon, then longer ones that cost less."""
    begin, length = 0, _FIRST
    while begin < frames:
        end = begin + length if frames - begin - length >= _FIRST else frames
        yield begin, end
        begin, length = end, min(_LONGEST, 3 * length)


def _following(graph: Any, prefix: str, until: str) -> list[Any]:
    """The nodes of a name and all that depend on them, up to those of the name `until`."""
    made: set[str] = set()
    found = []
    for node in graph.node:  # in the order of computation, as ONNX demands
        if not node.name.startswith(until) and (node.name.startswith(prefix) or any(i in made for i in node.input)):
            found.append(node)
            made.update(node.output)
    return found


def _inputs_of(graph: Any, nodes: Sequence[Any]) -> list[str]:
    """What the nodes take from others."""
    known = {w.name for w in graph.initializer} | {o for n in nodes for o in n.output}
    return sorted({i for n in nodes for i in n.input if i and i not in known})


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
