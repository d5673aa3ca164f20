"""How a text asks to be said: ``[happy]``, ``[sad 0.8]``, ``<prosody rate="slow">``, ``<express-as style="calm">``.

A mark in brackets holds until the next one, a tag until it is closed (SSML 1.1, and Microsoft's `mstts:express-as`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from parley.emotions import EMOTIONS
from parley.models.interfaces import SpeakingStyle, Synthesizer

_BRACKET = rf"\[(?P<emotion>{'|'.join(EMOTIONS)})(?:[=: ]{{1,2}}(?P<intensity>[01]?(?:\.\d{{1,3}})?))?\]"
MARK = re.compile(
    rf"{_BRACKET}|<(?P<tag>prosody|(?:mstts:)?express-as)\b(?P<attributes>[^<>]{{0,200}})>"
    r"|</(?P<closed>prosody|(?:mstts:)?express-as)\s*>"
)
_ATTRIBUTE = re.compile(r"\b(?P<name>rate|style|styledegree)\s*=\s*[\"']?\s*(?P<value>[\w.%+-]{1,24})", re.IGNORECASE)
_RATES = {"x-slow": 0.6, "slow": 0.8, "medium": 1.0, "default": 1.0, "fast": 1.25, "x-fast": 1.6}
_SLOWEST, _FASTEST = 0.5, 2.0
_STYLES = {
    "happy": "happy cheerful excited friendly hopeful enthusiastic joyful",
    "sad": "sad depressed disappointed sorrowful empathetic",
    "angry": "angry disgruntled unfriendly shouting furious",
    "calm": "calm gentle relaxed whispering serious",
    "neutral": "neutral default general chat newscast",
}
_EMOTION_OF = {style: emotion for emotion, styles in _STYLES.items() for style in styles.split()}
_DEGREES = 2.0
"""`styledegree` goes from 0.01 to 2."""


@dataclass(frozen=True, slots=True)
class Manner:
    """What marks ask for, beside the style that was asked for."""

    emotion: str | None = None
    intensity: float | None = None
    rate: float = 1.0

    def of(self, style: SpeakingStyle, voice: Synthesizer) -> SpeakingStyle:
        """The style with it, as far as the voice can: a text is said also where its marks cannot be kept."""
        emotion = style.emotion if self.emotion is None else self.emotion
        intensity = style.intensity if self.intensity is None else self.intensity
        if emotion not in voice.emotions:
            emotion = "neutral"
        speed = style.speed if voice.fixed_speed else style.speed * self.rate
        return replace(style, emotion=emotion, intensity=intensity, speed=speed)


AS_USUAL = Manner()


class Manners:
    """The marks of one text, as it goes on."""

    def __init__(self) -> None:
        self._stack: list[tuple[str, Manner]] = []
        self._mood = Manner()

    @property
    def now(self) -> Manner:
        """What holds behind everything that was taken."""
        return self._stack[-1][1] if self._stack else self._mood

    def take(self, text: str) -> Manner:
        """Go on behind `text`; what holds then."""
        for mark in MARK.finditer(text) if "[" in text or "<" in text else ():
            if mark["emotion"]:
                self._set(mark["emotion"], _share(mark["intensity"]))
            elif mark["tag"] and not mark["attributes"].rstrip().endswith("/"):
                self._open(mark["tag"], mark["attributes"])
            elif mark["closed"]:
                self._close(mark["closed"])
        return self.now

    def _set(self, emotion: str, intensity: float | None) -> None:
        changed = replace(self.now, emotion=emotion, intensity=intensity)
        if self._stack:
            self._stack[-1] = self._stack[-1][0], changed
        else:
            self._mood = changed

    def _open(self, tag: str, attributes: str) -> None:
        given = {found["name"].lower(): found["value"].lower() for found in _ATTRIBUTE.finditer(attributes)}
        manner = self.now
        if tag == "prosody":
            manner = replace(manner, rate=_bounded(manner.rate * _rate(given.get("rate", ""))))
        elif (emotion := _EMOTION_OF.get(given.get("style", ""))) is not None:
            degree = _number(given.get("styledegree", ""))
            manner = replace(manner, emotion=emotion, intensity=None if degree is None else min(1.0, degree / _DEGREES))
        self._stack.append((tag, manner))

    def _close(self, tag: str) -> None:
        """The last one of that name, and what was left open inside."""
        at = next((i for i in reversed(range(len(self._stack))) if self._stack[i][0] == tag), None)
        if at is not None:
            del self._stack[at:]


def _rate(written: str) -> float:
    """As SSML has it: a word, a share (80 %), a change (+20 %, -10 %) or a number; 1 for anything else."""
    if written in _RATES:
        return _RATES[written]
    number = _number(written.removesuffix("%"))
    if number is None:
        return 1.0
    if not written.endswith("%"):
        return _bounded(number)
    return _bounded(1 + number / 100 if written[0] in "+-" else number / 100)


def _bounded(rate: float) -> float:
    return min(_FASTEST, max(_SLOWEST, rate))


def _share(written: str | None) -> float | None:
    number = _number(written or "")
    return None if number is None else min(1.0, number)


def _number(written: str) -> float | None:
    try:
        return float(written)
    except ValueError:
        return None
