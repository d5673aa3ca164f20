"""A conversation: performs what the turn-taker orders, tells it what happens, and keeps the history true.

People and agents take part in it, connections join and leave it, and it outlives them.

House rules: no policy lives here. Every event goes through `dispatch`, every action through `_perform`,
one at a time and in order. Time is the running loop's clock. Its tasks end with `aclose`.
"""

# Above 300 lines: everything that a connection may ask of a conversation, most of it handed on in a line or two.
from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Protocol, Self

import structlog

from parley.audio.pcm import Float32, Int16
from parley.conversation import notifications as nt
from parley.conversation.agent import Agent, Persona
from parley.conversation.audience import AListener, Audience
from parley.conversation.audio_items import AudioItems
from parley.conversation.circle import Circle, Place
from parley.conversation.context import Context
from parley.conversation.crowd import CROWD
from parley.conversation.delegate import Delegate
from parley.conversation.engine_change import EngineChange
from parley.conversation.engines.base import Engine
from parley.conversation.followers import Broke, Followers, Tell
from parley.conversation.items import USER, Item, new_id
from parley.conversation.listener import Outlet
from parley.conversation.person import Person
from parley.conversation.responses.out_of_band import OutOfBand
from parley.conversation.responses.response import Response, ResponseOptions
from parley.conversation.responses.runner import ResponseRunner
from parley.conversation.settings import SessionModels, SessionSettings
from parley.conversation.turn_driver import TurnDriver
from parley.conversation.turn_notes import TurnNotes
from parley.errors import ProtocolError
from parley.turns import actions as act
from parley.turns import events as ev
from parley.turns.ledger import HeardLedger
from parley.turns.policies.floor import FloorName
from parley.turns.settings import TurnSettings

log = structlog.get_logger("conversation")

_CLOSE_S = 2.0


Ear = Callable[[str, Int16, int], None]
"""Gets what somebody says: a name, samples, their rate in Hz."""


class Programme(Protocol):
    """What steers or follows a conversation beside its people: a debate, a recording."""

    def notice(self, notification: nt.Notification) -> None:
        """Something happened."""

    async def aclose(self) -> None:
        """The conversation ends, or it broke."""


class Conversation:
    """People, agents, and what was said. `aclose` releases everything; connections join it, see `Connection`."""

    def __init__(
        self,
        models: SessionModels,
        settings: SessionSettings,
        observe: Callable[[str, nt.Notification], None] = lambda *_: None,
    ) -> None:
        """`observe` counts what happens, and what it raises harms nobody."""
        self.id = new_id("sess")
        self._offered = models
        self._driver = TurnDriver(
            self.id, settings.turns, take=self._note, perform=self._perform,
            changed=self._changed, broke=self.break_down,
        )  # fmt: skip
        self._taker = self._driver.taker
        self.dispatch = self._driver.dispatch
        self._personas: Sequence[Persona] = (Persona(),)
        self.floor: FloorName = "addressed"
        """Who of the agents answers whom."""
        ledger, chosen = HeardLedger(), models.chosen(settings)
        self.context = Context(
            self.id, settings, chosen, self._made_agents(settings, chosen), self.emit, self.dispatch,
            self.spawn, ledger, Audience(ledger, self.dispatch), hears_voice=lambda: self._taker.hears_voice,
            load=lambda: CROWD.load(self), answerer=self._taker.answerer,
        )  # fmt: skip
        self.history = self.context.history
        self._followers = Followers()
        self.circle = Circle()
        self._observe = observe
        self._tasks: set[asyncio.Task[None]] = set()
        self._notes = TurnNotes()
        self.people: dict[str, Person] = {}
        """Those who are here, by name."""
        self._runner = ResponseRunner(self.context, self._notes, self._speech_so_far)
        self._out_of_band = OutOfBand(self.context, self._runner)
        self.audio_items = AudioItems(self.context, self.add_item, self._runner.history_changed)
        """Items that came as recordings."""
        self.programmes: dict[str, Programme] = {}
        """Are told what happens, after everybody else; by their kinds."""
        self.ears: dict[str, Ear] = {}
        """Get what others say, by whose they are."""
        self.broken = asyncio.Event()
        """Set when the conversation cannot go on; the transports close their connections then."""
        self._delegate = Delegate(
            self.context, self._out_of_band, self._delegate_engine, self._whisper, lambda: self.circle.host
        )
        if settings.delegate is not None:
            self.programmes["delegate"] = self._delegate
        self._engine_change = EngineChange(
            self.context, self.people, lambda: self._offered.chosen(self.settings), self._take_over,
            rests=lambda: self.state == "LISTENING",
        )  # fmt: skip
        self._begun = self._greeted = self._closed = False
        self._apply_settings()
        self._taker.adjust(lambda _: self._turns)
        CROWD.add(self)

    @property
    def models(self) -> SessionModels:
        """The models that it talks through."""
        return self.context.models

    @property
    def settings(self) -> SessionSettings:
        """As they stand."""
        return self.context.settings

    @property
    def agents(self) -> Mapping[str, Agent]:
        """Those who answer, by name."""
        return self.context.agents

    # -- life -----------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Begin to record what is decided on, if that is wanted; the first connection does this."""
        if self._begun:
            return
        self._begun = True
        if self.settings.evidence_folder is not None:
            self._driver.begin_log(self.settings.evidence_folder, self._turns)
        if self.models.engine.turns == "model":
            self._let_answer()
        self._runner.requests.voices.settle()

    def greet(self) -> None:
        """Say the greeting, if there is one, to the first who comes."""
        if not self._greeted and self.settings.greeting and self.settings.answers:
            self.request_response(ResponseOptions(say=self.settings.greeting))
        self._greeted = True

    async def __aenter__(self) -> Self:
        """Released at the end of the block."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """See `aclose`."""
        await self.aclose()

    async def aclose(self) -> None:
        """Release everything, however the conversation ends."""
        self._closed = True
        for programme in self.programmes.values():
            await programme.aclose()
        self._driver.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CLOSE_S)
        for person in self.people.values():
            await person.aclose()
        self.models.over(self.id)
        await self._driver.aclose()

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run something that ends with the conversation; a failure is logged and ends only that."""
        task = asyncio.create_task(work, name=f"{self.id}:{name}")
        self._tasks.add(task)
        task.add_done_callback(self._reap)
        return task

    def _reap(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("task failed", session=self.id, task=task.get_name(), exc_info=fault)

    # -- coming and going -----------------------------------------------------------------------------

    @property
    def present(self) -> Sequence[str]:
        """Names of the connections that have joined, those that only listen too."""
        return self._followers.names

    def join(self, place: Place, tell: Tell, broke: Broke, sent_away: Callable[[], None]) -> None:
        """Tell somebody from now on what happens; `broke` hears what `tell` raised. Raises `ProtocolError`."""
        name = place.name
        if name.casefold() in {other.casefold() for other in (*self.present, *self.agents)}:
            raise ProtocolError(
                f"somebody called '{name}' takes part already", field="name", code="name_taken",
            )  # fmt: skip
        self._followers.add(name, tell, broke)
        self.circle.enter(place, sent_away)

    def listen(self, name: str, make: Callable[[Outlet], AListener], broke: Broke) -> AListener:
        """Somebody listens from now on: `make` is given his outlet and returns him. Raises `ValueError`."""
        return self.context.audience.join(
            name, make, lambda: self.people[name].input.echo if name in self.people else None,
            made_room=self._runner.producer.made_room, heard_first=self._runner.heard_first, broke=broke,
        )  # fmt: skip

    async def enter(self, name: str, own: SessionSettings | None, broke: Broke) -> Person:
        """Somebody speaks from now on; `own`: settings of his own, None: the conversation's, as they change.

        `broke` hears that his input is not examined any more. Raises `ProtocolError`, and what a model raises that is
        to take the turns itself.
        """
        duplex = self.models.engine.duplex if self.settings.answers else None
        if duplex is not None and self.people:
            raise ProtocolError(
                "the model takes turns itself and talks with one person alone; join as a listener", field="room",
                code="unsupported",
            )  # fmt: skip
        person = self.people[name] = Person(  # at once: such a model is not for two who come together
            name, self.context, self._offered, self._notes, self._runner, own,
            answers=lambda: bool(self._taker.active_responses), awaits=self._awaits, broke=broke,
        )  # fmt: skip
        await person.listening.go_to(duplex)
        self.context.people[name] = True
        self.dispatch(ev.ParticipantEntered(name))
        if own is not None:
            self.dispatch(ev.SettingsChanged(self._offered.turns_of(own), name))
        return person

    async def leave(self, name: str) -> None:
        """A connection is gone: nobody speaks or listens through it any more. What nobody is left to hear is cut."""
        self._followers.remove(name)
        self.circle.leave(name)
        self.ears.pop(name, None)
        if not self.present:
            self.dispatch(ev.ResponseCancelled())  # what waits for the floor, too
        person = self.people.pop(name, None)
        if name in self.context.people:
            self.context.people[name] = False
        self.dispatch(ev.ParticipantLeft(name))  # who only listens may have asked for an answer
        self.context.audience.leave(name)
        self.tell_who_is_here()
        if person is not None:  # last: somebody else may have the name by the time that it is done
            await person.aclose()

    def overheard(self, name: str, samples: Int16, rate_hz: int) -> None:
        """Somebody says something: whoever else is there hears it."""
        for whose, ear in list(self.ears.items()):
            if whose != name:
                try:
                    ear(name, samples, rate_hz)
                except Exception:
                    log.error("a voice is not passed on", session=self.id, to=whose, exc_info=True)
                    self.ears.pop(whose, None)

    def set_agents(self, personas: Sequence[Persona], floor: FloorName) -> None:
        """Let others answer from the next turn on, at least one; raises `ProtocolError` for what cannot be."""
        names = [name.casefold() for name in (*self.present, *(persona.name for persona in personas))]
        if (taken := next((p.name for p in personas if names.count(p.name.casefold()) > 1), None)) is not None:
            raise ProtocolError(f"two would be called '{taken}'", field="room.agents", code="name_taken")
        if self.models.engine.duplex is not None:
            raise ProtocolError(
                "the model takes turns itself: there is one agent; choose another 'model' first", field="room.agents",
                code="unsupported",
            )  # fmt: skip
        self._personas, self.floor = tuple(personas), floor
        self._apply_settings()
        self._let_answer()
        self._runner.restart_speculations()
        self.tell_who_is_here()

    def tell_who_is_here(self) -> None:
        """After somebody came or went, or other agents answer."""
        members = self.circle.members
        self.emit(nt.RoomChanged(tuple(self.people), tuple(self.agents), self.present, self.floor, members))

    def mute(self, name: str, *, muted: bool) -> None:
        """Take nothing more of what a guest says, or all again; raises `ProtocolError`."""
        self.circle.mute(name, muted=muted)
        self.tell_who_is_here()

    def raise_hand(self, name: str, *, up: bool) -> None:
        """Somebody asks for the floor, or no longer; who begins to speak has it."""
        if self.circle.raise_hand(name, up=up):
            self.tell_who_is_here()

    # -- what clients ask -----------------------------------------------------------------------------

    def add_item(self, item: Item, after: str | None = None) -> None:
        """Put an item into the history; raises `ProtocolError`."""
        if not self._delegate.has_asked_for(item):
            self._refuse_where_the_model_remembers("conversation.item.create")
        self.history.check_room(item)
        previous = self.history.insert(item, after)
        self.emit(nt.ItemAdded(item, previous))
        self.emit(nt.ItemDone(item, previous))
        self._runner.history_changed()
        if item.role == "user":
            self.raise_hand(item.speaker, up=False)

    def delete_item(self, item_id: str) -> None:
        """Take an item out of the history; an answer that is being given ends with it. Raises `ProtocolError`."""
        self._refuse_where_the_model_remembers("conversation.item.delete")
        self.history.get(item_id)
        if (key := self._runner.key_of_item(item_id)) is not None:
            self.dispatch(ev.ResponseCancelled(key))
        self.history.delete(item_id)
        self.emit(nt.ItemDeleted(item_id))
        self._runner.history_changed()

    def truncate_item(self, item_id: str, audio_end_ms: int, listener: str = USER) -> None:
        """A listener says how much of an answer he heard; clamped to what was sent."""
        self.history.get(item_id)
        self._runner.truncate(item_id, audio_end_ms / 1000, listener)
        self.emit(nt.ItemTruncated(item_id, audio_end_ms))

    def request_response(self, options: ResponseOptions | None = None) -> None:
        """Ask for an answer now (or as soon as nobody speaks).

        Raises `ProtocolError` where the model takes turns itself, but for fixed words, which a voice says.
        """
        options = options or ResponseOptions()
        if options.say is None:
            if self.models.engine.duplex is not None and self._delegate.goes_on_by_itself:
                return
            self.refuse_where_the_model_takes_turns("response.create")
        if (stranger := next((name for name in options.agents or () if name not in self.agents), None)) is not None:
            raise ProtocolError(
                f"no agent is called '{stranger}'; there are {', '.join(self.agents)}",
                field="response.parley.agents",
            )  # fmt: skip
        if options.out_of_band and (options.modality or self.settings.modality) == "text":
            self._out_of_band.start(options)
            return

        def ask() -> None:
            self.audio_items.then(lambda: self._runner.ask_for(options))

        person = self.people.get(options.participant)
        if person is None:
            ask()
        else:
            person.input.after_commit(ask)

    def withdraw_request(self, response_id: str) -> None:
        """The response that was asked for by that id is not wanted any more; one that is given goes on."""
        self._runner.withdraw(response_id)

    def cancel_response(self, response_id: str | None = None) -> bool:
        """Cancel one response or all; returns whether there was one."""
        if self._out_of_band.cancel(response_id):
            return True
        key = self._runner.key_of(response_id) if response_id else None
        if (response_id and key is None) or not self._taker.active_responses:
            return False
        self.dispatch(ev.ResponseCancelled(key))
        return True

    def response(self, key: str) -> Response | None:
        """The running answer that the turn-taker calls `key`."""
        return self._runner.responses.get(key)

    def response_key(self, response_id: str) -> str | None:
        """The turn-taker's name of a running response."""
        return self._runner.key_of(response_id)

    @property
    def active_response(self) -> str | None:
        """Id of the response that is committed and not over."""
        keys = self._taker.active_responses
        response = self._runner.responses.get(keys[0]) if keys else None
        return response.id if response else None

    def correct_heard(self, response_id: str, until_s: float, listener: str = USER) -> None:
        """A listener's late, better position, also of a response that is over."""
        self._runner.correct_response(response_id, until_s, listener)

    def refuse_where_the_model_takes_turns(self, wish: str) -> None:
        """Raise `ProtocolError` where nobody is asked for answers."""
        if self.models.engine.duplex is not None:
            raise ProtocolError(
                f"'{wish}' is not available with a model that takes turns itself; choose another 'model' first",
                field="type", code="unsupported",
            )  # fmt: skip

    # -- settings -------------------------------------------------------------------------------------

    def update(self, settings: SessionSettings) -> None:
        """Replace the settings; they count from the next turn or response on.

        What was prepared for a turn that is not committed is prepared anew: no word of it comes from before.
        """
        before, self.context.settings = self.settings, settings
        self._apply_settings()
        self._runner.requests.voices.settle()
        if replace(before, turns=settings.turns) != settings:
            self._runner.restart_speculations()
        self.dispatch(ev.SettingsChanged(self._turns))

    def update_person(self, person: Person, own: SessionSettings) -> None:
        """Replace the settings of somebody who has his own."""
        person.own = own
        person.configure()
        self.dispatch(ev.SettingsChanged(self._offered.turns_of(own), person.name))

    @property
    def _turns(self) -> TurnSettings:
        return self.models.turns_of(self.settings)

    def _made_agents(self, settings: SessionSettings, models: SessionModels) -> dict[str, Agent]:
        made = [(persona, persona.over(settings)) for persona in self._personas]
        return {
            persona.name: Agent(persona, own, models if persona.engine is None else self._offered.chosen(own))
            for persona, own in made
        }

    def _refuse_where_the_model_remembers(self, wish: str) -> None:
        if self.models.engine.history == "model":
            raise ProtocolError(
                f"'{wish}' is not available with a model that remembers on its own; choose another 'model' first",
                field="type", code="unsupported",
            )  # fmt: skip

    def _apply_settings(self) -> None:
        chosen = self._offered.chosen(self.settings)
        if chosen.engine.duplex is not self.models.engine.duplex:
            chosen = replace(chosen, engine=self.models.engine)  # it changes between two turns
            self._engine_change.begin()
        self._go_by(chosen)
        for person in self.people.values():
            person.configure()

    def _go_by(self, models: SessionModels) -> None:
        self.context.models = models
        self.context.agents = self._made_agents(self.settings, models)

    def _let_answer(self) -> None:
        """Tell the turn-taker who answers; a model that takes turns itself speaks when it likes to."""
        floor: FloorName = "free" if self.models.engine.turns == "model" else self.floor
        self.dispatch(ev.AgentsChanged(tuple(self.agents), floor))

    def _take_over(self, models: SessionModels) -> None:
        """Another engine has taken the place of the one before."""
        self._go_by(models)
        self._let_answer()
        self.dispatch(ev.ResponseCancelled())
        for name in self.people:
            self.dispatch(ev.InputCleared(name))
        self._apply_settings()
        self.dispatch(ev.SettingsChanged(self._turns))  # whether answers are prepared ahead depends on the engine

    # -- the machine ----------------------------------------------------------------------------------

    @property
    def is_waited_for(self) -> bool:
        """Whether somebody has finished speaking and not everything of the answer is made."""
        return not self._closed and (self._taker.awaits_verdict or self._runner.producing)

    @property
    def answers(self) -> bool:
        """Whether an answer sounds, is written or is on its way to somebody who has finished speaking."""
        return not self._closed and (bool(self._taker.active_responses) or self._taker.awaits_verdict)

    def _awaits(self, order: act.Question) -> bool:
        """Whether an answer would still be looked at; asked from any thread."""
        return self._taker.awaited.awaits(order)

    @property
    def is_spoken_to(self) -> bool:
        """Whether somebody is in a turn."""
        return self.state == "USER_SPEAKING"

    @property
    def state(self) -> str:
        """Who is doing what, in one word (see `TurnTaker.view`)."""
        return self._taker.view

    @property
    def now(self) -> float:
        """The loop's clock, seconds."""
        return asyncio.get_running_loop().time()

    def _changed(self, state: str) -> None:
        self._engine_change.look()
        self.emit(nt.StateChanged(state))

    def emit(self, notification: nt.Notification) -> None:
        """Tell the outside."""
        if self._closed:
            return
        try:
            self._observe(self.id, notification)
        except Exception:
            log.error("not counted", session=self.id, notification=type(notification).__name__, exc_info=True)
        self._followers.tell(notification)
        for kind, programme in list(self.programmes.items()):
            try:
                programme.notice(notification)
            except Exception:
                log.error("a programme breaks off", session=self.id, programme=kind, exc_info=True)
                if self.programmes.get(kind) is programme:
                    del self.programmes[kind]
                self.spawn(programme.aclose(), f"{kind} ends")

    def break_down(self, why: str, fault: BaseException) -> None:
        """The conversation cannot go on as it should: it ends, and its clients are told; no other one is touched."""
        log.error("session breaks down", session=self.id, why=why, exc_info=fault)
        self.broken.set()

    def _note(self, event: ev.Event) -> None:
        """Remember times for the waterfall."""
        if isinstance(event, ev.Transcribed) and event.final:
            self._notes.of(event.participant, event.turn).transcribed = self.now
        elif isinstance(event, ev.VoiceStopped):
            self._notes.voice_stopped[event.participant] = self.now
            self._runner.producer.made_room()
        elif isinstance(event, ev.PlayoutStarted):
            self._runner.first_frame(event.response)

    def _perform(self, action: act.Action) -> None:
        match action:
            case (
                act.StartResponse() | act.CommitResponse() | act.PausePlayout() | act.ResumePlayout()
                | act.ReviveResponse() | act.EndResponse()
            ):  # fmt: skip
                self._runner.perform(action)
            case _ if (person := self.people.get(action.participant)) is not None:
                person.perform(action)
                if isinstance(action, act.AnnounceSpeechStarted):
                    self.raise_hand(person.name, up=False)
            case _:
                log.debug("nobody is there", session=self.id, action=type(action).__name__)

    def _delegate_engine(self) -> Engine | None:
        engine = self._offered.engines.get(self.settings.delegate or "")
        return engine if engine is not None and engine.turns == "ours" else None

    def _whisper(self, text: str) -> None:
        for person in self.people.values():
            person.listening.whisper(text)

    def _speech_so_far(self, name: str) -> Float32:
        """The sound of the turn that somebody is forming."""
        return self.people[name].input.sound.turn()
