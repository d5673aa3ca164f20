"""Recognisers as ONNX: networks made here that write letters for tones, in the forms that NeMo exports."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from parley.adapters.onnx_recognizers import load
from parley.audio.pcm import Float32
from parley.errors import ModelError
from parley.models.interfaces import MODEL_RATE_HZ, Caller, Guidance, ModelSpec
from parley.models.plugins import adapter

CALLER = Caller("test")
VOCABULARY = ("\u2581ka", "la", "\u2581mo", "<blk>")
TONES_HZ = (400, 1500, 5000)
"""Of the pieces, in order."""
BANDS, FRAME_S = 80, 0.08
WIDTH = len(VOCABULARY)


def mel(hz: float) -> float:
    """Its place on Slaney's scale, of the bands of NeMo, 0 to 1."""
    places = [f / (200 / 3) if f < 1000 else 15 + np.log(f / 1000) * 27 / np.log(6.4) for f in (hz, MODEL_RATE_HZ / 2)]
    return float(places[0] / places[1])


def kernel() -> NDArray[np.float32]:
    """One column of bands for each piece: likely where the tone is louder than usual."""
    weights = np.zeros((WIDTH, BANDS, 8), np.float32)
    for piece, hz in enumerate(TONES_HZ):
        centre = round(mel(hz) * (BANDS + 1)) - 1
        weights[piece, centre - 1 : centre + 2] = 0.15
    return weights


def write(path: Path, nodes: list[Any], inputs: list[Any], outputs: list[Any], constants: dict[str, Any]) -> None:
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def value(name: str, shape: list[Any], kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


SOUND = [value("audio_signal", ["batch", BANDS, "time"]), value("length", ["batch"], TensorProto.INT64)]
BLANK = np.array([0, 0, 0, 3], np.float32)
"""What is written where no tone is loud."""


def ctc(folder: Path) -> None:
    """As NeMo exports a Conformer with letters for each frame."""
    nodes = [
        helper.make_node("Conv", ["audio_signal", "kernel", "bias"], ["heard"], strides=[8], pads=[0, 7]),
        helper.make_node("Transpose", ["heard"], ["frames"], perm=[0, 2, 1]),
        helper.make_node("LogSoftmax", ["frames"], ["logprobs"], axis=-1),
    ]
    out = [value("logprobs", ["batch", "frames", WIDTH])]
    write(folder / "model.onnx", nodes, SOUND, out, {"kernel": kernel(), "bias": BLANK})


def tdt(folder: Path) -> None:
    """As NeMo exports Parakeet: an encoder, and what makes of a frame a letter and how many frames that takes."""
    four = np.array([8], np.int64)
    encoder = [
        helper.make_node("Conv", ["audio_signal", "kernel", "bias"], ["outputs"], strides=[8], pads=[0, 7]),
        helper.make_node("Add", ["length", "seven"], ["more"]),
        helper.make_node("Div", ["more", "eight"], ["encoded_lengths"]),
    ]
    lengths = {"seven": four - 1, "eight": four}
    told = [value("outputs", ["batch", WIDTH, "frames"]), value("encoded_lengths", ["batch"], TensorProto.INT64)]
    write(folder / "encoder-model.int8.onnx", encoder, SOUND, told, {"kernel": kernel(), "bias": BLANK, **lengths})
    joint = [
        helper.make_node("Transpose", ["encoder_outputs"], ["frame"], perm=[0, 2, 1]),
        helper.make_node("Concat", ["frame", "takes"], ["scores"], axis=-1),
        helper.make_node("Unsqueeze", ["scores", "first"], ["outputs"]),
        helper.make_node("Identity", ["input_states_1"], ["output_states_1"]),
        helper.make_node("Identity", ["input_states_2"], ["output_states_2"]),
    ]
    states = [value(f"{way}_states_{n}", [1, "batch", 2]) for way in ("input", "output") for n in (1, 2)]
    asked = [
        value("encoder_outputs", ["batch", WIDTH, "one"]), value("targets", ["batch", "letters"], TensorProto.INT32),
        value("target_length", ["batch"], TensorProto.INT32), *states[:2],
    ]  # fmt: skip
    told = [value("outputs", ["batch", "one", "steps", WIDTH + 5]), *states[2:]]
    takes = np.array([[[0, 0, 0, 0, 9]]], np.float32)  # four frames
    constants = {"takes": takes, "first": np.array([1], np.int64)}
    write(folder / "decoder_joint-model.int8.onnx", joint, asked, told, constants)


def files_of(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in folder.iterdir()}


FORMS = {
    "nemo-conformer-ctc": (ctc, {}),
    "nemo-conformer-tdt": (tdt, {"quantization": "int8"}),
}


@pytest.fixture(params=list(FORMS))
def made(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """A folder in a form, and its options."""
    write_form: Callable[[Path], None]
    write_form, more = FORMS[request.param]
    write_form(tmp_path)
    (tmp_path / "vocab.txt").write_text("".join(f"{piece} {n}\n" for n, piece in enumerate(VOCABULARY)), "utf-8")
    (tmp_path / "config.json").write_text(json.dumps({"features_size": BANDS, "subsampling_factor": 8}))
    return tmp_path, {"form": request.param, **more}


@pytest.fixture
async def recognizer(made: tuple[Path, dict[str, Any]]) -> AsyncIterator[Any]:
    folder, options = made
    model: Any = adapter("onnx-asr")(ModelSpec("tiny", "onnx-asr", files_of(folder), options, languages=("te",)))
    yield model
    model.close()


def spoken(*pieces: int | None) -> Float32:
    """Four frames of a tone, or of next to nothing, for each piece."""
    times = np.arange(round(4 * FRAME_S * MODEL_RATE_HZ)) / MODEL_RATE_HZ
    tones = [0.3 * np.sin(2 * np.pi * TONES_HZ[p] * times) if p is not None else 0 * times for p in pieces]
    sound = np.concatenate(tones)
    return (sound + np.random.default_rng(1).normal(0, 1e-4, len(sound))).astype(np.float32)


async def test_words_are_written_with_their_times(recognizer: Any) -> None:
    stream = recognizer.open("te", Guidance(word_times=True))
    stream.feed(spoken(None, 0, 1, None, 2, None, 0))
    found = await stream.finish(CALLER)
    assert (found.text, found.language) == ("kala mo ka", "te")
    assert recognizer.languages == ("te",)
    assert [word.text for word in found.words] == ["kala", "mo", "ka"]
    for word, begins in zip(found.words, (0.32, 1.28, 1.92), strict=True):
        assert word.start_s == pytest.approx(begins, abs=0.09)
        assert word.start_s < word.end_s <= begins + 0.7
    assert found.mean_logprob < 0


async def test_a_word_that_is_not_asked_for_its_time_has_none_and_silence_has_no_words(recognizer: Any) -> None:
    stream = recognizer.open()
    stream.feed(spoken(None, 2, None))
    assert await stream.partial(CALLER) == await stream.finish(CALLER)
    assert (await stream.finish(CALLER)).words == ()
    short = recognizer.open()
    short.feed(spoken(0)[:800])
    assert (await short.finish(CALLER)).text == ""


@pytest.mark.parametrize(
    ("missing", "options", "said"),
    [
        ("vocab.txt", {}, "tiny could not be loaded: ModelFileNotFoundError"),
        ("", {"form": "nemo-conformer"}, "tiny could not be loaded: ModelNotSupportedError"),
        ("", {"voice": "x"}, "tiny: options: voice: Extra inputs are not permitted"),
        ("", {"threads": 0}, "tiny: options: threads"),
    ],
)
def test_what_will_not_do_is_said(
    missing: str, options: dict[str, Any], said: str, made: tuple[Path, dict[str, Any]]
) -> None:
    folder, known = made
    if missing:
        (folder / missing).unlink()
    with pytest.raises(ModelError, match=said):
        load(ModelSpec("tiny", "onnx-asr", files_of(folder), {**known, **options}))


def test_files_in_several_folders_are_refused(made: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    files = {**files_of(made[0]), "other.onnx": tmp_path / "elsewhere" / "other.onnx"}
    with pytest.raises(ModelError, match="its files are to be in one folder; they are in 2"):
        load(ModelSpec("tiny", "onnx-asr", files, made[1]))
