"""Models loaded in this process, for commands that need no server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from parley.cli.terminal import pull_progress
from parley.languages import usual_language
from parley.models.catalogue import Model, catalogue
from parley.models.interfaces import ModelSpec
from parley.models.plugins import load
from parley.models.store import Store

if TYPE_CHECKING:
    from parley.config import Config
    from parley.server.run import Server


async def load_model(name: str, kind: Any, *, quiet: bool, family: str | None = None) -> Any:
    """Pull and load one model of the catalogue (or a voice file); `family` names another adapter than its own."""
    from parley.models.resolve import named

    store = Store()
    chosen = named(catalogue(), kind, name)
    if isinstance(chosen, ModelSpec):
        return await load(chosen)
    await ensure([chosen], store, quiet=quiet)
    return await load(store.spec(chosen, family=family or ""))


def language_of_voice(name: str) -> str:
    """The language of a voice of the catalogue, without loading it; English for a voice file or one of many."""
    from parley.models.resolve import named

    chosen = named(catalogue(), "tts", name)
    return usual_language(() if isinstance(chosen, ModelSpec) else chosen.languages)


async def ensure(models: list[Model], store: Store, *, quiet: bool, accept: str | None = None) -> None:
    """Pull what is missing, with progress."""
    missing = [m for m in models if not store.is_present(m)]
    if not missing:
        return
    with pull_progress(missing, quiet=quiet) as report:
        for model in missing:
            await asyncio.to_thread(store.pull, model, report, accept=accept)


async def prepare(server: Server, *, quiet: bool) -> None:
    """Pull and load a server's models, with progress."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        await server.prepare(pulling=lambda missing: stack.enter_context(pull_progress(missing, quiet=quiet)))


@asynccontextmanager
async def serving(settings: Config, *, quiet: bool) -> AsyncIterator[str]:
    """A server of a command's own while it works, with its models pulled and loaded; gives its address."""
    from parley.server.run import Server, set_up_logs

    set_up_logs(settings)
    server = Server(settings)
    await prepare(server, quiet=quiet)
    running = asyncio.create_task(server.serve())
    await server.ready.wait()
    try:
        yield server.url
    finally:
        await server.stop()
        await running


def command_config(**given: Any) -> Config:
    """The configuration for a command."""
    from parley.config import load as load_config

    return load_config(given.pop("path", None), **given)
