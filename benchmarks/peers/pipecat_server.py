"""Pipecat behind the OpenAI Realtime protocol, so that the same callers can measure it. Runs in its own environment.

    python pipecat_server.py --port 8766 --models MODELS.json [--silence 0.2]

MODELS.json names the files: {"moonshine": FOLDER, "piper": FILE.onnx, "llm_url": URL, "llm": NAME}. The models are
the ones that parley uses by default, through Pipecat's own services; its turn-taking is its default (Silero, smart-turn
with its own fallback). `--silence`: so much of it ends a turn and nothing waits longer.

Only what a caller needs is spoken of the protocol: appended audio and messages in; audio, transcripts, and begin and
end of responses out. The output transport plays in real time by itself, as a device would.
"""

from __future__ import annotations

import argparse
import base64
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI, WebSocket
from moonshine_voice.moonshine_api import ModelArch
from moonshine_voice.transcriber import Transcriber
from pipecat.audio.utils import create_stream_resampler
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADParams
from pipecat.frames.frames import (
    BotStoppedSpeakingFrame,
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
    OutputTransportMessageUrgentFrame,
    TranscriptionFrame,
    TTSStartedFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair, LLMUserAggregatorParams
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.serializers.base_serializer import FrameSerializer
from pipecat.services.moonshine.stt import MoonshineSTTService
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.piper.tts import PiperTTSService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.workers.runner import WorkerRunner
from served import INPUT_RATE_HZ, INSTRUCTIONS, RATE_HZ, message, options, serve

app = FastAPI()
models: dict[str, str] = {}
ids = itertools.count(1)


class Talk:
    """Which response is on its way, for serializer and teller."""

    def __init__(self) -> None:
        self.response: str | None = None
        self.said: Callable[[Any], None] = lambda _: None
        """Takes what was said before."""

    def begin(self) -> dict[str, Any]:
        self.response = f"resp_{next(ids)}"
        return {"type": "response.created", "response": {"id": self.response, "status": "in_progress"}}

    def end(self, status: str) -> dict[str, Any]:
        ended, self.response = self.response, None
        return {"type": "response.done", "response": {"id": ended, "status": status, "output": []}}


class Serializer(FrameSerializer):
    """Audio and interruptions as events of the protocol."""

    def __init__(self, talk: Talk) -> None:
        super().__init__()
        self._talk = talk
        self._resampler = create_stream_resampler()

    async def serialize(self, frame: Frame) -> str | None:
        if isinstance(frame, OutputTransportMessageUrgentFrame):
            return json.dumps(frame.message) if frame.message.get("type", "").count(".") else None
        if isinstance(frame, InterruptionFrame):
            return json.dumps({"type": "input_audio_buffer.speech_started", "item_id": "", "audio_start_ms": 0})
        if isinstance(frame, OutputAudioRawFrame) and self._talk.response:
            delta = base64.b64encode(frame.audio).decode()
            return json.dumps(
                {"type": "response.output_audio.delta", "response_id": self._talk.response, "delta": delta}
            )
        return None

    async def deserialize(self, data: str | bytes) -> Frame | None:
        event = json.loads(data)
        if event["type"] == "conversation.item.create":
            self._talk.said(message(event["item"]))
        if event["type"] != "input_audio_buffer.append":
            return None
        audio = await self._resampler.resample(base64.b64decode(event["audio"]), RATE_HZ, INPUT_RATE_HZ)
        return InputAudioRawFrame(audio, sample_rate=INPUT_RATE_HZ, num_channels=1)


class Teller(FrameProcessor):
    """Tells the client what passes by; one stands behind the recogniser, one before the output."""

    def __init__(self, talk: Talk) -> None:
        super().__init__()
        self._talk = talk

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        for event in self._events(frame):
            await self.push_frame(OutputTransportMessageUrgentFrame(message=event), FrameDirection.DOWNSTREAM)
        await self.push_frame(frame, direction)

    def _events(self, frame: Frame) -> list[dict[str, Any]]:
        talk = self._talk
        if isinstance(frame, TranscriptionFrame):
            kind = "conversation.item.input_audio_transcription.completed"
            return [{"type": kind, "item_id": f"item_{next(ids)}", "transcript": frame.text}]
        if isinstance(frame, TTSStartedFrame) and talk.response is None:
            return [talk.begin()]
        if isinstance(frame, TTSTextFrame) and talk.response is not None:
            delta = f"{frame.text} "
            return [{"type": "response.output_audio_transcript.delta", "response_id": talk.response, "delta": delta}]
        if isinstance(frame, InterruptionFrame | BotStoppedSpeakingFrame) and talk.response is not None:
            return [talk.end("cancelled" if isinstance(frame, InterruptionFrame) else "completed")]
        return []


class Moonshine(MoonshineSTTService):
    """With model files that are there already."""

    def _load(self) -> Transcriber:
        return Transcriber(models["moonshine"], ModelArch.TINY)


@app.websocket("/v1/realtime")
async def realtime(socket: WebSocket) -> None:
    given: argparse.Namespace = app.state.options
    await socket.accept()
    talk = Talk()
    transport = FastAPIWebsocketTransport(
        socket, FastAPIWebsocketParams(audio_in_enabled=True, audio_out_enabled=True, serializer=Serializer(talk))
    )
    voice = Path(models["piper"])
    context = LLMContext([{"role": "system", "content": INSTRUCTIONS}])
    talk.said = context.add_message
    strategies = UserTurnStrategies(stop=[SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=0.0)])
    aggregators = LLMContextAggregatorPair(
        context,
        user_params=LLMUserAggregatorParams(
            vad_analyzer=SileroVADAnalyzer(params=VADParams(stop_secs=given.silence) if given.silence else None),
            user_turn_strategies=strategies if given.silence else None,
        ),
    )
    settings = OpenAILLMService.Settings(model=models["llm"], max_tokens=given.answer_tokens)
    pipeline = Pipeline([
        transport.input(),
        Moonshine(),
        Teller(talk),
        aggregators.user(),
        OpenAILLMService(api_key="none", base_url=models["llm_url"], settings=settings),
        PiperTTSService(download_dir=voice.parent, settings=PiperTTSService.Settings(voice=voice.stem)),
        Teller(talk),
        transport.output(),
        aggregators.assistant(),
    ])  # fmt: skip
    params = PipelineParams(audio_in_sample_rate=INPUT_RATE_HZ, audio_out_sample_rate=RATE_HZ)
    worker = PipelineWorker(pipeline, params=params, enable_rtvi=False)
    runner = WorkerRunner(handle_sigint=False)

    @worker.event_handler("on_pipeline_started")
    async def ready(*_: object) -> None:  # its models are loaded: that is not the caller's time
        await socket.send_text(json.dumps({"type": "session.created", "session": {"type": "realtime"}}))

    @transport.event_handler("on_client_disconnected")
    async def left(*_: object) -> None:
        await worker.cancel()

    await runner.add_workers(worker)
    await runner.run()


def main() -> None:
    app.state.options, described = options(__doc__, 8766)
    models.update(described)
    serve(app, app.state.options.port)


if __name__ == "__main__":
    main()
