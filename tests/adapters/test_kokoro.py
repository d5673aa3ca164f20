"""Many voices in one network: which styles it is given, and what comes back; on a network that the test makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from parley.adapters.kokoro import Kokoro, load
from parley.audio import loudness
from parley.audio.pcm import Float32, to_float
from parley.models.interfaces import Caller, ModelSpec, SpeakingStyle

FRAMES = 4.0
"""What every phoneme lasts in the made network at speed 1, units of 25 ms."""
TEXT = "Good morning to all of you."


def network(path: Path, durations: str = "/encoder/Clip_output_0") -> Path:
    """A tone as loud as the style's first number says, as long as all phonemes together."""
    nodes = [
        helper.make_node("Cast", ["tokens"], ["zero"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["zero", "nothing"], ["none"]),
        helper.make_node("Add", ["none", "frames"], ["even"]),
        helper.make_node("Div", ["even", "speed"], [durations]),
        helper.make_node("ReduceSum", [durations], ["all"], keepdims=0),
        helper.make_node("Mul", ["all", "samples"], ["length"]),
        helper.make_node("Range", ["start", "length", "step"], ["phase"]),
        helper.make_node("Sin", ["phase"], ["tone"]),
        helper.make_node("ReduceMax", ["style"], ["loud"], keepdims=0),
        helper.make_node("Mul", ["tone", "loud"], ["audio"]),
    ]
    step = 0.2
    numbers = {"nothing": 0.0, "frames": FRAMES, "samples": 600 * step, "start": 0.0, "step": step}
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, "n"]),
            helper.make_tensor_value_info("style", TensorProto.FLOAT, [1, 256]),
            helper.make_tensor_value_info("speed", TensorProto.FLOAT, [1]),
        ],
        [helper.make_tensor_value_info("audio", TensorProto.FLOAT, ["m"])],
        [helper.make_tensor(name, TensorProto.FLOAT, [], [value]) for name, value in numbers.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def styles(path: Path, loud: float) -> Path:
    np.full((510, 256), loud, np.float32).tofile(path)
    return path


@pytest.fixture
def spec(tmp_path: Path) -> Callable[..., ModelSpec]:
    def made(**options: Any) -> ModelSpec:
        files = [
            network(tmp_path / "net.onnx"),
            styles(tmp_path / "af_heart.bin", 0.2),
            styles(tmp_path / "bm_george.bin", 0.05),
            styles(tmp_path / "jf_alpha.bin", 0.2),
        ]
        return ModelSpec("kokoro", "kokoro", {path.name: path for path in files}, options)

    return made


async def said(voice: Any, text: str, style: SpeakingStyle) -> tuple[Float32, list[Any]]:
    chunks = [chunk async for chunk in voice.synthesize(text, style, Caller())]
    return to_float(np.concatenate([c.samples for c in chunks])), [w for c in chunks for w in c.words]


async def test_english_voices_are_offered_and_each_is_as_loud_as_the_others(spec: Callable[..., ModelSpec]) -> None:
    voice = load(spec())
    assert list(voice.voices) == ["af_heart", "bm_george"]
    for name in voice.voices:
        sound, _ = await said(voice, TEXT, SpeakingStyle(name))
        assert loudness.integrated_lufs(sound, voice.rate_hz) == pytest.approx(-16, abs=1)
    voice.close()


async def test_words_lie_where_their_phonemes_do_and_speed_shortens_them(spec: Callable[..., ModelSpec]) -> None:
    voice = load(spec())
    sound, words = await said(voice, TEXT, SpeakingStyle("af_heart"))
    assert [TEXT[w.text_start : w.text_end] for w in words] == TEXT.split()
    assert [w.start_s for w in words] == sorted(w.start_s for w in words)
    assert words[-1].end_s <= len(sound) / voice.rate_hz
    quick, _ = await said(voice, TEXT, SpeakingStyle("af_heart", speed=2.0))
    assert len(quick) == pytest.approx(len(sound) / 2, rel=0.1)
    voice.close()


async def test_a_style_is_that_of_the_number_of_phonemes_and_british_voices_say_theirs(
    spec: Callable[..., ModelSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[int, str]] = []
    run = Kokoro._run

    def noted(self: Kokoro, ids: Any, voice: str, speed: float) -> Any:
        given.append((len(ids), voice))
        table = self._styles[voice]
        table[:] = 0.1
        table[len(ids) - 2] = 0.3
        sound, durations = run(self, ids, voice, speed)
        assert np.abs(sound).max() == pytest.approx(0.3, abs=0.01)
        return sound, durations

    monkeypatch.setattr(Kokoro, "_run", noted)
    voice = load(spec())
    given.clear()
    for name in voice.voices:
        await said(voice, "Wait for the doctor here.", SpeakingStyle(name))
    (american, _), (british, _) = given
    assert american != british
    voice.close()


async def test_the_voice_that_it_was_named_by_speaks_unless_another_is_wanted(spec: Callable[..., ModelSpec]) -> None:
    voice = load(spec(voice="bm_george"))
    assert list(voice.voices) == ["bm_george", "af_heart"]
    voice.close()


def test_files_that_are_no_voice_are_named(tmp_path: Path) -> None:
    other = network(tmp_path / "net.onnx", durations="other")
    table = styles(tmp_path / "af_heart.bin", 0.2)
    with pytest.raises(ValueError, match=r"net\.onnx is another kind of network"):
        load(ModelSpec("k", "kokoro", {p.name: p for p in (other, table)}))
    (tmp_path / "af_bad.bin").write_bytes(bytes(1000))
    with pytest.raises(ValueError, match=r"af_bad\.bin is no table"):
        load(ModelSpec("k", "kokoro", {p.name: p for p in (other, tmp_path / "af_bad.bin")}))
    with pytest.raises(ValueError, match="lacks the network"):
        load(ModelSpec("k", "kokoro", {table.name: table}))
