"""Items that a client adds as recordings: they stand in the history at once, their words follow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from parley.audio.pcm import Int16, to_float
from parley.audio.resample import resample
from parley.conversation import happenings as hp
from parley.conversation.items import Item
from parley.conversation.oneshot import at_once, transcribe_recording
from parley.errors import ParleyError, ProtocolError
from parley.models.interfaces import MODEL_RATE_HZ, Caller, Priority

if TYPE_CHECKING:
    from parley.conversation.session import Session

log = structlog.get_logger("conversation")


class RecordedItems:
    """One session's recordings that are being understood."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._working: set[asyncio.Task[None]] = set()

    def add(self, item: Item, after: str | None, samples: Int16, rate_hz: int) -> None:
        """Put the item into the history and understand its sound; raises `ProtocolError`."""
        self._session.add_item(item, after)
        task = self._session.spawn(self._understand(item, samples, rate_hz), "recorded-item")
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    def then(self, work: Callable[[], None]) -> None:
        """Call `work` once everything is understood; at once when nothing is open."""
        if not self._working:
            work()
            return
        waiting = set(self._working)

        async def wait() -> None:
            await asyncio.wait(waiting)
            work()

        self._session.spawn(wait(), "recorded-items")

    async def _understand(self, item: Item, samples: Int16, rate_hz: int) -> None:
        session = self._session
        cast, language = session.cast, session.settings.language
        caller = Caller(session.id, Priority.COMMITTED)
        try:
            audio = await asyncio.to_thread(lambda: resample(to_float(samples), rate_hz, MODEL_RATE_HZ))
            parts = transcribe_recording(cast.vad, cast.recognizer, at_once(audio), language, caller)
            text = " ".join([part.text async for part in parts])
            session.history.update(item.id, text=text)
        except ProtocolError:
            return  # the item was deleted meanwhile
        except ParleyError as fault:
            session.emit(hp.TranscriptFailed(item.id, str(fault)))
            return
        except Exception as fault:
            log.error("recording not understood", session=session.id, exc_info=True)
            session.emit(hp.TranscriptFailed(item.id, f"internal error ({type(fault).__name__})"))
            return
        session.emit(hp.TranscriptDone(item.id, text, len(samples) / rate_hz))
