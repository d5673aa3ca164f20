"""``parley serve``."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import segno
import typer
from pydantic import SecretStr

from parley.cli import local
from parley.cli.signals import Signals
from parley.cli.terminal import errors
from parley.config import Config
from parley.models.advice import LIGHT
from parley.models.home import home
from parley.server import lan
from parley.server.run import Server, set_up_logs
from parley.server.runpod import pod
from parley.server.upgrade import Progress

_PARTS = {"asr": "hears with", "llm": "thinks with", "tts": "speaks with"}


T = TypeVar("T")


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on [default: 8000]")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file with settings")] = None,
    profile: Annotated[str | None, typer.Option(help="Settings that belong together (see 'parley profiles')")] = None,
    llm: Annotated[str | None, typer.Option(help="Language model (see 'parley models list')")] = None,
    llm_base_url: Annotated[str | None, typer.Option(help="OpenAI-compatible server of the language model")] = None,
    light: Annotated[
        bool | None, typer.Option("--light", help="Keep the tiny language model, bring no better one")
    ] = None,
    asr: Annotated[str | None, typer.Option(help="Speech recogniser")] = None,
    tts: Annotated[str | None, typer.Option(help="Voice")] = None,
    insecure: Annotated[bool | None, typer.Option("--insecure", help="Allow other addresses without a key")] = None,
    tls: Annotated[bool | None, typer.Option("--tls", help="https for phones on the LAN, with a QR code")] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress")] = False,
) -> None:
    """Serve everything: the page, the Realtime protocol, the audio interface.

    Missing models are pulled first. Examples:

      parley serve --open

      parley serve --tls        (then scan the QR code with a phone)

      parley serve --asr whisper-base --llm qwen2.5-coder-1.5b

      parley serve --profile telugu

      parley serve --llm-base-url http://localhost:11434/v1 --llm llama3.2
    """
    settings = local.command_config(
        path=config, profile=profile, host=host, port=port, llm=llm, llm_base_url=llm_base_url, light=light, asr=asr,
        tts=tts, insecure=insecure, tls=tls,
    )  # fmt: skip
    if settings.tls or pod(settings.port):
        settings = _for_others(settings)
    set_up_logs(settings)
    run(_serve(settings, quiet=quiet, open_page=open_page))


def _for_others(settings: Config) -> Config:
    """`--tls` alone, and a pod, mean: every address, and a key of its own that the page's address carries."""
    changes: dict[str, Any] = {}
    if "host" not in settings.model_fields_set:
        changes["host"] = "0.0.0.0"
    if settings.api_key is None and not settings.insecure:
        changes["api_key"] = SecretStr(lan.kept_key(home() / "tls"))
    return settings.model_copy(update=changes)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop where there is one."""
    if sys.platform == "win32":
        return asyncio.run(work)
    import uvloop

    return uvloop.run(work)


async def _serve(settings: Config, *, quiet: bool, open_page: bool) -> None:
    began = time.monotonic()
    server = Server(settings, tell_upgrade=_UpgradeLines(quiet=quiet))
    signals = Signals()
    if not await signals.unless_stopped(local.prepare(server, quiet=quiet)):
        errors.print("[yellow]stopped before it was ready[/]")
        await server.abandon()
        os._exit(0)  # a download in a thread of its own would be waited for
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(_stop_when_told(server, signals))
    await asyncio.wait({serving, ready := asyncio.ensure_future(server.ready.wait())}, return_when="FIRST_COMPLETED")
    ready.cancel()
    if server.ready.is_set() and not quiet:
        _greet(server, time.monotonic() - began)
        if open_page:
            typer.launch(server.url)
    await serving
    stopping.cancel()


async def _stop_when_told(server: Server, signals: Signals) -> None:
    """The first signal lets answers finish; a second one does not."""
    await signals.next()
    winding_up = asyncio.create_task(server.stop())
    await signals.unless_stopped(asyncio.wait([winding_up]))
    if not winding_up.done():
        winding_up.cancel()
        server.stop_now()


def _greet(server: Server, seconds: float) -> None:
    assert server.state is not None
    specs = server.state.loaded_models.specs
    models = ", ".join(f"{verb} {specs[part].id}" for part, verb in _PARTS.items())
    errors.print(f"[bold green]parley[/] is ready after {seconds:.1f} s at [bold]{server.url}[/]", highlight=False)
    errors.print(f"  {models}", highlight=False)
    errors.print(f"  any OpenAI Realtime client: {server.url.replace('http', 'ws', 1)}/v1/realtime", highlight=False)
    if server.outside_url is not None:
        key = server.config.api_key
        address = f"{server.outside_url}/" + (f"#key={key.get_secret_value()}" if key else "")
        warns = "  (its browser warns once: this server signed for itself)" if server.config.tls else ""
        errors.print(f"  on a phone: [bold]{address}[/]{warns}", soft_wrap=True)
        segno.make(address, error="l").terminal(out=sys.stderr, compact=True, border=2)
    if specs["llm"].id == LIGHT and server.state.upgrade is None:
        errors.print(
            "  [yellow]this language model is tiny and often answers nonsense;[/] 'parley models recommend' finds a "
            "better one, or start Ollama and restart",
            highlight=False,
        )
    if server.config.insecure and server.config.host not in ("127.0.0.1", "localhost", "::1"):
        errors.print("  [bold red]--insecure: everybody who reaches this address can talk[/]", highlight=False)


class _UpgradeLines:
    """A line whenever a better language model has come a good step nearer."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._said = ""

    def __call__(self, progress: Progress) -> None:
        """May be called from other threads."""
        line = self._line(progress)
        if line and line != self._said and not self._quiet:
            self._said = line
            errors.print(f"  {line}", highlight=False)

    @staticmethod
    def _line(progress: Progress) -> str:
        megabytes = progress.total / 1e6
        match progress.state:
            case "pulling":
                quarters = int(4 * progress.done / max(1, progress.total))
                share = f"{25 * quarters} % is here" if quarters else "conversations go on with the tiny one meanwhile"
                return f"bringing the better language model {progress.model} ({megabytes:.0f} MB): {share}"
            case "quickening":
                return f"{progress.model} is made faster for this machine, which takes some minutes"
            case "in place":
                return f"[green]{progress.model} answers from now on[/] ({progress.why})"
            case "not suitable":
                return f"[yellow]the tiny language model stays:[/] {progress.model} {progress.why}"
            case "failed":
                return f"[yellow]the tiny language model stays:[/] {progress.why}"
        return ""
