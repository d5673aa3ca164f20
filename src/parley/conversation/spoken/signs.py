"""Signs that stand between words and numbers: said where they mean something, else gone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from parley.conversation.spoken.cursor import Cursor, Rule, rule
from parley.conversation.spoken.formulas import say_decimal
from parley.conversation.spoken.languages import UNSPACED, Language
from parley.conversation.spoken.units import CURRENCIES, PER

_KEPT = set(".,;:!?…()\"'“”„‟‘’‚«»‹›¿¡—。，、！？；：．・「」『』（）《》〈〉【】।॥؟،؛۔፣።፤፥፧៖។៕၊။՝։՛՜՞〜")
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_OPEN = set("([{\"'“‘«¿¡<|/")
_RAISED = {c: str(n) for n, c in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")} | {"⁺": "+", "⁻": "-", "ⁿ": "n"}
_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_ENGLISH_SIGNS = {
    "±": "plus or minus", "∞": "infinity", "√": "the square root of", "∑": "the sum of", "∈": "in",
    "∉": "not in", "∀": "for all",
    "∃": "there exists", "⇒": "implies", "⇔": "if and only if", "∝": "is proportional to", "∂": "partial",
    "∫": "the integral of",
    "∴": "therefore", "∪": "union", "∩": "intersection", "½": "one half", "¶": "paragraph", "℅": "care of",
    "℞": "prescription",
    "°": "degrees", "µ": "micro", "⌘": "command", "⌥": "option", "⇧": "shift", "⌃": "control", "‰": "per mille",
}  # fmt: skip
_EITHER = {
    "==": "equals", "===": "equals", "=": "equals", "≡": "equals", "!=": "unequal", "≠": "unequal", "<>": "unequal",
    "<=": "at_most",
    "≤": "at_most", ">=": "at_least", "≥": "at_least", "×": "times", "·": "times", "⋅": "times", "∙": "times",
    "÷": "divided", "&": "conjunction",
    "&&": "conjunction", "→": "to", "->": "to", "-->": "to", "=>": "to", "⟶": "to", "➔": "to", "≈": "about",
    "≃": "about", "≅": "about",
    "§": "section", "%": "percent", "№": "number",
}  # fmt: skip
_BOTH = {"→", "->", "-->", "=>", "⟶", "➔", "·", "∙", "×", "⋅"}
"""Said only between two things; elsewhere they are ornaments."""


def sign_rules(language: Language) -> Sequence[Rule]:
    """Rules for everything that is no letter and no number; the last takes any character."""
    if not language.words.plus:
        return [
            rule(r"[-−–+=%&@°×÷≤≥≠±§/$€£¥₹]", _left_to_the_voice, "-−–+=%&@°×÷≤≥≠±§/$€£¥₹"),
            rule(r"\*+", lambda m, c: "×" if _short(m, c) else "", "*"),
            rule(r".", _other, "", re.DOTALL),
        ]
    return [
        rule(r"\*\*(?=[\w(-])\s?(?P<e>\d{1,4}|[a-zA-Z](?!\w))", _raised, "*"),
        rule(r"\^ ?[{(]?(?P<e>[-+−]?[^\W_]{1,6})[})]?", _raised, "^"),
        rule(r"(?P<e>[⁰¹²³⁴-⁹⁺⁻ⁿ]{1,8})", _raised, "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ"),
        rule(r"(?P<n>[₀-₉]{1,6})", lambda m, c: say_decimal(m["n"].translate(_LOWERED), c.language), "₀₁₂₃₄₅₆₇₈₉"),
        rule(r"\*+", _stars, "*"),
        rule(r"[-−–]{1,2}(?!>)", _dash, "-−–"),
        rule(r"(?P<sign>[<>])(?![=>-])", _compare, "<>"),
        rule(r"~+", _tilde, "~"),
        rule(r"\++", _plus, "+"),
        rule(r"/+", _slash, "/"),
        rule(r"@", lambda m, c: c.language.words.at if re.match(r"[\s\d]", c.following(m.end())) else "", "@"),
        rule(r"©", lambda m, c: "" if c.word().startswith("copyright") or not c.language.english else "copyright", "©"),
        rule(
            "|".join(sorted(map(re.escape, _EITHER), key=len, reverse=True)),
            _either,
            "".join(sign[0] for sign in _EITHER),
        ),
        rule(r"(?P<sign>[$€£¥₹₩₽₺₴₦₱₪₫฿₿])", _currency, "$€£¥₹₩₽₺₴₦₱₪₫฿₿"),
        rule(r"\.{2,}|(?:\. ){2,}\.", lambda m, c: "…", "."),
        rule(r".", _other, "", re.DOTALL),
    ]


def _left_to_the_voice(match: re.Match[str], cursor: Cursor) -> str:
    """Voices know the signs of their language; one that stands alone means nothing."""
    left, right, touches, meets = _around(match, cursor)
    begins = not touches or not left.isalnum() or UNSPACED.match(left)
    if match.group() in "-−" and begins and meets and right.isdigit() and cursor.language.counts:
        return cursor.language.words.minus or match.group()
    alone = not (left or right) or (match.group() in "-−–/" and not touches and not meets)
    return "" if alone else match.group()


def _around(match: re.Match[str], cursor: Cursor) -> tuple[str, str, bool, bool]:
    """The characters on both sides, and whether they touch."""
    text, start, end = cursor.text, match.start(), match.end()
    before, after = text[start - 1 : start], text[end : end + 1]
    left = text[max(0, start - 3) : start].rstrip()[-1:]
    right = text[end : end + 3].lstrip()[:1]
    return left, right, bool(before) and not before.isspace(), bool(after) and not after.isspace()


def _operand(char: str) -> bool:
    return char.isalnum() or char in ")]}%°'²³πΩ√∞|"


def _short(match: re.Match[str], cursor: Cursor) -> bool:
    """Whether one side is a number or a single letter: a formula rather than words."""
    before = re.search(
        r"(?:\d(?:[\d.,]{0,12}\d)?|(?<![^\W\d_])[^\W\d_]|[)\]²³])\s?$",
        cursor.text[max(0, match.start() - 16) : match.start()],
    )
    after = re.match(r"\s?(?:[-−$€£]?\d|[^\W\d_](?![^\W\d_])|[(√])", cursor.following(match.end()))
    return bool(before) and bool(after)


def _raised(match: re.Match[str], cursor: Cursor) -> str | None:
    words, language = cursor.language.words, cursor.language
    left = cursor.text[match.start() - 1 : match.start()]
    if not left or not _operand(left):
        return None
    exponent = "".join(_RAISED.get(c, c) for c in match["e"])
    if len(exponent) > 1 and exponent[-1] in "+-" and exponent[:-1].isdecimal():  # a charge
        return f"{say_decimal(exponent[:-1], language)} {words.plus if exponent[-1] == '+' else words.minus}"
    if exponent == "2" and words.square:
        return words.square
    if exponent == "3" and language.english:
        return "cubed"
    sign = {"-": words.minus, "−": words.minus, "+": ""}.get(exponent[0], "")
    rest = exponent.lstrip("-−+")
    if not rest:
        return ""
    return " ".join(f"{words.power} {sign} {say_decimal(rest, language) if rest.isdecimal() else rest}".split())


def _stars(match: re.Match[str], cursor: Cursor) -> str:
    left, right, touches, meets = _around(match, cursor)
    between = _operand(left) and (_operand(right) or right == "(") and touches == meets
    if len(match.group()) > 1 and touches != meets:
        return ""
    return cursor.language.words.times if between and _short(match, cursor) else ""


def _dash(match: re.Match[str], cursor: Cursor) -> str:
    words = cursor.language.words
    left, right, touches, meets = _around(match, cursor)
    number_follows = meets and (right.isdigit() or right in CURRENCIES or right == ".")
    if number_follows and (not touches or left in _OPEN or not left):
        return words.minus
    if touches and meets and right.isdigit():
        if cursor.last[:1].isdigit() and (left in "%°." + _LETTERS or ":" in cursor.last):
            return words.to  # 5kg-10kg, 9 a.m.-5 p.m.
        if match.group() == "-" and len(cursor.last) > 1 and cursor.last[0].isalpha():
            return ""  # i7-12700
    if touches and meets and match.group() == "–":
        return words.to if left.isalnum() and right.isalnum() else ""
    reckons = not touches or match.group() == "−" or right.isdigit()
    if left and right and touches == meets and reckons and _short(match, cursor):
        return words.minus
    if touches and meets:
        return ""
    if touches or meets or not left or not right or not (left.isalnum() or left in ")\"”'"):
        return ""
    return ","


def _compare(match: re.Match[str], cursor: Cursor) -> str:
    words = cursor.language.words
    less = match["sign"] == "<"
    left, right, touches, meets = _around(match, cursor)
    if meets and not touches and (right.isdigit() or right in CURRENCIES or right in ".-"):
        return words.under if less else words.over
    if left and right and _operand(left) and (_operand(right) or right in "-−$€£("):
        return words.less if less else words.greater
    return ""


def _tilde(match: re.Match[str], cursor: Cursor) -> str:
    _, right, touches, meets = _around(match, cursor)
    before = cursor.text[match.start() - 1 : match.start()]
    return (
        cursor.language.words.about
        if meets and not (touches and before.isalnum()) and (right.isdigit() or right in CURRENCIES)
        else ""
    )


def _plus(match: re.Match[str], cursor: Cursor) -> str:
    left, right, touches, meets = _around(match, cursor)
    said = cursor.language.words.plus
    if len(match.group()) > 1:
        return " ".join([said] * min(2, len(match.group()))) if touches and left.isalnum() else ""
    return said if (left and right) or left.isdigit() or right.isdigit() or (touches or meets) else ""


def _slash(match: re.Match[str], cursor: Cursor) -> str:
    left, _, touches, meets = _around(match, cursor)
    counted = re.match(r"[a-z]+", cursor.following(match.end()))
    if counted and counted.group() in PER and touches and (left.isdigit() or left == "x"):
        return cursor.language.words.per
    if not touches and not meets:
        return cursor.language.words.divided if _short(match, cursor) else ","
    return ""


def _either(match: re.Match[str], cursor: Cursor) -> str | None:
    sign = match.group()
    left, right, touches, meets = _around(match, cursor)
    if sign in _BOTH and not (
        left and right and (left.isalnum() or left in ")]}\"”'") and (right.isalnum() or right in "([\"“'$€£-∞")
    ):
        return ""
    if sign == "==" and touches != meets:
        return ""  # a marker's mark
    said = str(getattr(cursor.language.words, _EITHER[sign]))
    return said if _short(match, cursor) else said.removeprefix("is ")


def _currency(match: re.Match[str], cursor: Cursor) -> str:
    _, right, touches, meets = _around(match, cursor)
    if touches or (meets and right not in _KEPT) or not cursor.language.english:
        return ""
    return cursor.language.currency(CURRENCIES[match["sign"]], one=False)


def _other(match: re.Match[str], cursor: Cursor) -> str:
    char = match.group()
    if char in _KEPT:
        return char
    if cursor.language.english and char in _ENGLISH_SIGNS:
        return _ENGLISH_SIGNS[char]
    category = unicodedata.category(char)
    return char if category[0] in "LMN" or char in ("\u200c", "\u200d") else ""
