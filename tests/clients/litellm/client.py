"""litellm: its calls for speech, transcription and chat, with two tools in the last."""

import json
import os

import litellm

TOOLS = {"bridge_age": lambda bridge: "143 years", "weather": lambda city: "sunny"}
FIELDS = {"bridge_age": "bridge", "weather": "city"}
HOW = {"api_base": os.environ["OPENAI_BASE_URL"], "api_key": os.environ["OPENAI_API_KEY"]}


def tell(feature: str, ok: bool, seen: object) -> None:
    print(json.dumps({"feature": feature, "ok": bool(ok), "seen": str(seen)}), flush=True)


def described(name: str) -> dict[str, object]:
    parameters = {"type": "object", "properties": {FIELDS[name]: {"type": "string"}}, "required": [FIELDS[name]]}
    return {"type": "function", "function": {"name": name, "description": name, "parameters": parameters}}


speech = litellm.speech(model="openai/tts-1", voice="alloy", input="The library is open today.", **HOW)
heard = litellm.transcription(model="openai/whisper-1", file=("speech.mp3", speech.content), **HOW)
tell("speech", "library" in heard.text.lower(), heard.text)

with open(os.environ["QUESTION"], "rb") as file:
    heard = litellm.transcription(model="openai/gpt-4o-transcribe", file=file, **HOW)
tell("transcription", "bridge" in heard.text.lower(), heard.text)

messages = [{"role": "user", "content": "How old is the bridge?"}]
answer = litellm.completion(model="openai/gpt-4o", messages=messages, **HOW)
tell("chat", "1883" in answer.choices[0].message.content, answer.choices[0].message.content)

offered = [described(name) for name in TOOLS]
answer = litellm.completion(model="openai/gpt-4o", messages=messages, tools=offered, **HOW)
messages.append(answer.choices[0].message.model_dump())
for call in answer.choices[0].message.tool_calls:
    result = TOOLS[call.function.name](**json.loads(call.function.arguments))
    messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
answer = litellm.completion(model="openai/gpt-4o", messages=messages, tools=offered, **HOW)
words = answer.choices[0].message.content
tell("two tools", "143 years" in words and "sunny" in words, words)
