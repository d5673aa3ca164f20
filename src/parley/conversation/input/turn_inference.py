"""What the models are asked about the turn that is forming: its words, and whether it ends like one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from parley.conversation.input.audio_buffer import AudioBuffer
from parley.conversation.settings import SessionModels
from parley.errors import ParleyError, RequestAbandoned
from parley.languages import knows
from parley.models.interfaces import UNGUIDED, Caller, EndOfSentence, Priority, RecognizerStream
from parley.turns import actions as act
from parley.turns import events as ev

log = structlog.get_logger("conversation")


class TurnInference:
    """Asks the models of one participant's conversation; answers are dispatched as events."""

    def __init__(
        self,
        sound: AudioBuffer,
        models: SessionModels,
        dispatch: Callable[[ev.Event], None],
        owner: str,
        awaits: Callable[[act.Question], bool],
    ) -> None:
        """`awaits`: whether an answer is still wanted; on a busy machine many are not when their turn has come."""
        self.models = models
        """The models; a turn that has begun keeps its recogniser."""
        self.language: str | None = None
        self.guidance = UNGUIDED
        self._sound = sound
        self._dispatch = dispatch
        self._owner = owner
        self._awaits = awaits
        self._stream: RecognizerStream | None = None
        self._fed_to = 0
        self._stream_lock = asyncio.Lock()
        self._open = 0
        self._answered = asyncio.Event()

    def announce(self) -> None:
        """One is about to be asked: call this before, so that `all_answered` waits for it."""
        self._open += 1

    async def all_answered(self) -> None:
        """Wait until no question is open."""
        while self._open:
            self._answered.clear()
            await self._answered.wait()

    def _done(self) -> None:
        self._open -= 1
        self._answered.set()

    @property
    def _recognizer_idle(self) -> bool:
        return self.models.recognizer.idle and not self._stream_lock.locked()

    async def transcribe(self, order: act.FinalizeTranscript | act.TranscribePartial) -> str:
        """Carry out a transcription, dispatch and return its result; raises `ModelError`."""
        final = isinstance(order, act.FinalizeTranscript)
        if isinstance(order, act.TranscribePartial) and not order.urgent and not self._recognizer_idle:
            self._done()
            return ""
        until_s = order.until if isinstance(order, act.FinalizeTranscript) else self._sound.end_s
        try:
            async with self._stream_lock:
                if self._stream is None:
                    self._stream = self.models.recognizer.open(self.language, self.guidance)
                    self._fed_to = self._sound.turn_from
                if (end := self._sound.until(until_s)) > self._fed_to:
                    self._stream.feed(self._sound.cut(self._fed_to, end))
                    self._fed_to = end
                caller = self._caller(order, Priority.COMMITTED if final else Priority.PARTIAL)
                transcript = await (self._stream.finish(caller) if final else self._stream.partial(caller))
            self._dispatch(
                ev.Transcribed(
                    order.participant, order.turn, order.revision, transcript.text, final, finished=transcript.finished
                )
            )
            return transcript.text
        except RequestAbandoned:
            return ""
        finally:
            self._done()

    def _caller(self, order: act.Question, priority: Priority) -> Caller:
        return Caller(self._owner, priority, lambda: self._awaits(order))

    async def score(self, order: act.ScoreEndOfTurn) -> None:
        """Ask the turn model, if there is one that knows the language, and dispatch its verdict.

        A recogniser that tells of ends knows better.
        """
        try:
            model = self.models.end_of_turn
            if model is None or self.models.recognizer.tells_ends or not knows(model.languages, self.language or "en"):
                return
            probability = await model.probability(self._sound.turn(), self._caller(order, Priority.COMMITTED))
            self._dispatch(ev.EndOfTurnScored(order.participant, order.turn, order.revision, probability))
        except RequestAbandoned:
            pass
        except Exception as fault:  # noqa: BLE001 - `_goes_without` logs it
            self._goes_without("the sound's verdict", fault)
        finally:
            self._done()

    @property
    def _sentence_model(self) -> EndOfSentence | None:
        """The one that knows the language, if there is any."""
        model = self.models.end_of_sentence
        return model if model is not None and (self.language or "en") in model.languages else None

    async def score_words(self, order: act.ScoreEndOfSentence, before: str) -> None:
        """Ask the sentence model, if there is one that knows the language, and dispatch its verdict.

        `before`: what the speaker was told last.
        """
        probability = None
        try:
            if (model := self._sentence_model) is not None:
                priority = Priority.COMMITTED if order.urgent else Priority.PARTIAL
                probability = await model.probability(order.text, self._caller(order, priority), before)
        except RequestAbandoned:
            pass
        except Exception as fault:  # noqa: BLE001 - `_goes_without` logs it
            self._goes_without("the words' verdict", fault)
        finally:
            self._done()
            self._dispatch(ev.EndOfSentenceScored(order.participant, order.turn, order.text, probability))

    async def read_ahead(self, before: str) -> None:
        """A turn begins: let the sentence model read what the speaker was told last, if the machine is not busy."""
        if (model := self._sentence_model) is None or not before or self.models.recognizer.tells_ends:
            return
        try:
            await model.read(before, Caller(self._owner, Priority.SPECULATIVE))
        except ParleyError as fault:
            log.debug("the sentence model read nothing", session=self._owner, error=str(fault))

    def _goes_without(self, what: str, fault: Exception) -> None:
        unforeseen = None if isinstance(fault, ParleyError) else fault
        log.warning("turn goes on without", missing=what, session=self._owner, error=str(fault), exc_info=unforeseen)

    def close(self) -> None:
        """Forget the turn's words; the next transcription begins with the turn's sound."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
