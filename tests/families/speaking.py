"""What the tests of voices on torch have in common: what is said, several texts at once, and what is refused."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from parley.adapters.stepped_voice import SteppedVoice
from parley.audio.pcm import Int16
from parley.errors import ModelError, ParleyError
from parley.models import plugins
from parley.models.interfaces import Caller, ModelSpec, SpeakingStyle, SpeechChunk

Load = Callable[[ModelSpec], Awaitable[SteppedVoice]]


def files_of(folder: Path) -> dict[str, Path]:
    """By name."""
    return {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}


async def said(voice: SteppedVoice, text: str, /, owner: str = "ann", **style: Any) -> list[SpeechChunk]:
    """All of a text."""
    return [chunk async for chunk in voice.synthesize(text, SpeakingStyle(**style), Caller(owner))]


def sound(chunks: list[SpeechChunk]) -> Int16:
    """Of all that was said."""
    return np.concatenate([chunk.samples for chunk in chunks])


async def said_in_turns(voice: SteppedVoice, texts: Mapping[str, str]) -> dict[str, list[SpeechChunk]]:
    """Texts of several speakers, chunk by chunk in turns."""
    streams = {name: voice.synthesize(text, SpeakingStyle(voice=name), Caller(name)) for name, text in texts.items()}
    together: dict[str, list[SpeechChunk]] = {name: [] for name in texts}
    while streams:
        for name, stream in list(streams.items()):
            if (chunk := await anext(stream, None)) is None:
                del streams[name]
            else:
                together[name].append(chunk)
    return together


async def is_refused(load: Load, spec: ModelSpec, words: str) -> None:
    """What is wrong is said in these words."""
    with pytest.raises(ParleyError) as fault:
        await load(spec)
    assert words in str(fault.value)


async def is_too_large(load: Load, spec: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little memory is told with numbers."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 1000})())
    with pytest.raises(ModelError, match=r"tiny needs 0\.\d\d GB of memory on cpu .* 0\.00 GB are free"):
        await load(spec)


async def gives_everything_back(voice: SteppedVoice, network: Callable[[Any], Any]) -> None:
    """No weight is left of one that was unloaded; `network`: the module of torch among what the voice steps."""
    weights = weakref.ref(next(network(voice._network).parameters()))
    await voice.aclose()
    gc.collect()
    assert weights() is None


async def stops_with_its_listener(voice: SteppedVoice, text: str, **style: Any) -> None:
    """Nothing of a text is made that nobody hears any more, and the next one is said; `style`: of that."""
    async with aclosing(voice.synthesize(text, SpeakingStyle(), Caller("ann"))) as chunks:
        await anext(chunks)
    assert not voice._executor.waiting
    assert len(await said(voice, text, **style)) > 1


async def is_found_by_its_family(spec: ModelSpec) -> None:
    """By the name that its package's entry point has."""
    voice = await plugins.load(spec)
    assert isinstance(voice, SteppedVoice)
    await voice.aclose()
