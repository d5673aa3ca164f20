"""openai-agents: a realtime agent with two tools, and its voice pipeline (transcription, chat, speech)."""

import asyncio
import json
import os
import wave

import numpy as np
from agents import Agent, OpenAIChatCompletionsModel, function_tool, set_tracing_disabled
from agents.realtime import RealtimeAgent, RealtimeRunner
from agents.voice import AudioInput, SingleAgentVoiceWorkflow, VoicePipeline
from openai import AsyncOpenAI

RATE = 24000
URL = os.environ["OPENAI_BASE_URL"].replace("http", "ws", 1) + "/realtime?model=gpt-realtime"


def tell(feature: str, ok: bool, seen: object) -> None:
    print(json.dumps({"feature": feature, "ok": bool(ok), "seen": str(seen)}), flush=True)


def question() -> bytes:
    with wave.open(os.environ["QUESTION"]) as file:
        return file.readframes(file.getnframes())


@function_tool
def bridge_age(bridge: str) -> str:
    """How old a bridge is."""
    return "143 years"


@function_tool
def weather(city: str) -> str:
    """The weather in a city."""
    return "sunny"


async def speak(session: object) -> None:
    sound, step = question(), RATE // 50 * 2
    for start in range(0, len(sound), step):
        await session.send_audio(sound[start : start + step])
        await asyncio.sleep(0.02)
    while True:
        await session.send_audio(bytes(step))
        await asyncio.sleep(0.02)


def spoken(history: list, role: str) -> str:
    parts = [c for i in history if i.type == "message" and i.role == role for c in i.content]
    return " ".join(getattr(c, "transcript", None) or getattr(c, "text", None) or "" for c in parts)


async def converse(tools: list, *awaited: str) -> tuple[str, str, float, list[str]]:
    """What was heard, the words of the answer, its seconds, the tools that ran."""
    agent = RealtimeAgent(name="Guide", instructions="Answer in one sentence.", tools=tools)
    runner = RealtimeRunner(agent)
    history, sound, ran = [], 0, []
    config = {"api_key": os.environ["OPENAI_API_KEY"], "url": URL}
    async with await runner.run(model_config=config) as session:
        speaking = asyncio.create_task(speak(session))
        async for event in session:
            if event.type == "error":
                raise RuntimeError(str(event.error))
            if event.type == "audio":
                sound += len(event.audio.data)
            elif event.type == "tool_end":
                ran.append(event.tool.name)
            elif event.type == "history_updated":
                history = event.history
            elif event.type == "history_added":
                history = [*history, event.item]
            elif event.type == "agent_end" and all(words in spoken(history, "assistant") for words in awaited):
                break
        speaking.cancel()
    return spoken(history, "user"), spoken(history, "assistant"), sound / 2 / RATE, ran


async def main() -> None:
    set_tracing_disabled(True)
    async with asyncio.timeout(60):
        heard, words, seconds, _ = await converse([], "1883")
    tell("realtime", "bridge" in heard.lower() and "1883" in words and seconds > 1, (heard, words, seconds))
    async with asyncio.timeout(60):
        heard, words, seconds, ran = await converse([bridge_age, weather], "143 years", "sunny")
    both = sorted(ran) == ["bridge_age", "weather"]
    tell("two tools", both and "143 years" in words and "sunny" in words and seconds > 1, (heard, words, seconds, ran))

    model = OpenAIChatCompletionsModel("gpt-4o", AsyncOpenAI())
    agent = Agent(name="Guide", instructions="Answer in one sentence.", model=model)
    pipeline = VoicePipeline(workflow=SingleAgentVoiceWorkflow(agent))
    result = await pipeline.run(AudioInput(buffer=np.frombuffer(question(), np.int16)))
    parts = [event.data async for event in result.stream() if event.type == "voice_stream_event_audio"]
    sound = np.concatenate([p for p in parts if p is not None])
    tell("chat", "1883" in result.total_output_text, result.total_output_text)
    with wave.open("answer.wav", "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(sound.astype(np.int16).tobytes())
    with open("answer.wav", "rb") as file:
        back = await AsyncOpenAI().audio.transcriptions.create(model="whisper-1", file=file)
    tell("speech", "bridge" in back.text.lower(), back.text)
    tell("transcription", "bridge" in back.text.lower(), "the pipeline answered what was asked")


asyncio.run(main())
