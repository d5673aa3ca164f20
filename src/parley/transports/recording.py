"""A conversation that is recorded, as its people have agreed to."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from parley.conversation import notifications as nt
from parley.conversation.circle import Member
from parley.conversation.conversation import Conversation
from parley.debate.debate import place_in
from parley.errors import ProtocolError
from parley.transports.consent import Consent
from parley.transports.pacing import Ticker
from parley.transports.recorder import Recorder

log = structlog.get_logger("recording")

_ID_BYTES = 18


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where recordings are kept."""

    folder: Path
    ticker: Ticker

    def new_id(self) -> str:
        """Of a recording; who knows it may have it."""
        return secrets.token_urlsafe(_ID_BYTES)

    def path(self, recording_id: str) -> Path:
        """Its file."""
        return self.folder / f"{recording_id}.wav"


class Recording:
    """Of one conversation, one file after the other; told what happens as a `Programme`."""

    def __init__(self, conversation: Conversation, shelf: Shelf) -> None:
        self._conversation = conversation
        self._shelf = shelf
        self._consent = Consent()
        self._recorder: Recorder | None = None
        self._id = ""
        self._why = ""
        """What made an end to it that nobody wanted."""
        self._finishing: set[asyncio.Task[None]] = set()

    # -- what people want -----------------------------------------------------------------------------

    def ask(self, by: str) -> None:
        """The host wants it recorded; raises `ProtocolError` where it is, or where everybody is asked already."""
        if self._consent.state in ("asking", "on"):
            raise ProtocolError("it is recorded already, or everybody has been asked", field="type")
        self._id, self._why = self._shelf.new_id(), ""
        self._recorder = Recorder(
            self._conversation, self._shelf.path(self._id), partial(place_in, self._conversation), self._shelf.ticker,
            self._broke,
        )  # fmt: skip
        self._consent.ask(by, _speakers(self._conversation.circle.members))
        self._follow()

    def answer(self, name: str, *, agrees: bool) -> None:
        """Somebody agrees, or does not, or no longer; raises `ProtocolError` where nobody was asked."""
        if self._consent.state == "off":
            raise ProtocolError("nobody has asked to record this conversation", field="type")
        forget = self._consent.answer(name, agrees=agrees)
        self._follow(forget=forget)

    def stop(self) -> None:
        """It is recorded no longer."""
        self._consent.stop()
        self._follow()

    # -- what happens ---------------------------------------------------------------------------------

    def notice(self, notification: nt.Notification) -> None:
        """Somebody came or went."""
        if isinstance(notification, nt.RoomChanged) and self._consent.state in ("asking", "on"):
            self._consent.present(_speakers(notification.members))
            self._follow()

    async def aclose(self) -> None:
        """The conversation is over: what is recorded is kept."""
        self._consent.stop()
        if self._recorder is not None:
            self._end(keep=self._consent.state == "kept")
        if self._finishing:
            await asyncio.wait(self._finishing)

    def _follow(self, *, forget: bool = False) -> None:
        """Do as the consent stands, and tell everybody."""
        recorder, state = self._recorder, self._consent.state
        if recorder is not None and state == "on":
            recorder.start()
        elif recorder is not None and state == "asking":
            recorder.pause()
        elif forget or state == "off":
            self._end(keep=False)
        else:
            self._end(keep=True)
        self._tell()

    def _end(self, *, keep: bool) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            if not keep and self._id:  # it was kept, and somebody has thought better of it
                self._shelf.path(self._id).unlink(missing_ok=True)
            return
        task = asyncio.create_task(self._finish(recorder, keep=keep), name="recording-ends")
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)

    async def _finish(self, recorder: Recorder, *, keep: bool) -> None:
        try:
            await recorder.finish(keep=keep)
        except OSError as fault:
            log.error("a recording is not whole", session=self._conversation.id, error=str(fault))
        self._tell()

    def _broke(self, fault: Exception) -> None:
        self._why = f"it cannot be recorded: {fault}"
        self.stop()

    def _tell(self) -> None:
        consent, recorder = self._consent, self._recorder
        ready = consent.state == "kept" and recorder is None and not self._finishing_still
        self._conversation.emit(nt.RecordingChanged({
            "state": consent.state, "asked": consent.asked, "consented": consent.agreed,
            "seconds": round(recorder.seconds, 1) if recorder is not None else 0.0,
            "url": f"v1/recordings/{self._id}" if ready else None, "why": self._why,
        }))  # fmt: skip

    @property
    def _finishing_still(self) -> bool:
        return any(not task.done() and task is not asyncio.current_task() for task in self._finishing)


def _speakers(members: tuple[Member, ...]) -> list[str]:
    """Those whose voice would be recorded."""
    return [member.name for member in members if member.role != "listener"]
