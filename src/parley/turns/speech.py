"""A turn that forms: what is asked about it, what is prepared for it, when it is over."""

from __future__ import annotations

from typing import Literal

from parley.turns import actions as act
from parley.turns import events as ev
from parley.turns import words
from parley.turns.context import TurnContext
from parley.turns.floor import Floor
from parley.turns.overlap import Overlap
from parley.turns.policies.echo_veto import is_own_echo
from parley.turns.policies.endpointing import required_wait_s
from parley.turns.policies.far_voice import is_far_away
from parley.turns.records import EarlierTurn, ParticipantRecord
from parley.turns.responses import Responses
from parley.turns.tables import Speech

_PREPARE_S = 0.5  # before the end that is foreseen an answer begins to be made: earlier ones mostly come to nothing
_FADE_APART_S = 0.1  # what was looked at so lately is not looked at again because the voice fades
_COULD_END = 0.2  # probability of a sentence's end from which words that are still being spoken could be all


class SpeechRules:
    """What follows from the voices, the media and the evidence of each person."""

    def __init__(self, context: TurnContext, responses: Responses, floor: Floor, overlap: Overlap) -> None:
        self._context = context
        self._responses = responses
        self._floor = floor
        self._overlap = overlap

    # -- voice ----------------------------------------------------------------------------------------

    def voice_started(self, event: ev.VoiceStarted) -> None:
        """A turn begins, or goes on after a pause."""
        person = self._context.person(event.participant)
        manual = person.settings.mode == "manual"
        if person.speech is Speech.SPEAKING or manual or person.closed:
            return
        if (why := self._veto(event)) is not None:
            self._context.order(act.DisregardVoice(person.name, why))
            return
        person.media_s = max(person.media_s, event.at)
        person.arrived = self._context.now
        went_on = person.speech is Speech.PAUSING
        person.step("voice started")
        self._floor.idle_since = None
        if not went_on:
            person.begin_turn(event.at, self._context.next_turn)
            self._overlap.begin(person)
            return
        person.revision += 1
        person.forget_pause()
        if not person.anticipates:  # else it is kept until the words are others
            self._responses.drop_speculations(person.name)
            person.prepared = None

    def _veto(self, event: ev.VoiceStarted) -> Literal["echo", "far away"] | None:
        """Why a voice is none that counts, if so."""
        if is_own_echo(event.echo_likeness, event.usual_likeness):
            return "echo"
        return "far away" if self._responses.active and is_far_away(event.below_own_db) else None

    def voice_faded(self, event: ev.VoiceFaded) -> None:
        """These may be the last words: when the voice has really stopped, they are known."""
        person = self._context.person(event.participant)
        due = person.media_s - max(person.onset_s, person.partial_asked_s or 0.0) >= _FADE_APART_S
        wanted = person.anticipates and person.live and not person.paused_responses
        if person.speech is Speech.SPEAKING and wanted and due:
            person.looked_at_fade = True
            self._context.ask_partial(person, urgent=False)

    def voice_stopped(self, event: ev.VoiceStopped) -> None:
        """A pause begins."""
        person = self._context.person(event.participant)
        if person.speech is not Speech.SPEAKING:
            return
        person.step("voice stopped")
        person.last_voiced_s = max(person.onset_s, event.at)
        self.progress(person)

    def media_advanced(self, event: ev.MediaAdvanced) -> None:
        """Silence grows, or speech."""
        person = self._context.person(event.participant)
        person.media_s = max(person.media_s, event.to)
        person.arrived = self._context.now
        person.live, person.load = event.live, event.load
        if person.holds_floor:
            self.progress(person)
        if person.reply_due and person.live and not person.holds_floor:
            person.reply_due = False
            self._floor.ask(person.name, person.turn)

    # -- evidence -------------------------------------------------------------------------------------

    def scored(self, event: ev.EndOfTurnScored) -> None:
        """The turn model has judged."""
        person = self._context.people.get(event.participant)
        if person and person.is_current(event.turn, event.revision) and person.speech is Speech.PAUSING:
            person.scores.append(event.probability)
            self.progress(person)

    def transcribed(self, event: ev.Transcribed) -> None:
        """The words are known, or some of them."""
        person = self._context.people.get(event.participant)
        if person is None or not person.is_current(event.turn, event.revision):
            return
        if not event.final:
            person.partial = event.text
        elif person.awaits_verdict:
            person.transcript, person.lost, person.heard_finished = event.text, event.lost, event.finished
        if event.final or (person.speech is Speech.SPEAKING and event.text):
            self._drop_if_other(person, event.text)
            if event.finished is None or person.anticipates:
                self._judge_words(person, event.text)
        self.progress(person)

    def _drop_if_other(self, person: ParticipantRecord, said: str) -> None:
        """An answer that was prepared for other words is none to these."""
        prepared = self._responses.speculations(person.name)
        if any(words.normalise(r.transcript) != words.normalise(said) for r in prepared):
            self._responses.drop_speculations(person.name)
            person.prepared = None

    def _judge_words(self, person: ParticipantRecord, said: str) -> None:
        """Ask whether the turn's words can end there, unless that was asked about the same words."""
        if person.settings.mode != "semantic" or person.closed or person.paused_responses:
            return
        if person.scored_text is None or words.normalise(person.scored_text) != words.normalise(said):
            person.scored_text, person.sentence_end_asked = said, self._context.now
            person.sentence_end_probability = None
            urgent = person.awaits_verdict
            self._context.order(act.ScoreEndOfSentence(person.name, person.turn, said, urgent))

    def sentence_scored(self, event: ev.EndOfSentenceScored) -> None:
        """The words were judged."""
        person = self._context.people.get(event.participant)
        if person and person.holds_floor and person.turn == event.turn and person.scored_text == event.text:
            person.sentence_end_probability, person.sentence_end_asked = event.probability, None
            self.progress(person)

    def sentence_lost(self, person: ParticipantRecord) -> None:
        """The verdict about the words takes too long: it is not waited for."""
        person.sentence_end_asked = None
        self.progress(person)

    def transcript_lost(self, person: ParticipantRecord) -> None:
        """The words take too long: they will never be known."""
        person.transcript, person.lost = "", True
        self.progress(person)

    def media_lost(self, person: ParticipantRecord) -> None:
        """Nothing arrives any more: what was said until here is the turn."""
        if person.speech is Speech.SPEAKING:
            person.last_voiced_s = person.media_s
            person.revision += 1
            person.forget_pause()
        person.step("media lost")
        self.progress(person)

    # -- the client's word ----------------------------------------------------------------------------

    def input_committed(self, event: ev.InputCommitted) -> None:
        """The client ends the turn."""
        person = self._context.person(event.participant)
        if person.closed:
            return
        if person.speech is Speech.SILENT:
            person.begin_turn(person.last_voiced_s, self._context.next_turn)
        person.step("input committed")
        person.last_voiced_s = person.media_s
        person.revision += 1
        person.forget_pause()
        self._responses.drop_speculations(person.name)
        self.progress(person)

    def input_cleared(self, participant: str) -> None:
        """The client throws away what was said."""
        person = self._context.person(participant)
        person.committed = None  # what follows goes on with nothing
        if person.paused_responses:
            self._overlap.resume(person)
        elif person.holds_floor:
            self._overlap.discard(person)

    # -- a turn forms ---------------------------------------------------------------------------------

    def progress(self, person: ParticipantRecord) -> None:
        """Look again at a turn that is forming: ask for evidence, judge, commit."""
        if person.awaits_verdict:
            self._ask_evidence(person)
        if person.paused_responses:
            self._overlap.judge(person)
        elif person.speech is Speech.SPEAKING:
            self._follow(person)
        if person.unfinished is not None and not person.paused_responses and _goes_on(person):
            self._rejoin(person, person.unfinished)
        if person.awaits_verdict and not person.paused_responses:
            self._try_commit(person)

    def _rejoin(self, person: ParticipantRecord, earlier: EarlierTurn) -> None:
        """The turn before was the beginning of this one: the words of both are asked for together."""
        self._responses.drop_speculations(person.name)
        person.take_up(earlier)
        self._context.order(act.RejoinTurn(person.name, person.turn, earlier.turn))
        if person.awaits_verdict:
            self._ask_evidence(person)

    def _follow(self, person: ParticipantRecord) -> None:
        """Look at the words of a turn while it is spoken: recogniser, judges and engine get a start."""
        since = max(person.onset_s, person.partial_asked_s or 0.0)
        if person.live and person.media_s - since >= person.settings.follow_every_s:
            person.looked_at_fade = False
            self._context.ask_partial(person, urgent=False)
        could_end = person.sentence_end_probability is not None and person.sentence_end_probability >= _COULD_END
        if person.anticipates and could_end and person.looked_at_fade and person.scored_text is not None:
            self._prepare(person, person.scored_text)

    def _ask_evidence(self, person: ParticipantRecord) -> None:
        silence, settings = person.silence_s, person.settings
        if person.final_asked is None and (person.closed or silence >= settings.speculate_after_s):
            person.final_asked = person.words_looked_at = self._context.now
            until = person.media_s if person.closed else person.last_voiced_s
            self._context.order(act.FinalizeTranscript(person.name, person.turn, person.revision, until))
        if settings.mode != "semantic" or person.closed:
            return
        due = sum(1 for at in settings.score_at_s if silence >= at)
        if due > person.scores_asked:
            person.scores_asked = due
            self._context.order(act.ScoreEndOfTurn(person.name, person.turn, person.revision))

    def _try_commit(self, person: ParticipantRecord) -> None:
        if person.transcript is None:
            return
        if person.sentence_end_asked is not None and not person.closed:
            return  # nothing is prepared beside it: on a small machine each would make the other late
        wait = 0.0 if person.closed else required_wait_s(person.evidence, person.settings)
        if person.closed or person.silence_s >= wait:
            self._commit(person)
        elif wait - person.silence_s <= _PREPARE_S:
            self._prepare(person, person.transcript)

    def _prepare(self, person: ParticipantRecord, said: str) -> None:
        """Let an answer to these words be made ahead of the commit, once."""
        if person.prepared is not None and words.normalise(person.prepared) == words.normalise(said):
            return
        wanted = person.settings.create_response and person.live and _deserves_answer(person, said)
        if wanted and (agents := self._floor.ready_to_answer(person, said)):
            person.prepared = said
            self._responses.drop_speculations(person.name)
            for agent in agents:
                request = self._floor.request_to(agent, person.name)
                self._responses.start(agent, person.name, person.turn, said, request, speculative=True)

    def _commit(self, person: ParticipantRecord) -> None:
        transcript, settings = person.transcript or "", person.settings
        manual = person.closed and settings.mode == "manual"
        person.step("turn committed")
        person.committed = EarlierTurn(person.turn, person.onset_s, person.last_voiced_s)
        person.grace_s /= 2
        if not manual:
            self._context.announce(person)
        began, ended = person.onset_s, person.last_voiced_s
        self._context.order(act.CommitTurn(person.name, person.turn, transcript, began, ended, person.lost))
        deserved = person.lost or _deserves_answer(person, transcript)
        if settings.create_response and not manual and deserved:
            self._answer(person)
        else:
            self._floor.ask(person.name, person.turn, self._floor.asked_about(person.name))
            self._responses.drop_speculations(person.name)
            self._floor.idle_since = self._context.now

    def _answer(self, person: ParticipantRecord) -> None:
        if person.live or self._responses.speculations(person.name):
            self._floor.answer(person)
        else:
            person.reply_due = True


def _goes_on(person: ParticipantRecord) -> bool:
    """Whether the words into an answer that came too early go on with what was said before: a "stop" does not."""
    said, language = person.transcript or person.partial, person.settings.language
    return not (words.is_noise(said) or words.is_backchannel(said, language) or words.asks_for_silence(said, language))


def _deserves_answer(person: ParticipantRecord, said: str) -> bool:
    """Whether the words are more than noise, and not just a "stop" into an answer."""
    hush = person.interrupted and words.asks_for_silence(said, person.settings.language)
    return not words.is_noise(said) and not hush
