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
from parley.turns.actions import Action
from parley.turns.endpointing import required_wait_s
from parley.turns.floor import AssistantFloor, FloorPolicy
from parley.turns.interruption import Verdict, judge_voice, judge_words
from parley.turns.records import ParticipantRecord
from parley.turns.responses import Deadline, Responses
from parley.turns.settings import TurnSettings
from parley.turns.tables import Response, Speech

_SPECULATE_UP_TO_S = 1.3  # a turn that needs more silence than this is most likely not over
_FADE_APART_S = 0.1  # what was looked at so lately is not looked at again because the voice fades
_COULD_END = 0.2  # probability of a sentence's end from which words that are still being spoken could be all


class TurnTaker:
    """Decides about turns; see the module docstring for how to drive it."""

    def __init__(self, settings: TurnSettings | None = None, floor: FloorPolicy | None = None) -> None:
        self.settings = settings or TurnSettings()
        self._floor = floor or AssistantFloor()
        self._people: dict[str, ParticipantRecord] = {}
        self._responses = Responses(self._order, self._floor, self._response_ended)
        self._waiting: dict[str, int | None] = {}  # participant -> turn whose answer waits for the floor
        self._idle_since: float | None = None
        self._now = 0.0
        self._out: list[Action] = []
        self._rules: dict[type, Callable[[Any], None]] = {
            ev.VoiceStarted: self._voice_started,
            ev.VoiceFaded: self._voice_faded,
            ev.VoiceStopped: self._voice_stopped,
            ev.MediaAdvanced: self._media_advanced,
            ev.EndOfTurnScored: self._scored,
            ev.EndOfSentenceScored: self._sentence_scored,
            ev.Transcribed: self._transcribed,
            ev.InputCommitted: self._input_committed,
            ev.InputCleared: self._input_cleared,
            ev.ResponseRequested: self._response_requested,
            ev.ResponseCancelled: self._response_cancelled,
            ev.PlayoutStarted: self._responses.playout_started,
            ev.PlayoutStarved: self._starved,
            ev.PlayoutFed: self._responses.fed,
            ev.ResponseProgressed: lambda event: self._responses.progressed(event, self._now),
            ev.TextAwaited: lambda event: self._responses.text_awaited(event, self._now),
            ev.ResponseCompleted: self._responses.completed,
            ev.ResponseFailed: self._responses.failed,
            ev.SettingsChanged: self._settings_changed,
            ev.Tick: lambda _: None,
        }

    def handle(self, event: ev.Event, now: float) -> list[Action]:
        """Take one event; return what to do, in order. `now` is the driver's monotonic clock, seconds."""
        self._now = max(now, self._now)
        self._out = []
        self._rules[type(event)](event)
        self._expire()
        self._start_waiting()
        return self._out

    def next_deadline(self) -> float | None:
        """When to send `Tick` if nothing happens before; None when nothing is awaited."""
        return min((at for at, _ in self._deadlines()), default=None)

    @property
    def view(self) -> str:
        """One word for logs, page and protocol: who is doing what."""
        states = self._responses.states
        if Response.PAUSED in states:
            return "BARGED_IN"
        if any(p.holds_floor for p in self._people.values()):
            return "USER_SPEAKING"
        if Response.PLAYING in states:
            return "SPEAKING"
        return "THINKING" if Response.COMMITTED in states else "LISTENING"

    @property
    def awaits_verdict(self) -> bool:
        """Whether somebody has stopped speaking and it is not decided yet what that means."""
        return any(p.speech is Speech.PAUSING for p in self._people.values())

    @property
    def hears_voice(self) -> bool:
        """Whether somebody speaks right now."""
        return any(p.speech is Speech.SPEAKING for p in self._people.values())

    def awaits(self, order: act.Question) -> bool:
        """Whether the answer to a question that was ordered would still be looked at."""
        person = self._people.get(order.participant)
        if person is None:
            return False
        if isinstance(order, act.ScoreEndOfSentence):
            return person.turn == order.turn and person.judged == order.text
        return person.is_current(order.turn, order.revision)

    @property
    def active_responses(self) -> list[str]:
        """Committed responses that have not ended."""
        return [r.id for r in self._responses.active]

    def _order(self, action: Action) -> None:
        self._out.append(action)

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
            if not self._anticipates:  # else it is kept until the words are others
                self._responses.drop_speculation(person.name)
                person.prepared = None
            return
        person.begin_turn(event.at)
        self._overlap(person)

    def _overlap(self, person: ParticipantRecord) -> None:
        """Speech begins: pause what is sounding, or cancel it, or let it sound, as the settings say."""
        if self.settings.interrupt_response and not self.settings.cancel_at_onset:
            person.over = self._responses.pause()
            if person.over:
                return
        self._announce(person)
        if self.settings.interrupt_response:
            if self._responses.active:
                person.interrupt()
            self._responses.cut(self._responses.active, "turn_detected")

    def _announce(self, person: ParticipantRecord) -> None:
        if not person.announced:
            person.announced = True
            self._out.append(act.AnnounceSpeechStarted(person.name, person.turn, person.onset_s))

    def _voice_faded(self, event: ev.VoiceFaded) -> None:
        """These may be the last words: when the voice has really stopped, they are known."""
        person = self._person(event.participant)
        due = person.media_s - max(person.onset_s, person.partial_asked_s or 0.0) >= _FADE_APART_S
        if person.speech is Speech.SPEAKING and self._anticipates and person.live and not person.over and due:
            person.looked_at_fade = True
            self._ask_partial(person, urgent=False)

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
            self._waiting[person.name] = person.turn

    def _progress(self, person: ParticipantRecord) -> None:
        """Look again at a turn that is forming: ask for evidence, judge, commit."""
        if person.speech is Speech.PAUSING:
            self._ask_evidence(person)
        if person.over:
            self._judge_overlap(person)
        elif person.speech is Speech.SPEAKING:
            self._follow(person)
        if person.speech is Speech.PAUSING and not person.over:
            self._try_commit(person)

    def _follow(self, person: ParticipantRecord) -> None:
        """Look at the words of a turn while it is spoken: recogniser, judges and engine get a start."""
        since = max(person.onset_s, person.partial_asked_s or 0.0)
        if person.live and person.media_s - since >= self.settings.follow_every_s:
            person.looked_at_fade = False
            self._ask_partial(person, urgent=False)
        could_end = person.sentence is not None and person.sentence >= _COULD_END
        if self._anticipates and could_end and person.looked_at_fade and person.judged is not None:
            self._prepare(person, person.judged)

    @property
    def _anticipates(self) -> bool:
        return self.settings.mode == "semantic" and self.settings.anticipate

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
        if person.sentence_asked is not None and not person.closed:
            return  # nothing is prepared beside it: on a small machine each would make the other late
        wait = 0.0 if person.closed else required_wait_s(person.evidence, self.settings)
        if person.closed or person.silence_s >= wait:
            self._commit(person)
        elif wait <= _SPECULATE_UP_TO_S and not person.closed:
            self._prepare(person, person.transcript)

    def _prepare(self, person: ParticipantRecord, said: str) -> None:
        """Let an answer to these words be made ahead of the commit, once."""
        if person.prepared is not None and words.normalise(person.prepared) == words.normalise(said):
            return
        wanted = self.settings.create_response and person.live and self._deserves_answer(person, said)
        if wanted and not self.active_responses:
            person.prepared = said
            self._responses.drop_speculation(person.name)
            self._responses.start(person.name, person.turn, said, self._now, speculative=True)

    def _drop_if_other(self, person: ParticipantRecord, said: str) -> None:
        """An answer that was prepared for other words is none to these."""
        prepared = self._responses.speculation(person.name)
        if prepared is not None and words.normalise(prepared.transcript) != words.normalise(said):
            self._responses.drop_speculation(person.name)
            person.prepared = None

    def _deserves_answer(self, person: ParticipantRecord, said: str) -> bool:
        """Whether the words are more than noise, and not just a "stop" into an answer."""
        hush = person.interrupted and words.asks_for_silence(said, self.settings.language)
        return not words.is_noise(said) and not hush

    def _commit(self, person: ParticipantRecord) -> None:
        transcript = person.transcript or ""
        speculation = self._responses.speculation(person.name)
        manual = person.closed and self.settings.mode == "manual"
        person.step("turn committed")
        person.patience_s /= 2
        if not manual:
            self._announce(person)
        began, ended = person.onset_s, person.last_voiced_s
        self._out.append(act.CommitTurn(person.name, person.turn, transcript, began, ended, person.lost))
        deserved = person.lost or self._deserves_answer(person, transcript)
        answer = self.settings.create_response and not manual and deserved
        if answer and speculation is not None:
            self._waiting.pop(person.name, None)
            self._responses.commit(speculation, self._now)
        elif answer and not person.live:
            person.reply_due = True
        elif answer or person.name in self._waiting:
            self._waiting[person.name] = person.turn
        if not answer:
            self._responses.drop_speculation(person.name)
            self._idle_since = self._now

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
        last = person.partial_asked_s
        due = person.voiced_s >= self.settings.partial_after_s and (last is None or person.media_s - last >= 0.2)
        if verdict is Verdict.OPEN and due:
            self._ask_partial(person, urgent=True)
        return verdict

    def _ask_partial(self, person: ParticipantRecord, *, urgent: bool) -> None:
        person.partial_asked_s = person.media_s
        self._out.append(act.TranscribePartial(person.name, person.turn, person.revision, urgent))

    def _confirm(self, person: ParticipantRecord) -> None:
        over, person.over = person.over, []
        person.interrupt()
        self._announce(person)  # first: blind clients drop their buffer on it
        self._responses.cut(self._responses.by_id(over), "turn_detected")

    def _resume(self, person: ParticipantRecord) -> None:
        over, person.over = person.over, []
        self._discard(person)
        self._responses.resume(over, self._now)

    def _discard(self, person: ParticipantRecord) -> None:
        person.step("turn discarded")
        self._responses.drop_speculation(person.name)
        self._out.append(act.DiscardTurn(person.name, person.turn))

    # -- evidence -------------------------------------------------------------------------------------

    def _scored(self, event: ev.EndOfTurnScored) -> None:
        person = self._person(event.participant)
        if person.is_current(event.turn, event.revision) and person.speech is Speech.PAUSING:
            person.scores.append(event.probability)
            self._progress(person)

    def _transcribed(self, event: ev.Transcribed) -> None:
        person = self._person(event.participant)
        if not person.is_current(event.turn, event.revision):
            return
        if not event.final:
            person.partial = event.text
        elif person.speech is Speech.PAUSING:
            person.transcript, person.lost = event.text, event.lost
        if event.final or (person.speech is Speech.SPEAKING and event.text):
            self._drop_if_other(person, event.text)
            self._judge_words(person, event.text)
        self._progress(person)

    def _judge_words(self, person: ParticipantRecord, said: str) -> None:
        """Ask whether the turn's words can end there, unless that was asked about the same words."""
        if self.settings.mode != "semantic" or person.closed or person.over:
            return
        if person.judged is None or words.normalise(person.judged) != words.normalise(said):
            person.judged, person.sentence, person.sentence_asked = said, None, self._now
            urgent = person.speech is Speech.PAUSING
            self._out.append(act.ScoreEndOfSentence(person.name, person.turn, said, urgent))

    def _sentence_scored(self, event: ev.EndOfSentenceScored) -> None:
        person = self._person(event.participant)
        if person.holds_floor and person.turn == event.turn and person.judged == event.text:
            person.sentence, person.sentence_asked = event.probability, None
            self._progress(person)

    def _sentence_lost(self, person: ParticipantRecord) -> None:
        person.sentence_asked = None
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
        self._responses.drop_speculation(person.name)
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

    def _start_waiting(self) -> None:
        """Start what waits for the floor once it is free."""
        if not self._waiting:
            return
        participant, turn = next(iter(self._waiting.items()))
        holders = [p.name for p in self._people.values() if p.holds_floor]
        playing = [r.speaker for r in self._responses.active]
        if not all(self._floor.may_play(s, holders, playing) for s in self._floor.answering(participant)):
            return
        del self._waiting[participant]
        person = self._person(participant)
        transcript = (person.transcript or "") if turn == person.turn else ""
        self._idle_since = None
        self._responses.start(participant, turn, transcript, self._now)

    def _response_ended(self, response: str) -> None:
        for person in self._people.values():
            if response in person.over:
                person.over.remove(response)
                if not person.over:
                    self._announce(person)  # nothing is left to resume: the speech stands as a turn
        if not self._responses:
            self._idle_since = self._now

    def _response_requested(self, event: ev.ResponseRequested) -> None:
        self._person(event.participant)
        self._waiting[event.participant] = None

    def _response_cancelled(self, event: ev.ResponseCancelled) -> None:
        self._responses.cancelled(event)
        if event.response is None:
            self._waiting.clear()

    def _starved(self, event: ev.PlayoutStarved) -> None:
        self._responses.starved(event, self._now)

    # -- deadlines ------------------------------------------------------------------------------------

    def _deadlines(self) -> list[Deadline]:
        """Every wait that must not last for ever, with what follows when it does."""
        settings = self.settings
        found: list[Deadline] = []
        for person in self._people.values():
            if person.holds_floor and not person.closed:
                found.append((person.arrived + settings.media_timeout_s, partial(self._media_lost, person)))
            if person.speech is Speech.PAUSING and person.transcript is None and person.final_asked is not None:
                long_s = person.voiced_s * settings.transcript_share
                at = person.final_asked + settings.transcript_timeout_s + long_s
                found.append((at, partial(self._transcript_lost, person)))
            if person.speech is Speech.PAUSING and person.sentence_asked is not None:
                at = person.sentence_asked + settings.sentence_timeout_s
                found.append((at, partial(self._sentence_lost, person)))
        found += self._responses.deadlines(settings)
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
        person.transcript, person.lost = "", True
        self._progress(person)

    def _idle(self) -> None:
        self._idle_since = None
        if any(p.holds_floor for p in self._people.values()) or self._responses:
            return
        participant = next(iter(self._people), "user")
        self._out.append(act.AnnounceIdle(participant))
        self._waiting[participant] = None
