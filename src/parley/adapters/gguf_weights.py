"""Weights in a form that llama.cpp multiplies fast on CPUs.

llama.cpp interleaves the rows of some 4-bit formats when it loads them ("repack") and then multiplies eight at a time;
for Q4_1 and Q6_K it has no such kernel. So such weights are written anew as IQ4_NL, once, beside the file they came
from: 16 levels that are dense around zero instead of 16 equal steps, each block of 32 with the scale of least squared
error. That takes half a minute of one core for 100 MB of them, so it is done behind the first start, for the next one.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from filelock import FileLock
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter, LlamaFileType
from gguf.quants import dequantize
from numpy.typing import NDArray

from parley.models.subprocesses import PARENT, end_with_parent

log = structlog.get_logger("model")

_BLOCK = 32
_BLOCK_BYTES = 2 + _BLOCK // 2
_LEVELS = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], np.float32)
"""Of IQ4_NL, as ggml defines them, in units of a block's scale."""
_LOWEST, _HIGHEST = int(_LEVELS[0]), int(_LEVELS[-1])
_NEAREST = np.abs(np.arange(_LOWEST, _HIGHEST + 1)[:, None] - _LEVELS[None]).argmin(axis=1).astype(np.uint8)
_STRETCHES = (0.88, 0.96, 1.04)
_CONVERTED = "IQ4_NL"
_SLOWER = (GGMLQuantizationType.Q4_1, GGMLQuantizationType.Q6_K)
_ROWS_AT_ONCE = 2048
_NICE = 19


def prepared(path: Path) -> Path | None:
    """The file that `fast_on_cpu` made of `path`, if it did."""
    converted = _beside(path)
    return converted if _is_newer(converted, path) else None


async def prepare(path: Path) -> None:
    """Make it in a process of its own that gives way to everything else; cancelling ends that."""
    command = [sys.executable, "-m", "parley.adapters.gguf_weights", str(path)]
    environment = {**os.environ, PARENT: str(os.getpid())}
    process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE, env=environment)
    try:
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        log.warning("weights stay as they are", file=str(path), code=process.returncode)


def fast_on_cpu(path: Path) -> Path:
    """The model with its slower weights as IQ4_NL, in a file beside `path`; made on first use (some seconds).

    Raises `ValueError` for a file that is no GGUF. Where the folder cannot be written to, `path` serves as it is.
    """
    converted = _beside(path)
    try:
        with FileLock(f"{converted}.lock"):
            if not _is_newer(converted, path):
                log.info("preparing weights for this machine, once", file=path.name)
                partial = converted.with_name(converted.name + ".part")
                _write(GGUFReader(path), partial)
                partial.replace(converted)
    except OSError as fault:
        log.warning("weights stay as they are: nothing can be written beside them", file=str(path), error=str(fault))
        return path
    return converted


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.stem}.{_CONVERTED}.gguf")


def _is_newer(converted: Path, path: Path) -> bool:
    return converted.exists() and converted.stat().st_mtime_ns > path.stat().st_mtime_ns


def _write(reader: GGUFReader, target: Path) -> None:
    architecture = reader.fields["general.architecture"].contents()
    writer = GGUFWriter(target, str(architecture))
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        value = LlamaFileType.MOSTLY_IQ4_NL if field.name == "general.file_type" else field.contents()
        kind = field.types[0]
        writer.add_key_value(field.name, value, kind, field.types[-1] if kind is GGUFValueType.ARRAY else None)
    for tensor in reader.tensors:
        data, form = tensor.data, tensor.tensor_type
        shape: tuple[int, ...] = data.shape
        if _is_slower(tensor):
            form, shape = GGMLQuantizationType.IQ4_NL, (len(data), int(tensor.shape[0]) // _BLOCK * _BLOCK_BYTES)
        writer.add_tensor_info(tensor.name, shape, data.dtype, int(np.prod(shape)) * data.itemsize, raw_dtype=form)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for tensor in reader.tensors:  # one at a time in memory
        writer.write_tensor_data(_converted(tensor) if _is_slower(tensor) else tensor.data)
    writer.close()


def _is_slower(tensor: Any) -> bool:
    return tensor.tensor_type in _SLOWER and tensor.data.ndim == 2  # experts, in three dimensions, stay as they are


def _converted(tensor: Any) -> NDArray[np.uint8]:
    rows = (tensor.data[i : i + _ROWS_AT_ONCE] for i in range(0, len(tensor.data), _ROWS_AT_ONCE))
    return np.concatenate([as_iq4_nl(dequantize(part, tensor.tensor_type)) for part in rows])


def as_iq4_nl(weights: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Rows (n, a multiple of 32) as blocks of IQ4_NL: half-precision scale, then 32 levels of 4 bits; (n, bytes)."""
    blocks = weights.reshape(-1, _BLOCK)
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=1)[:, None], axis=1)[:, 0]
    least = np.full(len(blocks), np.inf, np.float32)
    scales, levels = np.zeros(len(blocks), np.float16), np.zeros(blocks.shape, np.uint8)
    for end in (_LOWEST, _HIGHEST):
        for stretch in _STRETCHES:
            chosen = _nearest(blocks, largest / np.float32(end) * np.float32(stretch))
            values = _LEVELS[chosen]
            scale = (values * blocks).sum(axis=1) / np.square(values).sum(axis=1)
            half = scale.astype(np.float16)
            error = np.square(blocks - values * half.astype(np.float32)[:, None]).sum(axis=1)
            better = error < least
            least[better], scales[better], levels[better] = error[better], half[better], chosen[better]
    packed = np.empty((len(blocks), _BLOCK_BYTES), np.uint8)
    packed[:, :2] = scales.view(np.uint8).reshape(-1, 2)
    packed[:, 2:] = levels[:, : _BLOCK // 2] | levels[:, _BLOCK // 2 :] << 4
    return packed.reshape(len(weights), -1)


def _nearest(blocks: NDArray[np.float32], scale: NDArray[np.float32]) -> NDArray[np.uint8]:
    steps = blocks * np.divide(1, scale, out=np.zeros_like(scale), where=scale != 0)[:, None]
    whole = np.rint(np.clip(steps, _LOWEST, _HIGHEST)).astype(np.int16)
    nearest: NDArray[np.uint8] = _NEAREST[whole - _LOWEST]
    return nearest


if __name__ == "__main__":
    end_with_parent(watch_stdin=True)
    os.nice(_NICE)
    logging.getLogger("gguf").setLevel(logging.WARNING)
    fast_on_cpu(Path(sys.argv[1]))
