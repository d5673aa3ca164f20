"""Where a text must not be cut, because what stands on both sides is read together."""

from __future__ import annotations

import re

from parley.conversation.spoken.english_words import ABBREVIATIONS, BEFORE_NUMBERS, NUMBERED
from parley.conversation.spoken.units import CURRENCIES

_STOPPED = (
    {short.rstrip(".").split()[-1] for short in (*ABBREVIATIONS, *CURRENCIES) if short[-1] == "."}
    | set("Dr St z B d h u a ej EE UU bzw Nr Hr Sra Srta Ud Uds núm pág Tsd Mio Mrd vgl usw ca डॉ श्री డా".split())
) - set("Sun Sat Mar Jun Jul ref temp est misc tel no min max ed fig p c".split())
"""Abbreviations that a sentence does not end with."""
_UNITS = frozenset("lb lbs oz ft in hr hrs min mins sec secs tsp tbsp gal qt pt yd mi kg km cm mm ml".split())
_INITIALS = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]{1,2}|[A-Z]|Ph\.D")
_BEFORE_A_NUMBER = frozenset(short.rstrip(".") for short in BEFORE_NUMBERS) | {"art", "eq"}
_WIDE = set("。！？｡।॥؟۔።፧។៕။།։，、；：،؛፣፤፥၊")
_MONTH = re.compile(r"(?:Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez|[JFMASOND]$|[a-zäöü])")
_GERMAN_ARTICLES = frozenset("der die das den dem des im vom zum beim ins einem einen eines".split())
"""Before "19. Jahrhundert"; "am" is English, too."""
_MONTHS = frozenset("jan feb mar apr may jun jul aug sep oct nov dec".split())
_DAYS = frozenset("Mon Tue Tues Wed Thu Thurs Fri Sat Sun".split())
_WITHIN = 64
_BINDING = NUMBERED | set(
    "dr mr mrs ms prof st mt ft gen col lt sgt rev hon pope king queen is are was code pin otp passcode password "
    "extension ext zip postcode "
    "flight account tracking reference ref confirmation serial id room no number uuid hash commit version ctrl alt "
    "shift cmd page pages "
    "about around over under minus plus".split()
)
"""Words that say how the next one is read."""
_NAMES = re.compile(r"[\"“'(]?[A-ZÄÖÜ]")


def holds_together(text: str, end: int) -> bool:
    """Whether `text` must not be cut at `end`, a blank or the place behind a punctuation mark."""
    head = text[max(0, end - _WITHIN) : end] if end > _WITHIN else text[:end]
    tail = text[end : end + _WITHIN]
    right = tail.split(None, 1)[0] if tail.strip() else ""
    last = head.rstrip("\"')]*_”’»」』）】》〉")[-1:]
    if last in _WIDE:
        return False
    if last in (".", "!", "?", "…"):
        return _stop_holds(head, right, begins=end <= _WITHIN)
    words = head.rsplit(None, 2)
    left = words[-1] if words else ""
    before = words[-2] if len(words) > 1 else ""
    if left[-1:] in ",;:—–":
        dated = (left[-2:-1].isdigit() and before[:3].lower() in _MONTHS) or left[:-1] in _DAYS
        return dated and (not right or right[0].isdigit() or (left[:-1] in _DAYS and _may_be_a_month(right)))
    return bool(left) and _words_hold(before, left, right)


def _may_be_a_month(word: str) -> bool:
    """Of a word whose end may still be missing."""
    return any(month.startswith(word[:3].lower()) for month in _MONTHS)


def _stop_holds(head: str, right: str, *, begins: bool) -> bool:
    """`head` ends with a full stop or the like; `begins`: the text begins with it."""
    word = head.rsplit(None, 1)[-1].lstrip("\"'(“*_")
    if not word.endswith("."):
        return False
    stem = word[:-1]
    if stem == "d" and right[:1] == "h":
        return True  # German's "that is"
    if stem in _BEFORE_A_NUMBER:
        return not right or right[0].isdigit() or right[0] in "IVX"
    if stem in _STOPPED or _INITIALS.fullmatch(stem):
        return True
    if stem in _UNITS:
        return not right or right[0].islower()
    if stem.isdecimal():
        before = head[: len(head) - len(word)].rstrip(" \t#>*")
        if before.endswith("\n") or (begins and not before):
            return True  # the number of a list's item
        article = before.rsplit(None, 1)[-1:] and before.rsplit(None, 1)[-1].lower() in _GERMAN_ARTICLES
        return len(stem) <= 2 and (not right or bool(_MONTH.match(right)) or (bool(article) and right[0].isalpha()))
    return False


def _words_hold(before: str, left: str, right: str) -> bool:
    if any(map(str.isnumeric, left)) or any(map(str.isnumeric, right)):
        return True
    if any(map(str.isnumeric, before)) and len(left) <= 6:
        return True  # "a 5 km run"
    if not any(map(str.isalnum, left)) or not any(map(str.isalnum, right)) or right[0] in "$€£¥₹~<>=+-−#(":
        return True
    if left.lower().strip("\"'(") in _BINDING:
        return True
    return bool(_NAMES.match(left)) and (bool(_NAMES.match(right)) or (len(left) > 1 and left.isupper()))
