"""What words say about a turn: backchannels, fillers, sentences that cannot be finished."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[\w'’]+", re.UNICODE)

BACKCHANNELS: dict[str, frozenset[str]] = {
    "en": frozenset(
        "mm mhm mmhm hmm hm uh huh uhhuh um ah oh yeah yep yes yup ok okay right sure wow nice cool great really i see "
        "got it aha alright true exactly good you the".split()
    ),
    "te": frozenset("ఆ ఆఁ అవును సరే ఊ ఊఁ హ్మ్ అలాగే అవునా aa avunu sare oo alage".split()),
}
"""Words that show listening and do not claim the floor; every word of the utterance must be one.

The English list holds "you" and "the" too: recognisers write them for breath and clicks.
"""

_TRAILING: dict[str, frozenset[str]] = {
    "en": frozenset(
        "and but or because if when while which whose the a an of my your his her their our um uh er i i'm i'd i'll "
        "we're they're very into than".split()
    ),
    "te": frozenset("మరియు కానీ కాబట్టి లేదా అంటే ఎందుకంటే".split()),
}
"""A turn that stops after one of these is not finished; words that may close a sentence ("that", "in") are not here."""


_HUSH: dict[str, frozenset[str]] = {
    "en": frozenset(
        (
            "stop",
            "stop it",
            "stop please",
            "please stop",
            "okay stop",
            "wait",
            "wait please",
            "wait a moment",
            "wait a minute",
            "wait wait",
            "no wait",
            "hold on",
            "hang on",
            "one moment",
            "just a moment",
            "quiet",
            "be quiet",
            "silence",
            "hush",
            "enough",
            "that's enough",
            "shut up",
            "never mind",
        )
    ),
    "te": frozenset(("ఆగు", "ఆగండి", "ఆపు", "ఆపండి", "చాలు", "ఒక్క నిమిషం")),
}
"""Said into an answer, these want silence and nothing else."""

_AGAIN: dict[str, frozenset[str]] = {
    "en": frozenset(
        (
            "say that again",
            "say that again please",
            "can you say that again",
            "could you say that again",
            "please say that again",
            "repeat that",
            "please repeat that",
            "repeat that please",
            "can you repeat that",
            "could you repeat that",
            "could you repeat that please",
            "what did you say",
            "come again",
            "pardon",
        )
    ),
    "te": frozenset(("మళ్ళీ చెప్పండి", "మళ్ళీ చెప్పు", "ఏమన్నారు")),
}
"""These want the last answer once more, word for word."""


def asks_for_silence(text: str, language: str) -> bool:
    """Whether the whole utterance is a word like "stop" or "wait"."""
    return " ".join(normalise(text)) in _HUSH.get(language, frozenset())


def asks_for_repetition(text: str, language: str) -> bool:
    """Whether the whole utterance asks to hear the last answer again."""
    return " ".join(normalise(text)) in _AGAIN.get(language, frozenset())


def normalise(text: str) -> list[str]:
    """Lower-case words without punctuation, for comparing transcripts ("Mm-hm." gives mm, hm)."""
    folded = unicodedata.normalize("NFC", text).lower().replace("’", "'")
    if any("\u0900" <= c <= "\u0dff" for c in folded):  # Indic vowel signs are not \w
        return [w.strip(".,!?…;:\"'()-") for w in folded.split() if w.strip(".,!?…;:\"'()-")]
    return _WORD.findall(folded)


def is_noise(text: str) -> bool:
    """Whether there is nothing in it but what recognisers write for breath, clicks and room noise."""
    return normalise(text) in ([], ["you"])


def is_backchannel(text: str, language: str) -> bool:
    """Whether every word of `text` only shows listening (false for no words at all)."""
    known = BACKCHANNELS.get(language, BACKCHANNELS["en"])
    words = normalise(text)
    return bool(words) and all(word in known for word in words)


def trails_off(text: str, language: str) -> bool:
    """Whether the text stops where a sentence cannot stop."""
    if text.rstrip().endswith(("...", "…", "-")):
        return True
    words = normalise(text)
    if not words:
        return False
    if text.rstrip().endswith("?"):
        return False
    return words[-1] in _TRAILING.get(language, frozenset())


_FINITE: dict[str, tuple[str, ...]] = {
    # Telugu sentences end in a finite verb: third person (-ది -డు -రు -యి), first (-ను -ము -ం), second (-వు -రు),
    # imperative and polite (-ండి -లి), negation (లేదు కాదు), questions in -ా.
    "te": ("ది", "డు", "దు", "రు", "యి", "ను", "ము", "న్నాం", "తాం", "శాం", "వు", "ండి", "లి", "దా", "వా", "రా", "యా", "డా"),
}  # fmt: skip


def ends_in_its_verb(text: str, language: str) -> bool | None:
    """Whether the last word is a finite verb; None for a language whose sentences need not end in one."""
    endings = _FINITE.get(language)
    words = normalise(text)
    return words[-1].endswith(endings) if endings and words else None


def is_complete(text: str) -> bool:
    """Whether the recogniser closed the sentence (full stop, question or exclamation mark, danda)."""
    return text.rstrip().endswith((".", "?", "!", "।")) and not text.rstrip().endswith("...")
