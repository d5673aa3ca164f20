"""Which models a configuration means, pulling and loading them, and the cast that sessions get."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from parley.adapters.webrtc_audio import AudioProcessor
from parley.config import Config
from parley.conversation.engines.cascade import Cascade
from parley.conversation.settings import Cast
from parley.errors import ModelNotFound, UsageError
from parley.models.catalogue import Catalogue, Model, catalogue
from parley.models.interfaces import ModelSpec
from parley.models.loading import load
from parley.models.selection import named
from parley.models.store import Progress, Store
from parley.transports.mapping import Voices

log = structlog.get_logger("model")

OPENAI_VOICES = ("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar")


@dataclass(slots=True)
class Roster:
    """The loaded models."""

    specs: dict[str, ModelSpec]
    """Part ("asr", "tts", "voice:espeak" ...) to what was loaded."""
    models: dict[str, Any] = field(default_factory=dict)
    load_s: dict[str, float] = field(default_factory=dict)

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
            names={part: spec.id for part, spec in self.specs.items() if not part.startswith("voice:")},
        )

    @property
    def voices(self) -> Mapping[str, Any]:
        """Voice names to synthesisers, the default first."""
        found = {self.specs["tts"].id: self.models["tts"]}
        return found | {p.removeprefix("voice:"): m for p, m in self.models.items() if p.startswith("voice:")}

    @property
    def voice_names(self) -> Voices:
        """For the protocol."""
        default = self.specs["tts"].id
        return Voices(default, frozenset(self.voices), dict.fromkeys(OPENAI_VOICES, default))

    async def aclose(self) -> None:
        """Unload everything."""
        for model in self.models.values():
            closer = getattr(model, "aclose", None) or getattr(model, "close", None)
            if closer is not None and inspect.isawaitable(closing := closer()):
                await closing


async def choose(config: Config, store: Store, *, own_port: int | None = None) -> tuple[Roster, list[Model]]:
    """Decide which models are meant; returns what to load and what has to be pulled for it.

    Raises `ModelNotFound` and `UsageError`.
    """
    known = catalogue()
    chosen: dict[str, Model | ModelSpec] = {
        "vad": named(known, "vad", config.vad),
        "asr": named(known, "asr", config.asr),
        "tts": named(known, "tts", config.tts),
        "llm": await _language_model(config, known, own_port),
    }
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
    missing = {m.id: m for m in entries if not store.is_present(m)}
    return Roster(specs), list(missing.values())


def _spec(model: Model, store: Store, config: Config) -> ModelSpec:
    options: dict[str, Any] = dict(model.options)
    if model.family == "llama-cpp":
        options["slots"] = config.llm_slots
    return ModelSpec(model.id, model.family, store.paths(model), options)


async def _language_model(config: Config, known: Catalogue, own_port: int | None) -> Model | ModelSpec:
    from parley.adapters.openai_chat import find_servers, first_model

    key = config.llm_api_key.get_secret_value() if config.llm_api_key else None
    if config.llm_base_url:
        name = config.llm if config.llm != "auto" else await first_model(config.llm_base_url, key)
        return _remote(config.llm_base_url, name, key)
    if config.llm != "auto":
        try:
            return named(known, "llm", config.llm)
        except ModelNotFound:
            for server in await find_servers(own_port):
                if config.llm in server.models:
                    return _remote(server.base_url, config.llm, key)
            raise
    for server in await find_servers(own_port):
        log.info("found a language model server", server=server.name, model=server.models[0])
        return _remote(server.base_url, server.models[0], key)
    return known.get("smollm2-135m", "llm")


def _remote(base_url: str, name: str, key: str | None) -> ModelSpec:
    return ModelSpec(name, "openai-chat", options={"base_url": base_url, "model": name, "api_key": key})


def pull(models: list[Model], store: Store, progress: Progress) -> None:
    """Bring what is missing; raises `PullError`, `LicenceRefused`."""
    for model in models:
        store.pull(model, progress)


async def load_all(roster: Roster, *, tell: Callable[[str, float], None] = lambda *_: None) -> None:
    """Load every model at once and warm it up; `tell` gets each part with its seconds."""

    async def one(part: str, spec: ModelSpec) -> None:
        began = time.monotonic()
        roster.models[part] = await load(spec)
        roster.load_s[part] = time.monotonic() - began
        log.info("loaded", part=part, model=spec.id, seconds=round(roster.load_s[part], 2))
        tell(part, roster.load_s[part])

    try:
        async with asyncio.TaskGroup() as group:
            for part, spec in roster.specs.items():
                group.create_task(one(part, spec))
    except* Exception as faults:  # noqa: BLE001 - unloads what was loaded and raises it again
        await roster.aclose()
        raise faults.exceptions[0] from None
    await _warm_up(roster.cast)


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
        async for _ in engine.chat.stream([{"role": "user", "content": "Hi"}], ChatOptions(max_tokens=1), caller):
            pass
