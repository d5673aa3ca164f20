"""The catalogues of words: all of the same keys and places, and no words outside of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from parley.debate import format as formats
from parley.server.app import WEB

CATALOGUES = sorted((WEB / "strings").glob("*.json"))
ENGLISH: dict[str, dict[str, Any]] = json.loads((WEB / "strings/en.json").read_text(encoding="utf-8"))
OWN_NAMES = {"parley", "Clashroom", "Clashroom · parley", "Markdown", "JSON"}
NO_WORDS = {
    "Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Mona",  # whom a debate begins with
    "Enter", "Escape", "Space",  # keys
    "Authorization", "Llama",
}  # fmt: skip


ALIKE = {  # names and measures alone
    "panels.log_webrtc", "transcript.ms", "transcript.file_parley", "voices.size", "terminal.parley",
    "terminal.parley_after",
}  # fmt: skip


def sentences(catalogue: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Each with its key; of plurals each form, under one."""
    for group, keys in catalogue.items():
        for name, value in keys.items():
            for sentence in value.values() if isinstance(value, dict) else [value]:
                yield f"{group}.{name}", sentence


def places(catalogue: dict[str, dict[str, Any]]) -> dict[str, set[str]]:
    return {key: set(re.findall(r"\{(\w+)\}", sentence)) for key, sentence in sentences(catalogue)}


def test_there_are_telugu_and_hindi_beside_english() -> None:
    assert [path.stem for path in CATALOGUES] == ["en", "hi", "te"]


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_every_catalogue_has_every_sentence_with_its_places_and_none_is_blank(path: Path) -> None:
    catalogue = json.loads(path.read_text(encoding="utf-8"))
    assert {group: list(keys) for group, keys in catalogue.items()} == {
        group: list(keys) for group, keys in ENGLISH.items()
    }
    assert places(catalogue) == places(ENGLISH)
    assert not [key for key, sentence in sentences(catalogue) if not sentence.strip()]
    marks = {key: sorted(re.findall(r"\[[^\]]*\]", sentence)) for key, sentence in sentences(catalogue)}
    english = {key: sorted(re.findall(r"\[[^\]]*\]", sentence)) for key, sentence in sentences(ENGLISH)}
    assert {k: m for k, m in marks.items() if k.startswith("terminal.")} == {
        k: m for k, m in english.items() if k.startswith("terminal.")
    }, "a terminal's colours"


@pytest.mark.parametrize("path", [path for path in CATALOGUES if path.stem != "en"], ids=lambda path: path.stem)
def test_no_sentence_was_left_in_english(path: Path) -> None:
    english = dict(sentences(ENGLISH))
    theirs = dict(sentences(json.loads(path.read_text(encoding="utf-8"))))
    assert {key for key, sentence in theirs.items() if sentence == english[key]} <= ALIKE


def test_plurals_have_a_form_for_all_other_numbers() -> None:
    for path in CATALOGUES:
        catalogue = json.loads(path.read_text(encoding="utf-8"))
        plurals = [v for keys in catalogue.values() for v in keys.values() if isinstance(v, dict)]
        assert plurals
        assert all("other" in forms for forms in plurals)


def test_what_the_page_asks_for_is_in_the_catalogue_and_the_rest_is_wanted_by_somebody() -> None:
    """Keys that are put together in the scripts are known by their beginning."""
    keys = {key for key, _ in sentences(ENGLISH)}
    text = "\n".join(path.read_text(encoding="utf-8") for path in (*WEB.glob("*.js"), *WEB.glob("*.html")))
    groups = "|".join(ENGLISH)
    asked = set(re.findall(rf"""["`]((?:{groups})\.[\w-]+)["`]""", text))
    assert asked - keys == set()
    begun = set(re.findall(rf"`((?:{groups})\.\w*)\$", text))
    theirs = {key for key in keys if any(key.startswith(start) for start in begun)}
    by_their_words = {key for key in keys if key.split(".")[0] in ("formats", "terminal")}
    looked_up = {key for key in keys if key.startswith("voices.") and key.endswith(("man", "woman"))}
    assert keys - asked - theirs - by_their_words - looked_up == set()


def test_what_the_formats_say_on_the_page_is_known() -> None:
    known = {sentence for key, sentence in sentences(ENGLISH) if key.startswith("formats.")}
    for one in formats.shipped().values():
        said = {one.title, one.about, *one.sides, *(r.name for r in one.rounds)}
        assert said <= known, one.name


class Words(HTMLParser):
    """Text and attributes that a reader sees; not what is marked as English, for pages without scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._open: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in ("meta", "link", "input", "path", "use"):
            self._open.append("lang" in given and tag != "html")
        self.found += [
            f"{name}={given[name]}" for name in ("aria-label", "placeholder", "title", "alt") if name in given
        ]

    def handle_endtag(self, tag: str) -> None:
        if tag != "use":
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if re.search(r"\w\w", data) and not any(self._open) and data.strip() not in OWN_NAMES:
            self.found.append(data.strip())


@pytest.mark.parametrize("name", ["index.html", "debate.html"])
def test_a_page_has_no_words_of_its_own(name: str) -> None:
    parser = Words()
    parser.feed((WEB / name).read_text(encoding="utf-8"))
    assert parser.found == []


def literals(line: str) -> list[str]:
    """Text between quotes, without what stands at ${places}."""
    return [re.sub(r"\$\{[^}]*\}", "", found) for found in re.findall(r'"([^"]*)"|`([^`]*)`', line) for found in found]


@pytest.mark.parametrize("path", sorted(WEB.glob("*.js")), ids=lambda path: path.name)
def test_a_script_shows_no_words_of_its_own(path: Path) -> None:
    """What a voice says of itself is in its own language, whatever the page's is."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        code = re.sub(r"(^|\s)//.*|className = .*|className: (\"[^\"]*\"|`[^`]*`)", "", line)
        if re.search(r"console\.|new Error\(|^  (en|de|es|fr|hi|te): \(name\)", code):
            continue
        for text in literals(code):
            words = re.search(r"[A-Za-z]{2,}[,.:]? [A-Za-z]{2,}", text) and not re.fullmatch(
                r"[a-z#.,:()\[\]=\-\s]*", text
            )
            lower = re.fullmatch(r"[a-z]{2,}( [a-z]{2,}){2,}.*", text)
            if (words or lower or re.fullmatch(r"[A-Z][a-z]+", text)) and text not in NO_WORDS:
                found.append(text)
    assert found == []
