"""Phone numbers, versions, ids, keys and tags."""

from __future__ import annotations

import re
from collections.abc import Sequence

from parley.conversation.spoken import numerals
from parley.conversation.spoken.addresses import label, said_name
from parley.conversation.spoken.cursor import LETTER, Cursor, Rule, Say, rule
from parley.conversation.spoken.formulas import say_decimal
from parley.conversation.spoken.languages import Language

_NAMING = set(
    "is are was id uuid guid hash key token commit checksum digest sha sha1 sha256 md5 code number signature address "
    "secret "
    "fingerprint"
    " revision".split()
)
_VERSIONED = set(
    "version versions python release node ubuntu java php ios android macos ruby debian kubernetes django react "
    "angular "
    "typescript perl "
    "postgres mysql redis firmware build rust go cuda".split()
)
_COUNTED = frozenset("order ticket case item part invoice issue model room booking reservation po sku".split())
_MOST_SPELLED = 12
_ROUND = 5
"""Digits before the noughts of a number that is said."""
_TEN_IN_TWO = frozenset("hi te ta kn ml bn mr gu pa or".split())
"""Languages of India, where ten digits are said as five and five."""


def identifier_rules(_: Language) -> Sequence[Rule]:
    """Rules for any language."""
    return [
        rule(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?!\w)", _shown, "9a"),
        rule(r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![\w:-])", _shown, "9a"),
        rule(r"(?:[0-9a-fA-F]{1,4}:){3,7}:?[0-9a-fA-F]{0,4}(?![\w:])", _shown, "9a"),
        rule(r"(?=[0-9a-fA-F:]{0,38}\d)(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,6})?::[0-9a-fA-F:]{0,30}(?![\w:])",
             _shown, "9a:"),
        rule(r"(?:sha\d{1,3}[:-])?(?=[a-fA-F]*\d)(?=\d*[a-fA-F])[0-9a-fA-F]{7,128}+(?![\w-])", _hex, "9a"),
        rule(r"(?:[A-Za-z]{2,8}[-_])?(?=[A-Za-z_-]{0,24}\d)(?=[\d_-]{0,24}[A-Za-z])"
             r"[\w-]{16,512}+={0,2}(?!\w)", _opaque, "9a_-"),
        rule(r"(?P<ip>\d{1,3}(?:\.\d{1,3}){3})(?::(?P<port>\d{1,5}))?(?:/(?P<mask>\d{1,2}))?(?![\w]|\.\d)", _ip, "9"),
        rule(r"\+\d{1,3}(?:[ .\u00a0-]?\(?\d{1,5}\)?){2,7}(?!" + LETTER + ")", _phone, "9+("),
        rule(r"(?:\d{1,3}[ .-])?\(\d{2,5}\)[ .-]?\d{2,4}(?:[ .-]?\d{2,4}){1,3}(?!" + LETTER + ")", _phone, "9+("),
        rule(r"(?:1[ .-])?\d{3}([ .-])\d{3}\1\d{4}(?![\w-])", _phone, "9+("),
        rule(r"1[- ]8\d\d[- ](?P<word>[A-Z]{4,10})(?!\w)", _phone_word, "9"),
        rule(r"\d{3}-\d{4}(?![\w-])", _phone, "9+("),
        rule(r"0\d{1,4}[ /-]\d{3,8}(?:[ -]\d{2,6}){0,3}(?!" + LETTER + ")", _phone, "9+("),
        rule(r"0\d(?:[ .]\d\d){4}(?!" + LETTER + ")", _phone, "9+("),
        rule(r"[6-9]\d{4} \d{5}(?!" + LETTER + ")", _phone, "9+("),
        rule(r"\d{10,19}(?![.,]?\w|\s?[%°€$£₹])", _long, "9"),
        rule(r"\d{4}([ -])\d{4}\1\d{4}(?:\1\d{1,4})?(?!" + LETTER + ")", _phone, "9+("),
        rule(r"\d{1,5}(?>(?:-\d{1,7}){2,60})(?:-?X)?(?!\w)", _chain, "9+("),
        rule(r"[vV]\.?(?P<v>\d{1,4}(?:\.\d{1,4}){0,4})(?P<rest>(?:-[a-z]+[.\d]{0,6})?)(?![\w]|\.\d)", _version, "9a"),
        rule(r"(?P<v>\d{1,4}(?:\.\d{1,4}){2,4})(?P<rest>(?:-[a-z]+[.\d]{0,6})?)(?![\w]|\.\d)", _version, "9a"),
        rule(r"(?P<v>\d{1,3}\.\d{1,3})(?P<rest>)(?![\w%.,]\d|\w|%|°)", _known_version, "9"),
        rule(r"0x(?P<hex>[0-9a-fA-F]{1,64})(?!\w)", _hexadecimal, "9"),
        rule(r"#(?P<hex>(?=[a-fA-F]*\d)[0-9a-fA-F]{6}|[0-9a-fA-F]{8})(?!\w)", _hexadecimal, "#"),
        rule(r"[#№]\s?(?P<n>\d{1,9})(?![\w])", _numbered, "#№"),
        rule(r"#(?=[A-Z]{1,4}-?\d)", _counted, "#"),
        rule(r"#(?P<tag>\w[\w-]{0,60})", _hashtag, "#"),
        rule(r"@(?P<tag>[^\W\d][\w.-]{0,60}(?<![.-]))", _handle, "@"),
    ]  # fmt: skip


def _shown(match: re.Match[str], cursor: Cursor) -> str:
    words = cursor.language.words
    return words.shown if cursor.last.lower() in _NAMING else words.shown_code


def _hex(match: re.Match[str], cursor: Cursor) -> str | None:
    text = match.group()
    if re.fullmatch(r"\d+[eE]\d{1,3}", text):
        return None
    if len(text) <= _MOST_SPELLED and cursor.language.counts:
        return "-".join(numerals.digits(c, cursor.language.code) if c.isdecimal() else c.upper() for c in text)
    return _shown(match, cursor)


def _opaque(match: re.Match[str], cursor: Cursor) -> str | None:
    """A key or token: long, with letters and digits mixed, and no words in it."""
    text = match.group()
    changes = len(re.findall(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])|(?<=[a-z])(?=[A-Z])", text))
    loud = text.isupper() and text.isalnum()
    return _shown(match, cursor) if loud or (changes >= 4 and len(text) >= 24) else None


def _ip(match: re.Match[str], cursor: Cursor) -> str | None:
    language = cursor.language
    if not language.counts or any(int(octet) > 255 for octet in match["ip"].split(".")):
        return None
    said = f" {language.words.dot} ".join(label(octet, language) for octet in match["ip"].split("."))
    if match["port"]:
        said += f" port {label(match['port'], language)}" if language.english else f" {label(match['port'], language)}"
    return said + (f" {language.words.slash} {label(match['mask'], language)}" if match["mask"] else "")


def _phone(match: re.Match[str], cursor: Cursor) -> str | None:
    text, language = match.group(), cursor.language
    count = sum(c.isdecimal() for c in text)
    if not language.counts or count < 7 or count > 19:
        return None
    groups = [numerals.digits(group, language.code) for group in re.findall(r"\d+", text)]
    if text.endswith("X"):
        groups.append("X")
    return (f"{language.words.plus} " if text[0] == "+" else "") + ", ".join(groups)


def _long(match: re.Match[str], cursor: Cursor) -> str | None:
    """Ten digits or more without a mark between them are dialled or typed in; round ones, and what counts, are said."""
    text, language = match.group(), cursor.language
    counts = language.english and re.match(r"\s+[a-z]{2,}s\b", cursor.following(match.end()))
    if not language.counts or counts or len(text.rstrip("0")) <= _ROUND or cursor.last[-1:] in "=×*+-/":
        return None
    size = 5 if len(text) == 10 and language.code in _TEN_IN_TWO else 4 if len(text) > 12 else 3
    groups = [text[at : at + size] for at in range(0, len(text), size)]
    if len(groups[-1]) < size:
        groups[-2:] = ["".join(groups[-2:])]
    return ", ".join(numerals.digits(group, language.code) for group in groups)


def _chain(match: re.Match[str], cursor: Cursor) -> str | None:
    """Numbers of books and persons; chains without end are only shown."""
    said, language = _phone(match, cursor), cursor.language
    if said is not None or not language.counts:
        return said
    numbers = re.findall(r"\d+", match.group())
    if sum(map(len, numbers)) > _MOST_SPELLED:
        return _shown(match, cursor)
    return ", ".join(numerals.cardinal(int(number), language.code) for number in numbers)


def _phone_word(match: re.Match[str], cursor: Cursor) -> str:
    """1-800-FLOWERS."""
    groups = re.findall(r"\d+", match.group())
    return " ".join([*(f"{numerals.digits(group, cursor.language.code)}," for group in groups), match["word"].lower()])


def _parts(version: str, language: Language) -> str:
    dot = language.words.dot if language.comma_decimals else ""  # their point is a comma
    return f" {dot or language.words.point} ".join(say_decimal(part, language) for part in version.split("."))


def _version(match: re.Match[str], cursor: Cursor) -> str | None:
    if not cursor.language.counts or (
        cursor.language.comma_decimals and re.fullmatch(r"\d{1,3}(?:\.\d{3})+", match.group())
    ):
        return None  # no version: 1.000.000
    rest = " ".join(re.sub(r"[-.]", " ", re.sub(r"(?<=[a-z])(?=\d)", " ", match["rest"])).split())
    said = _parts(match["v"], cursor.language)
    if match.group()[0] in "vV" and cursor.language.english and cursor.word() != "version":
        said = f"version {said}"
    words = [say_decimal(word, cursor.language) if word.isdecimal() else word for word in rest.split()]
    return " ".join([said, *("R-C" if word == "rc" else word for word in words)])


def _known_version(match: re.Match[str], cursor: Cursor) -> str | None:
    return _version(match, cursor) if cursor.word() in _VERSIONED else None


def _hexadecimal(match: re.Match[str], cursor: Cursor) -> str | None:
    text, language = match["hex"], cursor.language
    if len(text) > _MOST_SPELLED:
        return _shown(match, cursor)
    if not language.counts:
        return None
    spelled = "-".join(numerals.digits(c, language.code) if c.isdecimal() else c.upper() for c in text)
    return f"hex {spelled}"


def _numbered(match: re.Match[str], cursor: Cursor) -> str | None:
    words = cursor.language.words
    return f"{words.number} {say_decimal(match['n'], cursor.language)}" if words.number else None


def _counted(_: re.Match[str], cursor: Cursor) -> str | None:
    """ "order #A12-9981"."""
    return cursor.language.words.number if cursor.word() in _COUNTED else None


def _hashtag(match: re.Match[str], cursor: Cursor) -> str:
    said = said_name(
        re.sub(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=\d)(?=[A-Za-z])", " ", match["tag"]),
        cursor.language,
    )
    return f"{cursor.language.words.hashtag} {said}".strip()


def _handle(match: re.Match[str], cursor: Cursor) -> str:
    return f"{cursor.language.words.at} {said_name(match['tag'], cursor.language)}".strip()


IDENTIFIERS: frozenset[Say] = frozenset([_shown, _hex, _opaque, _ip, _phone, _version, _known_version, _hexadecimal])
"""What no word of nothing but letters can be."""
