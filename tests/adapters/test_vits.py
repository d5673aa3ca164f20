"""A voice in three graphs, on the real default voice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from parley.adapters.vits import Sentence, VitsGraph, pieces
from parley.cli import local
from parley.models.catalogue import catalogue
from parley.models.store import Store


@pytest.fixture(scope="module")
def voice() -> VitsGraph:
    asyncio.run(local.load_model("piper-en-us-joe", "tts", quiet=True)).close()  # its files are there now
    files = Store().paths(catalogue().get("piper-en-us-joe", "tts"))
    return VitsGraph(files["en_US-joe-medium.onnx"], threads=2)


@pytest.mark.parametrize("ids", [12, 75, 260])
def test_a_sentence_in_pieces_is_the_sentence_as_a_whole(voice: VitsGraph, ids: int) -> None:
    sentence = voice.encode([1, *([20, 0] * (ids // 2)), 2], (0.667, 1.0, 0.8), None)
    whole = Sentence(sentence.frames, sentence.inputs, None)
    at_once = voice.decode(whole, 0, whole.frames)
    parts = [voice.decode(sentence, begin, end) for begin, end in pieces(sentence.frames)]
    assert np.abs(np.concatenate(parts) - at_once).max() < 1e-5
    assert np.abs(at_once).max() > 0.01


def test_the_first_piece_needs_a_part_of_the_flow_only(voice: VitsGraph) -> None:
    sentence = voice.encode([1, *([20, 0] * 130), 2], (0.667, 1.0, 0.8), None)
    voice.decode(sentence, *next(iter(pieces(sentence.frames))))
    assert sentence.flowed < 40 < sentence.frames


def test_another_kind_of_model_is_refused(tmp_path: Path) -> None:
    node = helper.make_node("Identity", ["input"], ["output"])
    tensors = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1]) for n in ("input", "output")]
    path = tmp_path / "other.onnx"
    onnx.save(helper.make_model(helper.make_graph([node], "other", tensors[:1], tensors[1:])), str(path))
    with pytest.raises(ValueError, match="not a VITS voice"):
        VitsGraph(path, threads=1)
