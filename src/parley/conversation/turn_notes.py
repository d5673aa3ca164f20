"""What is known of turns beside the turn-taker's own state: their items, and the times that the waterfall needs."""

from __future__ import annotations

from dataclasses import dataclass

from parley.conversation.items import new_id

_MOST_KEPT = 8  # of one person: answers come soon after their turn, or never


@dataclass(slots=True)
class TurnNote:
    """Of one turn. Times are seconds on the loop's clock."""

    item: str
    """Id of the item that it becomes."""
    open: bool = False
    """Whether clients know of it and it is not over: its words so far may be told."""
    speech_ended: float | None = None
    """Last voiced sample."""
    captured: float | None = None
    """Arrival of the message with it."""
    voice_stopped: float | None = None
    """When that its voice has stopped was noticed."""
    transcribed: float | None = None
    lost: bool = False
    """Whether its words could not be had."""
    behind: str | None = None
    """The last item when it began."""
    told_lost: bool = False
    """Whether the client knows."""


class TurnNotes:
    """The last turns of each person."""

    def __init__(self) -> None:
        self._notes: dict[str, dict[int, TurnNote]] = {}
        self.voice_stopped: dict[str, float] = {}
        """When it was last noticed that somebody's voice had stopped."""

    def of(self, participant: str, turn: int) -> TurnNote:
        """The note of a turn, made when it is first asked for; the oldest is dropped for it."""
        notes = self._notes.setdefault(participant, {})
        if turn not in notes:
            notes[turn] = TurnNote(new_id("item"))
            while len(notes) > _MOST_KEPT:
                del notes[next(iter(notes))]
        return notes[turn]

    def announced(self, participant: str, turn: int) -> TurnNote:
        """Clients are told that it has begun."""
        note = self.of(participant, turn)
        note.open = True
        return note

    def item(self, participant: str, turn: int) -> str | None:
        """Id of the item of a turn that clients know of and that is not over."""
        note = self._notes.get(participant, {}).get(turn)
        return note.item if note is not None and note.open else None

    def closed(self, participant: str, turn: int) -> None:
        """It is over."""
        self.of(participant, turn).open = False

    def forget(self, participant: str, turn: int) -> None:
        """The turn was none."""
        self._notes.get(participant, {}).pop(turn, None)
