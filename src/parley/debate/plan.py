"""What a debate is to be: topic, format, who takes part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from parley.debate.format import EACH, MODERATOR, PEOPLE, Format
from parley.errors import ProtocolError

NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn")
MODERATOR_NAME = "Mona"
_RESERVED = {EACH, MODERATOR, PEOPLE}
_SPREAD = 0.7
"""How far from the middle the outermost debater is placed, 0 to 1."""
LONGEST_TOPIC = 300
MOST_MINUTES = 180.0


@dataclass(frozen=True, slots=True)
class Speaker:
    """A debater or the moderator; None: as the conversation's settings say."""

    name: str
    side: str = ""
    instructions: str = ""
    model: str | None = None
    voice: str | None = None
    speed: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Complete and consistent; see `completed`."""

    topic: str
    rules: Format
    debaters: tuple[Speaker, ...]
    moderator: Speaker | None
    minutes: float | None = None
    """After which nobody is given the floor any more; None: as long as the format goes on."""
    spectated: bool = False
    """Whether nobody but agents takes part: people only listen."""

    @property
    def speakers(self) -> tuple[Speaker, ...]:
        """Everybody with a voice, the moderator last."""
        return self.debaters if self.moderator is None else (*self.debaters, self.moderator)

    def place_of(self, name: str) -> float:
        """Where somebody is heard, -1 (left) to 1 (right): debaters side by side, all others in the middle."""
        names = [one.name for one in self.debaters]
        if name not in names or len(names) == 1:
            return 0.0
        return round(_SPREAD * (2 * names.index(name) / (len(names) - 1) - 1), 3)


def completed(
    topic: str,
    rules: Format,
    debaters: Sequence[Speaker],
    moderator: Speaker | None,
    voices: Sequence[str],
    *,
    minutes: float | None = None,
    spectated: bool = False,
) -> Plan:
    """With names, sides and voices for those who have none; raises `ProtocolError` that names the field.

    `voices`: those that are at hand, in the order in which they are given out; nobody shares one as long as they last.
    """
    if not topic.strip():
        raise ProtocolError("a debate needs a topic", field="debate.topic")
    made = list(debaters) or [Speaker("") for _ in range(rules.debaters)]
    taken = {speaker.name.casefold() for speaker in (*made, *([moderator] if moderator else [])) if speaker.name}
    free = (name for name in NAMES if name.casefold() not in taken)
    named = []
    for number, one in enumerate(made):
        side = one.side or rules.sides[number % len(rules.sides)]
        if side not in rules.sides:
            raise ProtocolError(
                f"'{side}' is no side of the format '{rules.name}'; there are {', '.join(rules.sides)}",
                field=f"debate.debaters[{number}].side",
            )  # fmt: skip
        if one.name.casefold() in _RESERVED:
            raise ProtocolError(
                f"'{one.name}' is no name for a debater", field=f"debate.debaters[{number}].name", code="name_taken"
            )
        named.append(replace(one, name=one.name or next(free), side=side))
    led = None
    if rules.moderator:
        led = moderator or Speaker("")
        led = replace(led, name=led.name or MODERATOR_NAME)
    for side in rules.sides:
        if not any(one.side == side for one in named) and any(side in r.order for r in rules.rounds):
            raise ProtocolError(f"nobody argues for '{side}'", field="debate.debaters")
    everybody = _voiced([*named, *([led] if led else [])], voices)
    return Plan(
        topic.strip(), rules, tuple(everybody[: len(named)]), everybody[-1] if led else None, minutes, spectated
    )


def _voiced(speakers: Sequence[Speaker], voices: Sequence[str]) -> list[Speaker]:
    """A voice for each, another one for each as long as there are others."""
    used = [one.voice for one in speakers if one.voice]
    left = [voice for voice in voices if voice not in used] or list(voices)
    given, made = 0, []
    for one in speakers:
        if one.voice is None and left:
            made.append(replace(one, voice=left[given % len(left)]))
            given += 1
        else:
            made.append(one)
    return made
