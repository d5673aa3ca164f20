"""Where a model of torch computes, and how much memory is free there."""

from __future__ import annotations

import gc

import psutil
import structlog
import torch

from parley.errors import ModelError

log = structlog.get_logger("model")

_MARGIN = 1.1
_DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}


def device_named(model: str, name: str) -> torch.device:
    """What the option `device` of a model means; "auto" is a GPU where there is one.

    Raises `ModelError` for what is no device, and for a GPU that is not there.
    """
    has_gpu = torch.cuda.is_available()
    if name == "auto":
        return torch.device("cuda" if has_gpu else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as fault:
        raise ModelError(f"{model}: option 'device': '{name}' is no device: {fault}") from fault
    if device.type == "cuda" and not (has_gpu and (device.index or 0) < torch.cuda.device_count()):
        raise ModelError(f"{model}: option 'device': {name} is not there; torch finds no such GPU")
    return device


def dtype_named(name: str, device: torch.device, on_gpu: torch.dtype = torch.bfloat16) -> torch.dtype:
    """What the option `dtype` of a model means; "auto" is float32 on a CPU, on a GPU `on_gpu`."""
    return _DTYPES.get(name, on_gpu if device.type == "cuda" else torch.float32)


def begin_thread(threads: int | None) -> None:
    """Of a voice's own thread, where all of it happens: nothing is learnt there, on as many `threads` of the CPU."""
    if threads is not None:
        torch.set_num_threads(threads)
    torch.set_grad_enabled(False)


def free_bytes(device: torch.device) -> int:
    """Memory of a GPU, or of this machine, that nobody uses."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def check_memory(model: str, device: torch.device, weights: int, beside: int = 0) -> None:
    """Raises `ModelError` where `weights`, and what speech takes `beside` them, do not fit (bytes)."""
    needed, free = round(weights * _MARGIN) + beside, free_bytes(device)
    log.info("memory asked", model=model, needed_mb=needed >> 20, free_mb=free >> 20, device=str(device))
    if needed > free:
        raise ModelError(
            f"{model} needs {needed / 1e9:.2f} GB of memory on {device} ({weights / 1e9:.2f} GB of weights) and "
            f"{free / 1e9:.2f} GB are free"
        )


def give_back(device: torch.device) -> None:
    """Let others have the memory of what nobody refers to any more."""
    gc.collect()  # modules and their hooks know each other
    if device.type == "cuda":
        torch.cuda.empty_cache()
