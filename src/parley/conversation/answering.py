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
    AnswerPart,
    AnswerRequest,
    Begun,
    PiecePart,
    SpeechPart,
    TextPart,
    ToolPart,
    UsagePart,
)
from parley.conversation.history import add_user_words, as_messages
from parley.errors import ParleyError, ProtocolError
from parley.models.interfaces import Caller, ChatOptions, Priority, SpeakingStyle, Synthesizer, Usage
from parley.turns import actions as act
from parley.turns import events as ev
from parley.turns import words
from parley.turns.actions import Ending
from parley.turns.ledger import SpokenWord

if TYPE_CHECKING:
    from parley.conversation.session import Session

log = structlog.get_logger("conversation")

_AHEAD_S = 20.0  # sound that may wait in the playout before the engine is made to wait
_PREPARED_S = 0.9  # the same of an answer that may never be wanted
_ENOUGH_S = 3.0  # of sound in the playout: nobody has to hurry
_PREFILL_S = 3.0
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
        self._room = asyncio.Event()

    def key_of(self, response_id: str) -> str | None:
        """The turn-taker's key of a running response."""
        return next((a.key for a in self.answers.values() if a.id == response_id), None)

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
        settings = self._session.settings
        messages = self._session.history.messages(settings.instructions, settings.memory_tokens, ahead=True)
        if so_far and not self._session.cast.engine.hears:
            add_user_words(messages, so_far)
        try:
            await self._session.cast.engine.prefill(messages, Caller(self._session.id, Priority.SPECULATIVE))
        except ParleyError as fault:
            log.debug("prefill failed", session=self._session.id, error=str(fault))

    async def _end_prefill(self) -> None:
        """Let it finish: it reads the answer's own beginning, and beside it another slot would read that anew."""
        if self._prefilling is not None and self._reading_ahead:
            await asyncio.wait([self._prefilling], timeout=_PREFILL_S)
            self._prefilling.cancel()

    # -- beginning ------------------------------------------------------------------------------------

    def _start(self, order: act.StartResponse) -> None:
        session = self._session
        wish = ResponseWish() if order.speculative else self._take_wish()
        speaks = (wish.modality or session.settings.modality) == "audio"
        answer = Answer(order.response, session.emit, wish, order.turn, order.transcript, not order.speculative, speaks)
        self.answers[answer.key] = answer
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
        log.warning("answer stalled, going on", session=session.id, response=answer.id)
        answer.task.cancel()
        text = answer.message.text if answer.message else ""
        begun = Begun(text, session.ledger.spoken_chars(answer.key), answer.usage != Usage())
        answer.task = session.spawn(self._produce(answer, begun), "answer")

    # -- producing ------------------------------------------------------------------------------------

    async def _produce(self, answer: Answer, begun: Begun | None = None) -> None:
        session = self._session
        answer.marks.started = session.now

        async def take(part: AnswerPart) -> None:
            await self.take(answer, part)

        try:
            await self._end_prefill()
            await session.cast.engine.answer(replace(self.request(answer), begun=begun), take)
        except ParleyError as fault:
            log.warning("response failed", session=session.id, response=answer.id, error=str(fault))
            session.dispatch(ev.ResponseFailed(answer.key, str(fault)))
            return
        except Exception as fault:
            log.error("response broke", session=session.id, response=answer.id, exc_info=True)
            session.dispatch(ev.ResponseFailed(answer.key, f"internal error ({type(fault).__name__})"))
            return
        answer.marks.produced = session.now
        session.playout.complete(answer.key)
        self._maybe_silent_end(answer)

    def _maybe_silent_end(self, answer: Answer) -> None:
        """An answer without any sound is over when it is produced and committed."""
        session = self._session
        silent = session.playout.buffered_s(answer.key) == 0 and answer.marks.first_frame is None
        if answer.produced and answer.committed and (silent or not answer.speaks):
            session.dispatch(ev.ResponseCompleted(answer.key))

    def request(self, answer: Answer) -> AnswerRequest:
        """What the engine is asked."""
        session, wish = self._session, answer.wish
        settings = session.settings
        instructions = wish.instructions if wish.instructions is not None else settings.instructions
        if wish.input is not None:
            messages = as_messages(list(wish.input), instructions)
        else:
            own = {i.id for i in answer.items}  # of one that is begun anew: what there is of it comes behind the prompt
            messages = session.history.messages(instructions, settings.memory_tokens, without=own)
        if not answer.committed:
            add_user_words(messages, answer.transcript)
        options = ChatOptions(
            tools=wish.tools if wish.tools is not None else settings.tools,
            tool_choice=wish.tool_choice if wish.tool_choice is not None else settings.tool_choice,
            max_tokens=wish.max_output_tokens or settings.max_output_tokens or settings.longest_answer_tokens,
            temperature=settings.temperature,
        )
        priority = Priority.COMMITTED if answer.committed else Priority.SPECULATIVE
        synthesizer, style = self._voice(wish.voice or settings.voice)
        return AnswerRequest(
            messages, options, style, synthesizer if answer.speaks else None, Caller(session.id, priority),
            speech=answer.speech, say=wish.say or self._repetition(answer),
        )  # fmt: skip

    def _repetition(self, answer: Answer) -> str | None:
        """The last answer as far as it was heard, when the user asks for nothing else."""
        session = self._session
        if answer.turn is None or not words.asks_for_repetition(answer.transcript, session.settings.turns.language):
            return None
        said = (i.heard_text for i in reversed(session.history.items) if i.role == "assistant" and i.heard_text.strip())
        return next(said, None)

    def _voice(self, name: str | None) -> tuple[Synthesizer | None, SpeakingStyle]:
        voices, settings = self._session.cast.voices, self._session.settings
        style = SpeakingStyle(name, settings.speed, settings.language)
        if name is not None and name in voices:
            return voices[name], style
        return next(iter(voices.values()), None), style

    async def take(self, answer: Answer, part: AnswerPart) -> None:
        """A part of the answer is there."""
        session = self._session
        marks = answer.marks
        if isinstance(part, TextPart):
            marks.first_token = session.now if marks.first_token is None else marks.first_token
            answer.add_text(part.text)
            self.record(answer)
        elif isinstance(part, PiecePart):
            marks.first_clause = session.now if marks.first_clause is None else marks.first_clause
            while not answer.committed and session.hears_voice:  # its sound would come in time, if it is wanted at all
                await self._wait_for_room()
        elif isinstance(part, SpeechPart):
            marks.first_audio = session.now if marks.first_audio is None else marks.first_audio
            await self._take_speech(answer, part)
        elif isinstance(part, ToolPart):
            answer.add_call(part.call)
            self.record(answer)
        elif isinstance(part, UsagePart):
            answer.usage = part.usage
        else:
            answer.cut_short = True

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
        for item in answer.items[answer.recorded :]:
            self._session.history.insert(item)
        answer.recorded = len(answer.items)

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
        chars = self._session.ledger.heard_chars(answer.key)
        complete = answer.produced and self._session.ledger.all_heard(answer.key)
        return None if complete else chars

    def finish(self, answer: Answer, ending: Ending, reason: str) -> None:
        """Tell how it ended and remember it for late truth."""
        session = self._session
        previous = answer.previous
        if ending is Ending.FINISHED and answer.cut_short:
            reason = "max_output_tokens"
        for index, item in enumerate(answer.items):
            if not answer.wish.out_of_band:
                session.history.update(
                    item.id, text=item.text, heard=item.heard, status=item.status, arguments=item.arguments
                )
                previous = session.history.before(item.id)
            session.emit(hp.AnswerItemDone(answer.id, index, item, previous))
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
