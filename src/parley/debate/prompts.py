"""What debaters and the moderator are told, and the moderator's fixed words.

The prompts have to carry light models: one task at a time, the point to answer last, nothing to repeat.
"""

from __future__ import annotations

from collections.abc import Sequence

from parley.debate.agenda import Agenda, Slot
from parley.debate.plan import Speaker
from parley.debate.record import Record, Speech

_WORDS_PER_S = 2.4
"""How fast voices speak."""
_TOKENS_PER_WORD = 1.5
_SPARE = 1.6
_MOST_SHOWN = 2
_MOST_USED = 4
_LONGEST_SHOWN_CHARS = 400


def persona(debater: Speaker, topic: str, agenda: Agenda) -> str:
    """What a debater is, whoever it answers."""
    name = debater.name
    others = _listed([f"{d.name}, who is {_side(d.side)}" for d in agenda.debaters.values() if d.name != name])
    return " ".join(filter(None, [
        f"You write what {name} says in a debate show. {_stance(name, debater.side, topic)}",
        f"{name} talks with {others}." if others else "", debater.instructions, _style(name),
    ]))  # fmt: skip


def moderator_persona(led: Speaker, topic: str, agenda: Agenda) -> str:
    """What the moderator is."""
    others = _listed([f"{d.name}, who is {_side(d.side)}" for d in agenda.debaters.values()])
    return " ".join(filter(None, [
        f'You write what {led.name} says, the moderator of a debate show about "{topic}" with {others}.',
        f"{led.name} takes no side.", led.instructions, _style(led.name),
    ]))  # fmt: skip


def task(slot: Slot, record: Record, speaker: str) -> str:
    """What stands before a speaker's turn: what was said last, what is used up, what to do."""
    said = [speech for speech in record.speeches if _said(speech) and speech.speaker != speaker]
    parts = [_line(speech, last=speech is said[-1]) for speech in said[-_MOST_SHOWN:]]
    if used := record.used_by(speaker, _MOST_USED):
        parts.append(f"{speaker} has said already, and does not say again: " + " ".join(used))
    to = f" to {said[-1].speaker}" if said else ""
    words = round(slot.seconds * _WORDS_PER_S)
    parts.append(f"Write what {speaker} says{to} now. The task: {slot.task} At most {words} words.")
    return "\n".join(parts)


def sum_up(what: str, record: Record, sides: Sequence[str]) -> str:
    """What the moderator sums up from: each side's points, not the whole transcript."""
    told = []
    for side in sides:
        made = [claim.text for claim in record.claims if claim.side == side][-_MOST_USED:]
        told.append(f"{side}:\n" + "\n".join(f"- {point}" for point in made))
    left = "\n".join(f"- {claim.text} ({claim.side})" for claim in record.unanswered()[-3:])
    return "\n\n".join(
        filter(
            None, [*told, left and f"Nobody answered:\n{left}", f"Write what the moderator says now. The task: {what}"]
        )
    )


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


def asks_people(task_: str) -> str:
    """The moderator asks whoever listens."""
    return f"Now it is your turn, whoever wants to speak. {task_}"


def unavailable(name: str) -> str:
    """A debater's model fails."""
    return f"{name} is not available at the moment. We go on without {name}."


def asks_votes(sides: Sequence[str]) -> str:
    """At the end of an Oxford debate."""
    return f"Who has convinced you: {_listed(list(sides), 'or')}? Please vote now."


THANKS = "Thank you all. This debate is over."


def _said(speech: Speech) -> str:
    return (speech.heard or speech.written).strip()


def _line(speech: Speech, *, last: bool) -> str:
    said = _said(speech)
    shown = said if len(said) <= _LONGEST_SHOWN_CHARS else f"... {said[-_LONGEST_SHOWN_CHARS:]}"
    verb = "was interrupted at" if speech.interrupted_by else "just said" if last else "said before"
    return f'{speech.speaker} {verb}: "{shown}"'


def _stance(name: str, side: str, topic: str) -> str:
    """What somebody of a side thinks; a light model needs it as a sentence."""
    match side:
        case "for":
            return f'{name} is sure of this: "{topic}".'
        case "against":
            return (
                f'{name} believes the opposite of "{topic}": {name} is sure that it is wrong, and never agrees with it.'
            )
        case "undecided":
            return f'{name} is not sure about this: "{topic}", and sees good points on both sides.'
        case _:
            return f'The topic is: "{topic}". {name} is the {side}.'


def _style(name: str) -> str:
    return f"{name} speaks in two or three short sentences. Write only what {name} says, without quotation marks."


def _side(side: str) -> str:
    return side if side in ("for", "against", "undecided") else f"the {side}"


def _listed(parts: list[str], word: str = "and") -> str:
    return "".join(parts) if len(parts) <= 1 else f"{', '.join(parts[:-1])} {word} {parts[-1]}"
