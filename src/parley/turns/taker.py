"""The turn-taker: who has the floor, when a turn is over, what becomes of an interrupted answer.

House rules: `handle` is the only way in and the list it returns the only way out; the same events at the
same times always give the same actions. Silence is judged in media time; wall time serves only to notice
that something never came (media, a transcript, a first frame). States move in `tables.py` alone; policies
(`endpointing`, `interruption`, `floor`) give verdicts and keep no state.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from parley.turns import actions as act
from parley.turns import events as ev
from parley.turns import words
from parley.turns.actions import Action, Ending
from parley.turns.endpointing import required_wait_s
from parley.turns.floor import AssistantFloor, FloorPolicy
from parley.turns.interruption import Verdict, judge_voice, judge_words
from parley.turns.records import ParticipantRecord, ResponseRecord
from parley.turns.settings import TurnSettings
from parley.turns.tables import Response, Speech

_SPECULATE_UP_TO_S = 1.2  # a turn that needs more silence than this is most likely not over


class TurnTaker:
    """Decides about turns; see the module docstring for how to drive it."""

    def __init__(self, settings: TurnSettings | None = None, floor: FloorPolicy | None = None) -> None:
        self.settings = settings or TurnSettings()
        self._floor = floor or AssistantFloor()
        self._people: dict[str, ParticipantRecord] = {}
        self._responses: dict[str, ResponseRecord] = {}
        self._queued: dict[str, int | None] = {}  # participant -> turn whose answer waits for the floor
        self._count = 0
        self._idle_since: float | None = None
        self._now = 0.0
        self._out: list[Action] = []
        self._rules: dict[type, Callable[[Any], None]] = {
            ev.VoiceStarted: self._voice_started,
            ev.VoiceStopped: self._voice_stopped,
            ev.MediaAdvanced: self._media_advanced,
            ev.EndOfTurnScored: self._scored,
            ev.Transcribed: self._transcribed,
            ev.InputCommitted: self._input_committed,
            ev.InputCleared: self._input_cleared,
            ev.ResponseRequested: self._response_requested,
            ev.ResponseCancelled: self._response_cancelled,
            ev.PlayoutStarted: self._playout_started,
            ev.PlayoutStarved: self._playout_starved,
            ev.PlayoutFed: self._playout_fed,
            ev.ResponseCompleted: self._response_completed,
            ev.ResponseFailed: self._response_failed,
            ev.SettingsChanged: self._settings_changed,
            ev.Tick: lambda _: None,
        }

    def handle(self, event: ev.Event, now: float) -> list[Action]:
        """Take one event; return what to do, in order. `now` is the driver's monotonic clock, seconds."""
        self._now = max(now, self._now)
        self._out = []
        self._rules[type(event)](event)
        self._expire()
        self._serve_queue()
        return self._out

    def next_deadline(self) -> float | None:
        """When to send `Tick` if nothing happens before; None when nothing is awaited."""
        return min((at for at, _ in self._deadlines()), default=None)

    @property
    def view(self) -> str:
        """One word for logs, page and protocol: who is doing what."""
        states = {r.state for r in self._responses.values()}
        if Response.PAUSED in states:
            return "BARGED_IN"
        if any(p.holds_floor for p in self._people.values()):
            return "USER_SPEAKING"
        if Response.PLAYING in states:
            return "SPEAKING"
        return "THINKING" if Response.COMMITTED in states else "LISTENING"

    @property
    def active_responses(self) -> list[str]:
        """Committed responses that have not ended."""
        return [r.id for r in self._responses.values() if r.active]

    # -- speech ---------------------------------------------------------------------------------------

    def _person(self, name: str) -> ParticipantRecord:
        if name not in self._people:
            self._people[name] = ParticipantRecord(name, arrived=self._now)
        return self._people[name]

    def _voice_started(self, event: ev.VoiceStarted) -> None:
        person = self._person(event.participant)
        if person.speech is Speech.SPEAKING or self.settings.mode == "manual" or (person.closed and person.holds_floor):
            return
        person.media_s = max(person.media_s, event.at)
        person.arrived = self._now
        went_on = person.speech is Speech.PAUSING
        person.step("voice started")
        self._idle_since = None
        if went_on:
            person.pauses_s.append(max(0.0, event.at - person.last_voiced_s))
            del person.pauses_s[:-16]
            person.revision += 1
            person.forget_pause()
            self._drop_speculation(person.name)
            return
        person.begin_turn(event.at)
        self._overlap(person)

    def _overlap(self, person: ParticipantRecord) -> None:
        """Speech begins: pause what is sounding, or cancel it, or let it sound, as the settings say."""
        active = [r for r in self._responses.values() if r.active and r.state is not Response.PAUSED]
        if active and self.settings.interrupt_response and not self.settings.cancel_at_onset:
            for response in active:
                response.step("voice over it")
                self._out.append(act.PausePlayout(response.id))
            person.over = [r.id for r in active]
            return
        self._announce(person)
        if self.settings.interrupt_response:
            for response in active:
                self._end(response, "cut", Ending.CUT, "turn_detected")

    def _announce(self, person: ParticipantRecord) -> None:
        if not person.announced:
            person.announced = True
            self._out.append(act.AnnounceSpeechStarted(person.name, person.turn, person.onset_s))

    def _voice_stopped(self, event: ev.VoiceStopped) -> None:
        person = self._person(event.participant)
        if person.speech is not Speech.SPEAKING:
            return
        person.step("voice stopped")
        person.last_voiced_s = max(person.onset_s, event.at)
        self._progress(person)

    def _media_advanced(self, event: ev.MediaAdvanced) -> None:
        person = self._person(event.participant)
        person.media_s = max(person.media_s, event.to)
        person.arrived = self._now
        person.live = event.live
        if person.holds_floor:
            self._progress(person)
        if person.reply_due and person.live and not person.holds_floor:
            person.reply_due = False
            self._queued[person.name] = person.turn

    def _progress(self, person: ParticipantRecord) -> None:
        """Look again at a turn that is forming: ask for evidence, judge, commit."""
        if person.speech is Speech.PAUSING:
            self._ask_evidence(person)
        if person.over:
            self._judge_overlap(person)
        if person.speech is Speech.PAUSING and not person.over:
            self._try_commit(person)

    def _ask_evidence(self, person: ParticipantRecord) -> None:
        silence = person.silence_s
        if person.final_asked is None and (person.closed or silence >= self.settings.speculate_after_s):
            person.final_asked = self._now
            until = person.media_s if person.closed else person.last_voiced_s
            self._out.append(act.FinalizeTranscript(person.name, person.turn, person.revision, until))
        if self.settings.mode != "semantic" or person.closed:
            return
        due = sum(1 for at in self.settings.score_at_s if silence >= at)
        if due > person.scores_asked:
            person.scores_asked = due
            self._out.append(act.ScoreEndOfTurn(person.name, person.turn, person.revision))

    def _try_commit(self, person: ParticipantRecord) -> None:
        if person.transcript is None:
            return
        wait = 0.0 if person.closed else required_wait_s(person.evidence, self.settings)
        if person.closed or person.silence_s >= wait:
            self._commit(person)
        elif wait <= _SPECULATE_UP_TO_S and self._wants_answer(person) and self._speculation(person.name) is None:
            self._start(person.name, person.turn, person.transcript, speculative=True)

    def _wants_answer(self, person: ParticipantRecord) -> bool:
        return (
            self.settings.create_response
            and not person.closed
            and person.live
            and not words.is_noise(person.transcript or "")
            and not self.active_responses
        )

    def _commit(self, person: ParticipantRecord) -> None:
        transcript = person.transcript or ""
        speculation = self._speculation(person.name)
        manual = person.closed and self.settings.mode == "manual"
        person.step("turn committed")
        self._announce_unless_manual(person, manual)
        self._out.append(act.CommitTurn(person.name, person.turn, transcript, person.onset_s, person.last_voiced_s))
        answer = self.settings.create_response and not manual and not words.is_noise(transcript)
        if answer and speculation is not None:
            speculation.step("turn committed")
            speculation.since = self._now
            self._queued.pop(person.name, None)
            self._out.append(act.CommitResponse(speculation.id))
        elif answer and not person.live:
            person.reply_due = True
        elif answer or person.name in self._queued:
            self._queued[person.name] = person.turn
        if not answer:
            self._drop_speculation(person.name)
            self._idle_since = self._now

    def _announce_unless_manual(self, person: ParticipantRecord, manual: bool) -> None:
        if not manual:
            self._announce(person)

    # -- speech over an answer ------------------------------------------------------------------------

    def _judge_overlap(self, person: ParticipantRecord) -> None:
        verdict = self._overlap_verdict(person)
        if verdict is Verdict.CONFIRM:
            self._confirm(person)
        elif verdict is Verdict.RESUME:
            self._resume(person)

    def _overlap_verdict(self, person: ParticipantRecord) -> Verdict:
        language = self.settings.language
        if person.transcript is not None:
            return judge_words(person.transcript, final=True, language=language)
        verdict = judge_words(person.partial, final=False, language=language)
        if verdict is Verdict.OPEN:
            heard_backchannel = words.is_backchannel(person.partial, language)
            verdict = judge_voice(person.voiced_s, backchannel_so_far=heard_backchannel, settings=self.settings)
        if verdict is Verdict.OPEN and person.speech is Speech.PAUSING:
            late = person.closed or person.silence_s >= self.settings.verdict_within_s
            return Verdict.RESUME if late else Verdict.OPEN
        if verdict is Verdict.OPEN:
            self._ask_partial(person)
        return verdict

    def _ask_partial(self, person: ParticipantRecord) -> None:
        last = person.partial_asked_s
        if person.voiced_s >= self.settings.partial_after_s and (last is None or person.media_s - last >= 0.2):
            person.partial_asked_s = person.media_s
            self._out.append(act.TranscribePartial(person.name, person.turn, person.revision))

    def _confirm(self, person: ParticipantRecord) -> None:
        over, person.over = person.over, []
        self._announce(person)  # first: blind clients drop their buffer on it
        for name in over:
            response = self._responses.get(name)
            if response is not None:
                self._end(response, "cut", Ending.CUT, "turn_detected")

    def _resume(self, person: ParticipantRecord) -> None:
        over, person.over = person.over, []
        self._discard(person)
        for name in over:
            response = self._responses.get(name)
            if response is not None:
                response.step("resumed audible" if response.heard_any else "resumed unheard")
                response.since = self._now
                response.starved_since = None if response.starved_since is None else self._now
                self._out.append(act.ResumePlayout(name))

    def _discard(self, person: ParticipantRecord) -> None:
        person.step("turn discarded")
        self._drop_speculation(person.name)
        self._out.append(act.DiscardTurn(person.name, person.turn))

    # -- evidence -------------------------------------------------------------------------------------

    def _scored(self, event: ev.EndOfTurnScored) -> None:
        person = self._person(event.participant)
        if person.is_current(event.turn, event.revision) and person.speech is Speech.PAUSING:
            person.probability = event.probability
            self._progress(person)

    def _transcribed(self, event: ev.Transcribed) -> None:
        person = self._person(event.participant)
        if not person.is_current(event.turn, event.revision):
            return
        if not event.final:
            person.partial = event.text
        elif person.speech is Speech.PAUSING:
            person.transcript = event.text
        self._progress(person)

    # -- the client's word ----------------------------------------------------------------------------

    def _input_committed(self, event: ev.InputCommitted) -> None:
        person = self._person(event.participant)
        if person.closed and person.holds_floor:
            return
        if person.speech is Speech.SILENT:
            person.begin_turn(person.last_voiced_s)
        person.step("input committed")
        person.last_voiced_s = person.media_s
        person.revision += 1
        person.forget_pause()
        self._drop_speculation(person.name)
        person.closed = True
        self._progress(person)

    def _input_cleared(self, event: ev.InputCleared) -> None:
        person = self._person(event.participant)
        if person.over:
            self._resume(person)
        elif person.holds_floor:
            self._discard(person)

    def _settings_changed(self, event: ev.SettingsChanged) -> None:
        self.settings = event.settings
        for person in self._people.values():
            if person.holds_floor and not person.closed and event.settings.mode == "manual":
                self._input_cleared(ev.InputCleared(person.name))

    # -- responses ------------------------------------------------------------------------------------

    def _start(self, participant: str, turn: int | None, transcript: str, *, speculative: bool) -> None:
        for speaker in self._floor.answering(participant):
            self._count += 1
            state = Response.SPECULATIVE if speculative else Response.COMMITTED
            record = ResponseRecord(f"r{self._count}", speaker, participant, turn, state, self._now)
            self._responses[record.id] = record
            self._idle_since = None
            self._out.append(act.StartResponse(record.id, turn, transcript, speculative))

    def _serve_queue(self) -> None:
        """Start what waits for the floor once nobody holds it."""
        if not self._queued or self.active_responses or any(p.holds_floor for p in self._people.values()):
            return
        participant, turn = next(iter(self._queued.items()))
        del self._queued[participant]
        person = self._person(participant)
        self._start(participant, turn, person.transcript or "" if turn == person.turn else "", speculative=False)

    def _end(self, response: ResponseRecord, cause: str, ending: Ending, reason: str = "") -> None:
        response.step(cause)
        del self._responses[response.id]
        for person in self._people.values():
            if response.id in person.over:
                person.over.remove(response.id)
                if not person.over:
                    self._announce(person)  # nothing is left to resume: the speech stands as a turn
        if not self._responses:
            self._idle_since = self._now
        self._out.append(act.EndResponse(response.id, ending, reason))

    def _speculation(self, participant: str) -> ResponseRecord | None:
        for response in self._responses.values():
            if response.state is Response.SPECULATIVE and response.participant == participant:
                return response
        return None

    def _drop_speculation(self, participant: str) -> None:
        speculation = self._speculation(participant)
        if speculation is not None:
            self._end(speculation, "user went on", Ending.DROPPED)

    def _response_requested(self, event: ev.ResponseRequested) -> None:
        self._person(event.participant)
        self._queued[event.participant] = None

    def _response_cancelled(self, event: ev.ResponseCancelled) -> None:
        for response in list(self._responses.values()):
            if response.active and event.response in (None, response.id):
                self._end(response, "cut", Ending.CUT, "client_cancelled")
        if event.response is None:
            self._queued.clear()

    def _playout_started(self, event: ev.PlayoutStarted) -> None:
        response = self._responses.get(event.response)
        if response is not None:
            response.heard_any = True
            if response.state is Response.COMMITTED:
                response.step("first frame")

    def _playout_starved(self, event: ev.PlayoutStarved) -> None:
        response = self._responses.get(event.response)
        if response is not None and response.starved_since is None:
            response.starved_since = self._now

    def _playout_fed(self, event: ev.PlayoutFed) -> None:
        response = self._responses.get(event.response)
        if response is not None:
            response.starved_since = None

    def _response_completed(self, event: ev.ResponseCompleted) -> None:
        response = self._responses.get(event.response)
        if response is not None and response.active:
            self._end(response, "completed", Ending.FINISHED)

    def _response_failed(self, event: ev.ResponseFailed) -> None:
        response = self._responses.get(event.response)
        if response is not None:
            ending = Ending.DROPPED if response.state is Response.SPECULATIVE else Ending.FAILED
            self._end(response, "failed", ending, event.reason)

    # -- deadlines ------------------------------------------------------------------------------------

    def _deadlines(self) -> list[tuple[float, Callable[[], None]]]:
        """Every wait that must not last for ever, with what follows when it does."""
        settings = self.settings
        found: list[tuple[float, Callable[[], None]]] = []
        for person in self._people.values():
            if person.holds_floor and not person.closed:
                found.append((person.arrived + settings.media_timeout_s, partial(self._media_lost, person)))
            if person.speech is Speech.PAUSING and person.transcript is None and person.final_asked is not None:
                at = person.final_asked + settings.transcript_timeout_s
                found.append((at, partial(self._transcript_lost, person)))
        for response in self._responses.values():
            if response.state is Response.PLAYING and response.starved_since is not None:
                at = response.starved_since + settings.stall_timeout_s
                found.append((at, partial(self._end, response, "failed", Ending.FAILED, "stalled")))
            elif response.state is Response.COMMITTED:
                at = response.since + settings.first_audio_timeout_s
                found.append((at, partial(self._end, response, "failed", Ending.FAILED, "no_audio")))
        if settings.idle_timeout_s is not None and self._idle_since is not None:
            found.append((self._idle_since + settings.idle_timeout_s, self._idle))
        return found

    def _expire(self) -> None:
        for at, rule in self._deadlines():
            if at <= self._now:
                rule()

    def _media_lost(self, person: ParticipantRecord) -> None:
        """Nothing arrives any more: what was said until here is the turn."""
        if person.speech is Speech.SPEAKING:
            person.step("voice stopped")
            person.last_voiced_s = person.media_s
            person.revision += 1
            person.forget_pause()
        person.closed = True
        self._progress(person)

    def _transcript_lost(self, person: ParticipantRecord) -> None:
        person.transcript = ""
        self._progress(person)

    def _idle(self) -> None:
        self._idle_since = None
        if any(p.holds_floor for p in self._people.values()) or self._responses:
            return
        participant = next(iter(self._people), "user")
        self._out.append(act.AnnounceIdle(participant))
        self._queued[participant] = None
