"""``parley doctor``: measures the machine, checks what can be wrong, names the fault and the mend."""

from __future__ import annotations

import asyncio
import os
import platform
import re
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import redis
import typer
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection

from parley.cli import local
from parley.cli.terminal import out
from parley.config import Config
from parley.conversation.tools import registry
from parley.models.catalogue import catalogue
from parley.models.store import Store
from parley.server.runpod import pod
from parley.server.state import credentials_of

_PATIENCE_S = 6.0  # a STUN request that nobody answers takes five seconds
_SIGNS = {"ok": "[green]ok[/]  ", "note": "[yellow]note[/]", "bad": "[red]bad[/] "}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    level: str
    what: str
    mend: str = ""


def doctor(config: Annotated[Path | None, typer.Option(help="YAML file with settings")] = None) -> None:
    """Check this machine, the models, the port and the configuration."""
    settings = local.command_config(path=config)
    findings = [
        *_machine(), *_models(settings), *_port(settings), *_language_models(settings), *_tools(settings),
        *_redis(settings), *_pod(settings), *asyncio.run(_ways(settings)), *_sound(),
    ]  # fmt: skip
    for finding in findings:
        out.print(f"{_SIGNS[finding.level]} {finding.what}", highlight=False)
        if finding.mend:
            out.print(f"       {finding.mend}", highlight=False, style="dim")
    if any(f.level == "bad" for f in findings):
        raise typer.Exit(3)


def _machine() -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    version = platform.python_version()
    yield Finding("ok", f"Python {version} on {platform.system()} {platform.machine()}, {cores} cores, {memory:.1f} GB")
    if cores < 2:
        yield Finding("note", "one core only", "answers will be slow; two or more are better")
    if memory < 2:
        yield Finding("bad", "less than 2 GB of memory", "the default models need about 1 GB")
    free = shutil.disk_usage(_existing(Store().root)).free / 2**30
    level = "ok" if free > 1 else "bad"
    yield Finding(level, f"{free:.1f} GB free at {Store().root}", "" if free > 1 else "set PARLEY_HOME elsewhere")


def _existing(path: Path) -> Path:
    return next(p for p in (path, *path.parents) if p.exists())


def _models(settings: Config) -> Iterator[Finding]:
    store = Store()
    for kind, name in (
        ("vad", settings.vad),
        ("end_of_turn", settings.end_of_turn),
        ("llm", settings.end_of_sentence),
        ("asr", settings.asr),
        ("tts", settings.tts),
    ):
        if name is None or Path(name).suffix in (".onnx", ".gguf"):
            continue
        model = catalogue().get(name, kind)  # type: ignore[arg-type]
        faults = store.faults(model, verify=True)
        if not faults:
            yield Finding("ok", f"{kind}: {model.id} is here and whole")
        elif all(f == "missing" for f in faults.values()):
            yield Finding("note", f"{kind}: {model.id} is not here yet", "'parley serve' pulls it at its first start")
        else:
            broken = "; ".join(f"{n} {f}" for n, f in faults.items())
            yield Finding("bad", f"{kind}: {model.id}: {broken}", f"parley models pull {model.id}")


def _port(settings: Config) -> Iterator[Finding]:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as fault:
            yield Finding("note", f"port {settings.port} is taken ({fault.strerror})", "parley serve --port 8001")
            return
    yield Finding("ok", f"port {settings.port} on {settings.host} is free")


def _language_models(settings: Config) -> Iterator[Finding]:
    from parley.adapters.chat_servers import find_servers

    servers = asyncio.run(find_servers(settings.port))
    for server in servers:
        yield Finding("ok", f"{server.name} serves {', '.join(server.models[:3])} at {server.base_url}")
    if not servers and settings.llm == "auto" and not settings.llm_base_url:
        yield Finding("note", "no language model server runs here: the embedded tiny one will answer",
                      "start Ollama, or: parley serve --llm qwen2.5-1.5b")  # fmt: skip


def _tools(settings: Config) -> Iterator[Finding]:
    there = registry.installed()
    for name in settings.tools:
        if name in there:
            yield Finding("ok", f"the tool '{name}' is here")
        else:
            mend = f"there are {', '.join(sorted(there))}; a plug-in that is left out is in the log"
            yield Finding("bad", f"tools: no tool is called '{name}'", mend)


def _redis(settings: Config) -> Iterator[Finding]:
    if settings.redis_url is None:
        return
    address = settings.redis_url.get_secret_value()
    try:
        with redis.Redis.from_url(address, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S) as client:
            client.ping()
    except (redis.RedisError, ValueError) as fault:
        yield Finding("bad", f"Redis does not answer: {fault}", "start it ('just redis'), or mend redis_url")
    else:
        yield Finding("ok", "Redis answers; 'parley workers' shows who announced itself there")


def _pod(settings: Config) -> Iterator[Finding]:
    found = pod(settings.port)
    if found is None:
        return
    yield Finding("ok", f"RunPod pod {found.id}: the page is at {found.url}, where HTTP port {found.port} is exposed")
    if found.public_ip and found.tcp_port:
        yield Finding("ok", f"TCP from outside: {found.public_ip}:{found.tcp_port}")
    if not settings.turn_servers:
        yield Finding(
            "note",
            "RunPod lets no UDP in: the page talks over the WebSocket",
            "for WebRTC name a TURN server that takes TCP (turn_servers)",
        )


async def _ways(settings: Config) -> list[Finding]:
    """How browsers of other networks reach this machine for WebRTC."""
    credentials = credentials_of(settings)
    found = [await _stun(url) for url in settings.stun_servers]
    found += [await _turn(url, credentials) for url in settings.turn_servers]
    if settings.public_address:
        found.append(Finding("ok", f"WebRTC announces {settings.public_address} to the outside"))
    if not found:
        found.append(Finding("ok", "WebRTC without STUN or TURN servers: enough on one machine and on a LAN"))
    return found


async def _stun(url: str) -> Finding:
    if seen := await _gathered(RTCIceServer(url), "srflx"):
        return Finding("ok", f"{url} answers: this machine is seen as {seen[0]}")
    return Finding("bad", f"{url} tells no address", "is UDP let out? Is it the right server (stun_servers)?")


async def _turn(url: str, credentials: dict[str, str]) -> Finding:
    if relays := await _gathered(RTCIceServer(url, **credentials), "relay"):
        return Finding("ok", f"{url} relays through {relays[0]}")
    return Finding("bad", f"{url} relays nothing", "is it reachable, and turn_secret its static-auth-secret?")


async def _gathered(server: RTCIceServer, kind: str) -> list[str]:
    """Addresses of this kind that a server gives us; none when it does not answer."""
    peer = RTCPeerConnection(RTCConfiguration([server]))
    try:
        peer.createDataChannel("probe")
        async with asyncio.timeout(_PATIENCE_S):
            await peer.setLocalDescription(await peer.createOffer())
    except (TimeoutError, OSError, ValueError):
        return []
    else:
        return re.findall(rf"a=candidate:.* (\S+) \d+ typ {kind}", peer.localDescription.sdp)
    finally:
        await peer.close()


def _sound() -> Iterator[Finding]:
    import miniaudio

    try:
        devices = miniaudio.Devices()
        heard, played = len(devices.get_captures()), len(devices.get_playbacks())
    except miniaudio.MiniaudioError:
        heard = played = 0
    if heard and played:
        yield Finding("ok", f"{heard} microphones, {played} loudspeakers")
    else:
        yield Finding(
            "note", "no microphone or loudspeaker here", "talk from the page of another machine, or with --input"
        )


if sys.platform == "win32":  # os.sysconf is not there
    raise ImportError("parley doctor needs Linux or macOS")
