"""Weights in a form that llama.cpp multiplies fast on CPUs.

llama.cpp interleaves the rows of some 4-bit formats when it loads them ("repack") and then multiplies eight at a time;
for Q4_1 it has no such kernel. So Q4_1 weights are written anew as IQ4_NL, once, beside the file they came from: 16
levels that are dense around zero instead of 16 equal steps, each block of 32 with the scale of least squared error.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from filelock import FileLock
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter, LlamaFileType
from gguf.quants import dequantize
from numpy.typing import NDArray

log = structlog.get_logger("model")

_BLOCK = 32
_LEVELS = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], np.float32)
"""Of IQ4_NL, as ggml defines them, in units of a block's scale."""
_LOWEST, _HIGHEST = int(_LEVELS[0]), int(_LEVELS[-1])
_NEAREST = np.abs(np.arange(_LOWEST, _HIGHEST + 1)[:, None] - _LEVELS[None]).argmin(axis=1).astype(np.uint8)
_STRETCHES = (0.88, 0.96, 1.04)
_CONVERTED = "IQ4_NL"
_converting = threading.Lock()


def fast_on_cpu(path: Path) -> Path:
    """The model with its Q4_1 weights as IQ4_NL, in a file beside `path`; made on first use (some seconds).

    Raises `ValueError` for a file that is no GGUF. Where the folder cannot be written to, `path` serves as it is.
    """
    converted = path.with_name(f"{path.stem}.{_CONVERTED}.gguf")
    try:
        with _converting, FileLock(f"{converted}.lock"):
            if not _is_newer(converted, path):
                log.info("preparing weights for this machine, once", file=path.name)
                partial = converted.with_name(converted.name + ".part")
                _write(GGUFReader(path), partial)
                partial.replace(converted)
    except OSError as fault:
        log.warning("weights stay as they are: nothing can be written beside them", file=str(path), error=str(fault))
        return path
    return converted


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
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for tensor, (data, form) in zip(reader.tensors, pool.map(_converted, reader.tensors), strict=True):
            writer.add_tensor(tensor.name, data, raw_dtype=form)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _converted(tensor: Any) -> tuple[NDArray[Any], GGMLQuantizationType]:
    if tensor.tensor_type != GGMLQuantizationType.Q4_1:
        return tensor.data, tensor.tensor_type
    return as_iq4_nl(dequantize(tensor.data, tensor.tensor_type)), GGMLQuantizationType.IQ4_NL


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
    packed = np.empty((len(blocks), 2 + _BLOCK // 2), np.uint8)
    packed[:, :2] = scales.view(np.uint8).reshape(-1, 2)
    packed[:, 2:] = levels[:, : _BLOCK // 2] | levels[:, _BLOCK // 2 :] << 4
    return packed.reshape(len(weights), -1)


def _nearest(blocks: NDArray[np.float32], scale: NDArray[np.float32]) -> NDArray[np.uint8]:
    steps = blocks * np.divide(1, scale, out=np.zeros_like(scale), where=scale != 0)[:, None]
    whole = np.rint(np.clip(steps, _LOWEST, _HIGHEST)).astype(np.int16)
    nearest: NDArray[np.uint8] = _NEAREST[whole - _LOWEST]
    return nearest
