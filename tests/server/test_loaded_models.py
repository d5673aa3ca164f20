"""Voices by name, whichever model they belong to."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from parley.errors import ModelError, ModelNotFound
from parley.models.catalogue import catalogue
from parley.models.fakes import FakeDuplexModel
from parley.models.interfaces import DuplexOpening, ModelSpec
from parley.models.resolve import named
from parley.server.fleet_voices import OPENAI_VOICES, FleetVoices, openai_voices
from parley.server.info_routes import details
from parley.server.loaded_models import (
    LoadedModels,
    _conversing_elsewhere,
    _find_voice,
    load_all,
)
from parley.workers.announcement import Announcement, Offer
from parley.workers.fleet import Fleet
from parley.workers.routing import Standing as RouteStanding
from tests.workers.fake_worker import fake_settings, fake_worker


def nothing_hidden(*_: object) -> bool:
    return False


def fleet(*offers: Offer) -> Any:
    worker = SimpleNamespace(announcement=SimpleNamespace(models=offers))
    return SimpleNamespace(workers={"one": worker, "silent": SimpleNamespace(announcement=None)})


async def test_a_model_that_cannot_be_loaded_is_said_in_its_own_words_and_the_others_are_unloaded() -> None:
    unloaded = asyncio.Event()
    other = SimpleNamespace(close=unloaded.set)
    specs = {"llm": ModelSpec("it", "nobody"), "asr": ModelSpec("me", "nobody"), "tts": ModelSpec("joe", "piper")}
    loaded_models = LoadedModels(specs, Fleet([]))
    loaded_models.models["vad"] = other
    with pytest.raises(ModelNotFound, match="no adapter for the family 'nobody'"):
        await load_all(loaded_models)
    assert unloaded.is_set()


async def test_a_server_that_starts_before_its_worker_says_so_and_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parley.server.loaded_models._SILENT_S", 0.0)
    said: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    log = SimpleNamespace(warning=lambda event, **why: said.put_nowait((event, why["reason"])))
    monkeypatch.setattr("parley.server.loaded_models.log", log)
    async with Fleet([], plaintext=True) as fleet:
        loaded_models = LoadedModels({"tts": ModelSpec("voice", "fake-voice")}, fleet)
        finding = asyncio.create_task(_find_voice(loaded_models, "voice"))
        told = await asyncio.wait_for(said.get(), 60)
        assert told == ("waiting for a worker", "no worker is known; start one with 'parley worker'")
        async with fake_worker(fake_settings("late", f"unix:{tmp_path}/late.sock")) as late:
            fleet.add(late.address)
            await asyncio.wait_for(finding, 20)


ONE = Offer(id="joe", kind="tts", voices=("joe",), languages=("en",))
MANY = Offer(id="many", kind="tts", voices=("am_ann", "am_bob"), languages=("en", "de"))
EAR = Offer(id="ear", kind="asr")


def test_a_model_with_several_voices_is_listed_by_them_the_default_first() -> None:
    voices = FleetVoices(fleet(ONE, MANY, EAR), "joe", nothing_hidden)
    assert list(voices) == ["joe", "many/am_ann", "many/am_bob"]
    assert len(voices) == 3
    assert next(iter(FleetVoices(fleet(MANY, ONE), "joe", nothing_hidden))) == "joe"


def test_a_voice_is_spoken_by_its_model() -> None:
    voices = FleetVoices(fleet(ONE, MANY), "joe", nothing_hidden)
    assert [voices[name].name for name in ("joe", "many/am_bob", "many")] == ["joe", "many", "many"]
    assert voices["many/am_ann"].languages == ("en", "de")
    assert voices["many/am_bob"].voices == ("am_ann", "am_bob")
    with pytest.raises(KeyError):
        voices["carl"]
    with pytest.raises(KeyError):
        voices["ear"]


def test_a_voice_that_could_not_be_kept_yet_is_not_there() -> None:
    voices = FleetVoices(fleet(ONE, MANY), "joe", lambda _, offer: offer.id == "many")
    assert list(voices) == ["joe"]
    with pytest.raises(KeyError):
        voices["many/am_ann"]


class Standing(SimpleNamespace):
    """A fleet of one worker that has some of what it offers in memory, and more once it is asked."""

    def __init__(self, *offers: Offer, resident: tuple[str, ...]) -> None:
        super().__init__(offers=offers, resident=resident, asked=[])

    @property
    def announcement(self) -> Announcement:
        return Announcement(name="w", addr="unix:/w", models=self.offers, resident_models=self.resident)

    @property
    def workers(self) -> dict[str, Any]:
        return {"w": SimpleNamespace(announcement=self.announcement)}

    @property
    def standings(self) -> dict[str, RouteStanding]:
        return {"w": RouteStanding(self.announcement)}

    async def loaded(self, model: str, _: float) -> bool:
        self.asked.append(model)
        self.resident += (model,) if model == "many" else ()
        return model in self.resident


async def test_a_voice_is_here_when_its_model_is_in_memory_and_brought_when_it_is_not() -> None:
    worker = Standing(ONE, MANY, Offer(id="big"), resident=("joe",))
    specs = {"tts": ModelSpec("joe", "piper")}
    loaded_models = LoadedModels(specs, cast(Any, worker))
    here = loaded_models.voice_is_here
    assert [here(name) for name in ("joe", "many/am_bob", "many", "big", "nobody")] == [True, False, False, False, True]
    await loaded_models.bring_voice("many/am_bob")
    assert here("many/am_ann"), "all of its speakers are"
    with pytest.raises(ModelError, match="'big' was not loaded within 3 s"):
        await loaded_models.bring_voice("big", 3)
    assert worker.asked == ["many", "big"]


def test_a_catalogue_model_that_is_named_by_its_voice_speaks_with_that() -> None:
    for name in ("kokoro/am_puck", "Kokoro/Puck", "kokoro-puck", "am_puck"):
        model = cast(Any, named(catalogue(), "tts", name))
        assert (model.id, model.options["voice"]) == ("kokoro", "am_puck")
    assert "voice" not in cast(Any, named(catalogue(), "tts", "kokoro")).options


def test_people_are_told_who_each_voice_sounds_like() -> None:
    told = details(["kokoro/am_puck", "hibari-heart", "a voice of mine"])
    assert told.keys() == {"kokoro/am_puck", "hibari-heart"}
    assert told["kokoro/am_puck"] == {"summary": "am_puck, an American man", "languages": ["en"]}


def test_a_language_model_is_known_by_its_servers_name_for_it_too() -> None:
    specs = {part: ModelSpec(part, "fake") for part in ("tts", "auto", "llm:second")}
    specs["llm"] = ModelSpec("auto", "openai-chat")
    specs["llm:second"] = ModelSpec("second", "openai-chat")
    loaded_models = LoadedModels(specs, Fleet([]))
    first, second = SimpleNamespace(name="llama3.2"), SimpleNamespace(name="second")
    loaded_models.models |= {"llm": first, "llm:second": second}
    assert loaded_models.llms == {"auto": first, "llama3.2": first, "second": second}


async def test_voices_of_a_model_that_takes_turns_itself_are_models_of_their_own() -> None:
    specs = {"tts": ModelSpec("tts", "fake"), "llm": ModelSpec("moshiko", "moshi", kind="duplex")}
    loaded_models = LoadedModels(specs, Fleet([]))
    model = FakeDuplexModel()
    model.name, model.voices = "moshiko", ("ada",)
    loaded_models.models["llm"] = model
    assert set(loaded_models.llms) == {"moshiko", "moshiko/ada"}
    assert loaded_models.llms["moshiko/ada"].name == "moshiko/ada"
    await loaded_models.llms["moshiko/ada"].open_slot(DuplexOpening("a fox"))
    await loaded_models.llms["moshiko"].open_slot()
    assert model.openings == [DuplexOpening("a fox", voice="ada"), DuplexOpening()]


async def test_a_duplex_model_of_a_worker_is_taken_with_the_frames_that_it_asks_for(tmp_path: Path) -> None:
    async with fake_worker(fake_settings("gpu", f"unix:{tmp_path}/gpu.sock")) as gpu, Fleet([gpu.address]) as fleet:
        loaded_models = LoadedModels({"tts": ModelSpec("voice", "fake-voice")}, fleet, has_workers=True)
        model = await _conversing_elsewhere(loaded_models, "duplex")
        assert (model.name, model.rate_hz, model.frame_samples) == ("duplex", 24000, 1920)


async def test_a_duplex_model_that_no_worker_has_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parley.server.loaded_models._LOADED_S", 0.0)
    async with fake_worker(fake_settings("gpu", f"unix:{tmp_path}/gpu.sock")) as gpu, Fleet([gpu.address]) as fleet:
        assert await fleet.until(lambda: "gpu" in fleet.workers, 60)
        loaded_models = LoadedModels({"tts": ModelSpec("voice", "fake-voice")}, fleet, has_workers=True)
        with pytest.raises(ModelError, match="moshiko"):
            await _conversing_elsewhere(loaded_models, "moshiko")


def test_openais_names_are_the_default_voice_but_for_those_that_another_one_is_more_like() -> None:
    shipped = openai_voices("hibari-heart", {"hibari-heart", "hibari-low", "hibari-high"})
    assert {name for name, voice in shipped.items() if voice == "hibari-low"} >= {"onyx", "echo", "cedar"}
    assert (shipped["nova"], shipped["alloy"], shipped["marin"]) == ("hibari-heart",) * 3
    assert (shipped["shimmer"], shipped["sage"]) == ("hibari-high", "hibari-heart"), "there is no alto here"
    own = openai_voices("kokoro", {"kokoro", "hibari-low"})
    assert set(own.values()) == {"kokoro"}, "who has chosen a voice hears it"
    assert own.keys() == shipped.keys() == set(OPENAI_VOICES)
