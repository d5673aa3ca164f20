"""Weights in a form that llama.cpp multiplies fast: nearly the same numbers, the same description."""

from __future__ import annotations

import asyncio
import signal
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter
from gguf.quants import dequantize, quantize
from numpy.typing import NDArray

from parley.adapters.gguf_weights import _LEVELS, as_iq4_nl, fast_on_cpu, prepare, prepared


def weights_of(packed: NDArray[np.uint8]) -> NDArray[np.float32]:
    blocks = packed.reshape(-1, 18)
    scales = blocks[:, :2].copy().view(np.float16).astype(np.float32)
    codes = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1)
    weights: NDArray[np.float32] = _LEVELS[codes] * scales
    return weights


def a_model(folder: Path) -> Path:
    path = folder / "tiny.Q4_1.gguf"
    writer = GGUFWriter(path, "llama")
    writer.add_string("general.name", "tiny")
    writer.add_uint32("llama.block_count", 2)
    writer.add_array("tokenizer.ggml.tokens", ["a", "b", "ç"])
    drawn = np.random.default_rng(1)
    kind = GGMLQuantizationType.Q4_1
    for name in ("blk.0.ffn_up.weight", "blk.1.ffn_up.weight"):
        writer.add_tensor(name, quantize(drawn.normal(0, 0.02, (64, 96)).astype(np.float32), kind), raw_dtype=kind)
    writer.add_tensor("output_norm.weight", np.ones(96, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_weights_stay_nearly_the_same() -> None:
    weights = np.random.default_rng(2).normal(0, 0.03, (50, 320)).astype(np.float32)
    weights[3] = 0.0
    again = weights_of(as_iq4_nl(weights)).reshape(weights.shape)
    assert np.sqrt(np.square(again - weights).mean() / np.square(weights).mean()) < 0.08
    assert not again[3].any()


def test_a_model_keeps_its_description_and_only_its_4_bit_weights_change(tmp_path: Path) -> None:
    path = a_model(tmp_path)
    before, after = GGUFReader(path), GGUFReader(fast_on_cpu(path))
    told = {n: f.contents() for n, f in before.fields.items() if not n.startswith("GGUF.")}
    assert told == {n: f.contents() for n, f in after.fields.items() if not n.startswith("GGUF.")}
    assert [t.tensor_type.name for t in after.tensors] == ["IQ4_NL", "IQ4_NL", "F32"]
    for old, new in zip(before.tensors[:2], after.tensors[:2], strict=True):
        weights = dequantize(old.data, old.tensor_type)
        error = np.square(weights_of(new.data).reshape(weights.shape) - weights).sum() / np.square(weights).sum()
        assert np.sqrt(error) < 0.08


def k_blocks(kind: GGMLQuantizationType, rows: int) -> NDArray[np.uint8]:
    """One block of 256 weights a row, drawn at random, with scales that are none of them extreme."""
    drawn = np.random.default_rng(3)
    scale = np.float16(0.001).tobytes()
    parts: list[NDArray[Any]]
    if kind is GGMLQuantizationType.Q6_K:  # 4 low bits, 2 high bits, scales of 16, scale of all
        parts = [drawn.integers(0, 256, 192), drawn.integers(20, 40, 16), np.frombuffer(scale, np.uint8)]
    else:  # Q4_K: scale, least, 6-bit scales and leasts, 4 bits
        parts = [np.frombuffer(scale * 2, np.uint8), np.full(12, 0x55), drawn.integers(0, 256, 128)]
    one = np.concatenate(parts).astype(np.uint8)
    return np.tile(one, (rows, 1))


def test_the_finer_weights_of_larger_models_are_converted_but_for_experts(tmp_path: Path) -> None:
    path = tmp_path / "large.gguf"
    writer = GGUFWriter(path, "llama")
    kind, coarser = GGMLQuantizationType.Q6_K, GGMLQuantizationType.Q4_K
    matrix = k_blocks(kind, 2500)
    writer.add_tensor("blk.0.ffn_down.weight", matrix, raw_dtype=kind)
    writer.add_tensor("blk.0.ffn_up.weight", k_blocks(coarser, 8), raw_dtype=coarser)
    writer.add_tensor("blk.0.ffn_up_exps.weight", np.stack([matrix[:8]] * 2), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    weights, other, experts = GGUFReader(fast_on_cpu(path)).tensors
    assert (weights.tensor_type.name, other.tensor_type, experts.tensor_type) == ("IQ4_NL", coarser, kind)
    assert list(weights.shape) == [256, 2500]
    before = dequantize(matrix, kind)
    error = np.square(weights_of(weights.data).reshape(before.shape) - before).sum() / np.square(before).sum()
    assert np.sqrt(error) < 0.1
    assert np.array_equal(np.asarray(experts.data)[0], matrix[:8])


def test_it_is_made_once_and_again_when_the_model_is_another(tmp_path: Path) -> None:
    path = a_model(tmp_path)
    converted = fast_on_cpu(path)
    first = converted.stat().st_mtime_ns
    assert fast_on_cpu(path).stat().st_mtime_ns == first
    path.touch()
    assert fast_on_cpu(path).stat().st_mtime_ns > first


async def test_it_is_made_behind_a_start_for_the_next_one(tmp_path: Path) -> None:
    path = a_model(tmp_path)
    assert prepared(path) is None
    await prepare(path)
    assert prepared(path) == fast_on_cpu(path)


async def test_making_it_ends_with_whoever_wanted_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[asyncio.subprocess.Process] = []
    started = asyncio.Event()
    begin = asyncio.create_subprocess_exec

    async def noted(*command: str, **how: Any) -> asyncio.subprocess.Process:
        begun.append(await begin(*command, **how))
        started.set()
        return begun[-1]

    monkeypatch.setattr("asyncio.create_subprocess_exec", noted)
    making = asyncio.create_task(prepare(a_model(tmp_path)))
    await asyncio.wait_for(started.wait(), 20)
    making.cancel()
    await asyncio.gather(making, return_exceptions=True)
    assert begun[0].returncode == -signal.SIGKILL


def test_a_folder_that_cannot_be_written_to_costs_only_the_speed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = a_model(tmp_path)
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    if not _refuses(tmp_path):  # root may write everywhere
        monkeypatch.setattr("parley.adapters.gguf_weights.FileLock", _refusing)
    try:
        assert fast_on_cpu(path) == path
    finally:
        tmp_path.chmod(stat.S_IRWXU)


def _refuses(folder: Path) -> bool:
    try:
        (folder / "probe").touch()
    except PermissionError:
        return True
    return False


def _refusing(path: str) -> None:
    raise PermissionError(13, "Permission denied", path)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"this is no model" * 10)
    with pytest.raises(ValueError, match="GGUF"):
        fast_on_cpu(path)
