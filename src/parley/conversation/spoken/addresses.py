"""Addresses in signs: of pages, of people, of files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from parley.conversation.spoken import numerals
from parley.conversation.spoken.capitals import spelled
from parley.conversation.spoken.cursor import LETTER, Cursor, Rule, Say, rule
from parley.conversation.spoken.languages import Language

_TOP = (
    "com|org|net|edu|gov|mil|int|io|ai|dev|app|co|me|tv|info|biz|uk|de|fr|es|it|nl|eu|in|us|ca|au|jp|cn|br|ru|ch|at|be|se|no|dk|"
    "fi|pl|cz|pt|gr|ie|nz|za|mx|ar|kr|tech|xyz|online|site|store|blog|cloud|local|example|test"
)
_EXTENSIONS = (
    "py|js|ts|tsx|jsx|c|h|cc|cpp|hpp|cs|java|kt|go|rs|rb|php|sh|bash|ps1|bat|sql|html|htm|css|scss|xml|json|yaml|yml|toml|ini|"
    "cfg|conf|env|lock|md|txt|rst|csv|tsv|log|pdf|doc|docx|xls|xlsx|ppt|pptx|odt|png|jpg|jpeg|gif|svg|webp|bmp|ico|mp3|mp4|wav|"
    "flac|ogg|opus|mov|avi|mkv|webm|zip|tar|gz|tgz|xz|bz2|rar|7z|exe|dll|so|dmg|iso|apk|deb|rpm|whl|jar|ipynb|onnx|gguf|pt|bin|dat|"
    "db|sqlite|tex|bib|tmp|bak"
)
_SPELLED = set(
    "py js ts tsx jsx cc cpp cs kt rs rb php ps1 sql html htm css scss "
    "xml csv tsv md txt rst pdf png jpg mp3 mp4 gz db".split()
)


def address_rules(_: Language) -> Sequence[Rule]:
    """Rules for any language."""
    return [
        rule(r"(?:https?|ftp|wss?)://(?P<host>[^\s/?#)\]>\"']{1,255})(?:[^\s()\]>\"']|\([^\s()]{0,100}\)){0,1000}",
             _url, "a", re.IGNORECASE),
        rule(r"(?:mailto:)?(?P<user>[\w.%+-]{1,64})@(?P<host>[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8})"
             r"(?![\w@])", _email, "9a_.%+-"),
        rule(
            rf"(?:www\.)?(?P<host>(?:[A-Za-z0-9][A-Za-z0-9-]{{0,62}}\.){{1,6}}(?:{_TOP}))(?::(?P<port>\d{{1,5}}))?(?:/[^\s)\]>\"']{{0,500}})?"
            r"(?![\w-]|\.\w)", _domain, "9a",
        ),
        rule(r"(?P<host>localhost):(?P<port>\d{1,5})(?:/[^\s)\]>\"']{0,200})?", _domain, "a"),
        rule(r"(?P<drive>[A-Z]):\\(?P<rest>[^\s\"<>|]{0,200})", _windows_path, "a"),
        rule(r"(?P<path>(?:~|\.{1,2})?/(?:[\w.+-]{1,80}/){0,16}|(?:[\w.+-]{1,80}/){1,16})"
             r"(?P<file>[\w.+-]{0,80})", _path, "9a~./_+-"),
        rule(rf"(?P<path>)(?P<file>[\w+-]{{1,80}}+(?:\.[\w+-]{{1,40}}){{0,3}}\.(?i:{_EXTENSIONS}))"
             r"(?![\w-])", _path, "9a_+-"),
        rule(r"(?P<path>)(?P<file>\.[a-z][\w-]{1,30})(?!\w)", _path, "."),
    ]  # fmt: skip


def said_name(text: str, language: Language) -> str:
    """A label of an address: numbers are left to the rules for words with digits."""
    words = language.words
    for sign, word in (("-", words.dash), ("_", words.underscore), ("+", words.plus), (".", words.dot)):
        text = text.replace(sign, f" {word} ")
    return " ".join(label(part, language) for part in text.split())


def label(part: str, language: Language) -> str:
    if part.isdecimal() and language.counts:
        return numerals.cardinal(int(part), language.code) if len(part) < 3 else numerals.digits(part, language.code)
    letters = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in part)
    return " ".join(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", letters).split())


def _host(host: str, language: Language) -> str:
    host = re.sub(r"^(?:.*@)?(?:www\.)?", "", host, flags=re.IGNORECASE).rstrip(".,;:!?")
    name, _, port = host.partition(":")
    said = said_name(name, language)
    return f"{said} port {label(port, language)}" if port.isdecimal() and language.english else said


def _tail(match: re.Match[str]) -> str:
    """Punctuation at the end of an address belongs to the sentence."""
    text = match.group()
    return text[len(text.rstrip(".,;:!?")) :]


def _url(match: re.Match[str], cursor: Cursor) -> str:
    return _host(match["host"], cursor.language) + _tail(match)


def _domain(match: re.Match[str], cursor: Cursor) -> str | None:
    host = match["host"]
    if host[0].isupper() and host.count(".") == 1 and host.split(".")[1][:1].isupper():
        return None  # a sentence without a blank behind its end: "Yes.In fact"
    return _host(host + (f":{match['port']}" if match["port"] else ""), cursor.language) + _tail(match)


def _email(match: re.Match[str], cursor: Cursor) -> str:
    user, host = said_name(match["user"], cursor.language), _host(match["host"], cursor.language)
    return " ".join(f"{user} {cursor.language.words.at} {host}".split())


def _file(name: str, language: Language) -> str:
    stem, dot, extension = name.rpartition(".")
    if not dot:
        return said_name(name, language)
    said = spelled(extension) if extension.lower() in _SPELLED and language.english else label(extension, language)
    return f"{said_name(stem, language)} {language.words.dot} {said}".strip()


def _path(match: re.Match[str], cursor: Cursor) -> str | None:
    text, language = match.group(), cursor.language
    path, before = match["path"], cursor.text[match.start() - 1 : match.start()]
    if text[0] == "/" and before and not before.isspace() and before not in "(\"'":
        return None
    bare = text.rstrip(".-+")
    words = re.fullmatch(r"[^\W\d_]+(?:/[^\W\d_]+){1,3}", bare)
    short = path and "." not in bare and text[0] not in "/~." and bare.count("/") < 2
    shares = re.match(rf"\d+/\d+(?!{LETTER}|[\d./])", text)
    if words or short or shares or (path and re.fullmatch(r"[\d./-]+", text)):
        return None  # and/or, 1/2, km/h
    if text in ("/", "./", "../", "~/"):
        return None
    tail = text[len(text.rstrip(".")) :] if text.endswith(".") else ""
    folders = [said_name(part, language) for part in path.replace("~", "home").split("/") if part.strip(".")]
    name = match["file"].rstrip(".")
    if not folders and name.startswith(".") and not language.words.dot:
        return None
    return (
        f" {language.words.slash} ".join([*folders, *([_file(name, language)] if name else [])]).replace("  ", " ")
        + tail
    )


def _windows_path(match: re.Match[str], cursor: Cursor) -> str:
    language = cursor.language
    rest = match["rest"].rstrip(".,;:!?")
    parts = [part for part in rest.split("\\") if part]
    said = [said_name(part, language) for part in parts[:-1]] + [_file(part, language) for part in parts[-1:]]
    return (
        ", ".join([f"{match['drive']} drive" if language.english else match["drive"], *said])
        + match["rest"][len(rest) :]
    )


ADDRESSES: frozenset[Say] = frozenset([_url, _email, _domain, _windows_path, _path])
"""What no word of nothing but letters can be."""
