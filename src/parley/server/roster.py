"""Which models a configuration means, pulling and loading them, and the cast that sessions get."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from parley.adapters.webrtc_audio import AudioProcessor
from parley.config import Config
from parley.conversation.engines.cascade import Cascade
from parley.conversation.settings import Cast
from parley.errors import ModelError, ParleyError, UsageError
from parley.models.catalogue import Catalogue, Model, catalogue
from parley.models.interfaces import ModelSpec
from parley.models.loading import close, load
from parley.models.selection import named
from parley.models.store import Progress, Store
from parley.transports.mapping import Choices, Voices
from parley.workers.announcement import Offer
from parley.workers.child import ChildWorker, settings_for
from parley.workers.fleet import Fleet
from parley.workers.hearing import RemoteRecognizer
from parley.workers.routing import Need, route
from parley.workers.speaking import RemoteVoice

log = structlog.get_logger("model")

_FIND_S = 15.0
_LOOK_S = 3.0
OPENAI_VOICES = ("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar")


class FleetVoices(Mapping[str, RemoteVoice]):
    """Every voice that a worker offers now, the default first."""

    def __init__(self, fleet: Fleet, default: str) -> None:
        self._fleet = fleet
        self._default = default
        self._made: dict[str, RemoteVoice] = {}

    def _offers(self) -> dict[str, Offer]:
        known = [w.announcement for w in self._fleet.workers.values() if w.announcement is not None]
        return {o.id: o for a in known for o in a.models if o.kind == "tts"}

    def __getitem__(self, name: str) -> RemoteVoice:
        if name not in self._made:
            offer = self._offers().get(name)
            if offer is None and name != self._default:
                raise KeyError(name)
            languages, voices = (offer.languages, offer.voices) if offer else ((), ())
            self._made[name] = RemoteVoice(self._fleet, name, languages=languages, voices=voices)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((self._default, *self._offers())))

    def __len__(self) -> int:
        return len({self._default, *self._offers()})


def speaks(part: str) -> bool:
    """Whether a part is a voice, which lives in a worker."""
    return part == "tts" or part.startswith("voice:")


@dataclass(slots=True)
class Roster:
    """The loaded models. Voices live in workers: one of the server's own, or those that are configured."""

    specs: dict[str, ModelSpec]
    """Part ("asr", "tts", "voice:espeak" ...) to what was loaded."""
    fleet: Fleet
    has_workers: bool = False
    """Whether the configuration names workers."""
    child: ChildWorker | None = None
    models: dict[str, Any] = field(default_factory=dict)
    load_s: dict[str, float] = field(default_factory=dict)
    voices: Mapping[str, Any] = field(init=False)
    """Voice names to synthesisers, the default first."""

    def __post_init__(self) -> None:
        """Voices are those of the fleet."""
        self.voices = FleetVoices(self.fleet, self.specs["tts"].id)

    @property
    def cast(self) -> Cast:
        """For sessions."""
        end_of_turn = self.models.get("end_of_turn")
        languages = catalogue().get(self.specs["end_of_turn"].id).languages if end_of_turn else ()
        return Cast(
            vad=self.models["vad"],
            recognizer=self.models["asr"],
            engine=Cascade(self.models["llm"]),
            end_of_turn=end_of_turn,
            end_of_turn_languages=languages,
            end_of_sentence=self.models.get("end_of_sentence"),
            canceller=AudioProcessor,
            voices=self.voices,
            over=self.fleet.forget_session,
            engines={name: Cascade(model) for name, model in self.all_of("llm").items()},
            recognizers=self.all_of("asr"),
        )

    def all_of(self, part: str) -> dict[str, Any]:
        """The models that can take a part, by name, the default first."""
        return {
            spec.id: self.models[name]
            for name, spec in self.specs.items()
            if name == part or name.startswith(f"{part}:")
        }

    @property
    def choices(self) -> Choices:
        """For the protocol."""
        default = self.specs["tts"].id
        voices = Voices(default, frozenset(self.voices), dict.fromkeys(OPENAI_VOICES, default))
        return Choices(voices, frozenset(self.all_of("llm")), frozenset(self.all_of("asr")))

    async def aclose(self) -> None:
        """Unload everything."""
        for model in self.models.values():
            await close(model)
        await self.fleet.__aexit__()
        if self.child is not None:
            await self.child.aclose()


async def choose(config: Config, store: Store, *, own_port: int | None = None) -> tuple[Roster, list[Model]]:
    """Decide which models are meant; returns what to load and what has to be pulled for it.

    Raises `ModelNotFound` and `UsageError`.
    """
    known = catalogue()
    chosen: dict[str, Model | ModelSpec] = {
        "vad": named(known, "vad", config.vad),
        "asr": named(known, "asr", config.asr),
        "tts": named(known, "tts", config.tts),
        **await _language_models(config, known, own_port),
    }
    for name in config.recognizers:
        recognizer = named(known, "asr", name)
        if recognizer.id != chosen["asr"].id:
            chosen[f"asr:{recognizer.id}"] = recognizer
    if config.end_of_turn:
        chosen["end_of_turn"] = named(known, "end_of_turn", config.end_of_turn)
    if config.end_of_sentence:
        chosen["end_of_sentence"] = named(known, "llm", config.end_of_sentence)
    for name in config.voices if config.licences == "all" else ():
        voice = named(known, "tts", name)
        if voice.id != chosen["tts"].id:
            chosen[f"voice:{voice.id}"] = voice
    entries = [m for m in chosen.values() if isinstance(m, Model)]
    if config.licences == "permissive" and (barred := [m.id for m in entries if not m.is_permissive]):
        raise UsageError(
            f"licences is 'permissive' and these are not: {', '.join(barred)}; choose other models (asr, tts, llm)"
        )
    specs = {part: _spec(m, store, config) if isinstance(m, Model) else m for part, m in chosen.items()}
    if "end_of_sentence" in specs:
        specs["end_of_sentence"] = replace(specs["end_of_sentence"], family="sentence-end")
    child = _child(config, specs) if config.local_voices or not config.has_workers else None
    roster = Roster(specs, fleet_of(config), config.has_workers, child)
    needed = [m for part, m in chosen.items() if isinstance(m, Model) and (child is not None or not speaks(part))]
    return roster, list({m.id: m for m in needed if not store.is_present(m)}.values())


def fleet_of(config: Config) -> Fleet:
    """The workers that are configured."""
    url = config.redis_url.get_secret_value() if config.redis_url else None
    tls, plaintext, networks = config.worker_tls, config.worker_plaintext, config.worker_networks
    return Fleet(config.workers, redis_url=url, tls=tls, plaintext=plaintext, networks=networks)


def _child(config: Config, specs: Mapping[str, ModelSpec]) -> ChildWorker:
    known = {m.id: m.languages for m in catalogue().models}
    voices = [spec for part, spec in specs.items() if speaks(part)]
    return ChildWorker(settings_for(voices, known, config.log_level))


def _spec(model: Model, store: Store, config: Config) -> ModelSpec:
    options: dict[str, Any] = dict(model.options)
    if model.family == "llama-cpp":
        options["slots"] = config.llm_slots
        options |= {"context": config.llm_context} if config.llm_context else {}
    return ModelSpec(model.id, model.family, store.paths(model), options)


async def _language_models(config: Config, known: Catalogue, own_port: int | None) -> dict[str, Model | ModelSpec]:
    """The default as "llm", others that may be chosen as "llm:NAME"."""
    from parley.adapters.chat_servers import find_servers

    served: dict[str, ModelSpec] = {}
    if config.llm_base_url:
        names = (config.llm, *config.llms)  # a server that is not there yet is asked later what it serves
        served = {name: _remote(config, config.llm_base_url, name) for name in names}
    else:
        for server in await find_servers(own_port):
            log.info("found a language model server", server=server.name, models=len(server.models))
            served |= {n: _remote(config, server.base_url, n) for n in server.models if n not in served}

    def meant(name: str) -> Model | ModelSpec:
        if name in served and (config.llm_base_url or name not in {m.id for m in known.of_kind("llm")}):
            return served[name]
        return named(known, "llm", name)

    if config.llm == "auto" and not config.llm_base_url:
        default = next(iter(served.values()), known.get("smollm2-135m", "llm"))
    else:
        default = meant(config.llm)
    found = served.values() if config.llm == "auto" and not config.llm_base_url else ()
    further = [*found, *map(meant, config.llms)]
    return {"llm": default} | {f"llm:{m.id}": m for m in further if m.id != default.id}


def _remote(config: Config, base_url: str, name: str) -> ModelSpec:
    secret = config.llm_api_key if base_url == config.llm_base_url else None  # the key is for that server alone
    key = secret.get_secret_value() if secret else None
    return ModelSpec(name, "openai-chat", options={
        "base_url": base_url, "model": name, "api_key": key, "still_s": config.llm_still_s,
        "context": config.llm_context, "prefills": config.llm_prefill,
    })  # fmt: skip


def pull(models: list[Model], store: Store, progress: Progress) -> None:
    """Bring what is missing; raises `PullError`, `LicenceRefused`."""
    for model in models:
        store.pull(model, progress)


async def load_all(roster: Roster, *, tell: Callable[[str, float], None] = lambda *_: None) -> None:
    """Load every model at once and warm it up; `tell` gets each part with its seconds."""

    async def one(part: str, spec: ModelSpec) -> None:
        began = time.monotonic()
        if part == "tts":
            await _find_voice(roster, spec.id)
            roster.models[part] = roster.voices[spec.id]
        elif part.partition(":")[0] == "asr" and await _heard_elsewhere(roster, spec.id):
            languages = catalogue().get(spec.id).languages
            roster.models[part] = RemoteRecognizer(roster.fleet, spec.id, languages)
        else:
            roster.models[part] = await load(spec)
        roster.load_s[part] = time.monotonic() - began
        log.info("loaded", part=part, model=spec.id, seconds=round(roster.load_s[part], 2))
        tell(part, roster.load_s[part])

    try:
        await roster.fleet.__aenter__()
        async with asyncio.TaskGroup() as group:
            for part, spec in roster.specs.items():
                if not part.startswith("voice:"):
                    group.create_task(one(part, spec))
    except* Exception as faults:  # noqa: BLE001 - unloads what was loaded and raises it again
        await roster.aclose()
        raise faults.exceptions[0] from None
    await _warm_up(roster.cast)


async def _find_voice(roster: Roster, name: str) -> None:
    """Start the server's own worker, or wait until another one answers; raises `ModelError`."""
    if roster.child is not None:
        await roster.child.start()
        roster.fleet.add(roster.child.address, listed=True)

    def found() -> bool:
        return route(Need(name), roster.fleet.standings).now is not None

    if not await roster.fleet.until(found, _FIND_S):
        raise ModelError(route(Need(name), roster.fleet.standings).why)


async def _heard_elsewhere(roster: Roster, name: str) -> bool:
    """Whether a worker other than the server's own offers the recogniser."""
    if not roster.has_workers:
        return False
    need = Need(name, kind="asr", fallback=False)
    return await roster.fleet.until(lambda: route(need, roster.fleet.standings).now is not None, _LOOK_S)


async def _warm_up(cast: Cast) -> None:
    """Run each model once, so that the first user does not pay for lazy initialisation."""
    import numpy as np

    from parley.conversation.oneshot import say_text
    from parley.models.interfaces import Caller, ChatOptions, SpeakingStyle

    noise = (np.random.default_rng(1).standard_normal(16000) * 0.01).astype(np.float32)
    caller = Caller("warm-up")
    stream = cast.recognizer.open(None)
    stream.feed(noise)
    await stream.finish(caller)
    await cast.vad.open().feed(noise)
    if cast.end_of_turn is not None:
        await cast.end_of_turn.probability(noise, caller)
    if cast.end_of_sentence is not None:
        await cast.end_of_sentence.probability("How are you", caller)
    async for _ in say_text(next(iter(cast.voices.values())), "Hello.", SpeakingStyle(), caller):
        pass
    engine = cast.engine
    if isinstance(engine, Cascade):
        try:
            async for _ in engine.chat.stream([{"role": "user", "content": "Hi"}], ChatOptions(max_tokens=1), caller):
                pass
        except ParleyError as fault:
            log.warning("the language model does not answer; conversations begin without it", error=str(fault))
