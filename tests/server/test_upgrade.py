"""A better language model takes over while a conversation goes on: real processes, the real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psutil
import pytest
from websockets.asyncio.client import ClientConnection, connect

from parley.config import load
from parley.errors import PullError
from parley.models import advice
from parley.models.catalogue import Model, Source, catalogue
from parley.models.fakes import FakeChat
from parley.models.interfaces import ModelSpec
from parley.models.store import Store
from parley.models.succession import Succession
from parley.server.loaded_models import LoadedModels
from parley.server.run import Server
from parley.server.upgrade import Progress, Upgrade
from parley.workers.fleet import Fleet


def twin(**changes: Any) -> Model:
    """The light model under another name, from its file here."""
    light = catalogue().get(advice.LIGHT, "llm")
    (file,), (path,) = light.files, Store().paths(light).values()
    copied = msgspec.structs.replace(file, sources=(Source(folder=str(path)),))
    return msgspec.structs.replace(light, id="twin", files=(copied,), memory=1, **changes)


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """With the light model that nobody asked for, about to look for a better one."""
    home = tmp_path / "home"  # the models of this machine, and nothing of what was measured on it
    home.mkdir()
    (home / "models").symlink_to(Store().root / "models")
    monkeypatch.setenv("PARLEY_HOME", str(home))
    monkeypatch.setenv("PARLEY_LIGHT", "0")
    config = load(port=0, llm="auto", voices=[])
    made = Server(config, tell_upgrade=lambda _: None)
    await made.prepare()
    yield made
    if not made.ready.is_set():
        await made.abandon()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks twice."""
    monkeypatch.setattr("parley.server.upgrade._LOOK_AGAIN_S", ())


def light_only(home: Path) -> Upgrade:
    """An upgrade where the light model answers at once."""
    specs = {"llm": ModelSpec(advice.LIGHT, "llama-cpp"), "tts": ModelSpec("hibari-heart", "hibari")}
    loaded_models = LoadedModels(specs, Fleet([]))
    loaded_models.models["llm"] = Succession(FakeChat())
    return Upgrade(loaded_models, twin(), specs["llm"], Store(home), lambda: False)


def bring(upgrade: Upgrade, model: Model, home: Path) -> Upgrade:
    """With another model to bring."""
    upgrade.store = Store(home)
    upgrade.model = model
    upgrade.spec = ModelSpec(model.id, model.family, upgrade.store.paths(model), {"context": 2048, "slots": 2})
    upgrade.progress = Progress(model.id, total=model.size)
    return upgrade


async def answer(socket: ClientConnection) -> str:
    """Ask in writing; the answer's text."""
    content = [{"type": "input_text", "text": "Say hello."}]
    item = {"type": "message", "role": "user", "content": content}
    await socket.send(msgspec.json.encode({"type": "conversation.item.create", "item": item}).decode())
    await socket.send('{"type": "response.create"}')
    text = ""
    async with asyncio.timeout(30):
        while True:
            event = msgspec.json.decode(await socket.recv())
            text += event["delta"] if event["type"] == "response.output_text.delta" else ""
            if event["type"] == "response.done":
                assert event["response"]["status"] in ("completed", "incomplete"), event  # it may reach its bound
                return text


async def test_it_is_pulled_measured_and_answers_the_next_turn_of_a_conversation(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advice, "FIRST_CLAUSE_S", 60.0)  # however busy this machine is
    states: list[str] = []
    over = asyncio.Event()

    def tell(told: Progress) -> None:
        states.append(told.state)
        if told.state in ("in place", "failed", "not suitable"):
            over.set()

    assert server.state is not None
    planned = server.state.upgrade
    assert planned is not None, "nobody named a language model, and no better one is brought"
    upgrade = bring(planned, twin(), tmp_path)
    upgrade.tell = tell
    loaded_models = server.state.loaded_models
    old = loaded_models.models["llm"].model
    serving = asyncio.create_task(server.serve())
    await server.ready.wait()
    async with connect(f"{server.url.replace('http', 'ws')}/v1/realtime") as socket:
        await socket.send('{"type": "session.update", "session": {"type": "realtime", "output_modalities": ["text"]}}')
        assert (await answer(socket)).strip()
        await asyncio.wait_for(over.wait(), 60)
        assert upgrade.progress.state == "in place", upgrade.progress
        assert (await answer(socket)).strip()
        async with httpx.AsyncClient(base_url=server.url) as web:
            asked = {"model": planned.loaded_models.succeeded[0], "messages": [{"role": "user", "content": "Hello"}]}
            by_old_name = await web.post("/v1/chat/completions", json={**asked, "max_tokens": 1}, timeout=60)
            about = (await web.get("/v1/parley")).json()
            health = await web.get("/health")
    assert by_old_name.status_code == 200, "a client that knows the light model by name goes on"
    assert about["models"]["llm"] == "twin"
    assert about["upgrade"]["state"] == "in place"
    assert health.status_code == 200
    assert loaded_models.models["llm"].model is not old
    assert not psutil.pid_exists(old.pid or 0) or old.pid is None
    assert list(dict.fromkeys(states)) == ["pulling", "loading", "in place"]
    assert "twin" in advice.Notes(tmp_path).read()
    await server.stop()
    await serving


@pytest.mark.parametrize(
    ("changes", "state", "why"),
    [
        ({"work": 1e6}, "not suitable", "more than 600"),
        ({"memory": 10**15}, "not suitable", "GB are free"),
        ({"files": "broken"}, "failed", "could not be pulled"),
    ],
)
async def test_where_it_does_not_suit_or_is_not_to_be_had_the_light_one_stays_and_says_why(
    tmp_path: Path, changes: dict[str, Any], state: str, why: str
) -> None:
    model = twin()
    if "files" in changes:
        (file,) = model.files
        gone = msgspec.structs.replace(file, sources=(Source(folder=str(tmp_path / "nowhere")),))
        changes = {"files": (gone,)}
    upgrade = bring(light_only(tmp_path), msgspec.structs.replace(model, **changes), tmp_path)
    await upgrade.run()
    assert upgrade.progress.state == state
    assert why in upgrade.progress.why
    assert upgrade.loaded_models.specs["llm"].id == advice.LIGHT
    assert isinstance(upgrade.loaded_models.models["llm"].model, FakeChat)


async def test_a_machine_that_was_busy_is_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parley.server.upgrade._LOOK_AGAIN_S", (0.0, 0.0))
    found = iter([3.0, 0.01, 2.0, 0.3])

    async def first_clause_s(*_: object) -> float:
        return next(found)

    async def loaded(_: ModelSpec) -> FakeChat:
        return FakeChat()

    monkeypatch.setattr(advice, "first_clause_s", first_clause_s)
    monkeypatch.setattr("parley.server.upgrade.load", loaded)
    upgrade = bring(light_only(tmp_path), twin(), tmp_path)
    await upgrade.run()
    assert upgrade.progress.state == "in place"
    assert advice.Notes(tmp_path).read() == {"twin": 0.3}


class Slow(FakeChat):
    """Can be made faster."""

    def __init__(self) -> None:
        super().__init__()
        self.quickened = False
        self.closed = False

    async def quicken(self) -> bool:
        self.quickened = True
        return True

    async def aclose(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("measured_s", "state", "quickened"),
    [
        ([0.01, 0.8, 0.5], "in place", True),
        ([0.01, 0.8, 0.7], "not suitable", True),
        ([0.01, 1.5], "not suitable", False),
    ],
)
async def test_one_that_is_a_little_too_slow_is_made_faster_for_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measured_s: list[float], state: str, *, quickened: bool
) -> None:
    found, made = iter(measured_s), list[Slow]()

    async def first_clause_s(*_: object) -> float:
        return next(found)

    async def loaded(_: ModelSpec) -> FakeChat:
        made.append(Slow())
        return made[-1]

    monkeypatch.setattr(advice, "first_clause_s", first_clause_s)
    monkeypatch.setattr("parley.server.upgrade.load", loaded)
    upgrade = bring(light_only(tmp_path), twin(), tmp_path)
    states: list[str] = []
    upgrade.tell = lambda progress: states.append(progress.state)
    await upgrade.run()
    assert upgrade.progress.state == state
    assert ("quickening" in states) is quickened
    assert made[0].quickened is quickened
    assert advice.Notes(tmp_path).read() == {"twin": measured_s[-1]}
    serving = upgrade.loaded_models.models["llm"].model
    assert (serving is made[-1]) is (state == "in place")
    assert all(model.closed for model in made if model is not serving)


@pytest.mark.parametrize(("noted_s", "state"), [(0.5, "in place"), (0.8, "in place"), (2.0, "not suitable")])
async def test_a_note_of_a_machine_that_was_a_little_too_slow_is_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noted_s: float, state: str
) -> None:
    async def first_clause_s(*_: object) -> float:
        return 0.4

    async def loaded(_: ModelSpec) -> FakeChat:
        return FakeChat()

    monkeypatch.setattr(advice, "first_clause_s", first_clause_s)
    monkeypatch.setattr("parley.server.upgrade.load", loaded)
    upgrade = bring(light_only(tmp_path), twin(), tmp_path)
    advice.Notes(tmp_path).write("twin", noted_s)
    await upgrade.run()
    assert upgrade.progress.state == state


async def test_a_pull_that_is_under_way_ends_with_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def endless(_: Store, model: Model, progress: Any, **__: Any) -> None:
        try:
            while True:
                progress(model.files[0].name, 1, 2)
                loop.call_soon_threadsafe(begun.set)
        finally:
            loop.call_soon_threadsafe(ended.set)

    monkeypatch.setattr(Store, "pull", endless)
    running = asyncio.create_task(bring(light_only(tmp_path), twin(), tmp_path).run())
    await asyncio.wait_for(begun.wait(), 30)
    running.cancel()
    with suppress(asyncio.CancelledError, PullError):
        await running
    await asyncio.wait_for(ended.wait(), 60)
