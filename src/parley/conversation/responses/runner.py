"""The responses of a conversation: begun, committed, paused, revived and ended as the turn-taker orders."""

# Above 300 lines: one order of the turn-taker after the other, each in a few lines.
from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import structlog

from parley.audio.pcm import Float32
from parley.conversation import notifications as nt
from parley.conversation.context import Context
from parley.conversation.engines.base import PartialResponse
from parley.conversation.items import USER
from parley.conversation.responses.asked import Asked
from parley.conversation.responses.outcomes import Outcomes
from parley.conversation.responses.producer import ResponseProducer
from parley.conversation.responses.reading_ahead import ReadingAhead
from parley.conversation.responses.request_builder import RequestBuilder
from parley.conversation.responses.response import Response, ResponseOptions
from parley.conversation.tools.executor import ToolExecutor
from parley.conversation.turn_notes import TurnNotes
from parley.errors import ProtocolError
from parley.turns import actions as act
from parley.turns import events as ev
from parley.turns.actions import Ending
from parley.turns.policies.floor import EVERYBODY

log = structlog.get_logger("conversation")


class ResponseRunner:
    """Those that are running, by the turn-taker's key."""

    def __init__(self, context: Context, notes: TurnNotes, speech_so_far: Callable[[str], Float32]) -> None:
        """`speech_so_far`: the sound of the turn that somebody is forming."""
        self._context = context
        self._notes = notes
        self._speech_so_far = speech_so_far
        self.responses: dict[str, Response] = {}
        self._asked = Asked()
        self.requests = RequestBuilder(context)
        self._reading_ahead = ReadingAhead(context, self.requests)
        self._tools = ToolExecutor(context, self._follow_up, self.history_changed)
        self.producer = ResponseProducer(context, self.requests, self._reading_ahead, self._tools)
        self.outcomes = Outcomes(context)

    def key_of(self, response_id: str) -> str | None:
        """The turn-taker's key of a running response."""
        return next((a.key for a in self.responses.values() if a.id == response_id), None)

    def key_of_item(self, item_id: str) -> str | None:
        """The turn-taker's key of the running response that an item belongs to."""
        return next((a.key for a in self.responses.values() if any(i.id == item_id for i in a.items)), None)

    def perform(self, action: act.Action) -> None:
        """Carry out an order about a response."""
        match action:
            case act.StartResponse():
                self._start(action)
            case act.CommitResponse():
                self._commit(self.responses[action.response])
            case act.PausePlayout():
                self._pause(action.response)
            case act.ResumePlayout():
                self._context.audience.resume(action.response)
                self._context.models.hold(self._context.id, False)
                self._tell(nt.PlayoutResumed, action.response)
            case act.ReviveResponse():
                self._revive(self.responses[action.response])
            case act.EndResponse():
                self._end(self.responses.pop(action.response), action.ending, action.reason)
            case _:
                raise AssertionError(f"nobody performs {action}")

    def read_ahead(self, so_far: str = "", speaker: str = USER) -> None:
        """There is time: let the engine read what is known of the next prompt, with the turn's words `so_far`."""
        if not self.responses:
            self._reading_ahead.begin(so_far, speaker)

    @property
    def producing(self) -> bool:
        """Whether an answer is being made and not much of it is there."""
        return any(self.producer.is_busy_with(response) for response in self.responses.values())

    @property
    def _prepared(self) -> list[Response]:
        """Those that are made ahead of a commit."""
        return [r for r in self.responses.values() if not r.committed and r.task is not None]

    def _start(self, order: act.StartResponse) -> None:
        context = self._context
        options = self._asked.by_number(order.request)
        agent = context.agent(order.agent)
        note = None if order.turn is None else self._notes.of(order.participant, order.turn)
        if note is not None and note.lost and not agent.models.engine.accepts_audio:
            # an answer to unknown words would be invented
            options = replace(options, say=context.settings.not_understood)
        speaks = (options.modality or context.settings.modality) == "audio"
        response = Response(
            order.response, context.emit, options, order.agent, order.participant, order.turn, order.transcript,
            not order.speculative, speaks, order.again,
        )  # fmt: skip
        if not options.out_of_band:
            response.place = context.history.insert_behind
        self.responses[response.key] = response
        self._reading_ahead.give_way()
        if note is not None and order.speculative:
            response.speech = self._speech_so_far(order.participant)
        if agent.models.engine.turns == "model" and options.say is None:
            self._announce(response)
            context.audience.release(response.key)
            return
        if response.committed:
            self._announce(response)
            context.audience.release(response.key)
            self._mark_commit(response)
        self.producer.start(response)

    def ask_for(self, options: ResponseOptions) -> None:
        """Ask for a response as `options` say; newer ones replace one that still waits for the floor."""
        self._tools.then(lambda: self._ask(options))

    def _ask(self, options: ResponseOptions) -> None:
        if not options.is_plain(self._context.settings.tools):
            self._adapt_speculations(options)
        self._request(options)

    def _request(self, options: ResponseOptions, *, yields: bool = False) -> None:
        number = self._asked.remember(options)
        self._context.dispatch(
            ev.ResponseRequested(options.participant, options.agents, number, yields, options.ahead, options.gap_s)
        )

    def withdraw(self, response_id: str) -> None:
        """What was asked for by that id is not wanted any more, unless it is given already."""
        if (number := self._asked.number_of(response_id)) is not None:
            self._context.dispatch(ev.RequestWithdrawn(number))

    def _follow_up(self, options: ResponseOptions) -> None:
        """Results want an answer: what the client or the user wants instead is one to them, too."""
        self._request(options, yields=True)

    def _adapt_speculations(self, options: ResponseOptions) -> None:
        """What is prepared may become the answer that is asked for: it is made as that is asked for."""
        agents = options.agents or self._context.agents
        for response in self._prepared:
            another = response.options.ahead
            if another or response.participant != options.participant or response.agent not in agents:
                continue
            response.options = options
            response.speaks = (options.modality or self._context.settings.modality) == "audio"
            if options.out_of_band:
                response.place = lambda *_: None
            self.producer.restart(response)

    def _announce(self, response: Response) -> None:
        options = response.options
        self._context.emit(nt.ResponseStarted(
            response.id, options.metadata, options.out_of_band, options.shown, response.agent, response.participant,
            self._context.audience.names,
        ))  # fmt: skip

    def _commit(self, response: Response) -> None:
        context = self._context
        self._tell_prepared(response, used=True)
        self._announce(response)
        self._mark_commit(response)
        response.release()
        self.producer.record(response)
        context.audience.release(response.key)
        self.producer.made_room()
        self.producer.end_if_silent(response)

    def restart_speculations(self) -> None:
        """Prepare what is not committed anew: it was asked for otherwise."""
        for response in self._prepared:
            self.producer.restart(response)

    def history_changed(self) -> None:
        """Prepare anew what is not committed and whose prompt is of an older history."""
        for response in self._prepared:
            given = response.options.input is not None or response.options.say is not None
            current = given or response.revision == self._context.history.revision
            if response.revision is not None and not current:
                self.producer.restart(response)

    def _revive(self, response: Response) -> None:
        """Produce what is missing anew; what has a sound stays."""
        if response.task is None:
            return  # a duplex model's answers are not produced here
        context = self._context
        missing = "text" if response.awaits_text else "sound"
        log.warning("answer stalled, going on", session=context.id, response=response.id, missing=missing)
        if not response.awaits_text and not response.task.done():
            response.voice_stalled.set()  # the model is not to blame: it goes on writing
            return
        response.task.cancel()
        text = response.message.text if response.message else ""
        begun = PartialResponse(text, context.ledger.spoken_chars(response.key), response.written)
        self.producer.start(response, begun)

    def _pause(self, key: str) -> None:
        self._context.audience.pause(key)
        self._context.models.hold(self._context.id, True)
        self._tell(nt.PlayoutPaused, key)

    def _mark_commit(self, response: Response) -> None:
        """From now on it counts; the times of its turn are the beginning of its own."""
        marks = response.marks
        marks.committed = self._context.now
        if response.turn is not None:
            note = self._notes.of(response.participant, response.turn)
            marks.speech_ended, marks.captured, marks.detected = note.speech_ended, note.captured, note.voice_stopped
            marks.transcribed = note.transcribed

    def _tell(self, kind: Any, key: str) -> None:
        response = self.responses.get(key)
        if response is not None and response.message is not None and response.marks.first_frame is not None:
            self._context.emit(kind(response.id, response.message.id))

    def first_frame(self, key: str) -> None:
        """The first frame left: the waterfall is complete, unless the listener will say when it was heard."""
        response = self.responses.get(key)
        if response is None:
            return
        response.marks.first_frame = self._context.now
        if not self._context.audience.exact:
            response.marks.network_s = self._context.audience.delay_s
            self._tell_times(response)

    def heard_first(self, key: str, delay_s: float) -> None:
        """The listener says that he heard the first frame so long after it left, his word's way back included."""
        response = self.responses.get(key)
        if response is not None and response.marks.network_s is None:
            response.marks.network_s = max(0.0, delay_s)
            self._tell_times(response)

    def _tell_times(self, response: Response) -> None:
        if (waterfall := response.marks.waterfall(response.id)) is not None:
            self._context.emit(waterfall)

    def _tell_prepared(self, response: Response, *, used: bool) -> None:
        now, marks = self._context.now, response.marks
        until = now if marks.produced is None else marks.produced
        spent_s = until - (now if marks.started is None else marks.started)
        self._context.emit(nt.PreparedResponse(used, round(spent_s * 1000)))

    def _end(self, response: Response, ending: Ending, reason: str) -> None:
        context = self._context
        if ending is Ending.FINISHED and response.failure:
            ending, reason = Ending.FAILED, response.failure
        if response.task is not None and response.task is not asyncio.current_task():
            response.task.cancel()
        if ending in (Ending.CUT, Ending.FAILED) and response.speaks:
            context.audience.settle(response.key)
        if response.truncated is not None:  # one listener's word, the others are where they are
            listener, until_s = response.truncated
            context.ledger.corrected(listener, response.key, until_s)
        self._tell_times(response)
        self.producer.flush(response, audible=ending is not Ending.FINISHED and response.marks.first_frame is not None)
        self.producer.made_room()
        if ending is Ending.DROPPED:
            self._tell_prepared(response, used=False)
            context.ledger.forget(response.key)
            return
        response.settle(ending, self.outcomes.heard_chars(response, ending))
        self.producer.record(response)
        self.finish(response, ending, reason)
        if ending is Ending.FAILED and not self._tools.follows(response):
            self._apologise(response)
        self._tools.ended(response)

    def _apologise(self, response: Response) -> None:
        apology = self._context.settings.apology
        asked_by_somebody = response.participant != EVERYBODY
        if apology and asked_by_somebody and response.options.say is None and response.speaks:
            self.ask_for(ResponseOptions(say=apology, participant=response.participant, agents=(response.agent,)))

    def finish(self, response: Response, ending: Ending, reason: str) -> None:
        """Tell how it ended; there is time for the next one."""
        self.outcomes.finish(response, ending, reason)
        self.read_ahead()

    # -- late truth -----------------------------------------------------------------------------------

    def truncate(self, item_id: str, until_s: float, listener: str) -> None:
        """A listener's word on how much of an item was heard: one that sounds ends with it.

        Raises `ProtocolError` for a silent item.
        """
        for response in self.responses.values():
            if response.message is not None and response.message.id == item_id and response.speaks:
                response.truncated = listener, until_s
                self._context.dispatch(ev.ResponseCancelled(response.key))
                return
        over = self.outcomes.speaking(item_id)
        if over is None:
            raise ProtocolError("Only model output audio messages can be truncated", field="item_id")
        self.correct_response(over, until_s, listener)

    def correct_response(self, response_id: str, until_s: float, listener: str) -> None:
        """Take a better position; of a response that is over, history follows."""
        key = self.key_of(response_id)
        if key is not None:
            self._context.ledger.heard(listener, key, until_s)
            return
        self.outcomes.correct(response_id, until_s, listener)
        self.history_changed()
