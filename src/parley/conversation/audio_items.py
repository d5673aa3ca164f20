"""Items that a client adds as recordings: they stand in the history at once, their words follow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from parley.audio.pcm import Int16, to_float
from parley.audio.resample import resample
from parley.conversation import notifications as nt
from parley.conversation.context import Context
from parley.conversation.items import Item
from parley.conversation.offline import at_once, transcribe_recording
from parley.errors import ParleyError, ProtocolError
from parley.models.interfaces import MODEL_RATE_HZ, Caller, Priority

log = structlog.get_logger("conversation")


class AudioItems:
    """One session's recordings that are being understood."""

    def __init__(
        self, context: Context, add_item: Callable[[Item, str | None], None], understood: Callable[[], None]
    ) -> None:
        """`add_item` puts an item into the history and tells of it; `understood` hears that one's words are there."""
        self._context = context
        self._add_item = add_item
        self._understood = understood
        self._working: set[asyncio.Task[None]] = set()

    def add(self, item: Item, after: str | None, samples: Int16, rate_hz: int) -> None:
        """Put the item into the history and understand its sound; raises `ProtocolError`."""
        self._add_item(item, after)
        task = self._context.spawn(self._understand(item, samples, rate_hz), "recorded-item")
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

        self._context.spawn(wait(), "recorded-items")

    async def _understand(self, item: Item, samples: Int16, rate_hz: int) -> None:
        context = self._context
        models, language = context.models, context.settings.language
        caller = Caller(context.id, Priority.COMMITTED)
        try:
            audio = await asyncio.to_thread(lambda: resample(to_float(samples), rate_hz, MODEL_RATE_HZ))
            parts = transcribe_recording(models.vad, models.recognizer, at_once(audio), language, caller)
            text = " ".join([part.text async for part in parts])
            context.history.update(item.id, text=f"{item.text} {text}".strip())  # some of it may have been typed
        except ProtocolError:
            return  # the item was deleted meanwhile
        except ParleyError as fault:
            context.emit(nt.TranscriptFailed(item.id, str(fault)))
            return
        except Exception as fault:
            log.error("recording not understood", session=context.id, exc_info=True)
            context.emit(nt.TranscriptFailed(item.id, f"internal error ({type(fault).__name__})"))
            return
        context.emit(nt.TranscriptDone(item.id, text, len(samples) / rate_hz))
        self._understood()
