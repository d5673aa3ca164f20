"""A worker over real sockets: the interface as a foreign client uses it, and our own client of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from parley.audio.pcm import to_float
from parley.errors import ModelError, ModelNotFound, UsageError
from parley.models.fakes import tone
from parley.models.interfaces import Caller, DuplexOpening, Pronunciation, SpeakingStyle, WordTiming
from parley.v1 import common_pb2, worker_pb2_grpc
from parley.v1 import worker_pb2 as pb
from parley.workers import process
from parley.workers.announcement import Offer
from parley.workers.fleet import Fleet
from parley.workers.framing import FRAME_SAMPLES
from parley.workers.grpc_errors import DETAIL_KEY
from parley.workers.host import style_of
from parley.workers.process import Worker
from parley.workers.remote_duplex import RemoteDuplex
from parley.workers.remote_recognizer import RemoteRecognizer
from parley.workers.remote_synthesizer import RemoteSynthesizer, _Said
from parley.workers.settings import WorkerSettings
from tests.looking import until
from tests.workers.fake_worker import PacedVoice, fake_settings, load

TEXT = "one two three four five"
CALLER = Caller("sess_1")


def settings(tmp_path: Path, **more: Any) -> WorkerSettings:
    return WorkerSettings(**fake_settings("w", f"unix:{tmp_path}/w.sock", **more))


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[Worker]:
    async with process.running(settings(tmp_path), load) as running:
        yield running


@pytest.fixture
async def stub(worker: Worker) -> AsyncIterator[worker_pb2_grpc.WorkerAsyncStub]:
    async with grpc.aio.insecure_channel(worker.address) as channel:
        yield worker_pb2_grpc.WorkerStub(channel)


@pytest.fixture
async def fleet(worker: Worker) -> AsyncIterator[Fleet]:
    async with Fleet([worker.address]) as known:
        assert await known.until(lambda: "w" in known.workers, 60)
        yield known


def chunk(text: str = TEXT, credit_ms: int = 100_000, **more: Any) -> pb.TextChunk:
    return pb.TextChunk(session_id="s", stream_id="st", text=text, credit_ms=credit_ms, **more)


async def sounding(call: Any) -> list[pb.AudioFrame]:
    """Frames until nothing but heartbeats comes, or the stream ends."""
    frames: list[pb.AudioFrame] = []
    while (frame := await asyncio.wait_for(call.read(), 60)) and isinstance(frame, pb.AudioFrame):
        if not frame.pcm:
            break
        frames.append(frame)
    return frames


async def rest(call: Any) -> list[pb.AudioFrame]:
    """Frames until the stream ends."""
    frames: list[pb.AudioFrame] = []
    while isinstance(frame := await asyncio.wait_for(call.read(), 60), pb.AudioFrame):
        frames += [frame] if frame.pcm else []
    return frames


async def test_speech_is_framed_exactly(stub: worker_pb2_grpc.WorkerAsyncStub) -> None:
    call = stub.Synthesize()
    await call.write(chunk(generation=3, piece=7))
    await call.write(chunk("six", piece=8, last=True))
    await call.done_writing()
    frames = await rest(call)
    assert {len(f.pcm) for f in frames} == {FRAME_SAMPLES * 2}
    assert {f.stream_id for f in frames} == {"st"}
    first = [f for f in frames if f.piece == 7]
    assert all(f.generation == 3 for f in first)
    offset = 0
    for frame in first:
        assert frame.sample_offset == offset
        assert frame.last_of_piece == (frame is first[-1])
        assert frame.samples == FRAME_SAMPLES or frame.last_of_piece
        offset += frame.samples
    assert offset == pytest.approx(5 * 0.3 * 48000, abs=2)
    words = [(w.text_start, w.text_end, w.start, w.end) for f in first for w in f.words]
    assert words[0] == (0, 3, 0, 14400)
    assert words[4] == (19, 23, 4 * 14400, 5 * 14400)
    assert sum(f.samples for f in frames if f.piece == 8) == pytest.approx(14400, abs=2)


async def test_words_of_a_voice_that_tells_no_times_are_reckoned_by_its_worker(tmp_path: Path) -> None:
    untimed = {"id": "voice", "family": "fake-voice", "options": {"times_words": False}}
    alone = settings(tmp_path, models=[untimed], preload_model_ids=[])
    async with process.running(alone, load) as worker, grpc.aio.insecure_channel(worker.address) as channel:
        call = worker_pb2_grpc.WorkerStub(channel).Synthesize()
        await call.write(chunk(last=True))
        words = [w for f in await rest(call) for w in f.words]
    assert [TEXT[w.text_start : w.text_end] for w in words] == TEXT.split()
    assert all(w.estimated for w in words)
    assert words[-1].end == pytest.approx(5 * 0.3 * 48000, abs=960)


async def test_no_more_is_sent_than_credit_was_granted(stub: worker_pb2_grpc.WorkerAsyncStub) -> None:
    call = stub.Synthesize()
    await call.write(chunk(credit_ms=100))
    assert len(await sounding(call)) == 5
    await call.write(pb.TextChunk(credit_ms=45))
    assert len(await sounding(call)) == 2
    call.cancel()


async def test_pause_resume_and_stop(stub: worker_pb2_grpc.WorkerAsyncStub, worker: Worker) -> None:
    model = worker.host.manager.get("voice").model
    warm_up = model.words_made
    call = stub.Synthesize()
    await call.write(chunk(credit_ms=200))
    before = await sounding(call)

    async def control(action: pb.ControlRequest.Action.ValueType) -> int:
        return (await stub.Control(pb.ControlRequest(action=action, session_id="s"))).streams

    assert await control(pb.ControlRequest.PAUSE) == 1
    await call.write(pb.TextChunk(credit_ms=200))
    assert not await sounding(call), "nothing is sent in a pause, whatever the credit"
    made = model.words_made - warm_up
    assert await control(pb.ControlRequest.RESUME) == 1
    after = await sounding(call)
    assert after[0].sample_offset == before[-1].sample_offset + FRAME_SAMPLES
    assert made == 1, "no work was spent beyond the credit and the chunk under way"
    assert await control(pb.ControlRequest.STOP) == 1
    assert not await rest(call)
    assert not worker.host.streams
    assert await control(pb.ControlRequest.STOP) == 0


async def failure(call: Any) -> tuple[grpc.StatusCode, common_pb2.ErrorDetail]:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    detail = common_pb2.ErrorDetail()
    detail.ParseFromString(dict(failed.value.trailing_metadata() or ())[DETAIL_KEY])
    return failed.value.code(), detail


async def test_models_are_listed_loaded_and_unloaded(tmp_path: Path) -> None:
    broken = {"id": "broken", "family": "broken", "languages": ["en"]}
    spare = {"id": "spare", "family": "fake-voice", "languages": ["te"], "tags": ["zero_shot"]}
    given = fake_settings("w", f"unix:{tmp_path}/w.sock")
    configured = WorkerSettings(**given | {"models": [*given["models"], broken, spare], "resident_cap": 9})
    async with (
        process.running(configured, load) as worker,
        grpc.aio.insecure_channel(worker.address) as channel,
    ):
        stub = worker_pb2_grpc.WorkerStub(channel)

        async def states() -> dict[str, int]:
            listed = await stub.ListModels(pb.ListModelsRequest())
            return {m.id: m.state for m in listed.models}

        assert await states() == {
            "voice": pb.Model.RESIDENT, "ears": pb.Model.RESIDENT, "duplex": pb.Model.RESIDENT,
            "broken": pb.Model.ABSENT, "spare": pb.Model.ABSENT,
        }  # fmt: skip
        loaded = await stub.LoadModel(pb.LoadModelRequest(model_id="spare"))
        assert loaded.model.state == pb.Model.RESIDENT
        await stub.StartSession(pb.StartSessionRequest(session_id="s", model_id="spare"))
        code, detail = await failure(stub.UnloadModel(pb.UnloadModelRequest(model_id="spare")))
        assert (code, detail.reason, detail.retryable) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "overloaded", True)
        await stub.EndSession(pb.EndSessionRequest(session_id="s"))
        await stub.UnloadModel(pb.UnloadModelRequest(model_id="spare"))
        assert (await states())["spare"] == pb.Model.ABSENT
        code, detail = await failure(stub.LoadModel(pb.LoadModelRequest(model_id="broken")))
        assert (code, detail.reason) == (grpc.StatusCode.INTERNAL, "model_failed")
        assert (await states())["broken"] == pb.Model.FAILED
        code, detail = await failure(stub.LoadModel(pb.LoadModelRequest(model_id="x")))
        assert (code, detail.reason) == (grpc.StatusCode.NOT_FOUND, "unknown_model")
        code, detail = await failure(stub.Control(pb.ControlRequest()))
        assert code == grpc.StatusCode.INVALID_ARGUMENT
        able = await stub.GetCapabilities(pb.GetCapabilitiesRequest())
        assert able.zero_shot
        assert set(able.languages) == {"en", "te"}
        assert able.load.memory_bytes > 1_000_000


async def test_a_reload_ends_no_stream(stub: worker_pb2_grpc.WorkerAsyncStub, worker: Worker) -> None:
    old = worker.host.manager.get("voice").model
    call = stub.Synthesize()
    await call.write(chunk(credit_ms=100, last=True))
    await sounding(call)
    await stub.Control(pb.ControlRequest(action=pb.ControlRequest.RELOAD, model_id="voice"))
    assert worker.host.manager.get("voice").model is not old
    await call.write(pb.TextChunk(credit_ms=100_000))
    await call.done_writing()
    assert len(await rest(call)) == 70


async def test_health_and_reflection(worker: Worker) -> None:
    async with grpc.aio.insecure_channel(worker.address) as channel:
        checks: Any = health_pb2_grpc.HealthStub(channel)
        answer = await checks.Check(health_pb2.HealthCheckRequest(service="parley.v1.Worker"))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING

    def services() -> list[str]:
        with grpc.insecure_channel(worker.address) as channel:
            return list(ProtoReflectionDescriptorDatabase(channel).get_services())

    assert {"parley.v1.Worker", "parley.v1.Recognition", "parley.v1.Duplex"} <= set(await asyncio.to_thread(services))


async def test_a_worker_that_stops_finishes_its_streams_and_takes_nothing_new(tmp_path: Path) -> None:
    async with grpc.aio.insecure_channel(f"unix:{tmp_path}/w.sock") as channel:
        stub = worker_pb2_grpc.WorkerStub(channel)
        entered, leave = asyncio.Event(), asyncio.Event()

        async def live() -> None:
            async with process.running(settings(tmp_path), load):
                entered.set()
                await leave.wait()

        living = asyncio.create_task(live())
        await entered.wait()
        call = stub.Synthesize()
        await call.write(chunk(credit_ms=100, last=True))
        await sounding(call)
        watch: Any = stub.Watch(pb.GetCapabilitiesRequest())
        await watch.read()
        leave.set()
        while not (await watch.read()).draining:
            pass
        code, detail = await failure(stub.StartSession(pb.StartSessionRequest(session_id="new")))
        assert (code, detail.reason, detail.retryable) == (grpc.StatusCode.UNAVAILABLE, "draining", True)
        await call.write(pb.TextChunk(credit_ms=100_000))
        await call.done_writing()
        assert len(await rest(call)) == 70
        await living


async def test_what_a_voice_can_is_announced_once_it_is_loaded(fleet: Fleet) -> None:
    (offer,) = (o for o in fleet.standings["w"].announcement.models if o.id == "voice")
    assert offer.fixed_speed
    assert offer.emotions == tuple(PacedVoice.emotions)
    assert offer.rate_hz == PacedVoice.rate_hz
    assert offer.voices == tuple(PacedVoice.voices)
    assert RemoteSynthesizer(fleet, offer).fixed_speed
    assert RemoteSynthesizer(fleet, offer).emotions == offer.emotions


def test_a_worker_leaves_out_an_emotion_that_its_voice_has_not() -> None:
    voice: Any = PacedVoice()
    asked = pb.TextChunk(style=pb.Style(voice="v", speed=1.25, language="te", emotion="sad", intensity=0.75))
    assert style_of(asked, voice) == SpeakingStyle("v", 1.25, "te", "sad", 0.75)
    asked.style.emotion = "angry"
    assert style_of(asked, voice).emotion == "neutral"
    assert style_of(pb.TextChunk(), voice) == SpeakingStyle(intensity=0.0)


async def test_sounds_that_are_given_reach_the_voice_also_of_a_worker_that_goes_on(
    fleet: Fleet, worker: Worker
) -> None:
    given = (Pronunciation(0, 3, "wʌn"), Pronunciation(8, 13, "θɹiː"))
    voice = RemoteSynthesizer(fleet, Offer(id="voice", languages=("en",)))
    async for _ in voice.synthesize("one two three", SpeakingStyle(pronounced=given), CALLER):
        pass
    assert worker.host.manager.get("voice").model.styles[-1].pronounced == given
    said = _Said("one two three")
    said._from_char = 4
    assert said.rest == "two three"
    assert said.still(given) == [Pronunciation(4, 9, "θɹiː")]


async def test_a_remote_voice_says_what_the_model_says(fleet: Fleet, worker: Worker) -> None:
    voice = RemoteSynthesizer(fleet, Offer(id="voice", languages=("en",)))
    samples: list[np.ndarray[Any, Any]] = []
    words: list[WordTiming] = []
    async for part in voice.synthesize(TEXT, SpeakingStyle(), CALLER):
        samples.append(part.samples)
        words += part.words
    sound = np.concatenate(samples)
    assert len(sound) == pytest.approx(5 * 0.3 * 48000, abs=2)
    assert [TEXT[w.text_start : w.text_end] for w in words] == TEXT.split()
    assert words[3].start_s == pytest.approx(0.9, abs=1e-6)
    assert worker.host.sessions == 1
    fleet.bindings.forget(CALLER.owner)
    await until(lambda: not worker.host.sessions)


async def test_a_pause_of_an_answer_reaches_the_worker_and_the_last_word_counts(fleet: Fleet, worker: Worker) -> None:
    speaking = RemoteSynthesizer(fleet, Offer(id="voice")).synthesize("word " * 400, SpeakingStyle(), CALLER)
    await anext(speaking)
    (stream,) = worker.host.streams.values()

    async def told(*, paused: bool) -> None:
        while stream.paused is not paused:
            stream.changed.clear()
            await asyncio.wait_for(stream.changed.wait(), 60)

    fleet.bindings.hold(CALLER.owner, paused=True)
    await told(paused=True)
    fleet.bindings.hold(CALLER.owner, paused=False)
    await told(paused=False)
    for paused in (True, False, True):
        fleet.bindings.hold(CALLER.owner, paused=paused)
    await told(paused=True)
    fleet.bindings.hold("nobody", paused=True)
    assert set(fleet.bindings._telling) <= {CALLER.owner}, "of whom nobody serves nothing is kept"
    fleet.bindings.hold(CALLER.owner, paused=False)
    await told(paused=False)
    await asyncio.wait_for(anext(speaking), 60)
    await speaking.aclose()


async def test_a_voice_that_is_left_frees_its_stream(fleet: Fleet, worker: Worker) -> None:
    speaking = RemoteSynthesizer(fleet, Offer(id="voice")).synthesize("word " * 400, SpeakingStyle(), CALLER)
    await anext(speaking)
    assert worker.host.streams
    await speaking.aclose()
    await asyncio.wait_for(worker.host.quiet.wait(), 60)
    assert worker.host.manager.get("voice").model.words_made < 10


async def test_errors_keep_their_kind(fleet: Fleet) -> None:
    async def say(voice: RemoteSynthesizer, text: str) -> None:
        async for _ in voice.synthesize(text, SpeakingStyle(), CALLER):
            pass

    with pytest.raises(ModelError, match="fails as told"):
        await say(RemoteSynthesizer(fleet, Offer(id="voice")), "this fails here")
    with pytest.raises(UsageError, match="a piece may have 5000"):
        await say(RemoteSynthesizer(fleet, Offer(id="voice")), "x" * 6000)


async def test_a_remote_recogniser_understands(fleet: Fleet, worker: Worker) -> None:
    ears = RemoteRecognizer(fleet, "ears", ("en",))
    stream = ears.open("en")
    stream.feed(np.zeros(16000, np.float32))
    assert (await stream.partial(CALLER)).text == "What time is it?"
    stream.feed(np.zeros(8000, np.float32))
    assert not ears.asking
    assert ears.idle
    first, second = await asyncio.gather(stream.finish(CALLER), stream.finish(CALLER))
    assert first == second
    stream.close()
    with pytest.raises(ModelNotFound):
        await worker.host.start_session("s", "nobody")


async def test_a_remote_duplex_model_converses(fleet: Fleet, worker: Worker) -> None:
    model = RemoteDuplex(fleet, "duplex", 24000, 1920)
    worker.host.manager.get("duplex").model.voices = ("ada", "bea")
    assert (await RemoteDuplex.find(fleet, "duplex")).voices == ("ada", "bea")
    opening = DuplexOpening("You are a fox.", ("User: Who are you?", "You: A fox."), "ada")
    slot = await model.open_slot(opening)
    await slot.whisper("It is noon.")
    said = ""
    for index in range(40):
        said += (await slot.step(to_float(tone(0.08, 24000, level=0.3 if index < 5 else 0.0)))).text
    assert said == "right so yes"
    there = worker.host.manager.get("duplex").model
    assert (there.openings[-1], there.whispers) == (opening, ["It is noon."])
    await slot.aclose()
    with pytest.raises(ModelError, match="takes 1920 samples at 24000"):
        await RemoteDuplex(fleet, "duplex", 16000, 320).open_slot()
    await until(lambda: not worker.host.manager.get("duplex").model.open_slots)
