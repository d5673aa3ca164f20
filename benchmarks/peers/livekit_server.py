"""LiveKit Agents behind the OpenAI Realtime protocol, so that the same callers can measure it. In its own environment.

    python livekit_server.py --port 8768 --models MODELS.json [--silence 0.2]

MODELS.json as for `pipecat_server.py`. An `AgentSession` without a room: the caller's sound is its audio input, its
audio output plays in real time and can pause, as a room's does. Everything else is its default: Silero, its own local
turn detector, preemptive generation. `--silence`: silence alone ends a turn, after so much of it.

Moonshine and Piper have no plug-in there; they are wired in as its interfaces for recognisers and voices ask.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import itertools
import json
import time
from typing import Any

import numpy as np
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from livekit import rtc
from livekit.agents import Agent, AgentSession, APIConnectOptions, stt, tts, utils
from livekit.agents.voice import io
from livekit.plugins import openai
from moonshine_voice.moonshine_api import ModelArch
from moonshine_voice.transcriber import Transcriber
from piper import PiperVoice
from served import INPUT_RATE_HZ, INSTRUCTIONS, RATE_HZ, message, options, serve

FRAME_S, LEAD_S = 0.02, 0.08
app = FastAPI()
models: dict[str, str] = {}
loaded: dict[str, Any] = {}
ids = itertools.count(1)


class Moonshine(stt.STT):
    """The recogniser, an utterance at a time."""

    def __init__(self) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))

    async def _recognize_impl(
        self, buffer: utils.AudioBuffer, *, language: Any, conn_options: APIConnectOptions
    ) -> stt.SpeechEvent:
        frame = rtc.combine_audio_frames(buffer)
        audio = np.frombuffer(frame.data, np.int16).astype(np.float32) / 32768
        text = await asyncio.to_thread(self._understand, audio, frame.sample_rate)
        kind = stt.SpeechEventType.FINAL_TRANSCRIPT
        return stt.SpeechEvent(kind, alternatives=[stt.SpeechData("en", text)])

    @staticmethod
    def _understand(audio: np.ndarray, rate_hz: int) -> str:
        lines = loaded["moonshine"].transcribe_without_streaming(audio.tolist(), rate_hz).lines
        return " ".join(line.text for line in lines).strip()


class Piper(tts.TTS):
    """The voice, a sentence at a time."""

    def __init__(self) -> None:
        rate_hz = loaded["piper"].config.sample_rate
        super().__init__(capabilities=tts.TTSCapabilities(streaming=False), sample_rate=rate_hz, num_channels=1)

    def synthesize(self, text: str, *, conn_options: Any = None) -> tts.ChunkedStream:
        options = conn_options or APIConnectOptions()
        return PiperStream(tts=self, input_text=text, conn_options=options)


class PiperStream(tts.ChunkedStream):
    """One text's sound."""

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(
            request_id=str(next(ids)), sample_rate=self._tts.sample_rate, num_channels=1, mime_type="audio/pcm"
        )
        output_emitter.push(await asyncio.to_thread(self._sound))
        output_emitter.flush()

    def _sound(self) -> bytes:
        return b"".join(chunk.audio_int16_bytes for chunk in loaded["piper"].synthesize(self.input_text))


class Microphone(io.AudioInput):
    """The caller's sound."""

    def __init__(self) -> None:
        super().__init__(label="caller")
        self.frames: asyncio.Queue[rtc.AudioFrame] = asyncio.Queue(500)
        self._resampler = rtc.AudioResampler(RATE_HZ, INPUT_RATE_HZ)

    def hear(self, data: bytes) -> None:
        for frame in self._resampler.push(rtc.AudioFrame(data, RATE_HZ, 1, len(data) // 2)):
            self.frames.put_nowait(frame)

    async def __anext__(self) -> rtc.AudioFrame:
        return await self.frames.get()


class Loudspeaker(io.AudioOutput):
    """Plays in real time to the caller, a little ahead; stops at once when it is paused or cleared."""

    def __init__(self, send: Any) -> None:
        super().__init__(label="caller", capabilities=io.AudioOutputCapabilities(pause=True), sample_rate=RATE_HZ)
        self._send = send
        self._waiting = bytearray()
        self._flushed = False
        self._running = asyncio.Event()
        self._running.set()
        self._arrived = asyncio.Event()
        self._response: str | None = None
        self._sent_s = 0.0
        self.clock = asyncio.create_task(self._play())

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        self._flushed = False
        self._waiting += bytes(frame.data)
        self._arrived.set()

    def flush(self) -> None:
        super().flush()
        self._flushed = True
        self._arrived.set()

    def clear_buffer(self) -> None:
        self._waiting.clear()
        if self._response is not None:
            self._send({"type": "input_audio_buffer.speech_started", "item_id": "", "audio_start_ms": 0})
            self._over(interrupted=True)

    def pause(self) -> None:
        super().pause()
        self._running.clear()

    def resume(self) -> None:
        super().resume()
        self._running.set()

    def _over(self, *, interrupted: bool) -> None:
        ended, self._response = self._response, None
        status = "cancelled" if interrupted else "completed"
        self._send({"type": "response.done", "response": {"id": ended, "status": status, "output": []}})
        self.on_playback_finished(playback_position=max(0.0, self._sent_s - LEAD_S), interrupted=interrupted)

    async def _play(self) -> None:
        size = round(RATE_HZ * FRAME_S) * 2
        due = 0.0
        while True:
            await self._running.wait()
            if not self._waiting:
                if self._response is not None and self._flushed:
                    await asyncio.sleep(max(0.0, due + LEAD_S - time.monotonic()))
                    if self._response is not None and not self._waiting:
                        self._over(interrupted=False)
                self._arrived.clear()
                await self._arrived.wait()
                continue
            if self._response is None:
                self._response, self._sent_s = f"resp_{next(ids)}", 0.0
                self._send({"type": "response.created", "response": {"id": self._response, "status": "in_progress"}})
                self.on_playback_started(created_at=time.time())
            chunk = bytes(self._waiting[:size])
            del self._waiting[:size]
            self._sent_s += len(chunk) / 2 / RATE_HZ
            delta = base64.b64encode(chunk).decode()
            self._send({"type": "response.output_audio.delta", "response_id": self._response, "delta": delta})
            due = max(due + FRAME_S, time.monotonic() - LEAD_S)
            await asyncio.sleep(max(0.0, due - time.monotonic()))


@app.websocket("/v1/realtime")
async def realtime(socket: WebSocket) -> None:
    given: argparse.Namespace = app.state.options
    await socket.accept()
    outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    microphone, loudspeaker = Microphone(), Loudspeaker(outgoing.put_nowait)
    language_model = openai.LLM(
        model=models["llm"], base_url=models["llm_url"], api_key="none", max_completion_tokens=given.answer_tokens
    )
    tuned = {"turn_detection": "vad", "endpointing": {"min_delay": given.silence, "max_delay": given.silence}}
    session: AgentSession[None] = AgentSession(
        stt=Moonshine(), llm=language_model, tts=Piper(), **({"turn_handling": tuned} if given.silence else {})
    )
    session.input.audio, session.output.audio = microphone, loudspeaker

    @session.on("user_input_transcribed")
    def understood(event: Any) -> None:
        if event.is_final:
            kind = "conversation.item.input_audio_transcription.completed"
            outgoing.put_nowait({"type": kind, "item_id": f"item_{next(ids)}", "transcript": event.transcript})

    agent = Agent(instructions=INSTRUCTIONS)
    await session.start(agent=agent, record=False)
    outgoing.put_nowait({"type": "session.created", "session": {"type": "realtime"}})
    telling = asyncio.create_task(_tell(socket, outgoing))
    try:
        while True:
            event = json.loads(await socket.receive_text())
            if event["type"] == "input_audio_buffer.append":
                microphone.hear(base64.b64decode(event["audio"]))
            elif event["type"] == "conversation.item.create":
                said = agent.chat_ctx.copy()
                said.add_message(**message(event["item"]))
                await agent.update_chat_ctx(said)
    except WebSocketDisconnect:
        pass
    finally:
        telling.cancel()
        loudspeaker.clock.cancel()
        await session.aclose()


async def _tell(socket: WebSocket, outgoing: asyncio.Queue[dict[str, Any]]) -> None:
    while True:
        await socket.send_json(await outgoing.get())


def main() -> None:
    app.state.options, described = options(__doc__, 8768)
    models.update(described)
    loaded["moonshine"] = Transcriber(models["moonshine"], ModelArch.TINY)
    loaded["piper"] = PiperVoice.load(models["piper"])
    serve(app, app.state.options.port)


if __name__ == "__main__":
    main()
