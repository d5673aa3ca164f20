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
from parley.cli.words import words
from parley.config import Config
from parley.ending import ENDS_S, end_within
from parley.models.advice import LIGHT
from parley.models.home import home
from parley.server import lan
from parley.server.run import Server, set_up_logs
from parley.server.runpod import pod
from parley.server.upgrade import Progress

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
        errors.print(words(errors, "stopped_early"))
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
    """The first signal lets answers finish; a second one does not. Then it ends, one way or another."""
    await signals.next()
    winding_up = asyncio.create_task(server.stop())
    await signals.unless_stopped(asyncio.wait([winding_up]))
    if not winding_up.done():
        winding_up.cancel()
        server.stop_now()
    end_within(ENDS_S)


def _greet(server: Server, seconds: float) -> None:
    assert server.state is not None
    specs = server.state.loaded_models.specs
    _tell("ready", seconds=f"{seconds:.1f}", url=server.url)
    _tell("models", **{part: specs[part].id for part in ("asr", "llm", "tts")})
    _tell("clients", url=f"{server.url.replace('http', 'ws', 1)}/v1/realtime")
    if server.outside_url is not None:
        key = server.config.api_key
        address = f"{server.outside_url}/" + (f"#key={key.get_secret_value()}" if key else "")
        told = words(errors, "phone_warns" if server.config.tls else "phone", address=address)
        errors.print(told, soft_wrap=True)
        segno.make(address, error="l").terminal(out=sys.stderr, compact=True, border=2)
    if specs["llm"].id == LIGHT and server.state.upgrade is None:
        _tell("tiny")
    if server.config.insecure and server.config.host not in ("127.0.0.1", "localhost", "::1"):
        _tell("insecure")


def _tell(key: str, **values: object) -> None:
    errors.print(words(errors, key, **values), highlight=False)


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
        model, why = progress.model, progress.why
        match progress.state:
            case "pulling":
                percent = 25 * int(4 * progress.done / max(1, progress.total))
                key = "bringing_share" if percent else "bringing"
                return words(errors, key, model=model, size=f"{progress.total / 1e6:.0f}", percent=percent)
            case "quickening":
                return words(errors, "quickening", model=model)
            case "in place":
                return words(errors, "in_place", model=model, why=why)
            case "not suitable":
                return words(errors, "stays", why=f"{model} {why}")
            case "failed":
                return words(errors, "stays", why=why)
        return ""
