"""``parley worker`` and ``parley workers``."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from pydantic import SecretStr
from redis.exceptions import RedisError
from rich.live import Live
from rich.table import Table

from parley import logs
from parley.cli.serve import run
from parley.cli.terminal import errors, out, pull_progress
from parley.config import load as load_config
from parley.errors import UnavailableError, UsageError
from parley.models.catalogue import catalogue
from parley.models.store import Store
from parley.server.choosing import fleet_of
from parley.workers import process
from parley.workers.announcement import Announcement
from parley.workers.fleet import Fleet
from parley.workers.process import Worker
from parley.workers.registry import announced
from parley.workers.remote_worker import RemoteWorker
from parley.workers.settings import WorkerSettings, read_settings

_LOOK_S = 1.0


def worker(
    config: Annotated[Path | None, typer.Option(help="YAML file, '-' for standard input")] = None,
    name: Annotated[str | None, typer.Option(help="Unique name [default: HOST-PID]")] = None,
    listen: Annotated[str | None, typer.Option(help="host:port or unix:/path [default: 127.0.0.1:7200]")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Model of the catalogue; the first is the default")] = None,
    redis_url: Annotated[str | None, typer.Option(help="Where it announces itself")] = None,
    advertise: Annotated[str | None, typer.Option(help="Address that servers reach it at")] = None,
    plaintext: Annotated[bool | None, typer.Option("--plaintext", help="Allow other addresses without TLS")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress")] = False,
) -> None:
    """One model worker: voices and recognisers for servers on this and other hosts.

    Missing models are pulled first. SIGTERM lets streams under way finish. Examples:

      parley worker --config configs/worker.yaml

      parley worker --model piper-en-us-joe --model espeak --redis-url redis://10.0.0.1
    """
    settings = _settings(
        config, name=name, listen=listen, redis_url=redis_url, advertise=advertise, plaintext=plaintext, models=model
    )
    logs.set_up(settings.log_level, None)
    process.pin_device(settings)
    wanted = [catalogue().get(m.id) for m in settings.models if m.family is None]
    missing = [m for m in wanted if not Store().is_present(m)]
    if missing:
        with pull_progress(missing, quiet=quiet) as report:
            process.pull_missing(settings, report)
    else:
        process.pull_missing(settings)  # the licence gate
    run(process.serve(settings, ready=lambda w: _greet(w, quiet=quiet)))


def _settings(path: Path | None, **given: object) -> WorkerSettings:
    models = given["models"]
    if models:
        assert isinstance(models, list)
        given |= {"default_model_id": models[0]}
    if path is None and not models:
        raise UsageError("a worker needs models: --config FILE or --model NAME")
    if path is None:
        text = ""
    elif str(path) == "-":
        text = sys.stdin.read()
    else:
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as fault:
            raise UsageError(f"{path}: {fault.strerror}") from fault
    return read_settings(text, str(path or "command line"), **given)


def _greet(running: Worker, *, quiet: bool) -> None:
    print(running.address, flush=True)  # noqa: T201 - the address is the command's result
    if not quiet:
        models = ", ".join(running.host.manager.models)
        errors.print(f"[bold green]worker {running.host.name}[/] is ready with {models}", highlight=False)


def workers(
    config: Annotated[Path | None, typer.Option(help="The server's YAML file")] = None,
    redis_url: Annotated[str | None, typer.Option(help="Where workers announce themselves")] = None,
    address: Annotated[list[str] | None, typer.Option(help="A worker's address; may be given again")] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on until Ctrl-C")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable, a line for each look")] = False,
) -> None:
    """The fleet: who is there, which models are resident, queue, latency, sessions.

    Examples:

      parley workers --redis-url redis://10.0.0.1 --watch

      parley workers --address 127.0.0.1:7200 --json
    """
    settings = load_config(config, workers=address, redis_url=redis_url)
    if not settings.has_workers:
        raise UsageError("no workers are configured: --redis-url, --address, or a --config that names them")
    run(_show(fleet_of(settings), settings.redis_url, watch=watch, as_json=as_json))


async def _show(fleet: Fleet, redis_url: SecretStr | None, *, watch: bool, as_json: bool) -> None:
    if redis_url is not None:
        try:
            await announced(redis_url.get_secret_value())
        except (OSError, RedisError, ValueError) as fault:
            raise UnavailableError(f"Redis does not answer: {fault}; is redis_url right, and does it run?") from fault
    async with fleet:
        await asyncio.sleep(_LOOK_S)
        if as_json or not watch:
            while True:
                typer.echo(_as_json(fleet)) if as_json else out.print(_table(fleet))
                if not watch:
                    return
                await asyncio.sleep(_LOOK_S)
        with Live(_table(fleet), console=out, auto_refresh=False) as live:
            while True:
                live.update(_table(fleet), refresh=True)
                await asyncio.sleep(_LOOK_S)


def _as_json(fleet: Fleet) -> str:
    rows = [
        msgspec.to_builtins(w.announcement) | {"healthy": w.healthy} for w in fleet.workers.values() if w.announcement
    ]
    return json.dumps({"workers": rows}, ensure_ascii=False)


def _table(fleet: Fleet) -> Table:
    table = Table(box=None, header_style="bold")
    for column, justify in (
        ("worker", "left"), ("address", "left"), ("state", "left"), ("resident", "left"), ("queue", "right"),
        ("sessions", "right"), ("streams", "right"), ("rtf", "right"), ("MB", "right"), ("GPU MB", "right"),
    ):  # fmt: skip
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for name, known in sorted(fleet.workers.items()):
        if known.announcement is not None:
            figures = known.announcement.metrics
            table.add_row(
                name, known.address, _state(known), _residents(known.announcement),
                str(figures.queue_depth), str(figures.sessions), str(figures.streams), f"{figures.rtf:.2f}",
                str(figures.memory_mb), str(figures.gpu_memory_mb or ""),
            )  # fmt: skip
    if not table.row_count:
        table.caption = "nobody answers"
    return table


def _residents(worker: Announcement) -> str:
    """Models in memory with what each took."""
    took = {offer.id: offer.gpu_memory_mb or offer.memory_mb for offer in worker.models}
    return ", ".join(f"{name} ({mb} MB)" if (mb := took.get(name)) else name for name in worker.resident_models)


def _state(known: RemoteWorker) -> str:
    if not known.healthy:
        return "[red]silent[/]"
    return "[yellow]draining[/]" if known.announcement and known.announcement.draining else "[green]well[/]"
