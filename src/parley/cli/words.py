"""What the terminal says, in the language of its locale: the group "terminal" of the page's catalogues."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import parley

if TYPE_CHECKING:
    from rich.console import Console

_CATALOGUES = Path(parley.__file__).parent / "web" / "strings"
_FALLBACK = "en"


def words(console: Console, key: str, /, **values: object) -> str:
    """The sentence of a key with its {places} filled, with rich's marks in it.

    It is in English where nobody looks (a pipe or a file: other programs read it), where the terminal takes no
    Unicode, and where the catalogue of the locale's language is not there or lacks the key.
    """
    code = language(os.environ) if console.is_terminal and console.encoding.startswith("utf") else _FALLBACK
    sentence = _catalogue(code).get(key) or _catalogue(_FALLBACK)[key]
    return sentence.format(**values)


def language(environment: Mapping[str, str]) -> str:
    """The language of the messages as POSIX has it: the first of LC_ALL, LC_MESSAGES and LANG that is set."""
    told = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), _FALLBACK)
    code = told.partition(".")[0].partition("_")[0].lower()
    return code if code.isalpha() and (_CATALOGUES / f"{code}.json").exists() else _FALLBACK


@cache
def _catalogue(code: str) -> dict[str, str]:
    found: dict[str, dict[str, str]] = json.loads((_CATALOGUES / f"{code}.json").read_text(encoding="utf-8"))
    return found.get("terminal", {})
