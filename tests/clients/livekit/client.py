"""LiveKit's OpenAI plugins: an agent on the realtime model with two tools, transcription both ways, speech."""

import asyncio
import json
import os
import wave
from collections.abc import Callable

from livekit import rtc
from livekit.agents import Agent, AgentSession, function_tool, utils
from livekit.agents.stt import SpeechEventType
from livekit.agents.voice import io
from livekit.plugins import openai

RATE = 24000


def tell(feature: str, ok: bool, seen: object) -> None:
    print(json.dumps({"feature": feature, "ok": bool(ok), "seen": str(seen)}), flush=True)


def question() -> bytes:
    with wave.open(os.environ["QUESTION"]) as file:
        return file.readframes(file.getnframes())


def framed(sound: bytes) -> rtc.AudioFrame:
    return rtc.AudioFrame(sound, RATE, 1, len(sound) // 2)


class Microphone(io.AudioInput):
    """The question, then silence, at the speed of a microphone."""

    def __init__(self) -> None:
        super().__init__(label="microphone")
        self._sound, self._at = question(), 0

    async def __anext__(self) -> rtc.AudioFrame:
        await asyncio.sleep(0.02)
        step = RATE // 50 * 2
        part = self._sound[self._at : self._at + step].ljust(step, b"\0")
        self._at += step
        return framed(part)


class Loudspeaker(io.AudioOutput):
    """Plays in no time."""

    def __init__(self) -> None:
        super().__init__(label="loudspeaker", capabilities=io.AudioOutputCapabilities(pause=False), sample_rate=RATE)
        self.seconds, self._pending = 0.0, 0.0

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        self.seconds += frame.duration
        self._pending += frame.duration

    def flush(self) -> None:
        super().flush()
        if self._pending:
            self.on_playback_finished(playback_position=self._pending, interrupted=False)
        self._pending = 0.0

    def clear_buffer(self) -> None:
        self.flush()


@function_tool
async def bridge_age(bridge: str) -> str:
    """How old a bridge is."""
    return "143 years"


@function_tool
async def weather(city: str) -> str:
    """The weather in a city."""
    return "sunny"


async def converse(tools: list[Callable[..., object]], *awaited: str) -> tuple[str, str, float, list[str]]:
    """What was heard, the words of the answer, its seconds, the tools that ran."""
    words: dict[str, list[str]] = {"user": [], "assistant": []}
    ran: list[str] = []
    over, failed = asyncio.Event(), []
    async with AgentSession(llm=openai.realtime.RealtimeModel(base_url=os.environ["OPENAI_BASE_URL"])) as session:

        @session.on("conversation_item_added")
        def _added(event: object) -> None:
            if event.item.type == "message":
                words[event.item.role].append(event.item.text_content or "")
            if all(x in " ".join(words["assistant"]) for x in awaited):
                over.set()

        @session.on("function_tools_executed")
        def _executed(event: object) -> None:
            ran.extend(call.name for call in event.function_calls)

        @session.on("error")
        def _error(event: object) -> None:
            failed.append(str(event.error))
            over.set()

        session.input.audio = Microphone()
        session.output.audio = speaker = Loudspeaker()
        await session.start(Agent(instructions="Answer in one sentence.", tools=tools))
        async with asyncio.timeout(60):
            await over.wait()
    if failed:
        raise RuntimeError(failed)
    return " ".join(words["user"]), " ".join(words["assistant"]), speaker.seconds, ran


async def streamed() -> str:
    stream = openai.STT(use_realtime=True).stream()

    async def speak() -> None:
        microphone = Microphone()
        while True:
            stream.push_frame(await anext(microphone))

    speaking = asyncio.create_task(speak())
    async with asyncio.timeout(60):
        async for event in stream:
            if event.type == SpeechEventType.FINAL_TRANSCRIPT:
                break
    speaking.cancel()
    await stream.aclose()
    return event.alternatives[0].text


async def main() -> None:
    async with utils.http_context.open():
        parts = [event.frame async for event in openai.TTS(voice="nova").synthesize("The library is open today.")]
        stt = openai.STT(use_realtime=False)
        back = (await stt.recognize(rtc.combine_audio_frames(parts))).alternatives[0].text
        tell("speech", "library" in back.lower(), back)
        heard = (await stt.recognize(framed(question()))).alternatives[0].text
        live = await streamed()
        tell("transcription", "bridge" in heard.lower() and "bridge" in live.lower(), (heard, live))
        heard, words, seconds, _ = await converse([], "1883")
        tell("realtime", "bridge" in heard.lower() and "1883" in words and seconds > 1, (heard, words, seconds))
        heard, words, seconds, ran = await converse([bridge_age, weather], "143 years", "sunny")
        ok = sorted(ran) == ["bridge_age", "weather"] and "143 years" in words and "sunny" in words
        tell("two tools", ok and seconds > 1, (heard, words, seconds, ran))


asyncio.run(main())
