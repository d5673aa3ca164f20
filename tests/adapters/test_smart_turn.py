"""smart-turn's family: networks made here, with and without an encoder that can be looked into."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from parley.adapters import smart_turn
from parley.adapters.smart_turn import SmartTurn, load
from parley.errors import ModelError
from parley.models.interfaces import MODEL_RATE_HZ, Caller, ModelSpec
from parley.models.resolve import HEAD

CALLER = Caller("test")
SOUND = np.random.default_rng(1).normal(0, 0.1, MODEL_RATE_HZ).astype(np.float32)


def write(path: Path, encoded: str = "layer_norm_8") -> Path:
    """A network that says 0.75 of everything; its encoder, of which every value is 2, is called `encoded`."""
    constants = {
        "nothing": np.zeros((1,), np.float32), "odds": np.full((1, 1), np.log(3), np.float32),
        "two": np.full((1, 400, 384), 2, np.float32),
    }  # fmt: skip
    nodes = [
        helper.make_node("ReduceMean", ["input_features"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Mul", ["mean", "nothing"], ["zero"]),
        helper.make_node("Add", ["two", "zero"], [encoded]),
        helper.make_node("Add", ["odds", "zero"], ["sum"]),
        helper.make_node("Sigmoid", ["sum"], ["logits"]),
    ]
    given = [helper.make_tensor_value_info("input_features", TensorProto.FLOAT, ["batch", 80, 800])]
    told = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 1])]
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "tiny", given, told, tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    return path


@pytest.fixture
async def loaded() -> AsyncIterator[Any]:
    """Loads a model from files, and closes it."""
    models: list[SmartTurn] = []

    def make(*files: Path, name: str = "tiny") -> Any:
        found = {path.name: path for path in files}
        models.append(load(ModelSpec(name, "smart-turn", found, languages=("te", "hi"))))  # type: ignore[arg-type]
        return models[-1]

    yield make
    for model in models:
        model.close()


async def test_a_network_that_nobody_fitted_a_head_to_is_believed_itself(loaded: Any, tmp_path: Path) -> None:
    model = loaded(write(tmp_path / "net.onnx", encoded="something_else"))
    assert await model.probability(SOUND, CALLER) == pytest.approx(0.75, abs=1e-6)
    assert model.languages == ("te", "hi")


async def test_a_head_beside_it_weighs_what_its_encoder_sees(loaded: Any, tmp_path: Path) -> None:
    head = {"bias": 1.0, "weights": [-0.25, *[0.0] * 767, 1.0], "languages": ["te"]}
    (tmp_path / HEAD).write_text(json.dumps(head))
    model = loaded(write(tmp_path / "net.onnx"), tmp_path / HEAD)
    odds = 1.0 - 0.25 * 2 + np.log(3)
    assert await model.probability(SOUND, CALLER) == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-4)


def test_without_a_head_it_can_still_be_asked_what_it_sees(tmp_path: Path) -> None:
    model = smart_turn.seeing(ModelSpec("tiny", "smart-turn", {"net.onnx": write(tmp_path / "net.onnx")}))
    seen = model.look(SOUND)
    assert seen[:-1].tolist() == [2.0] * 768
    assert model.judge(seen) == pytest.approx(0.75, abs=1e-4), "as long as nothing is fitted, its own opinion counts"
    model.close()


def test_a_network_of_another_kind_and_a_broken_head_are_named(loaded: Any, tmp_path: Path) -> None:
    other, head = write(tmp_path / "net.onnx", encoded="something_else"), tmp_path / HEAD
    head.write_text(json.dumps({"bias": 0.0, "weights": [0.0] * 769}))
    with pytest.raises(ModelError, match=r"net\.onnx is another kind of network"):
        loaded(other, head)
    head.write_text("{}")
    with pytest.raises(ModelError, match="no head of a turn model can be read"):
        loaded(other, head)
    with pytest.raises(ModelError, match="'tiny' has 2 networks"):
        loaded(other, write(tmp_path / "second.onnx"))
