"""Answers of a session: producing, committing, pausing, cutting, and settling what was heard of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog

from parley.audio.pcm import Float32
from parley.conversation import happenings as hp
from parley.conversation.answer import Answer, ResponseWish
from parley.conversation.engines.base import (
    AlivePart,
    AnswerPart,
    AwaitsTextPart,
    Begun,
    CutShortPart,
    Emit,
    PiecePart,
    RetractPart,
    SpeechPart,
    TextPart,
    ToolPart,
    UsagePart,
    WrittenPart,
)
from parley.conversation.prompt import add_user_words, opened
from parley.conversation.requests import Requests
from parley.conversation.summary import Summary
from parley.errors import ParleyError, PromptTooLong, ProtocolError
from parley.models.interfaces import Caller, Priority
from parley.turns import actions as act
from parley.turns import events as ev
from parley.turns.actions import Ending
from parley.turns.ledger import SpokenWord

if TYPE_CHECKING:
    from parley.conversation.session import Session

log = structlog.get_logger("conversation")

_AHEAD_S = 20.0  # sound that may wait in the playout before the engine is made to wait
_PREPARED_S = 0.9  # the same of an answer that may never be wanted
_ENOUGH_S = 3.0  # of sound in the playout: nobody has to hurry
_PREFILL_S = 3.0
_PROGRESS_EVERY_S = 1.0
_REMEMBERED = 16  # responses whose heard position may still be corrected


class Answering:
    """The session's responses by the turn-taker's key."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.answers: dict[str, Answer] = {}
        self._wish: ResponseWish | None = None
        self._prefilling: asyncio.Task[None] | None = None
        self._over: dict[str, Answer] = {}
        self._speech: Float32 | None = None
        self.lost_turn: int | None = None
        """The last turn whose words could not be had."""
        self._room = asyncio.Event()
        self.requests = Requests(session)
        self.summary = Summary(session, lambda: self.requests.budget_tokens(ResponseWish()))

    def key_of(self, response_id: str) -> str | None:
        """The turn-taker's key of a running response."""
        return next((a.key for a in self.answers.values() if a.id == response_id), None)

    def key_of_item(self, item_id: str) -> str | None:
        """The turn-taker's key of the running response that an item belongs to."""
        return next((a.key for a in self.answers.values() if any(i.id == item_id for i in a.items)), None)

    def hold_speech(self, speech: Float32) -> None:
        """Keep the sound of the turn that was just committed, for engines that hear."""
        self._speech = speech if self._session.cast.engine.hears else None

    def perform(self, action: act.Action) -> None:
        """Carry out an order about a response."""
        match action:
            case act.StartResponse():
                self._start(action)
            case act.CommitResponse():
                self._commit(self.answers[action.response])
            case act.PausePlayout():
                self._pause(action.response)
            case act.ResumePlayout():
                self._session.playout.resume(action.response)
                self._tell(hp.PlayoutResumed, action.response)
            case act.ReviveResponse():
                self._revive(self.answers[action.response])
            case act.EndResponse():
                self._end(self.answers.pop(action.response), action.ending, action.reason)
            case _:
                raise AssertionError(f"nobody performs {action}")

    def prefill(self, so_far: str = "") -> None:
        """There is time: let the engine read what is known of the next prompt, with the turn's words `so_far`."""
        if not self.answers and not self._reading_ahead and not self._session.others_wait:
            self._prefilling = self._session.spawn(self._prefill(so_far), "prefill")
            self.summary.begin()

    @property
    def _reading_ahead(self) -> bool:
        return self._prefilling is not None and not self._prefilling.done()

    @property
    def producing(self) -> bool:
        """Whether an answer is being made and not much of it is there."""
        return any(
            a.committed
            and a.task is not None
            and not a.task.done()
            and self._session.playout.buffered_s(a.key) < _ENOUGH_S
            for a in self.answers.values()
        )

    async def _prefill(self, so_far: str) -> None:
        session = self._session
        wish, engine, caller = ResponseWish(), session.cast.engine, Caller(session.id, Priority.SPECULATIVE)
        if engine.elsewhere and not so_far:
            return  # nothing is known yet that would end like a prompt to be answered
        try:
            messages = session.history.messages(
                session.settings.instructions, self.requests.budget_tokens(wish), ahead=True
            )
            if so_far and not engine.hears:
                add_user_words(messages, so_far)
            await engine.prefill(opened(messages), self.requests.options(wish), caller)
        except ParleyError as fault:
            log.debug("prefill failed", session=session.id, error=str(fault))

    async def _end_prefill(self) -> None:
        """Let it finish: it reads the answer's own beginning, and beside it another slot would read that anew."""
        if self._prefilling is not None and self._reading_ahead:
            await asyncio.wait([self._prefilling], timeout=_PREFILL_S)
            self._prefilling.cancel()

    # -- beginning ------------------------------------------------------------------------------------

    def _start(self, order: act.StartResponse) -> None:
        session = self._session
        wish = ResponseWish() if order.speculative else self._take_wish()
        if order.turn is not None and order.turn == self.lost_turn and not session.cast.engine.hears:
            wish = replace(wish, say=session.settings.not_understood)  # an answer to unknown words would be invented
        speaks = (wish.modality or session.settings.modality) == "audio"
        answer = Answer(order.response, session.emit, wish, order.turn, order.transcript, not order.speculative, speaks)
        self.answers[answer.key] = answer
        self.summary.give_way()
        if order.turn is not None:
            answer.speech = session.turn_speech() if order.speculative else self._speech
        if session.cast.engine.duplex is not None and wish.say is None:
            self._announce(answer)
            session.playout.release(answer.key)
            return
        if answer.committed:
            self._announce(answer)
            session.playout.release(answer.key)
            answer.marks.committed = session.now
            session.mark_turn(answer)
        answer.task = session.spawn(self._produce(answer), "answer")

    def wish_for(self, wish: ResponseWish) -> None:
        """Ask for a response as `wish` says; a newer wish replaces one that still waits for the floor."""
        self._wish = wish
        self._session.dispatch(ev.ResponseRequested("user"))

    def _take_wish(self) -> ResponseWish:
        wish, self._wish = self._wish, None
        return wish or ResponseWish()

    def _announce(self, answer: Answer) -> None:
        items = self._session.history.items
        answer.previous = items[-1].id if items else None
        self._session.emit(hp.ResponseStarted(answer.id, answer.wish.metadata, answer.wish.out_of_band))

    def _commit(self, answer: Answer) -> None:
        session = self._session
        self._tell_prepared(answer, used=True)
        self._wish = None  # this answer is what was asked for
        self._announce(answer)
        answer.marks.committed = session.now
        session.mark_turn(answer)
        answer.release()
        self.record(answer)
        session.playout.release(answer.key)
        self.made_room()
        self._maybe_silent_end(answer)

    def restart_speculations(self) -> None:
        """The history changed under a prompt that is not committed: prepare the answer anew."""
        for answer in self.answers.values():
            if not answer.committed and answer.task is not None:
                answer.task.cancel()
                answer.restart()
                self._session.playout.flush(answer.key)
                self._session.ledger.forget(answer.key)
                answer.task = self._session.spawn(self._produce(answer), "answer")

    def _revive(self, answer: Answer) -> None:
        """Produce what is missing anew; what has a sound stays."""
        if answer.task is None:
            return  # a duplex model's answers are not produced here
        session = self._session
        missing = "text" if answer.awaits_text else "sound"
        log.warning("answer stalled, going on", session=session.id, response=answer.id, missing=missing)
        if not answer.awaits_text and not answer.task.done():
            answer.voice_stalled.set()  # the model is not to blame: it goes on writing
            return
        answer.task.cancel()
        text = answer.message.text if answer.message else ""
        begun = Begun(text, session.ledger.spoken_chars(answer.key), answer.written)
        answer.task = session.spawn(self._produce(answer, begun), "answer")

    # -- producing ------------------------------------------------------------------------------------

    async def _produce(self, answer: Answer, begun: Begun | None = None) -> None:
        session = self._session
        answer.marks.started = session.now

        async def take(part: AnswerPart) -> None:
            await self.take(answer, part)

        try:
            await self._end_prefill()
            await self._ask(answer, begun, take)
        except ParleyError as fault:
            log.warning("response failed", session=session.id, response=answer.id, error=str(fault))
            answer.failure = str(fault) or type(fault).__name__
        except Exception as fault:
            log.error("response broke", session=session.id, response=answer.id, exc_info=True)
            answer.failure = f"internal error ({type(fault).__name__})"
        if answer.failure and not self._has_begun(answer):
            session.dispatch(ev.ResponseFailed(answer.key, answer.failure))
            return
        answer.marks.produced = session.now
        session.playout.complete(answer.key)
        self._maybe_silent_end(answer)

    async def _ask(self, answer: Answer, begun: Begun | None, take: Emit) -> None:
        """Ask the engine; a prompt that does not fit is asked once more at half its length."""
        engine = self._session.cast.engine
        try:
            await engine.answer(replace(self.requests.of(answer), begun=begun), take)
        except PromptTooLong:
            self.requests.shorten()
            await engine.answer(replace(self.requests.of(answer), begun=begun), take)

    def _has_begun(self, answer: Answer) -> bool:
        """Whether there is something of it that was or is to be heard or read."""
        if answer.speaks:
            return answer.marks.first_frame is not None or self._session.playout.buffered_s(answer.key) > 0
        return bool(answer.message and answer.message.text.strip())

    def _maybe_silent_end(self, answer: Answer) -> None:
        """An answer without any sound is over when it is produced and committed."""
        session = self._session
        silent = session.playout.buffered_s(answer.key) == 0 and answer.marks.first_frame is None
        if answer.produced and answer.committed and (silent or not answer.speaks):
            session.dispatch(ev.ResponseCompleted(answer.key))

    async def take(self, answer: Answer, part: AnswerPart) -> None:
        """A part of the answer is there."""
        self._progress(answer)
        marks, now = answer.marks, self._session.now
        match part:
            case TextPart():
                marks.first_token = now if marks.first_token is None else marks.first_token
                answer.add_text(part.text)
                self.record(answer)
            case RetractPart():
                self._retract(answer)
            case AlivePart():
                pass
            case PiecePart():
                marks.first_clause = now if marks.first_clause is None else marks.first_clause
                self._await_text(answer, awaited=False)
                while not answer.committed and self._session.hears_voice:  # if it is wanted, its sound will be in time
                    await self._wait_for_room()
            case AwaitsTextPart():
                self._await_text(answer, awaited=True)
            case SpeechPart():
                marks.first_audio = now if marks.first_audio is None else marks.first_audio
                await self._take_speech(answer, part)
            case ToolPart():
                answer.add_call(part.call)
                self.record(answer)
            case UsagePart():
                answer.usage = part.usage
            case WrittenPart():
                answer.written = True
            case CutShortPart():
                answer.cut_short = True

    def _progress(self, answer: Answer) -> None:
        """Now and then the turn-taker hears that the model is at work."""
        now = self._session.now
        if answer.key and now - answer.progressed >= _PROGRESS_EVERY_S:
            answer.progressed = now
            self._session.dispatch(ev.ResponseProgressed(answer.key))

    def _await_text(self, answer: Answer, *, awaited: bool) -> None:
        if answer.awaits_text != awaited:
            answer.awaits_text = awaited
            self._session.dispatch(ev.TextAwaited(answer.key, awaited))

    def _retract(self, answer: Answer) -> None:
        """What was written was none of the answer: nothing more of it is heard, and nothing remembered."""
        session, message = self._session, answer.message
        answer.retract()
        session.playout.flush(answer.key)
        session.ledger.forget(answer.key)
        session.dispatch(ev.PlayoutFed(answer.key))
        if message is not None and answer.marks.first_frame is not None:
            session.emit(hp.PlayoutFlushed(answer.id, message.id, answer.key))
        if answer.committed:
            session.playout.release(answer.key)
            if message is not None and not answer.wish.out_of_band:
                session.history.update(message.id, text="")

    async def _take_speech(self, answer: Answer, part: SpeechPart) -> None:
        playout = self._session.playout
        begins = playout.append(answer.key, part.samples, part.rate_hz)
        spoken = [SpokenWord(w.text_end, w.start_s + begins, w.end_s + begins) for w in part.words]
        self._session.ledger.add_words(answer.key, spoken)
        if answer.message is not None and spoken:
            shown = tuple((w.text_end, w.start_s) for w in spoken)
            answer.emit(hp.AnswerWords(answer.id, answer.message.id, shown))
        while playout.buffered_s(answer.key) > (_AHEAD_S if answer.committed else _PREPARED_S):
            await self._wait_for_room()

    async def _wait_for_room(self) -> None:
        self._room.clear()
        await self._room.wait()

    def made_room(self) -> None:
        """Frames were pulled, a voice stopped, an answer is wanted: an engine that waits may look again."""
        self._room.set()

    def record(self, answer: Answer) -> None:
        """Items of a committed answer stand in the history from their beginning."""
        if answer.wish.out_of_band or not answer.committed:
            return
        history = self._session.history
        for item in answer.items[answer.recorded :]:
            history.insert(item)
        answer.recorded = len(answer.items)
        for item in answer.items:
            if item.id in answer.done and item.id in history and history.get(item.id) != item:
                history.update(item.id, status=item.status, arguments=item.arguments)

    # -- pausing and ending ---------------------------------------------------------------------------

    def _pause(self, key: str) -> None:
        self._session.playout.pause(key)
        self._tell(hp.PlayoutPaused, key)

    def _tell(self, kind: Any, key: str) -> None:
        answer = self.answers.get(key)
        if answer is not None and answer.message is not None and answer.marks.first_frame is not None:
            self._session.emit(kind(answer.id, answer.message.id))

    def first_frame(self, key: str) -> None:
        """The first frame left: the waterfall is complete, unless the listener will say when it was heard."""
        answer = self.answers.get(key)
        if answer is None:
            return
        answer.marks.first_frame = self._session.now
        if not self._session.listener_reports():
            answer.marks.network_s = self._session.network_s()
            self._tell_times(answer)

    def heard_first(self, key: str, delay_s: float) -> None:
        """The listener says that he heard the first frame so long after it left, his word's way back included."""
        answer = self.answers.get(key)
        if answer is not None and answer.marks.network_s is None:
            answer.marks.network_s = max(0.0, delay_s)
            self._tell_times(answer)

    def _tell_times(self, answer: Answer) -> None:
        if (waterfall := answer.marks.waterfall(answer.id)) is not None:
            self._session.emit(waterfall)

    def _tell_prepared(self, answer: Answer, *, used: bool) -> None:
        now, marks = self._session.now, answer.marks
        until = now if marks.produced is None else marks.produced
        spent_s = until - (now if marks.started is None else marks.started)
        self._session.emit(hp.PreparedAnswer(used, round(spent_s * 1000)))

    def _end(self, answer: Answer, ending: Ending, reason: str) -> None:
        session = self._session
        if ending is Ending.FINISHED and answer.failure:
            ending, reason = Ending.FAILED, answer.failure
        if answer.task is not None and answer.task is not asyncio.current_task():
            answer.task.cancel()
        if ending in (Ending.CUT, Ending.FAILED) and answer.speaks:
            session.heard(answer.key, session.position(answer.key))
        audible = answer.marks.first_frame is not None
        self._tell_times(answer)
        session.playout.flush(answer.key)
        self.made_room()
        if ending is Ending.DROPPED:
            self._tell_prepared(answer, used=False)
            session.ledger.forget(answer.key)
            return
        if ending is not Ending.FINISHED and audible and answer.message is not None:
            session.emit(hp.PlayoutFlushed(answer.id, answer.message.id, answer.key))
        heard = self._heard(answer, ending)
        answer.settle(ending, heard)
        self.record(answer)
        self.finish(answer, ending, reason)
        if ending is Ending.FAILED:
            self._apologise(answer)

    def _heard(self, answer: Answer, ending: Ending) -> int | None:
        if ending is Ending.FINISHED or not answer.speaks or answer.message is None:
            return None
        ledger = self._session.ledger
        whole = answer.produced and ledger.spoken_chars(answer.key) >= len(answer.message.text.rstrip())
        return None if whole and ledger.all_heard(answer.key) else ledger.heard_chars(answer.key)

    def finish(self, answer: Answer, ending: Ending, reason: str) -> None:
        """Tell how it ended and remember it for late truth."""
        session = self._session
        if ending is Ending.FINISHED and answer.cut_short:
            reason = "max_output_tokens"
        for index, item in enumerate(answer.items):
            previous = answer.previous
            if not answer.wish.out_of_band and item.id in session.history:  # else the client deleted it meanwhile
                session.history.update(
                    item.id, text=item.text, heard=item.heard, status=item.status, arguments=item.arguments
                )
                previous = session.history.before(item.id)
            answer.tell_done(index, previous)
        session.emit(
            hp.ResponseEnded(
                answer.id, ending, reason, tuple(answer.items), answer.usage, answer.wish.metadata,
                answer.wish.out_of_band,
            )
        )  # fmt: skip
        self._over[answer.id] = answer
        self.prefill()
        while len(self._over) > _REMEMBERED:
            oldest = self._over.pop(next(iter(self._over)))
            session.ledger.forget(oldest.key)

    def _apologise(self, answer: Answer) -> None:
        apology = self._session.settings.apology
        if apology and answer.wish.say is None and answer.speaks:
            self.wish_for(ResponseWish(say=apology))

    # -- late truth -----------------------------------------------------------------------------------

    def correct(self, item_id: str, until_s: float) -> None:
        """A client's word on how much of an item was heard; raises `ProtocolError` for a silent item."""
        for answer in [*self.answers.values(), *self._over.values()]:
            if answer.message is not None and answer.message.id == item_id and answer.speaks:
                self.correct_response(answer.id, until_s)
                return
        raise ProtocolError(f"item '{item_id}' has no audio that could be truncated", field="item_id")

    def correct_response(self, response_id: str, until_s: float) -> None:
        """Take a better position; of a response that is over, history follows."""
        key = self.key_of(response_id)
        if key is not None:
            self._session.ledger.heard("user", key, until_s)
            return
        answer = self._over.get(response_id)
        if answer is None or answer.message is None or not answer.speaks:
            return
        session = self._session
        position = session.ledger.corrected("user", answer.key, until_s)
        chars = session.ledger.heard_chars(answer.key)
        message = answer.message
        heard = None if answer.produced and chars >= len(message.heard_text) and message.heard is None else chars
        if heard == message.heard or answer.wish.out_of_band:
            return
        try:
            item = session.history.update(message.id, heard=heard)
        except ProtocolError:
            return  # the item was deleted meanwhile
        answer.items = [item if i.id == item.id else i for i in answer.items]
        session.emit(hp.HeardChanged(answer.id, item.id, item.text, item.heard_text, round(position * 1000)))
        self.restart_speculations()
