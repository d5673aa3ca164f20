"""From a catalogue entry and its files to a loaded model, through the adapters' entry points."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from importlib.metadata import entry_points
from typing import Any

from parley.errors import ModelError, ModelNotFound
from parley.models.interfaces import ModelSpec

GROUP = "parley.adapters"

Loader = Callable[[ModelSpec], Any | Awaitable[Any]]


def adapter(family: str) -> Loader:
    """The loader of a model family; raises `ModelNotFound` that lists the families there are."""
    found = entry_points(group=GROUP)
    if family not in found.names:
        raise ModelNotFound(f"no adapter for the family '{family}'; installed: {', '.join(sorted(found.names))}")
    try:
        loader: Loader = found[family].load()
    except ImportError as fault:
        raise ModelError(f"the adapter '{family}' needs a package that is not installed: {fault}") from fault
    return loader


async def load(spec: ModelSpec) -> Any:
    """Load a model; raises `ModelError` when its files or its runtime do not do."""
    import asyncio

    loader = adapter(spec.family)
    try:
        if inspect.iscoroutinefunction(loader):
            return await loader(spec)
        return await asyncio.to_thread(loader, spec)
    except (OSError, ValueError, RuntimeError, ImportError) as fault:
        raise ModelError(f"{spec.id} could not be loaded: {fault}") from fault


async def close(model: Any) -> None:
    """Unload a model, whichever way it has for that."""
    closer = getattr(model, "aclose", None) or getattr(model, "close", None)
    if closer is not None and inspect.isawaitable(closing := closer()):
        await closing
