"""Pipecat's OpenAI services in pipelines: realtime with two tools, transcription both ways, speech."""

import asyncio
import io
import json
import os
import wave
from collections.abc import Callable

from openai import AsyncOpenAI
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.audio.utils import create_stream_resampler
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    LLMRunFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStoppedFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.processors.audio.vad_processor import VADProcessor
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.llm_service import FunctionCallParams
from pipecat.services.openai.realtime.events import (
    AudioConfiguration,
    AudioInput,
    InputAudioTranscription,
    SessionProperties,
)
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.services.openai.stt import OpenAIRealtimeSTTService, OpenAISTTService
from pipecat.services.openai.tts import OpenAITTSService
from pipecat.workers.runner import WorkerRunner

RATE, MICROPHONE = 24000, 16000  # Hz
KEY, URL = os.environ["OPENAI_API_KEY"], os.environ["OPENAI_BASE_URL"]
REALTIME = URL.replace("http", "ws", 1) + "/realtime"
RESULTS = {"bridge_age": "143 years", "weather": "sunny"}


def tell(feature: str, ok: bool, seen: object) -> None:
    print(json.dumps({"feature": feature, "ok": bool(ok), "seen": str(seen)}), flush=True)


class Keeper(FrameProcessor):
    """Keeps what comes by, and says when it is enough."""

    def __init__(self, enough: Callable[["Keeper"], bool]) -> None:
        super().__init__()
        self._enough = enough
        self.greeted, self.over = asyncio.Event(), asyncio.Event()
        self.heard, self.words, self.sound, self.stops, self.errors = "", "", b"", 0, []

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TranscriptionFrame):
            self.heard += frame.text
        elif isinstance(frame, TTSTextFrame):
            self.words += frame.text
        elif isinstance(frame, TTSAudioRawFrame):
            self.sound += frame.audio
        elif isinstance(frame, TTSStoppedFrame):
            self.stops += 1
            self.greeted.set()
        elif isinstance(frame, ErrorFrame):
            self.errors.append(frame.error)
        if self._enough(self):
            self.over.set()
        await self.push_frame(frame, direction)


async def run(pipeline: Pipeline, keeper: Keeper, first: list[Frame], speak: bool) -> Keeper:
    """Run a pipeline, speak the question into it, and end it when enough was kept."""
    params = PipelineParams(audio_in_sample_rate=MICROPHONE, audio_out_sample_rate=RATE)
    worker = PipelineWorker(pipeline, params=params, enable_rtvi=False, cancel_on_idle_timeout=False)
    started = asyncio.Event()

    @worker.event_handler("on_pipeline_started")
    async def _started(*_: object) -> None:
        started.set()

    @worker.event_handler("on_pipeline_error")
    async def _error(_worker: object, frame: ErrorFrame) -> None:
        keeper.errors.append(frame.error)
        keeper.over.set()

    async def microphone() -> None:
        await started.wait()
        await worker.queue_frames(first)
        if any(isinstance(frame, LLMRunFrame) for frame in first):  # it speaks first
            await keeper.greeted.wait()
            keeper.words, keeper.sound = "", b""
        with wave.open(os.environ["QUESTION"]) as file:
            sound = await create_stream_resampler().resample(file.readframes(file.getnframes()), RATE, MICROPHONE)
        step = MICROPHONE // 50 * 2
        at = 0
        while speak:
            part = sound[at : at + step].ljust(step, b"\0")
            await worker.queue_frame(InputAudioRawFrame(audio=part, sample_rate=MICROPHONE, num_channels=1))
            at += step
            await asyncio.sleep(0.02)

    async def ending() -> None:
        async with asyncio.timeout(60):
            await keeper.over.wait()
        await worker.queue_frame(EndFrame())

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    speaking = asyncio.create_task(microphone())
    try:
        await asyncio.gather(runner.run(), ending())
    finally:
        speaking.cancel()
    if keeper.errors:
        raise RuntimeError(keeper.errors)
    return keeper


async def converse(tools: bool, *awaited: str) -> Keeper:
    properties = SessionProperties(audio=AudioConfiguration(input=AudioInput(transcription=InputAudioTranscription())))
    llm = OpenAIRealtimeLLMService(
        api_key=KEY,
        base_url=REALTIME,
        settings=OpenAIRealtimeLLMService.Settings(
            model="gpt-realtime", system_instruction="Answer in one sentence.", session_properties=properties
        ),
    )

    async def call(params: FunctionCallParams) -> None:
        await params.result_callback(RESULTS[params.function_name])

    schemas = []
    if tools:
        for name, field in (("bridge_age", "bridge"), ("weather", "city")):
            llm.register_function(name, call)
            schemas.append(FunctionSchema(name, name, {field: {"type": "string"}}, [field]))
    context = LLMContext([{"role": "developer", "content": "Greet the user."}], ToolsSchema(standard_tools=schemas))
    pair = LLMContextAggregatorPair(context)
    keeper = Keeper(lambda k: k.stops > 1 and all(words in k.words for words in awaited))
    pipeline = Pipeline([pair.user(), llm, keeper, pair.assistant()])
    await run(pipeline, keeper, [LLMRunFrame()], speak=True)
    keeper.heard = " ".join(str(m["content"]) for m in context.messages if m.get("role") == "user")
    return keeper


async def main() -> None:
    tts = OpenAITTSService(api_key=KEY, base_url=URL, settings=OpenAITTSService.Settings(voice="nova"))
    keeper = Keeper(lambda k: k.stops > 0)
    said = await run(Pipeline([tts, keeper]), keeper, [TTSSpeakFrame("The library is open today.")], speak=False)
    recording = io.BytesIO()
    with wave.open(recording, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(said.sound)
    back = await AsyncOpenAI().audio.transcriptions.create(model="whisper-1", file=("a.wav", recording.getvalue()))
    tell("speech", "library" in back.text.lower(), back.text)

    stt = OpenAISTTService(api_key=KEY, base_url=URL)
    keeper = Keeper(lambda k: bool(k.heard))
    vad = VADProcessor(vad_analyzer=SileroVADAnalyzer())
    heard = (await run(Pipeline([vad, stt, keeper]), keeper, [], speak=True)).heard
    live = OpenAIRealtimeSTTService(api_key=KEY, base_url=REALTIME, turn_detection=None)
    keeper = Keeper(lambda k: bool(k.heard))
    streamed = (await run(Pipeline([live, keeper]), keeper, [], speak=True)).heard
    tell("transcription", "bridge" in heard.lower() and "bridge" in streamed.lower(), (heard, streamed))

    kept = await converse(False, "1883")
    ok = "bridge" in kept.heard.lower() and "1883" in kept.words
    tell("realtime", ok and len(kept.sound) > 2 * RATE, (kept.heard, kept.words, len(kept.sound) / 2 / RATE))
    kept = await converse(True, "143 years", "sunny")
    ok = "143 years" in kept.words and "sunny" in kept.words
    tell("two tools", ok and len(kept.sound) > 2 * RATE, (kept.heard, kept.words, len(kept.sound) / 2 / RATE))


asyncio.run(main())
