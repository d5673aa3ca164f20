"""Mark-up goes: code blocks and tables, HTML and SSML, Markdown, footnotes, formulas, emoji. What it says stays.

Every pattern is bounded or runs to the end of the text when it fails, so that no text costs more than its length.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence

from parley.conversation.spoken.aligned import Aligned, Part
from parley.conversation.spoken.blocks import FENCE, FENCE_END
from parley.conversation.spoken.formulas import COMMANDS, say_formula
from parley.conversation.spoken.languages import Language
from parley.conversation.spoken.manners import MARK
from parley.conversation.spoken.pauses import PAUSE
from parley.conversation.spoken.tables import TABLE, say_table

_FENCE = re.compile(rf"{FENCE}(?:\n.*?(?:{FENCE_END.format(fence='(?P=fence)')}|\Z)|\Z)", re.MULTILINE | re.DOTALL)
_PRE = re.compile(r"<pre\b[^<>]{0,200}>.*?(?:</pre\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_HIDDEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|svg|template)\b.*?(?:</\1\s*>|\Z)|<!DOCTYPE[^>]{0,200}>|<\?[^>]{0,200}\?>"
    r"|<!\[CDATA\[|\]\]>",
    re.IGNORECASE | re.DOTALL,
)
_MATH = re.compile(
    r"\$\$(?P<a>[^$]{1,1000})\$\$|\\\[(?P<b>.{1,400}?)\\\]|\\\((?P<c>.{1,400}?)\\\)"
    r"|(?<![\w$\\])\$(?=[^\s$])(?P<d>[^$\n]{1,200})(?<=\S)\$(?![\d$])"
    r"|\\begin\{(?P<e>[a-z*]{1,16})\}.{0,2000}?\\end\{(?P=e)\}",
    re.DOTALL,
)
_BARE_MATH = re.compile(
    rf"\\(?:{'|'.join(sorted(COMMANDS, key=len, reverse=True))})(?![A-Za-z])"
    r"(?:\s?(?:\{[^{}]{0,80}(?:\{[^{}]{0,80}\}[^{}]{0,80}){0,4}\}|\[[^\[\]]{0,20}\]|[\^_](?:\{[^{}]{0,40}\}|\w))){0,4}"
)
_MONEY = re.compile(r"^\d[\d.,]*\s?[^\\^_={}]*$")
_ATTRIBUTES = r"(?:\s+[\w:.-]{1,40}\s*=\s*(?:\"[^\"<>]{0,400}\"|'[^'<>]{0,400}'|[^\s\"'<>=]{1,200})){0,12}"
_ATTRIBUTE = re.compile(r"([\w:.-]{1,40})\s*=\s*(?:\"([^\"<>]{0,400})\"|'([^'<>]{0,400})')")
_LONGEST_IPA = 200
_SAY_AS = re.compile(
    r"<say-as\b[^<>]{0,120}interpret-as\s*=\s*[\"']?(?P<how>[\w-]{1,20})[^<>]{0,120}>(?P<what>[^<]{0,200})</say-as\s*>"
    r"|<sub\b[^<>]{0,80}\balias\s*=\s*(?:\"(?P<alias>[^\"<>]{0,200})\"|'(?P<other>[^'<>]{0,200})')[^<>]{0,80}>[^<]{0,200}</sub\s*>",
    re.IGNORECASE,
)
_PHONEME = re.compile(
    rf"<phoneme\b(?P<attributes>{_ATTRIBUTES})\s*>(?P<what>[^<]{{1,200}})</phoneme\s*>", re.IGNORECASE
)
_ALTERNATIVE = re.compile(
    r"<img\b[^<>]{0,400}?\balt\s*=\s*(?:\"([^\"<>]{0,200})\"|'([^'<>]{0,200})')[^<>]{0,400}>", re.IGNORECASE
)
_REMOVED = re.compile(r"<(del|strike)\b[^<>]{0,80}>[^<]{0,400}</\1\s*>|~~(?=\S)[^~\n]{1,300}~~", re.IGNORECASE)
_RAISED = re.compile(r"<sup\b[^<>]{0,80}>\s*([\w+-]{1,12})\s*</sup\s*>", re.IGNORECASE)
_TAGS = (
    "a abbr address article aside audio b bdi bdo big blockquote body br button caption center cite code col "
    "colgroup data dd details dfn div dl dt em emphasis fieldset figcaption figure font footer form h1 h2 h3 h4 "
    "h5 h6 head header hr html i iframe img input ins kbd label lang legend li link main mark math media meta "
    "meter nav nobr ol option output p par paragraph phoneme picture prosody q rp rt ruby s samp say-as section "
    "select sentence small source span speak strong sub summary sup table tbody td textarea tfoot th thead time "
    "title tr track tt u ul var video voice w wbr amazon:effect amazon:domain mstts:express-as mstts:silence "
    "break pause"
)
_TAG = re.compile(
    rf"</?(?P<name>{'|'.join(sorted(_TAGS.split(), key=len, reverse=True))})\b{_ATTRIBUTES}\s*/?>", re.IGNORECASE
)
_BREAKING = set("br p li div tr h1 h2 h3 h4 h5 h6 ul ol table blockquote dd dt hr section article sentence s".split())
_PLACEHOLDER = re.compile(r"(?<![^\s(\"'])<([A-Za-z][\w .'-]{0,40})>|(?<=\w)<([A-Za-z]\w{0,30})>")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_IMAGE = re.compile(
    r"!\[([^\[\]]{0,240})\](?:\((?:[^()\s]|\([^()\s]{0,80}\)){0,400}(?:\s+\"[^\"]{0,200}\")?\)?|\[[^\]]{0,80}\])"
)
_LINK = re.compile(
    r"\[([^\[\]]{0,240})\](?:\((?:[^()\s]|\([^()\s]{0,80}\)){0,400}(?:\s+\"[^\"]{0,200}\")?\)?|\[[^\]\n]{0,80}\])"
)
_WIKI = re.compile(r"\[\[(?:[^\[\]|]{1,120}\|)?([^\[\]|]{1,120})\]\]")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)?[^\s<>]{1,400}[.@/][^\s<>]{1,400})>")
_DEFINITION = re.compile(r"^[ \t]{0,3}\[[^\]\n^]{1,80}\]:[ \t]+<?(?:https?://|/|#|\.)\S*.*$", re.MULTILINE)
_NOTE = re.compile(
    r"^[ \t]{0,3}\[\^[^\]\s]{1,40}\]:[ \t]*|[ \t]?\[\^[^\]\s]{1,40}\]|\^\[(?=[^\]]{1,400}\])", re.MULTILINE
)
_CITATION = re.compile(
    r"(?<=[^\s:=,(\[])[ \t]?\[\d{1,3}(?:\s?[,;–-]\s?\d{1,3}){0,10}\]"
    r"|[ \t]?【[^】\n]{0,60}】|[ \t]?\[citation needed\]"
)
_NOTE_SIGN = re.compile(r"(?<=[a-zà-ÿ]{4})[⁰¹²³⁴-⁹]{1,3}(?!\w)|[†‡]")
_LINE = re.compile(
    r"^[ \t]{0,3}(?:[-*_=][ \t]*){3,80}$"  # a rule, or the line under a heading
    r"|^(?:[ \t]{0,16}>)+[ \t]?"
    r"|^[ \t]{0,3}#{1,6}(?=[ \t])[ \t]{0,8}"
    r"|^[ \t]{0,24}(?:[-*+•‣◦▪●○■□–—][ \t]{1,8})(?:\[[ xX]\][ \t])?",
    re.MULTILINE,
)
_TRAILING_HASHES = re.compile(r"[ \t]#{1,6}[ \t]*$", re.MULTILINE)
_NUMBERED = re.compile(r"^([ \t]{0,24}\d{1,3}(?=[.)])|[a-zA-Z](?=\)))([.)])(?=[ \t]+\S)", re.MULTILINE)
_ADMONITION = re.compile(r"^[ \t]*(?::{3}[ \w]{0,40}|\[!\w{1,12}\])[ \t]*$", re.MULTILINE)
_INLINE_CODE = re.compile(r"(`{1,3})(?=[^`])([^`\n]{1,300})\1(?!`)")
_UNSAYABLE = re.compile(r"[{};=<>()\[\]$|\\]")
_EMOJI = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\ufe0e\ufe0f\u200d\u20e3\U000e0000-\U000e007f\ufffc\ufffd]+"
    r"|(?<!\S)(?:[:;=]['’]?-?[)(DPpO/|\\]|<3|\^_\^|¯\\?_\(ツ\)_/¯|xD|:3|:[+-]1:|:[a-z][a-z0-9_]{1,30}:)(?=[\s.,!?]|$)"
)
_COMPOSED = re.compile("[\ufb00-\ufb06\u2460-\u2473\u2160-\u217f\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]")
_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f\x7f]+")


def without_markup(text: Aligned, language: Language) -> Aligned:
    """What a reader sees; blocks of code, large tables and formulas in words."""
    words = language.words
    raw = text.text
    if "```" in raw or "~~~" in raw:
        text = text.sub(_FENCE, lambda m: (f"\n{words.code}\n",))
    if "<" in raw:
        text = _without_tags(text, language)
    if "|" in raw:
        text = text.sub(TABLE, lambda m: say_table(m, words.table))
    if "\\" in raw or "$" in raw:
        text = text.sub(_MATH, lambda m: _formula(m, language)).sub(
            _BARE_MATH, lambda m: _padded(m, say_formula(m.group(), language))
        )
    if "&" in raw:
        text = text.sub(_ENTITY, lambda m: (html.unescape(m.group()),))
    text = text.drop(_INVISIBLE)
    if not raw.isascii():
        text = text.sub(_COMPOSED, lambda m: (unicodedata.normalize("NFKC", m.group()),))
    if "[" in raw or "【" in raw:
        text = _without_links(text)
    text = text.drop(_LINE).sub(_NUMBERED, lambda m: (m.span(1), ","))
    if "#" in raw:
        text = text.drop(_TRAILING_HASHES)
    if "`" in raw:
        text = text.sub(_INLINE_CODE, lambda m: _code(m, words.shown_code))
    if "~~" in raw:
        text = text.drop(_REMOVED)
    if not raw.isascii() or ":" in raw or ";" in raw or "<3" in raw or "xD" in raw:
        text = text.drop(_NOTE_SIGN).drop(_EMOJI)
    return text


def given_sounds(written: str) -> list[tuple[int, int, str]]:
    """Parts of a text (start, end) whose sounds it gives in IPA (``<phoneme alphabet="ipa" ph="...">``), in order."""
    found: list[tuple[int, int, str]] = []
    for match in _PHONEME.finditer(written):
        given = {m[1].lower(): html.unescape(m[2] or m[3] or "") for m in _ATTRIBUTE.finditer(match["attributes"])}
        ipa = given.get("ph", "").strip()
        if ipa and len(ipa) <= _LONGEST_IPA and given.get("alphabet", "ipa").lower() == "ipa":
            found.append((*match.span("what"), ipa))
    return found


def _without_tags(text: Aligned, language: Language) -> Aligned:
    text = text.drop(PAUSE).sub(_PRE, lambda m: (f"\n{language.words.code}\n",)).drop(_HIDDEN)
    text = text.sub(_SAY_AS, _say_as).sub(_ALTERNATIVE, lambda m: (m.span(1) if m[1] is not None else m.span(2),))
    text = text.drop(_REMOVED).sub(_RAISED, lambda m: ("^", m.span(1)) if m[1][:1].isdigit() else (m.span(1),))
    text = text.sub(_TAG, lambda m: ("\n",) if m["name"].lower() in _BREAKING else _space_of(m["name"]))
    text = text.sub(_AUTOLINK, lambda m: (m.span(1),))
    return text.sub(_PLACEHOLDER, lambda m: (m.span(1) if m[1] else " ", m.span(2) if m[2] else ""))


def _space_of(name: str) -> Sequence[Part]:
    return (", ",) if name.lower() in ("td", "th") else ()


def _without_links(text: Aligned) -> Aligned:
    text = text.drop(PAUSE).drop(MARK).drop(_DEFINITION).drop(_NOTE).drop(_ADMONITION)
    text = text.sub(_IMAGE, lambda m: (m.span(1),)).drop(_CITATION)
    text = text.sub(_WIKI, lambda m: (m.span(1),))
    return text.sub(_LINK, lambda m: (m.span(1),))


def _say_as(match: re.Match[str]) -> Sequence[Part]:
    if match["alias"] is not None or match["other"] is not None:
        return (f" {html.unescape(match['alias'] or match['other'] or '')} ",)
    if match["how"].lower() in ("characters", "spell-out", "verbatim", "digits", "telephone"):
        return (f" {' '.join(c for c in match['what'] if c.isalnum())} ",)
    return (match.span("what"),)


def _formula(match: re.Match[str], language: Language) -> Sequence[Part]:
    if match["d"] is not None and _MONEY.match(match["d"]) and " " in match["d"]:
        return (match.span(),)
    if match["e"] is not None:
        return _padded(match, language.words.formula)
    source = match["a"] or match["b"] or match["c"] or match["d"] or ""
    return _padded(match, say_formula(source, language))


def _padded(match: re.Match[str], words: str) -> Sequence[Part]:
    """Words that do not run into the letters beside them."""
    before, after = match.string[match.start() - 1 : match.start()], match.string[match.end() : match.end() + 1]
    return (f"{' ' if before.isalnum() else ''}{words}{' ' if after.isalnum() else ''}",)


def _code(match: re.Match[str], shown: str) -> Sequence[Part]:
    """Code in a line: said when it can be, else shown."""
    if len(_UNSAYABLE.findall(match[2])) > 6 or len(match[2]) > 120:
        return (f" {shown} ",)
    return (match.span(2),)
