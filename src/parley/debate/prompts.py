"""What debaters and the moderator are told, and the moderator's fixed words.

The prompts have to carry light models: one task at a time, the point to answer last, nothing to repeat.
"""

from __future__ import annotations

from collections.abc import Sequence

from parley.conversation.items import USER
from parley.debate.agenda import Agenda, Slot
from parley.debate.plan import Speaker
from parley.debate.record import DOUBTS, Record, Speech, points

_WORDS_PER_S = 2.4
"""How fast voices speak."""
_TOKENS_PER_WORD = 1.5
_SPARE = 1.6
_MOST_REMARKS = 3
_MOST_WORDS = 8
STYLE = "Two or three short sentences, spoken, no list."
_MOST_USED = 4
_LAST_HEARD = 12
_LONGEST_SHOWN_CHARS = 400


def persona(debater: Speaker, topic: str, agenda: Agenda) -> str:
    """What a debater is, whoever it answers."""
    others = _listed([f"{d.name}, who is {_side(d.side)}" for d in agenda.debaters.values() if d.name != debater.name])
    return " ".join(filter(None, [
        f"You are {debater.name}, in a spoken debate. {_stance(debater.side, topic)}",
        f"You talk with {others}." if others else "", debater.instructions, STYLE,
    ]))  # fmt: skip


def moderator_persona(led: Speaker, topic: str, agenda: Agenda) -> str:
    """What the moderator is."""
    others = _listed([f"{d.name}, who is {_side(d.side)}" for d in agenda.debaters.values()])
    return " ".join(filter(None, [
        f'You are {led.name}, the moderator of a spoken debate about "{topic}" with {others}. You take no side.',
        led.instructions, STYLE,
    ]))  # fmt: skip


def task(slot: Slot, record: Record, speaker: str, claim_: str) -> str:
    """What stands before a speaker's turn: what was said last, what is used up, what to do."""
    others = record.since_own(speaker)
    shown = [speech for speech in others[:-1] if speech.of_person][-_MOST_REMARKS:] + others[-1:]
    parts = [_line(speech, last=speech is others[-1]) for speech in shown if speech.said]
    own = next((speech for speech in reversed(record.speeches) if speech.speaker == speaker), None)
    if own is not None and own.was_broken_off:
        last = " ".join(own.heard.split()[-_LAST_HEARD:])
        parts.append(f'You were interrupted at "{last}": say that you want to finish that point, and finish it.')
    elif used := record.words_of(speaker, _MOST_WORDS):
        parts.append(f"You have spoken about {', '.join(used)} already: speak about something else.")
    parts.append(f"{slot.task} {claim_}At most {round(slot.seconds * _WORDS_PER_S)} words.")
    return "\n".join(parts)


def claim(side: str, topic: str) -> str:
    """The side once more, behind the task: a light model keeps to what it reads last."""
    if side not in ("for", "against"):
        return ""
    stated = topic[:1].lower() + topic[1:].rstrip(".!") if not topic[1:2].isupper() else topic.rstrip(".!")
    return f"Your side: it is {'true' if side == 'for' else 'false'} that {stated}. "


def first_words(speaker: str, side: str, record: Record) -> str:
    """What a speech begins with: the name of who spoke last, or where one stands.

    It is written for the model, so that each is addressed, and so that a light one begins to argue at once.
    """
    others = record.since_own(speaker)
    last = others[-1] if others else None
    to = f"{last.speaker}, " if last is not None and last.speaker != USER else ""
    if side not in ("for", "against"):
        return to
    if not record.used_by(speaker, 1):
        return f"{to}I am {side} it. "
    if last is None or last.side in ("", side):
        return to
    spoken = sum(speech.speaker == speaker for speech in record.speeches)
    return f"{to}{DOUBTS[spoken % len(DOUBTS)]} "


def sum_up(what: str, record: Record, sides: Sequence[str], sounding: Sequence[Speech]) -> str:
    """What the moderator sums up from: each side's points, those of speeches that still sound too."""
    told = []
    for side in sides:
        made = [claim.text for claim in record.claims if claim.side == side]
        made = [*made, *(point for speech in sounding if speech.side == side for point in points(speech.written))]
        made = made[-_MOST_USED:]
        told.append(f"{side}:\n" + "\n".join(f"- {point}" for point in made))
    left = "\n".join(f"- {claim.text} ({claim.side})" for claim in record.unanswered()[-3:])
    return "\n\n".join(filter(None, [*told, left and f"Nobody answered:\n{left}", what]))


def most_tokens(slot: Slot) -> int:
    """A bound for a model that does not count its words."""
    return round(slot.seconds * _WORDS_PER_S * _TOKENS_PER_WORD * _SPARE)


def opening(topic: str, agenda: Agenda) -> str:
    """The moderator's first words."""
    who = _listed([f"{d.name} is {_side(d.side)}" for d in agenda.debaters.values()])
    return f"Welcome. Our topic today: {topic.rstrip('.')}. {who}."


def gives_floor(slot: Slot, *, name_round: bool) -> str:
    """The moderator gives the floor at the beginning of a round."""
    begin = f"{slot.round}. " if name_round else ""
    return f"{begin}{slot.speaker}, please."


def asks_people(task_: str, silent: str) -> str:
    """The moderator asks whoever listens, and `silent` (if anybody is) by name: who has not been heard for longest."""
    asked = f"Now it is your turn, whoever wants to speak. {task_}"
    return f"{asked} {silent}, we have not heard from you." if silent else asked


def time_is_up(name: str) -> str:
    """The moderator ends a speech that is too long."""
    return f"Thank you, {name}. Your time is up."


def calls(name: str) -> str:
    """The moderator gives the floor to somebody who has raised a hand."""
    return "There is a hand up. Please." if name == USER else f"{name} has raised a hand. {name}, please."


def unavailable(name: str) -> str:
    """A debater's model fails."""
    return f"{name} is not available at the moment. We go on without {name}."


def asks_votes(sides: Sequence[str]) -> str:
    """At the end of an Oxford debate."""
    return f"Who has convinced you: {_listed(list(sides), 'or')}? Please vote now."


THANKS = "Thank you all. This debate is over."


def _line(speech: Speech, *, last: bool) -> str:
    said = speech.said
    first = points(said)
    if last and first and not speech.interrupted_by and speech.side:
        said = first[0]  # light models copy what they are given: they get the point, not all of it
    shown = said if len(said) <= _LONGEST_SHOWN_CHARS else f"... {said[-_LONGEST_SHOWN_CHARS:]}"
    verb = "was interrupted at" if speech.interrupted_by else "says" if last else "said before"
    who = "Somebody in the audience" if speech.speaker == USER else speech.speaker
    return f'{who} {verb}: "{shown}"'


def _stance(side: str, topic: str) -> str:
    """What somebody of a side thinks; a light model needs it as a sentence."""
    match side:
        case "for":
            return f'You argue that this is true: "{topic}".'
        case "against":
            return f'You argue that this is false: "{topic}".'
        case "undecided":
            return f'You are not sure about this: "{topic}", and see good points on both sides.'
        case _:
            return f'The topic is: "{topic}". You are the {side}.'


def _side(side: str) -> str:
    return side if side in ("for", "against", "undecided") else f"the {side}"


def _listed(parts: list[str], word: str = "and") -> str:
    return "".join(parts) if len(parts) <= 1 else f"{', '.join(parts[:-1])} {word} {parts[-1]}"
