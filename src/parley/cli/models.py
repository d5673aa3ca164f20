"""``parley models``."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import typer
from rich.table import Table

from parley.cli import local
from parley.cli.terminal import errors, out
from parley.models import advice
from parley.models.catalogue import COPYLEFT, Model, catalogue
from parley.models.interfaces import Caller
from parley.models.plugins import close
from parley.models.store import Store

app = typer.Typer(help="Models: what there is, under which licence, and bringing them here.", no_args_is_help=True)


@app.command("list")
def list_models(as_json: Annotated[bool, typer.Option("--json", help="Machine-readable")] = False) -> None:
    """The catalogue, and what is on this machine."""
    store = Store()
    if as_json:
        typer.echo(json.dumps([_describe(m, store) for m in catalogue().models], ensure_ascii=False))
        return
    table = Table(box=None, header_style="bold")
    for column in ("model", "kind", "languages", "MB", "licence", "here"):
        table.add_column(column, justify="right" if column == "MB" else "left", no_wrap=column == "model")
    for model in catalogue().models:
        languages = ", ".join(model.languages) if len(model.languages) < 4 else f"{len(model.languages)} languages"
        here = "yes" if store.is_present(model) else ""
        table.add_row(model.id, model.kind, languages, f"{model.size / 1e6:.0f}", _licence(model), here)
    out.print(table)
    out.print(f"\nfiles: {store.root / 'models'}   more: parley models info MODEL", style="dim", highlight=False)


@app.command()
def info(name: Annotated[str, typer.Argument(help="Model")]) -> None:
    """Everything about one model: files, hashes, sources, licences."""
    model = catalogue().get(name)
    store = Store()
    faults = store.faults(model, verify=True)
    out.print(f"[bold]{model.id}[/]  {model.summary}", highlight=False)
    out.print(f"kind {model.kind}, family {model.family}, languages {', '.join(model.languages)}", highlight=False)
    out.print(f"licence of the weights {model.licence}, of the runtime {model.runtime_licence}", highlight=False)
    out.print(f"run by the makers of parley: {_TRIED[model.tried]}", highlight=False)
    if model.runtime_licence in COPYLEFT:
        out.print("the runtime is copyleft: 'licences: permissive' in the configuration leaves it out")
    for file in model.files:
        state = faults.get(file.name, "here")
        out.print(f"  {file.name}  {file.size / 1e6:.1f} MB  {state}", highlight=False)
        out.print(f"    sha256 {file.sha256 or 'not stated by the publisher'}", highlight=False, style="dim")
        for source in file.sources:
            out.print(f"    from {source}", highlight=False, style="dim")


@app.command()
def pull(
    names: Annotated[list[str], typer.Argument(help="Models")],
    accept_licence: Annotated[str | None, typer.Option(help="Name of a licence that you have read and accept")] = None,
    accept_unpinned: Annotated[
        bool, typer.Option("--accept-unpinned", help="Take files that have no hash to be checked by")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress")] = False,
) -> None:
    """Bring models here; what is whole already is left alone."""
    wanted = [catalogue().get(name) for name in names]
    asyncio.run(
        local.ensure(wanted, Store(accept_unpinned=accept_unpinned or None), quiet=quiet, accept=accept_licence)
    )
    if not quiet:
        errors.print(f"{', '.join(m.id for m in wanted)}: here", highlight=False)


@app.command()
def remove(names: Annotated[list[str], typer.Argument(help="Models")]) -> None:
    """Delete models from this machine."""
    store = Store()
    for name in names:
        model = catalogue().get(name)
        errors.print(f"{model.id}: freed {store.remove(model) / 1e6:.0f} MB", highlight=False)


@app.command()
def recommend(as_json: Annotated[bool, typer.Option("--json", help="Machine-readable")] = False) -> None:
    """Measure this machine, and say which language model suits it and why.

    Models that are here are measured, others judged by what the light one needs. 'parley serve' follows it.

    Examples:

      parley models recommend

      parley models pull qwen2.5-coder-1.5b && parley models recommend
    """
    verdicts = asyncio.run(_judged(quiet=as_json))
    best = next((v for v in verdicts if v.fits), None)
    if as_json:
        rows = [
            {"model": v.model.id, "fits": v.fits, "first_clause_ms": round(v.first_clause_s * 1000),
             "measured": v.measured, "here": Store().is_present(v.model), "why": v.why}
            for v in verdicts
        ]  # fmt: skip
        typer.echo(json.dumps({"recommended": best.model.id if best else None, "models": rows}))
        return
    table = Table(box=None, header_style="bold")
    for column in ("model", "memory", "suits", "why"):
        table.add_column(column, no_wrap=column == "model")
    for verdict in verdicts:
        memory = f"{verdict.model.memory / 1e9:.1f} GB"
        table.add_row(verdict.model.id, memory, "yes" if verdict.fits else "no", verdict.why)
    out.print(table)
    chosen = best.model.id if best else advice.LIGHT
    out.print(f"\nrecommended: [bold]{chosen}[/]; 'parley serve' brings and uses it by itself", highlight=False)


async def _judged(*, quiet: bool) -> list[advice.Verdict]:
    """The better models first, the light one last."""
    store, caller = Store(), Caller("recommend")
    known = catalogue()
    light = known.get(advice.LIGHT, "llm")
    light_s = await _measured_s(light, caller, quiet=quiet)
    machine = advice.Machine(advice.free_memory(), light_s)
    found = []
    for model in sorted((m for m in known.of_kind("llm") if m.work and m is not light), key=lambda m: -m.work):
        seconds = None
        if store.is_present(model) and advice.judge(model, machine, 0.0).fits:  # its memory is there
            seconds = await _measured_s(model, caller, quiet=quiet)
            advice.Notes(store.root).write(model.id, seconds)
        found.append(advice.judge(model, machine, seconds))
    return [*found, advice.judge(light, machine, light_s)]


async def _measured_s(model: Model, caller: Caller, *, quiet: bool) -> float:
    loaded = await local.load_model(model.id, "llm", quiet=quiet)
    try:
        return await advice.first_clause_s(loaded, caller)
    finally:
        await close(loaded)


_TRIED = {"real": "yes", "random": "with small random weights only", "never": "no, the same code with others"}


def _licence(model: Model) -> str:
    return (
        model.licence if model.runtime_licence not in COPYLEFT else f"{model.licence} (runtime {model.runtime_licence})"
    )


def _describe(model: Model, store: Store) -> dict[str, object]:
    return {
        "id": model.id, "kind": model.kind, "languages": list(model.languages), "bytes": model.size,
        "licence": model.licence, "runtime_licence": model.runtime_licence, "here": store.is_present(model),
        "summary": model.summary, "tried": model.tried,
    }  # fmt: skip
