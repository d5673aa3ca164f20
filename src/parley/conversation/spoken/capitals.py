"""Words in capitals: initials that are spelled, acronyms and words that are said."""

from __future__ import annotations

import re
from functools import lru_cache

from parley.conversation.spoken.cursor import Cursor
from parley.conversation.spoken.english_words import ACRONYMS, SHORT_WORDS, SPELLED

_ONSETS = set(
    "b bl br c ch cl cr d dr f fl fr g gl gr h j k kn l m n p ph pl pr qu r s sc scr sh shr "
    "sk sl sm sn sp spl spr st str sw t th thr tr "
    "tw v w wh wr y z".split()
) | {""}
_CODAS = set(
    "b c ch ck ct d f ff ft g h k l ld lf lk ll lm lp lt m mp n nc nch "
    "nd ng nk ns nt nts p pt r rb rc rd rf rg rk rl rm rn rp rs rt "
    "rth s sh sk sp ss st t tch th ts tt w wn ws x y z zz gh ght ld lds nds rds cks ps ks".split()
) | {""}


def spelled(letters: str) -> str:
    """Letter by letter; hyphens keep voices from taking an "A" among them for the article."""
    return "-".join(letters.upper())


def say_capitals(written: str, cursor: Cursor, end: int | None = None) -> str:
    """A word in capitals: letter by letter, or as the word it is."""
    if written in ACRONYMS:
        return written
    if written not in SPELLED and (
        _shouted(written, cursor, end) or (written in SHORT_WORDS and not _an_initialism(written, cursor))
    ):
        return written.lower() if len(written) > 1 else written
    if len(written) > 3 and written not in SPELLED and pronounceable(written.lower()):
        return written.lower()
    return spelled(written)


def _an_initialism(written: str, cursor: Cursor) -> bool:
    if written == "AM":
        return cursor.word() != "i"
    return written in ("WHO", "US", "IT") and cursor.word() in ("the", "our", "your", "by", "of")


def _shouted(written: str, cursor: Cursor, end: int | None) -> bool:
    """Whether the words beside it are in capitals too, and words, as it is."""
    if len(written) < 4 and written not in SHORT_WORDS:
        return False
    if end is None or written in _INITIALISMS or written in SPELLED or not pronounceable(written.lower()):
        return False
    after = cursor.following(end).split(None, 1)
    return any(map(_is_loud_word, (_bare(cursor.last), *map(_bare, after[:1]))))


def _bare(word: str) -> str:
    return word.strip(".,;:!?\"'()“”")


def _is_loud_word(word: str) -> bool:
    if len(word) < 2 or not word.isupper() or word in _INITIALISMS or word in ACRONYMS or word in SPELLED:
        return False
    return word in SHORT_WORDS or (len(word) > 3 and pronounceable(word.lower()))


_INITIALISMS = set(
    "FBI CIA USA EU UK UN AI API GPU CPU ID TV PC IT URL UI EV AC DC IQ ER ETA VIP USB DIY IDE APR CEO CIO CFO".split()
)


@lru_cache(4096)
def pronounceable(word: str) -> bool:
    """Whether an English speaker could say the letters as a word: by the clusters of consonants between its vowels."""
    parts = re.findall(r"[aeiou]+|[^aeiou]+", re.sub(r"(?<=[^aeiou])y", "i", word))
    vowels = [part for part in parts if part[0] in "aeiou"]
    if not vowels or any(len(part) > 2 for part in vowels):
        return False
    for number, part in enumerate(parts):
        if part[0] in "aeiou":
            continue
        if number == 0:
            fits = part in _ONSETS
        elif number == len(parts) - 1:
            fits = part in _CODAS or part.removesuffix("s") in _CODAS
        else:
            fits = any(part[:at] in _CODAS and part[at:] in _ONSETS for at in range(len(part) + 1))
        if not fits:
            return False
    return True
