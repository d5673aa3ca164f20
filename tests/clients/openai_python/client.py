"""The official Python SDK: speech, transcription, chat and a spoken conversation with two tools."""

import asyncio
import base64
import json
import os
import wave
from typing import Any

from openai import AsyncOpenAI

RATE = 24000
TOOLS = {"bridge_age": lambda bridge: "143 years", "weather": lambda city: "sunny"}
PARAMETERS = {"bridge_age": "bridge", "weather": "city"}


def tell(feature: str, ok: bool, seen: object) -> None:
    print(json.dumps({"feature": feature, "ok": bool(ok), "seen": str(seen)}), flush=True)


def question() -> bytes:
    with wave.open(os.environ["QUESTION"]) as file:
        return file.readframes(file.getnframes())


async def speak(connection: Any) -> None:
    """Send the question and then silence at the speed of a microphone."""
    sound = question()
    step = RATE // 50 * 2
    for start in range(0, len(sound), step):
        await connection.input_audio_buffer.append(audio=base64.b64encode(sound[start : start + step]).decode())
        await asyncio.sleep(0.02)
    while True:
        await connection.input_audio_buffer.append(audio=base64.b64encode(bytes(step)).decode())
        await asyncio.sleep(0.02)


async def converse(client: AsyncOpenAI, tools: bool) -> tuple[str, str, float]:
    """What was heard of the question, the words of the answer, its seconds of sound."""
    heard, words, sound, calls = "", "", 0, []
    async with client.realtime.connect(model="gpt-realtime") as connection:
        session: dict[str, Any] = {"type": "realtime", "instructions": "Answer in one sentence."}
        session["audio"] = {
            "input": {"transcription": {"model": "gpt-4o-mini-transcribe"}},
            "output": {"voice": "marin"},
        }
        if tools:
            session["tools"] = [
                {
                    "type": "function", "name": name, "description": name,
                    "parameters": {"type": "object", "properties": {field: {"type": "string"}}, "required": [field]},
                }
                for name, field in PARAMETERS.items()
            ]  # fmt: skip
        await connection.session.update(session=session)
        speaking = asyncio.create_task(speak(connection))
        async for event in connection:
            if event.type == "error":
                raise RuntimeError(event.error.message)
            if event.type == "conversation.item.input_audio_transcription.completed":
                heard += event.transcript
            elif event.type == "response.output_audio_transcript.delta":
                words += event.delta
            elif event.type == "response.output_audio.delta":
                sound += len(base64.b64decode(event.delta))
            elif event.type == "response.function_call_arguments.done":
                calls.append(event)
            elif event.type == "response.done":
                if not calls:
                    break
                for call in calls:
                    result = TOOLS[call.name](**json.loads(call.arguments))
                    item = {"type": "function_call_output", "call_id": call.call_id, "output": result}
                    await connection.conversation.item.create(item=item)
                calls = []
                await connection.response.create()
        speaking.cancel()
    return heard, words, sound / 2 / RATE


async def main() -> None:
    async with AsyncOpenAI() as client:
        speech = await client.audio.speech.create(
            model="gpt-4o-mini-tts", voice="coral", input="The library is open today.", response_format="wav"
        )
        heard = await client.audio.transcriptions.create(model="whisper-1", file=("speech.wav", speech.content))
        tell("speech", "library" in heard.text.lower(), heard.text)
        with open(os.environ["QUESTION"], "rb") as file:
            heard = await client.audio.transcriptions.create(model="gpt-4o-transcribe", file=file)
        streamed = ""
        with open(os.environ["QUESTION"], "rb") as file:
            parts = await client.audio.transcriptions.create(model="gpt-4o-transcribe", file=file, stream=True)
        async for part in parts:
            streamed = part.text if part.type == "transcript.text.done" else streamed
        tell("transcription", "bridge" in heard.text.lower() and "bridge" in streamed.lower(), heard.text)
        chat = await client.chat.completions.create(
            model="gpt-5-mini", messages=[{"role": "user", "content": "How old is the bridge?"}]
        )
        tell("chat", "1883" in str(chat.choices[0].message.content), chat.choices[0].message.content)
        said, words, seconds = await converse(client, tools=False)
        tell("realtime", "bridge" in said.lower() and "1883" in words and seconds > 1, (said, words, seconds))
        said, words, seconds = await converse(client, tools=True)
        tell("two tools", "143 years" in words and "sunny" in words and seconds > 1, (said, words, seconds))


asyncio.run(main())
