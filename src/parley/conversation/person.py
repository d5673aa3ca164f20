"""One person of a conversation: a voice comes in by an input pipeline, and turns come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import structlog

from parley.conversation import notifications as nt
from parley.conversation.context import Context
from parley.conversation.followers import Broke
from parley.conversation.input.pipeline import InputPipeline
from parley.conversation.items import Item, new_id
from parley.conversation.listening import Listening
from parley.conversation.responses.runner import ResponseRunner
from parley.conversation.settings import SessionModels, SessionSettings
from parley.conversation.turn_notes import TurnNotes
from parley.errors import ParleyError
from parley.turns import actions as act
from parley.turns import events as ev

log = structlog.get_logger("conversation")


class Person:
    """Performs what the turn-taker orders about this person's turns."""

    def __init__(
        self,
        name: str,
        context: Context,
        offered: SessionModels,
        notes: TurnNotes,
        runner: ResponseRunner,
        own: SessionSettings | None,
        *,
        answers: Callable[[], bool],
        awaits: Callable[[act.Question], bool],
        broke: Broke,
    ) -> None:
        """`own`: settings of this person, of which those of the input count; None: the conversation's.

        `answers`: whether an answer sounds or is on its way; `awaits`: whether a question is still open, asked from
        any thread; `broke` hears that what comes in is not examined any more.
        """
        self.name = name
        self.own = own
        self._context = context
        self._offered = offered
        self._notes = notes
        self._awaits = awaits
        self._runner = runner
        self.input = InputPipeline(name, context.models, context.dispatch, context.id, answers, awaits, context.load)
        self.listening = Listening(context, self.input, runner, broke)
        self.configure()

    @property
    def settings(self) -> SessionSettings:
        """Those that count for this person."""
        return self._context.settings if self.own is None else self.own

    def clear_input(self) -> None:
        """Throw uncommitted audio away."""
        self.input.mark("clear")
        self._context.emit(nt.InputCleared(self.name))

    async def aclose(self) -> None:
        """Nothing is listened to any more."""
        await self.listening.aclose()
        self.input.close()

    def configure(self) -> None:
        """Go by the settings and models as they stand."""
        settings, inference = self.settings, self.input.inference
        inference.models = self._context.models if self.own is None else self._offered.chosen(self.own)
        inference.language, inference.guidance = settings.language, settings.guidance
        self.input.set_manual(self._context.models.turns_of(settings).mode == "manual")
        if self.input.echo is not None:
            self.input.echo.configure(echo=settings.echo_cancellation, noise=settings.noise_reduction)

    def perform(self, action: act.Action) -> None:
        """Carry out an order about a turn of this person."""
        context, inference = self._context, self.input.inference
        match action:
            case act.AnnounceIdle():
                context.emit(nt.IdleTimedOut(new_id("item"), round(self.input.sound.end_s * 1000), self.name))
            case act.AnnounceSpeechStarted():
                self._runner.read_ahead("", self.name)
                if context.load() != "others wait":
                    context.spawn(inference.read_ahead(context.history.last_said), "read what was said")
                note = self._notes.announced(self.name, action.turn)
                note.behind = context.history.last or "root"
                if not self.listening.takes_turns:  # clients stop playing on it, and it is for the model to stop
                    context.emit(nt.SpeechStarted(note.item, round(action.at * 1000), self.name))
            case act.TranscribePartial() | act.FinalizeTranscript():
                inference.announce()
                context.spawn(self._transcribe(action), "transcribe")
            case act.ScoreEndOfTurn():
                inference.announce()
                context.spawn(inference.score(action), "end-of-turn")
            case act.ScoreEndOfSentence():
                inference.announce()
                context.spawn(inference.score_words(action, context.history.last_said), "end-of-sentence")
            case act.DisregardVoice():
                self.input.disregard_voice(echo=action.why == "echo")
            case act.CommitTurn():
                self._commit(action)
            case act.RejoinTurn():
                self._rejoin(action)
            case act.DiscardTurn():
                self._notes.forget(self.name, action.turn)
                self.input.forget_turn()
            case _:
                raise AssertionError(f"nobody performs {action}")

    async def _transcribe(self, order: act.FinalizeTranscript | act.TranscribePartial) -> None:
        context = self._context
        try:
            words = await self.input.inference.transcribe(order)
        except Exception as fault:
            expected = isinstance(fault, ParleyError)
            log.error("recognition failed", session=context.id, error=str(fault), exc_info=not expected)
            if isinstance(order, act.FinalizeTranscript) and self._awaits(order):
                self._lose(order, str(fault) if expected else f"internal error ({type(fault).__name__})")
            return
        if words and (item := self._notes.item(self.name, order.turn)) is not None:
            context.emit(nt.WordsSoFar(item, words, self.name))
        if words and isinstance(order, act.TranscribePartial) and not order.urgent:
            await self.input.inference.all_answered()  # if they could be all, the answer reads them itself
            self._runner.read_ahead(words.rpartition(" ")[0], self.name)  # the last word may still change

    def _lose(self, order: act.FinalizeTranscript, why: str) -> None:
        """The words of a turn cannot be had."""
        note = self._notes.announced(self.name, order.turn)
        note.told_lost = True
        self._context.emit(nt.TranscriptFailed(note.item, why, self.name))
        self._context.dispatch(ev.Transcribed(self.name, order.turn, order.revision, "", final=True, lost=True))

    def _rejoin(self, action: act.RejoinTurn) -> None:
        """The turn before was the beginning of this one: its item and what was answered to it go."""
        if not self.input.sound.rejoin():
            return  # this one stands alone: what is known of the other stays
        self.input.inference.close()
        item = self._notes.of(self.name, action.earlier).item
        for gone in (item, *self._runner.outcomes.forget_answers(self.name, action.earlier)):
            if gone in self._context.history:  # else the client deleted it
                self._context.history.delete(gone)
                self._context.emit(nt.ItemDeleted(gone))
        self._notes.forget(self.name, action.earlier)

    def _commit(self, action: act.CommitTurn) -> None:
        """The turn is over: it becomes an item."""
        context, note, sound = self._context, self._notes.of(self.name, action.turn), self.input.sound
        item = Item(note.item, role="user", text=action.transcript, spoken=True, speaker=self.name)
        ended = context.now - (sound.end_s - action.ended)
        note.speech_ended, note.captured = ended, ended + self.input.capture_s(action.ended)
        note.voice_stopped, note.lost = self._notes.voice_stopped.get(self.name), action.lost
        if any(agent.models.engine.accepts_audio for agent in context.agents.values()):
            context.history.sounds.keep(item.id, sound.turn(action.ended))
        if self.settings.turns.mode != "manual" and not self.listening.takes_turns:
            context.emit(nt.SpeechStopped(item.id, round(action.ended * 1000), self.name))
        # a model that takes turns itself answers before it is known that the turn is over
        previous = context.history.insert_behind(item, note.behind if self.listening.takes_turns else None)
        context.emit(nt.InputTaken(item.id, previous, self.name))
        context.emit(nt.ItemAdded(replace(item, text=""), previous))
        if not action.lost:
            seconds = max(0.0, action.ended - action.started)
            context.emit(nt.TranscriptDone(item.id, action.transcript, seconds, self.name))
        elif not note.told_lost:
            context.emit(nt.TranscriptFailed(item.id, "the recogniser did not answer in time", self.name))
        self._notes.closed(self.name, action.turn)
        context.emit(nt.ItemDone(item, previous))
        self.input.forget_turn(understood=bool(action.transcript))
