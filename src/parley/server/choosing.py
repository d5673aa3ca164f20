"""Which models a configuration means: what is to be pulled, and how each is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog

from parley.config import Config
from parley.errors import UsageError
from parley.languages import knows
from parley.models import advice
from parley.models.catalogue import ANSWERS, Catalogue, Model, catalogue
from parley.models.interfaces import ModelSpec
from parley.models.resolve import named
from parley.models.store import Store
from parley.server.loaded_models import LoadedModels, speaks
from parley.workers.fleet import Fleet
from parley.workers.local_worker import LocalWorker, settings_for

log = structlog.get_logger("model")

_LIGHT_SENTENCES = 2
"""The light language model talks nonsense sooner the longer it talks."""


async def choose(config: Config, store: Store, *, own_port: int | None = None) -> tuple[LoadedModels, list[Model]]:
    """Decide which models are meant; returns what to load and what has to be pulled for it.

    Raises `ModelNotFound` and `UsageError`.
    """
    known = catalogue()
    chosen: dict[str, Model | ModelSpec] = {
        "vad": named(known, "vad", config.vad),
        "asr": named(known, "asr", config.asr),
        "tts": named(known, "tts", config.tts),
    }
    language_models = await _language_models(config, known, own_port)
    unasked = "llm" not in language_models
    chosen |= {"llm": known.get(_unasked(config, store), "llm"), **language_models}
    if not knows(getattr(chosen["asr"], "languages", ("*",)), config.language):
        raise UsageError(
            f"language '{config.language}': the recogniser '{config.asr}' does not hear it; set asr to one that does "
            "(whisper-base: 99 languages)"
        )
    for name in config.recognizers:
        recognizer = named(known, "asr", name)
        if recognizer.id != chosen["asr"].id:
            chosen[f"asr:{recognizer.id}"] = recognizer
    if config.end_of_turn:
        chosen["end_of_turn"] = named(known, "end_of_turn", config.end_of_turn)
    if config.end_of_sentence:
        chosen["end_of_sentence"] = named(known, "llm", config.end_of_sentence)
    for voice in _further_voices(config, known):
        if voice.id != chosen["tts"].id:  # whose speakers are all there
            chosen.setdefault(f"voice:{voice.id}", voice)
    entries = [m for m in chosen.values() if isinstance(m, Model)]
    if config.licences == "permissive" and (barred := [m.id for m in entries if not m.is_permissive]):
        raise UsageError(
            f"licences is 'permissive' and these are not: {', '.join(barred)}; choose other models (asr, tts, llm)"
        )
    specs = {part: _spec(m, store, config) if isinstance(m, Model) else m for part, m in chosen.items()}
    if "end_of_sentence" in specs:
        specs["end_of_sentence"] = replace(specs["end_of_sentence"], family="sentence-end")
    further = [m for m in known.of_kind("tts") if _comes_when_asked(m) and m.id not in {s.id for s in specs.values()}]
    child = _child(config, specs, further) if config.local_voices or not config.has_workers else None
    loaded_models = LoadedModels(specs, fleet_of(config), config.has_workers, child)
    if child is not None:
        loaded_models.absent_voices = {m.id: m for m in further if not store.is_present(m)}
    if unasked and specs["llm"].id == advice.LIGHT:
        brief = {**specs["llm"].options, "sentences": _LIGHT_SENTENCES}
        specs["llm"] = replace(specs["llm"], options=brief)
        if not config.light:
            better = known.get(advice.BETTER, "llm")
            loaded_models.successor = better, _spec(better, store, config)
    needed = [
        m
        for part, m in chosen.items()
        if isinstance(m, Model)
        and (child is not None or not speaks(part))
        and not (m.kind == "duplex" and config.has_workers)
    ]
    return loaded_models, list({m.id: m for m in needed if not store.is_present(m)}.values())


def _further_voices(config: Config, known: Catalogue) -> list[Model | ModelSpec]:
    """Beside the default one; of those that nobody asked for none whose licence is barred."""
    voices = [named(known, "tts", name) for name in config.voices]
    if config.licences == "all" or "voices" in config.model_fields_set:
        return voices
    return [voice for voice in voices if isinstance(voice, Model) and voice.is_permissive]


def fleet_of(config: Config) -> Fleet:
    """The workers that are configured."""
    url = config.redis_url.get_secret_value() if config.redis_url else None
    tls, plaintext, networks = config.worker_tls, config.worker_plaintext, config.worker_networks
    return Fleet(config.workers, redis_url=url, tls=tls, plaintext=plaintext, networks=networks)


def _comes_when_asked(model: Model) -> bool:
    """Whether anybody may bring a voice: all of it is permissive, and what it consists of is known."""
    return model.is_permissive and bool(model.files) and all(file.sha256 for file in model.files)


def _child(config: Config, specs: Mapping[str, ModelSpec], further: list[Model]) -> LocalWorker:
    known = {m.id: m for m in catalogue().models}
    voices = [spec for part, spec in specs.items() if speaks(part)]
    return LocalWorker(settings_for(voices, known, [m.id for m in further], config.log_level))


def _spec(model: Model, store: Store, config: Config) -> ModelSpec:
    options: dict[str, Any] = {}
    if model.family == "llama-cpp":
        options |= {"slots": config.llm_slots} if config.llm_slots else {}
        options |= {"context": config.llm_context} if config.llm_context else {}
    return store.spec(model, options)


async def _language_models(config: Config, known: Catalogue, own_port: int | None) -> dict[str, Model | ModelSpec]:
    """The default as "llm", others that may be chosen as "llm:NAME"; no default where nobody named or serves one."""
    from parley.adapters.chat_servers import find_servers

    served: dict[str, ModelSpec] = {}
    more = [*config.llms, *([config.delegate] if config.delegate else [])]
    if config.llm_base_url:
        names = (config.llm, *more)  # a server that is not there yet is asked later what it serves
        served = {name: _remote(config, config.llm_base_url, name) for name in names}
    else:
        for server in await find_servers(own_port):
            log.info("found a language model server", server=server.name, models=len(server.models))
            served |= {n: _remote(config, server.base_url, n) for n in server.models if n not in served}

    def meant(name: str) -> Model | ModelSpec:
        if name in served and (config.llm_base_url or name not in {m.id for m in known.of_kind(*ANSWERS)}):
            return served[name]
        return named(known, ANSWERS, name)

    further = [meant(name) for name in more]
    if config.delegate and further[-1].kind == "duplex":
        raise UsageError(f"delegate: '{config.delegate}' takes turns itself and cannot be asked; name a language model")
    if config.llm != "auto" or config.llm_base_url:
        return _by_part([meant(config.llm), *further])
    if not served:
        return {f"llm:{m.id}": m for m in further}
    return _by_part([*served.values(), *further])


def _by_part(models: list[Model | ModelSpec]) -> dict[str, Model | ModelSpec]:
    """The first as "llm", the others as "llm:NAME"."""
    default, *others = models
    return {"llm": default} | {f"llm:{m.id}": m for m in others if m.id != default.id}


def _unasked(config: Config, store: Store) -> str:
    """The language model when nobody named one: the better one where it is here and known to suit, else the light."""
    if config.light:
        return advice.LIGHT
    better = catalogue().get(advice.BETTER, "llm")
    measured_s = advice.Notes(store.root).read().get(better.id)
    if measured_s is None or not store.is_present(better):
        return advice.LIGHT
    suits = advice.judge(better, advice.Machine(advice.free_memory(), light_s=0.0), measured_s).fits
    return better.id if suits else advice.LIGHT


def _remote(config: Config, base_url: str, name: str) -> ModelSpec:
    secret = config.llm_api_key if base_url == config.llm_base_url else None  # the key is for that server alone
    key = secret.get_secret_value() if secret else None
    return ModelSpec(name, "openai-chat", options={
        "base_url": base_url, "model": name, "api_key": key, "still_s": config.llm_still_s,
        "context": config.llm_context, "prefills": config.llm_prefill, "hears": config.llm_hears,
    })  # fmt: skip
