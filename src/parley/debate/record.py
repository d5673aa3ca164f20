"""What was said in a debate: by whom, as heard, and what has become of each point.

The structure is kept here, outside of any model: claims by side, who took them up, what stayed unanswered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_SENTENCE = re.compile(r"[^.!?…।。！？]+[.!?…।。！？]*[\"'”’)]*")
_LEAST_WORDS = 5
"""A shorter sentence is no point."""
DOUBTS = ("I disagree.", "I see that differently.", "that does not convince me.", "I do not think so.")
"""What a debater begins a reply with, for the model to go on: no points of its own."""
_CORRECTABLE = 8
_TAKEN_UP = 2
"""So many of a claim's weighty words in a later speech of another side make it an answer to it."""
_STOCK = (*(doubt.lower() for doubt in DOUBTS), "i am for it.", "i am against it.")
_LIGHT = frozenset(
    "about above after again all also although always and another any are because been before being both but can "
    "could did does doing each even every few for from had has have having here how into its itself just let like "
    "make makes many may more most much must not now only other our out over own really said same say says should "
    "since some still such than that the their them then there these they thing things think this those through "
    "too under until very was way well were what when where which while who why will with without would you "
    "your".split()
)


@dataclass(slots=True)
class Speech:
    """One thing that somebody said."""

    speaker: str
    side: str
    """Of a debater; empty: a person's or the moderator's."""
    began_s: float
    """Since the beginning of the debate."""
    round: str = ""
    ended_s: float = 0.0
    written: str = ""
    """All that was to be said."""
    heard: str = ""
    """What everybody has heard of it."""
    interrupted_by: str = ""
    item: str = ""
    of_person: bool = False
    """Whether a person said it, no agent."""

    @property
    def said(self) -> str:
        """What others can answer: what was heard of it, or, while it sounds, what will be."""
        return (self.heard or ("" if self.ended_s else self.written)).strip()

    @property
    def was_broken_off(self) -> bool:
        """Whether somebody spoke over it before half of it was heard."""
        return bool(self.interrupted_by) and 0 < 2 * len(self.heard) < len(self.written)

    def to_json(self) -> dict[str, Any]:
        """As it is exported."""
        return {
            "speaker": self.speaker, "side": self.side, "round": self.round, "began_s": round(self.began_s, 2),
            "ended_s": round(self.ended_s, 2), "heard": self.heard, "written": self.written,
            "interrupted_by": self.interrupted_by,
        }  # fmt: skip


@dataclass(slots=True)
class Claim:
    """A point that a side made."""

    text: str
    speaker: str
    side: str
    taken_up_by: list[str] = field(default_factory=list)
    """Speakers of other sides who have come back to it."""

    def to_json(self) -> dict[str, Any]:
        """As it is exported."""
        return {"text": self.text, "speaker": self.speaker, "taken_up_by": list(self.taken_up_by)}


class Record:
    """Of one debate, in order."""

    def __init__(self) -> None:
        self.speeches: list[Speech] = []
        self.claims: list[Claim] = []

    def over(self, speech: Speech) -> None:
        """It is said, as far as it was heard: points of it are kept, and points that it takes up marked."""
        words = _weighty(speech.heard)
        for claim in self.claims:
            if claim.speaker != speech.speaker and (claim.side != speech.side or not speech.side):
                enough = min(_TAKEN_UP, len(_weighty(claim.text)))
                if enough and len(words & _weighty(claim.text)) >= enough and speech.speaker not in claim.taken_up_by:
                    claim.taken_up_by.append(speech.speaker)
        if speech.side:
            known = {_plain(claim.text) for claim in self.claims}
            made = (self._unaddressed(text) for text in points(speech.heard))
            self.claims += [Claim(text, speech.speaker, speech.side) for text in made if _plain(text) not in known]

    def _unaddressed(self, text: str) -> str:
        """A point without the name of who is spoken to."""
        name, comma, rest = text.partition(", ")
        if not comma or name not in {speech.speaker for speech in self.speeches}:
            return text
        return rest[:1].upper() + rest[1:]

    def correct(self, item: str, heard: str) -> None:
        """It is known better how much of a speech was heard."""
        for speech in self.speeches[-_CORRECTABLE:]:
            if speech.item == item:
                speech.heard = heard

    def forget(self, item: str) -> None:
        """What an item had is said otherwise, or was never said: it left the history."""
        self.speeches = [speech for speech in self.speeches if not item or speech.item != item]

    @property
    def said(self) -> tuple[str, ...]:
        """Every point that was made, by whomever: nobody makes it again word for word."""
        return tuple(claim.text for claim in self.claims)

    def since_own(self, speaker: str) -> list[Speech]:
        """What others have said since somebody spoke last; where that is nothing, what they said last.

        Without the moderator's fixed words, to which there is nothing to reply.
        """
        found: list[Speech] = []
        for speech in reversed(self.speeches):
            if speech.speaker == speaker:
                if found:
                    break
            elif speech.said and (speech.side or speech.of_person or speech.round):
                found.append(speech)
        return found[::-1]

    def used_by(self, speaker: str, most: int) -> list[str]:
        """The last points that somebody has made already."""
        return [claim.text for claim in self.claims if claim.speaker == speaker][-most:]

    def words_of(self, speaker: str, most: int) -> list[str]:
        """The weighty words that somebody's points had last, the newest last."""
        found: dict[str, None] = {}
        for claim in self.claims:
            if claim.speaker == speaker:
                for word in re.findall(r"[^\W\d_]{4,}", claim.text.lower()):
                    if word not in _LIGHT:
                        found.pop(word, None)
                        found[word] = None
        return list(found)[-most:]

    def unanswered(self) -> list[Claim]:
        """Points that nobody of another side came back to."""
        return [claim for claim in self.claims if not claim.taken_up_by]

    def strongest(self, side: str) -> Claim | None:
        """The point of a side that others came back to most; of several the first."""
        own = [claim for claim in self.claims if claim.side == side]
        return max(own, key=lambda claim: len(claim.taken_up_by), default=None)

    def seconds_by_speaker(self) -> dict[str, float]:
        """How long each has spoken."""
        found: dict[str, float] = {}
        for speech in self.speeches:
            found[speech.speaker] = found.get(speech.speaker, 0.0) + max(0.0, speech.ended_s - speech.began_s)
        return {name: round(seconds, 1) for name, seconds in found.items()}

    def verdict(self, sides: Sequence[str], votes: Mapping[str, int]) -> dict[str, Any]:
        """What came of it."""
        strongest = {side: self.strongest(side) for side in sides}
        return {
            "claims": {side: [c.to_json() for c in self.claims if c.side == side] for side in sides},
            "strongest": {side: claim.text for side, claim in strongest.items() if claim is not None},
            "unanswered": [claim.to_json() for claim in self.unanswered()],
            "interrupted": [
                {"speaker": s.speaker, "by": s.interrupted_by, "heard": s.heard}
                for s in self.speeches if s.interrupted_by
            ],
            "seconds": self.seconds_by_speaker(),
            "votes": dict(votes),
        }  # fmt: skip


def points(text: str) -> list[str]:
    """Sentences that say something: questions and short ones are none."""
    found = [sentence.strip() for sentence in _SENTENCE.findall(text)]
    told = [s for s in found if not s.rstrip("\"'”’)").endswith(("?", "？")) and not s.lower().endswith(_STOCK)]
    return [s for s in told if len(s.split()) >= _LEAST_WORDS]


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _weighty(text: str) -> set[str]:
    """Words that tell one point from another, without the endings that vary."""
    words = re.findall(r"[^\W\d_]{3,}", text.lower())
    return {word.rstrip("s") for word in words if word not in _LIGHT and len(word) > 3}
