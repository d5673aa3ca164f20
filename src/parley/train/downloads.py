"""Recordings at addresses, fetched by yt-dlp (Unlicense), which knows a thousand sites and every plain file.

What a site says of who may use it is heeded: its robots.txt, and its licence where it tells one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

import httpx
import msgspec

from parley.audio.files import MAX_BYTES
from parley.errors import UsageError
from parley.train import clips
from parley.train.clips import digest_of

AGENT = "parley"
"""What robots.txt may call it."""
_FETCHED = "fetched.json"
_LIMIT_S = 20.0
_CREATIVE_COMMONS = re.compile(r"creativecommons\.org/(?:licenses|publicdomain)/([a-z-]+)/(\d\.\d)")
_IN_WORDS = "creative commons attribution license"
Tell = Callable[[str], None]


class Fetched(msgspec.Struct, frozen=True):
    """What is noted of a recording beside it."""

    source: str
    file: str
    title: str
    site_licence: str
    """As the site tells it; "": it tells none."""
    at: str
    """When it was fetched."""


def fetched(source: str, licence: str, folder: Path, tell: Tell) -> Path:
    """The recording at an address, in a folder of its own inside `folder`; what is there is not fetched again.

    Raises `UsageError` where the site does not want that, says another licence than `licence`, or gives no recording.
    """
    place = folder / digest_of(source.encode())[:16]
    try:
        noted = msgspec.json.decode((place / _FETCHED).read_bytes(), type=Fetched)
        if (place / noted.file).is_file():
            return place / noted.file
    except (FileNotFoundError, msgspec.MsgspecError):
        pass
    _ask_robots(source)
    tell(f"fetching {source}")
    place.mkdir(parents=True, exist_ok=True)
    found = _download(source, licence, place)
    path = Path(found["requested_downloads"][0]["filepath"])
    noted = Fetched(
        source, path.name, str(found.get("title") or ""), str(found.get("license") or ""),
        datetime.now(UTC).isoformat(timespec="seconds"),
    )  # fmt: skip
    clips.replace(place / _FETCHED, msgspec.json.encode(noted))
    return path


def _ask_robots(source: str) -> None:
    """Raises `UsageError` where robots.txt forbids it, or cannot be asked for."""
    parts = urlsplit(source)
    rules = RobotFileParser()
    try:
        answer = httpx.get(
            f"{parts.scheme}://{parts.netloc}/robots.txt", headers={"User-Agent": AGENT}, timeout=_LIMIT_S,
            follow_redirects=True,
        )  # fmt: skip
    except (httpx.HTTPError, httpx.InvalidURL) as fault:
        raise UsageError(f"{parts.netloc} cannot be reached ({fault})") from None
    if answer.status_code in (401, 403):
        raise UsageError(f"{parts.netloc} does not say who may read it (robots.txt: {answer.status_code})")
    rules.parse(answer.text.splitlines() if answer.is_success else [])
    if not rules.can_fetch(AGENT, source):
        raise UsageError(f"{parts.netloc} does not want programs to read this (robots.txt)")


def _download(source: str, licence: str, place: Path) -> Any:
    try:
        from yt_dlp import YoutubeDL
        from yt_dlp.utils import YoutubeDLError
    except ImportError as fault:
        raise UsageError(f"addresses need the extra 'collect': pip install 'parley-voice[collect]' ({fault})") from None
    options = {
        "format": "bestaudio/best", "outtmpl": str(place / "recording.%(ext)s"), "noplaylist": True, "quiet": True,
        "noprogress": True, "no_warnings": True, "logger": _Silent(), "retries": 3, "socket_timeout": _LIMIT_S,
        "max_filesize": MAX_BYTES, "overwrites": False,
    }  # fmt: skip
    try:
        with YoutubeDL(options) as site:
            told: Any = site.extract_info(source, download=False)
            _check_licence(str(told.get("license") or ""), licence)
            found: Any = site.process_ie_result(told, download=True)
    except YoutubeDLError as fault:
        raise UsageError(f"it cannot be fetched: {str(fault).removeprefix('ERROR: ')}") from None
    if "entries" in found:
        raise UsageError("it is a list of recordings; name each by itself")
    if not found.get("requested_downloads"):
        raise UsageError(f"it has more than the {MAX_BYTES >> 20} MB that are read at once")
    return found


def _check_licence(site: str, licence: str) -> None:
    """Raises `UsageError` where a site tells another licence than the list does."""
    if site and licence not in _meant(site):
        raise UsageError(f"licence: the list says '{licence}', and the site '{site}'")


def _meant(site: str) -> set[str]:
    """The licences, as SPDX writes them, that a site may mean."""
    if found := _CREATIVE_COMMONS.search(site.lower()):
        name, version = found[1].upper(), found[2]
        if name in ("ZERO", "MARK"):
            return {"CC0-1.0"} if name == "ZERO" else {"public-domain"}
        return {f"CC-{name}-{version}"}
    if site.lower().startswith(_IN_WORDS):  # YouTube's words, which name no version
        return {"CC-BY-3.0", "CC-BY-4.0"}
    return {site.strip()}


class _Silent:
    """What yt-dlp says meanwhile: what matters comes as an exception."""

    def debug(self, _: str) -> None: ...

    def info(self, _: str) -> None: ...

    def warning(self, _: str) -> None: ...

    def error(self, _: str) -> None: ...
