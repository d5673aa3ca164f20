"""Speech over an answer: it is paused at the onset, and judged for each person whether that takes the floor.

House rules: an answer that several people speak over goes on when nobody is judged any more, and is cut as soon as one
of them is confirmed.
"""

from __future__ import annotations

from parley.turns import actions as act
from parley.turns import words
from parley.turns.context import TurnContext
from parley.turns.floor import Floor
from parley.turns.policies.endpointing import had_not_finished
from parley.turns.policies.interruption import Verdict, has_thought_better, judge_voice, judge_words
from parley.turns.records import EarlierTurn, ParticipantRecord
from parley.turns.responses import Responses

_PARTIAL_APART_S = 0.2  # between two looks at the words over an answer


class Overlap:
    """Decides about people who speak while something sounds or is about to."""

    def __init__(self, context: TurnContext, responses: Responses, floor: Floor) -> None:
        self._context = context
        self._responses = responses
        self._floor = floor

    def begin(self, person: ParticipantRecord) -> None:
        """Somebody begins to speak: pause what is sounding, or cancel it, or let it sound, as the settings say."""
        settings = person.settings
        if settings.interrupt_response and not settings.cancel_at_onset:
            person.paused_responses = self._responses.pause()
            if person.paused_responses:
                person.unfinished = self._unfinished(person)
                return
        self._context.announce(person)
        if settings.interrupt_response:
            if self._responses.active:
                person.interrupt()
            self._responses.cut(self._responses.active, "turn_detected")

    def judge(self, person: ParticipantRecord) -> None:
        """Look again at somebody who speaks over an answer."""
        verdict = self._verdict(person)
        if verdict is Verdict.CONFIRM:
            self._confirm(person)
        elif verdict is Verdict.RESUME:
            person.hesitate()
            self.resume(person)

    def _verdict(self, person: ParticipantRecord) -> Verdict:
        settings = person.settings
        language = settings.language
        if person.transcript is not None:
            verdict = judge_words(person.transcript, final=True, language=language)
            over = person.closed or has_thought_better(person.silence_s)
            return Verdict.RESUME if verdict is Verdict.OPEN and over else verdict
        verdict = judge_words(person.partial, final=False, language=language)
        if verdict is Verdict.OPEN:
            heard_backchannel = words.may_be_listening(person.partial, language)
            verdict = judge_voice(person.voiced_s, backchannel_so_far=heard_backchannel, settings=settings)
        if verdict is Verdict.OPEN and person.awaits_verdict:
            late = person.closed or person.silence_s >= settings.verdict_within_s
            return Verdict.RESUME if late else Verdict.OPEN
        if verdict is Verdict.OPEN and person.voiced_s >= settings.partial_after_s:
            asked_s = person.partial_asked_s
            if asked_s is None or person.media_s - asked_s >= _PARTIAL_APART_S:
                self._context.ask_partial(person, urgent=True)
        return verdict

    def _confirm(self, person: ParticipantRecord) -> None:
        paused_responses, person.paused_responses = person.paused_responses, []
        person.interrupt()
        self._context.announce(person)  # first: blind clients drop their buffer on it
        self._floor.give_up_answers()
        self._responses.cut(self._responses.by_id(paused_responses), "turn_detected")

    def _unfinished(self, person: ParticipantRecord) -> EarlierTurn | None:
        """The turn that was answered too early, if the answer to it is what is spoken over."""
        earlier = person.committed
        if earlier is None or person.settings.mode != "semantic":
            return None
        answers = [r for r in self._responses.active if (r.participant, r.turn) == (person.name, earlier.turn)]
        if not answers:
            return None
        heard_s = max(0.0 if r.heard_since is None else self._context.now - r.heard_since for r in answers)
        return earlier if had_not_finished(person.onset_s - earlier.last_voiced_s, heard_s) else None

    def resume(self, person: ParticipantRecord) -> None:
        """It was nothing: what nobody else speaks over goes on."""
        paused_responses, person.paused_responses = person.paused_responses, []
        self.discard(person)
        still_judged = {r for other in self._context.people.values() for r in other.paused_responses}
        self._responses.resume([r for r in paused_responses if r not in still_judged])

    def discard(self, person: ParticipantRecord) -> None:
        """The turn was none."""
        person.step("turn discarded")
        person.unfinished = None
        self._responses.drop_speculations(person.name)
        self._context.order(act.DiscardTurn(person.name, person.turn))

    def response_ended(self, response: str) -> None:
        """Who spoke over nothing but that has a turn of his own now: nothing is left to resume."""
        for person in self._context.people.values():
            if response in person.paused_responses:
                person.paused_responses.remove(response)
                if not person.paused_responses:
                    self._context.announce(person)
