"""How long one network takes to change between voices that LoRA makes of it, and what their number costs in memory.

    .venv-family-transformers_tts/bin/python -m benchmarks.lora_voices

The network has CSM's layers (16 and 4), all of whose projections are adapted, but is narrow and its weights are random:
a change copies nothing, so its time does not depend on how wide a layer is.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from tests.families.transformers_tts import tiny

from parley.adapters.transformers_tts import load
from parley.models.interfaces import ModelSpec

_LAYERS = (16, 4)
_NAMES = ("ann", "bob", "eve")
_CHANGES = 300


async def _measure(folder: Path) -> None:
    checkpoint = folder / "csm"
    tiny.write_csm(checkpoint, layers=_LAYERS)
    for seed, name in enumerate(_NAMES):
        tiny.write_lora(checkpoint, checkpoint / "voices" / name, seed)
    files = {path.name: path for path in checkpoint.iterdir() if path.is_file()}
    voice = await load(ModelSpec("csm", "transformers-tts", files, {"device": "cpu", "seed": 1}))
    network: Any = voice._network
    assert hasattr(network, "_speakers")
    took = []
    for i in range(_CHANGES):
        name = voice.voices[i % len(voice.voices)]
        begun = time.perf_counter()
        network._speakers.speak_as(name)
        took.append(time.perf_counter() - begun)
    p50, p95 = np.percentile(np.array(took) * 1000, [50, 95])
    held = [(name, p.nbytes) for name, p in network._model.named_parameters()]
    base = sum(size for name, size in held if "lora_" not in name)
    adapters = sum(size for name, size in held if "lora_" in name)
    await voice.aclose()
    sys.stdout.write(
        f"{len(voice.voices)} voices, {_CHANGES} changes: p50 {p50:.2f} ms, p95 {p95:.2f} ms\n"
        f"weights: the network {base >> 10} kB once, {len(_NAMES)} adapters {adapters >> 10} kB\n"
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        asyncio.run(_measure(Path(folder)))
