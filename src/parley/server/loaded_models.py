"""The models of a server: pulling and loading them, and the models that sessions get of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from parley.adapters.webrtc_audio import AudioProcessor
from parley.conversation.engines.base import ResponsePart, ResponseRequest
from parley.conversation.engines.duplex import Voiced
from parley.conversation.engines.registry import engine_of
from parley.conversation.settings import SessionModels
from parley.emotions import EMOTIONS
from parley.errors import ModelError, ParleyError
from parley.models.catalogue import Model, catalogue
from parley.models.interfaces import ChatModel, ModelSpec
from parley.models.plugins import close, load
from parley.models.store import Progress, Store
from parley.models.succession import Succession
from parley.server.fleet_voices import FleetVoices, openai_voices
from parley.transports.mapping import AvailableModels, Hearing, Voices
from parley.workers.announcement import Announcement, Offer
from parley.workers.fleet import Fleet
from parley.workers.local_worker import LocalWorker
from parley.workers.remote_duplex import RemoteDuplex
from parley.workers.remote_recognizer import RemoteRecognizer
from parley.workers.routing import Need, route

log = structlog.get_logger("model")

_FIND_S = 120.0  # a worker that starts together with the server may have its models to bring
_SILENT_S = 5.0
_LOOK_S = 3.0
_LOADED_S = 180.0


def speaks(part: str) -> bool:
    """Whether a part is a voice, which lives in a worker."""
    return part == "tts" or part.startswith("voice:")


@dataclass(slots=True)
class LoadedModels:
    """The loaded models. Voices live in workers: one of the server's own, or those that are configured."""

    specs: dict[str, ModelSpec]
    """Part ("asr", "tts", "voice:espeak" ...) to what was loaded."""
    fleet: Fleet
    has_workers: bool = False
    """Whether the configuration names workers."""
    child: LocalWorker | None = None
    successor: tuple[Model, ModelSpec] | None = None
    """A better language model that may take the place of the one nobody asked for."""
    succeeded: list[str] = field(default_factory=list)
    """Language models whose place another one has taken: clients that knew them by name get that one."""
    absent_voices: dict[str, Model] = field(default_factory=dict)
    """Models that the server's own worker could load once somebody wants them, and whose files are not here."""
    models: dict[str, Any] = field(default_factory=dict)
    load_s: dict[str, float] = field(default_factory=dict)
    voices: Mapping[str, Any] = field(init=False)
    """Voice names to synthesisers, the default first."""

    def __post_init__(self) -> None:
        """Voices are those of the fleet."""
        self.voices = FleetVoices(self.fleet, self.specs["tts"].id, self._is_absent)

    def _is_absent(self, worker: Announcement, offer: Offer) -> bool:
        return offer.id in self.absent_voices and self.child is not None and worker.addr == self.child.address

    async def take_voice(self, name: str, within_s: float) -> None:
        """Have a further voice in memory, and offer it; its files are here. Raises `ModelError`."""
        if not await self.fleet.loaded(name, within_s):
            raise ModelError(f"the voice '{name}' was not loaded within {within_s:.0f} s")
        self.absent_voices.pop(name, None)

    def voice_is_here(self, voice: str) -> bool:
        """Whether a voice is in memory; the default one counts as such, and so does one that nobody offers now."""
        if voice not in self.voices or (model := self.voices[voice].name) == self.specs["tts"].id:
            return True
        return route(Need(model, fallback=False), self.fleet.standings).load is None

    async def bring_voice(self, voice: str, within_s: float = _LOADED_S) -> None:
        """Have a voice that is offered in memory; raises `ModelError`."""
        await self.take_voice(self.voices[voice].name, within_s)

    @property
    def for_sessions(self) -> SessionModels:
        """For sessions."""
        return SessionModels(
            vad=self.models["vad"],
            recognizer=self.models["asr"],
            engine=engine_of(self.specs["llm"].kind, self.models["llm"]),
            end_of_turn=self.models.get("end_of_turn"),
            end_of_sentence=self.models.get("end_of_sentence"),
            canceller=AudioProcessor,
            voices=self.voices,
            voice_is_here=self.voice_is_here,
            bring_voice=self.bring_voice,
            over=self.fleet.bindings.forget,
            hold=lambda session, paused: self.fleet.bindings.hold(session, paused=paused),
            engines={name: engine_of(kind, model) for name, (kind, model) in self._answering.items()},
            recognizers=self.all_of("asr"),
        )

    def all_of(self, part: str) -> dict[str, Any]:
        """The models that can take a part, by name, the default first."""
        return {spec.id: self.models[name] for name, spec in self._parts(part)}

    def _parts(self, kind: str) -> list[tuple[str, ModelSpec]]:
        """The parts that are one thing or another of it, the default first."""
        return [(part, spec) for part, spec in self.specs.items() if part == kind or part.startswith(f"{kind}:")]

    @property
    def _answering(self) -> dict[str, tuple[str, Any]]:
        """What answers, its kind and the model, by every name that it has: "auto" may be a server's "llama3.2"."""
        known = {spec.id: (spec.kind, self.models[part]) for part, spec in self._parts("llm")}
        found = {model.name: (kind, model) for kind, model in known.values()} | known
        found |= {
            f"{name}/{voice}": (kind, Voiced(model, voice))
            for name, (kind, model) in known.items() if kind == "duplex" for voice in getattr(model, "voices", ())
        }  # fmt: skip
        default = next(iter(known.values()), None)
        return found | {name: default for name in self.succeeded if name not in found and default is not None}

    @property
    def llms(self) -> dict[str, Any]:
        """The models that answer by every name that they have."""
        return {name: model for name, (_, model) in self._answering.items()}

    def succeed_llm(self, spec: ModelSpec, model: ChatModel) -> None:
        """From now on `model` answers, also in conversations that are going on."""
        self.models["llm"].succeed(model)
        self.succeeded.append(self.specs["llm"].id)
        self.specs["llm"] = spec
        self.successor = None

    @property
    def available(self) -> AvailableModels:
        """For the protocol."""
        default = self.specs["tts"].id
        here = {spec.id for part, spec in self.specs.items() if speaks(part)}
        voices = Voices(
            default, self.voices, openai_voices(default, here), self.absent_voices,
            fixed_speed=lambda name: name in self.voices and self.voices[name].fixed_speed,
            emotions=lambda name: self.voices[name].emotions if name in self.voices else EMOTIONS,
        )  # fmt: skip
        recognizers = {name: Hearing(m.languages, m.guided_by) for name, m in self.all_of("asr").items()}
        return AvailableModels(voices, frozenset(self.llms), recognizers)

    async def aclose(self) -> None:
        """Unload everything."""
        for model in self.models.values():
            await close(model)
        await self.fleet.__aexit__()
        if self.child is not None:
            await self.child.aclose()


def pull(models: list[Model], store: Store, progress: Progress) -> None:
    """Bring what is missing; raises `PullError`, `LicenceRefused`."""
    for model in models:
        store.pull(model, progress)


async def load_all(loaded_models: LoadedModels, *, tell: Callable[[str, float], None] = lambda *_: None) -> None:
    """Load every model at once and warm it up; `tell` gets each part with its seconds."""

    async def one(part: str, spec: ModelSpec) -> None:
        began = time.monotonic()
        if part == "tts":
            await _find_voice(loaded_models, spec.id)
            loaded_models.models[part] = loaded_models.voices[spec.id]
        elif part.partition(":")[0] == "asr" and await _heard_elsewhere(loaded_models, spec.id):
            languages = catalogue().get(spec.id).languages
            loaded_models.models[part] = RemoteRecognizer(loaded_models.fleet, spec.id, languages)
        elif spec.kind == "duplex" and loaded_models.has_workers:  # it wants a GPU, and packages, of its own
            loaded_models.models[part] = await _conversing_elsewhere(loaded_models, spec.id)
        elif part == "llm" and loaded_models.successor is not None:
            loaded_models.models[part] = Succession(await load(spec))
        else:
            loaded_models.models[part] = await load(spec)
        loaded_models.load_s[part] = time.monotonic() - began
        log.info("loaded", part=part, model=spec.id, seconds=round(loaded_models.load_s[part], 2))
        tell(part, loaded_models.load_s[part])

    try:
        await loaded_models.fleet.__aenter__()
        async with asyncio.TaskGroup() as group:
            for part, spec in loaded_models.specs.items():
                if not part.startswith("voice:"):
                    group.create_task(one(part, spec))
    except ExceptionGroup as faults:
        await loaded_models.aclose()
        raise faults.exceptions[0] from None
    except BaseException:
        await loaded_models.aclose()
        raise
    await _warm_up(loaded_models.for_sessions)


async def _find_voice(loaded_models: LoadedModels, name: str) -> None:
    """Start the server's own worker, or wait until another one answers, saying what for; raises `ModelError`."""
    if loaded_models.child is not None:
        await loaded_models.child.start()
        loaded_models.fleet.add(loaded_models.child.address, listed=True)

    def found() -> bool:
        return route(Need(name), loaded_models.fleet.standings).now is not None

    if await loaded_models.fleet.until(found, _SILENT_S):
        return
    why = route(Need(name), loaded_models.fleet.standings).why
    log.warning("waiting for a worker", reason=why, at_most_s=_FIND_S)
    if not await loaded_models.fleet.until(found, _FIND_S):
        raise ModelError(route(Need(name), loaded_models.fleet.standings).why)


async def _heard_elsewhere(loaded_models: LoadedModels, name: str) -> bool:
    """Whether a worker other than the server's own offers the recogniser."""
    if not loaded_models.has_workers:
        return False
    need = Need(name, kind="asr", fallback=False)
    return await loaded_models.fleet.until(lambda: route(need, loaded_models.fleet.standings).now is not None, _LOOK_S)


async def _conversing_elsewhere(loaded_models: LoadedModels, name: str) -> RemoteDuplex:
    """A model that takes turns itself, once a worker has it in memory; raises `ModelError`."""
    if not await loaded_models.fleet.loaded(name, _LOADED_S, "duplex"):
        why = route(Need(name, "duplex", fallback=False), loaded_models.fleet.standings).why
        raise ModelError(why or f"no worker has loaded '{name}' within {_LOADED_S:.0f} s")
    return await RemoteDuplex.find(loaded_models.fleet, name)


async def _nothing(_: ResponsePart) -> None:
    """Is done with what warms up."""


async def _warm_up(models: SessionModels) -> None:
    """Run each model once, so that the first user does not pay for lazy initialisation."""
    import numpy as np

    from parley.conversation.offline import say_text
    from parley.models.interfaces import Caller, ChatOptions, SpeakingStyle

    noise = (np.random.default_rng(1).standard_normal(16000) * 0.01).astype(np.float32)
    caller = Caller("warm-up")
    stream = models.recognizer.open(None)
    stream.feed(noise)
    await stream.finish(caller)
    await models.vad.open().feed(noise)
    if models.end_of_turn is not None:
        await models.end_of_turn.probability(noise, caller)
    if models.end_of_sentence is not None:
        await models.end_of_sentence.probability("How are you", caller)
    async for _ in say_text(next(iter(models.voices.values())), "Hello.", SpeakingStyle(), caller):
        pass
    if models.engine.turns == "ours":
        messages, options = [{"role": "user", "content": "Hi"}], ChatOptions(max_tokens=1)
        try:
            await models.engine.answer(ResponseRequest(messages, options, SpeakingStyle(), None, caller), _nothing)
        except ParleyError as fault:
            log.warning("the language model does not answer; conversations begin without it", error=str(fault))
