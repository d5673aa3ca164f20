"""A session: performs what the turn-taker orders, tells it what happens, and keeps the history true.

House rules: no policy lives here. Every event goes through `dispatch`, every action through `_perform`,
one at a time and in order. Time is the running loop's clock. A session's tasks end with `async with`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self
from weakref import WeakSet

import structlog

from parley.conversation import happenings as hp
from parley.conversation.answer import Answer, ResponseWish
from parley.conversation.answering import Answering
from parley.conversation.duplexing import Duplexing
from parley.conversation.ears import Ears
from parley.conversation.echo import EchoGuard
from parley.conversation.evidence import EvidenceLog
from parley.conversation.history import History
from parley.conversation.items import Item, new_id
from parley.conversation.out_of_band import OutOfBand
from parley.conversation.playout import Playout
from parley.conversation.recorded_items import RecordedItems
from parley.conversation.settings import Cast, SessionSettings
from parley.errors import ParleyError
from parley.turns import TurnTaker
from parley.turns import actions as act
from parley.turns import events as ev
from parley.turns.ledger import HeardLedger
from parley.turns.settings import TurnSettings

log = structlog.get_logger("conversation")

USER = "user"
_CLOSE_S = 2.0
_sessions: WeakSet[Session] = WeakSet()
"""Of this process."""


class Session:
    """One client's conversation. Use as ``async with``; `sink` gets every happening."""

    def __init__(
        self,
        cast: Cast,
        settings: SessionSettings,
        sink: Callable[[hp.Happening], None],
        observe: Callable[[str, hp.Happening], None] = lambda *_: None,
    ) -> None:
        """`sink` tells the client; `observe` counts, and what it raises harms nobody."""
        self.id = new_id("sess")
        self._offered = cast
        self.cast = cast.chosen(settings)
        self.settings = settings
        self.history = History()
        self.ledger = HeardLedger()
        self.playout = Playout(self.dispatch)
        self.position: Callable[[str], float] = lambda _: 0.0
        """Set by the transport: where the listener's playout of a response is now, seconds."""
        self.listener_reports: Callable[[], bool] = lambda: False
        """Set by the transport: whether the listener says what he has heard."""
        self.network_s: Callable[[], float | None] = lambda: None
        """Set by the transport: what the way there and back and the listener's buffers add, if it is known."""
        self.broken = asyncio.Event()
        """Set when the session cannot go on (its input is not examined any more); the transport closes it then."""
        self._sink = sink
        self._observe = observe
        self._taker = TurnTaker()
        self._events: deque[ev.Event] = deque()
        self._dispatching = False
        self._timer: asyncio.TimerHandle | None = None
        self._state = self._taker.view
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn_items: dict[int, str] = {}
        self._speech_ended: dict[int, tuple[float, float]] = {}  # last voiced sample, arrival of the message with it
        self._transcribed: dict[int, float] = {}
        self._voice_stopped = 0.0
        self._looked_at_words = 0.0
        self._told_lost: set[int] = set()
        """Turns whose client knows that their words could not be had, until their commit."""
        self._ears = Ears(
            USER, self.cast, self.dispatch, self.id, lambda: bool(self._taker.active_responses), self._taker.awaits
        )
        self._answering = Answering(self)
        self._out_of_band = OutOfBand(self, self._answering)
        self.recorded = RecordedItems(self)
        """Items that came as recordings."""
        self._duplexing: Duplexing | None = None
        self._evidence: EvidenceLog | None = None
        self._closed = False
        self._apply_settings()
        self._taker.settings = self._turns
        _sessions.add(self)

    def restore(self, items: Sequence[Item]) -> None:
        """Begin with the history of an earlier conversation."""
        for item in items:
            self.history.insert(item)

    # -- life -----------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Start listening; greet if a greeting is set."""
        self._loop = asyncio.get_running_loop()
        self._begin_evidence()
        if self.cast.engine.duplex is not None:
            model = self.cast.engine.duplex
            self._duplexing = Duplexing(self, self._answering, await model.open_slot(), model)
            listening = self.spawn(self._duplexing.run(), "duplex")
        else:
            listening = self.spawn(self._ears.run(), "ears")
        listening.add_done_callback(lambda _: self.broken.set())
        if self.settings.greeting:
            self.request_response(ResponseWish(say=self.settings.greeting))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release everything, however the session ends."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CLOSE_S)
        if self._duplexing is not None:
            await self._duplexing.aclose()
        self._ears.close()
        self.cast.over(self.id)
        if self._evidence is not None:
            try:
                await self._evidence.aclose()
            except OSError as lost:
                log.error("evidence lost", session=self.id, error=str(lost))

    def _begin_evidence(self) -> None:
        if self.settings.evidence_folder is None:
            return
        try:
            self._evidence = EvidenceLog(self.settings.evidence_folder / f"{self.id}.jsonl")
            self._evidence.add(self.now, ev.SettingsChanged(self._turns))
        except OSError as fault:
            log.error("evidence cannot be recorded", session=self.id, error=str(fault))

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run something that ends with the session; a failure is logged and ends only that."""
        task = asyncio.create_task(work, name=f"{self.id}:{name}")
        self._tasks.add(task)
        task.add_done_callback(self._reap)
        return task

    def _reap(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("task failed", session=self.id, task=task.get_name(), exc_info=fault)

    # -- what clients ask -----------------------------------------------------------------------------

    def append_audio(self, samples: Any, rate_hz: int) -> None:
        """Add input audio; raises `Overloaded` when far too much waits."""
        if self._duplexing is not None:
            self._duplexing.append(samples, rate_hz)
        else:
            self._ears.append(samples, rate_hz)

    @property
    def uncommitted_s(self) -> float:
        """Seconds of input audio since the last commit or clear."""
        return self._ears.uncommitted_s

    def commit_input(self) -> None:
        """The user's turn is over (push to talk)."""
        self._ears.mark("commit")

    def clear_input(self) -> None:
        """Throw uncommitted audio away."""
        self._ears.mark("clear")
        self.emit(hp.InputCleared())

    def add_item(self, item: Item, after: str | None = None) -> None:
        """Put an item into the history; raises `ProtocolError`."""
        self.history.check_room(item)
        previous = self.history.insert(item, after)
        self.emit(hp.ItemAdded(item, previous))
        self.emit(hp.ItemDone(item, previous))

    def delete_item(self, item_id: str) -> None:
        """Take an item out of the history; an answer that is being given ends with it. Raises `ProtocolError`."""
        self.history.get(item_id)
        if (key := self._answering.key_of_item(item_id)) is not None:
            self.dispatch(ev.ResponseCancelled(key))
        self.history.delete(item_id)
        self.emit(hp.ItemDeleted(item_id))
        self._answering.restart_speculations()

    def truncate_item(self, item_id: str, audio_end_ms: int) -> None:
        """The client says how much of an answer was heard; clamped to what was sent."""
        self.history.get(item_id)
        self._answering.correct(item_id, audio_end_ms / 1000)
        self.emit(hp.ItemTruncated(item_id, audio_end_ms))

    def request_response(self, wish: ResponseWish | None = None) -> None:
        """Ask for an answer now (or as soon as the user has finished)."""
        wish = wish or ResponseWish()
        if wish.out_of_band and (wish.modality or self.settings.modality) == "text":
            self._out_of_band.start(wish)
            return
        self._ears.after_commit(lambda: self.recorded.then(lambda: self._answering.wish_for(wish)))

    def cancel_response(self, response_id: str | None = None) -> bool:
        """Cancel one response or all; returns whether there was one."""
        if self._out_of_band.cancel(response_id):
            return True
        key = self._answering.key_of(response_id) if response_id else None
        if (response_id and key is None) or not self._taker.active_responses:
            return False
        self.dispatch(ev.ResponseCancelled(key))
        return True

    def answer(self, key: str) -> Answer | None:
        """The running answer that the turn-taker calls `key`."""
        return self._answering.answers.get(key)

    def response_key(self, response_id: str) -> str | None:
        """The turn-taker's name of a running response."""
        return self._answering.key_of(response_id)

    @property
    def active_response(self) -> str | None:
        """Id of the response that is committed and not over."""
        keys = self._taker.active_responses
        answer = self._answering.answers.get(keys[0]) if keys else None
        return answer.id if answer else None

    def update(self, settings: SessionSettings) -> None:
        """Replace the settings; they count from the next turn or response on.

        What was prepared for a turn that is not committed is prepared anew: no word of it comes from before.
        """
        before, self.settings = self.settings, settings
        self._apply_settings()
        if replace(before, turns=settings.turns) != settings:
            self._answering.restart_speculations()
        self.dispatch(ev.SettingsChanged(self._turns))

    @property
    def _turns(self) -> TurnSettings:
        """Answers are prepared ahead of a pause where words can be judged, and are what is answered."""
        wanted, engine = self.settings.anticipate, self.cast.engine
        can = self._ears.questions.judges_words and not engine.hears
        anticipate = can and (engine.elsewhere if wanted is None else wanted)
        return replace(self.settings.turns, anticipate=anticipate)

    def _apply_settings(self) -> None:
        if self.cast.engine.duplex is None:  # a model that holds a slot keeps it
            self.cast = self._ears.questions.cast = self._offered.chosen(self.settings)
        self._ears.set_manual(self.settings.turns.mode == "manual")
        self._ears.questions.language = self.settings.language
        if self._ears.echo is not None:
            self._ears.echo.configure(echo=self.settings.echo_cancellation, noise=self.settings.noise_reduction)

    def set_vad(self, threshold: float, pre_roll_s: float) -> None:
        """Probability from which sound counts as speech, and how much before it belongs to the turn."""
        self._ears.set_vad(threshold, pre_roll_s)

    # -- what the transport reports -------------------------------------------------------------------

    def sent(self, key: str, until_s: float) -> None:
        """Audio of a response left for the listener."""
        self.ledger.sent(key, until_s)

    @property
    def echo(self) -> EchoGuard | None:
        """To be told what the listener's loudspeaker plays; None when nobody can cancel its echo here."""
        return self._ears.echo

    def heard(self, key: str, until_s: float) -> None:
        """The listener's playout has come so far."""
        self.ledger.heard(USER, key, until_s)

    def heard_first(self, key: str, delay_s: float) -> None:
        """The listener's first word on a response: how long after it left he heard its first frame."""
        self._answering.heard_first(key, delay_s)

    def correct_heard(self, response_id: str, until_s: float) -> None:
        """A late, better position, also of a response that is over."""
        self._answering.correct_response(response_id, until_s)

    def made_room(self) -> None:
        """Frames were pulled: engines that are far ahead may go on."""
        self._answering.made_room()

    def played_out(self, key: str) -> None:
        """The listener heard a response to its end."""
        self.heard(key, float("inf"))
        self.dispatch(ev.ResponseCompleted(key))

    # -- the machine ----------------------------------------------------------------------------------

    @property
    def _is_waited_for(self) -> bool:
        """Whether its user has finished speaking and not everything of the answer is made."""
        return not self._closed and (self._taker.awaits_verdict or self._answering.producing)

    @property
    def answers(self) -> bool:
        """Whether an answer sounds, is written or is on its way to somebody who has finished speaking."""
        return not self._closed and (bool(self._taker.active_responses) or self._taker.awaits_verdict)

    @property
    def others_wait(self) -> bool:
        """Whether users of other sessions wait for something: then nothing is read ahead here."""
        return any(other._is_waited_for for other in _sessions if other is not self)

    @property
    def hears_voice(self) -> bool:
        """Whether its user speaks right now."""
        return self._taker.hears_voice

    @property
    def _may_look_at_words(self) -> bool:
        """Whether there is time for words that nobody waits for: where several speak, less often."""
        if self.others_wait:
            return False
        several = any(other.state == "USER_SPEAKING" for other in _sessions if other is not self)
        return not several or self.now - self._looked_at_words >= self.settings.turns.follow_every_s

    @property
    def state(self) -> str:
        """Who is doing what, in one word (see `TurnTaker.view`)."""
        return self._taker.view

    @property
    def now(self) -> float:
        """The loop's clock, seconds."""
        return self._loop.time()

    def emit(self, happening: hp.Happening) -> None:
        """Tell the outside."""
        if self._closed:
            return
        try:
            self._observe(self.id, happening)
        except Exception:
            log.error("not counted", session=self.id, happening=type(happening).__name__, exc_info=True)
        try:
            self._sink(happening)
        except Exception as fault:  # noqa: BLE001 - logged by `break_down`
            self.break_down(f"its client cannot be told of {type(happening).__name__}", fault)

    def break_down(self, why: str, fault: BaseException) -> None:
        """The session cannot go on as it should: it ends, and its client is told; no other one is touched."""
        log.error("session breaks down", session=self.id, why=why, exc_info=fault)
        self.broken.set()

    def dispatch(self, event: ev.Event) -> None:
        """Hand an event to the turn-taker and perform what it orders; events that this causes follow after."""
        self._events.append(event)
        if self._dispatching or self._closed:
            return
        self._dispatching = True
        try:
            while self._events:
                current = self._events.popleft()
                now = self.now
                try:
                    self._note(current)
                    if self._evidence is not None:
                        self._evidence.add(now, current)
                    actions = self._taker.handle(current, now)
                except Exception as fault:  # noqa: BLE001 - logged by `break_down`
                    self.break_down(f"{type(current).__name__} cannot be taken", fault)
                    continue
                for action in actions:
                    self._try_to_perform(action)
        finally:
            self._dispatching = False
        if self._taker.view != self._state:
            self._state = self._taker.view
            self.emit(hp.StateChanged(self._state))
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self._taker.next_deadline()
        if deadline is not None and not self._closed:
            self._timer = self._loop.call_at(deadline, self.dispatch, ev.Tick())

    def _note(self, event: ev.Event) -> None:
        """Remember times for the waterfall."""
        if isinstance(event, ev.Transcribed) and event.final:
            self._transcribed[event.turn] = self.now
        elif isinstance(event, ev.VoiceStopped):
            self._voice_stopped = self.now
            self._answering.made_room()
        elif isinstance(event, ev.PlayoutStarted):
            self._answering.first_frame(event.response)

    def _try_to_perform(self, action: act.Action) -> None:
        """A fault in what concerns one response ends that; any other one ends the session."""
        try:
            self._perform(action)
        except Exception as fault:
            response = getattr(action, "response", None)
            if response is None or isinstance(action, act.EndResponse):
                self.break_down(f"{type(action).__name__} cannot be done", fault)
                return
            log.error("response breaks down", session=self.id, action=type(action).__name__, exc_info=True)
            self._events.append(ev.ResponseFailed(response, f"internal error ({type(fault).__name__})"))

    def _perform(self, action: act.Action) -> None:
        match action:
            case act.TranscribePartial(urgent=False) if not self._may_look_at_words:
                pass  # it is asked again
            case act.AnnounceSpeechStarted():
                self._answering.prefill()
                self.emit(hp.SpeechStarted(self._turn_item(action.turn), round(action.at * 1000)))
            case act.TranscribePartial() | act.FinalizeTranscript():
                self._looked_at_words = self.now
                self._ears.questions.announce()
                self.spawn(self._transcribe(action), "transcribe")
            case act.ScoreEndOfTurn():
                self._ears.questions.announce()
                self.spawn(self._ears.questions.score(action), "end-of-turn")
            case act.ScoreEndOfSentence():
                self._ears.questions.announce()
                self.spawn(self._ears.questions.score_words(action), "end-of-sentence")
            case act.CommitTurn():
                self._commit_turn(action)
            case act.DiscardTurn():
                self._turn_items.pop(action.turn, None)
                self._ears.forget_turn()
            case act.AnnounceIdle():
                at_ms = round(self._ears.sound.end_s * 1000)
                self.emit(hp.IdleTimedOut(new_id("item"), at_ms))
            case _:
                self._answering.perform(action)

    async def _transcribe(self, order: act.FinalizeTranscript | act.TranscribePartial) -> None:
        try:
            words = await self._ears.questions.transcribe(order)
        except Exception as fault:
            expected = isinstance(fault, ParleyError)
            log.error("recognition failed", session=self.id, error=str(fault), exc_info=not expected)
            if isinstance(order, act.FinalizeTranscript) and self._taker.awaits(order):
                why = str(fault) if expected else f"internal error ({type(fault).__name__})"
                self.emit(hp.TranscriptFailed(self._turn_item(order.turn), why))
                self._told_lost.add(order.turn)
                self.dispatch(ev.Transcribed(order.participant, order.turn, order.revision, "", final=True, lost=True))
            return
        if words and isinstance(order, act.TranscribePartial) and not order.urgent:
            await self._ears.questions.all_answered()  # if they could be all, the answer reads them itself
            self._answering.prefill(words.rpartition(" ")[0])  # the last word may still change

    def _turn_item(self, turn: int) -> str:
        return self._turn_items.setdefault(turn, new_id("item"))

    def _commit_turn(self, action: act.CommitTurn) -> None:
        item = Item(self._turn_items.pop(action.turn, "") or new_id("item"), role="user",
                    text=action.transcript, spoken=True)  # fmt: skip
        ended = self.now - (self._ears.sound.end_s - action.ended)
        self._speech_ended[action.turn] = ended, ended + self._ears.capture_s(action.ended)
        self._answering.hold_speech(self._ears.sound.turn(action.ended))
        if self.settings.turns.mode != "manual":
            self.emit(hp.SpeechStopped(item.id, round(action.ended * 1000)))
        previous = self.history.insert(item)
        self.emit(hp.InputTaken(item.id, previous))
        self.emit(hp.ItemAdded(replace(item, text=""), previous))
        if not action.lost:
            self.emit(hp.TranscriptDone(item.id, action.transcript, max(0.0, action.ended - action.started)))
        elif action.turn not in self._told_lost:
            self.emit(hp.TranscriptFailed(item.id, "the recogniser did not answer in time"))
        if action.lost:
            self._told_lost.discard(action.turn)
            self._answering.lost_turn = action.turn
        self.emit(hp.ItemDone(item, previous))
        self._ears.forget_turn(understood=bool(action.transcript))

    def mark_turn(self, answer: Answer) -> None:
        """Copy the turn's times to its answer."""
        if answer.turn is not None:
            answer.marks.detected = self._voice_stopped
            answer.marks.speech_ended, answer.marks.captured = self._speech_ended.pop(answer.turn, (None, None))
            answer.marks.transcribed = self._transcribed.pop(answer.turn, None)

    def turn_speech(self) -> Any:
        """The sound of the turn that is forming."""
        return self._ears.sound.turn()
