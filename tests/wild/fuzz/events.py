"""Client events: right, nearly right and absurd. Each event of the protocol has its valid form here."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from parley.realtime.client_events import CLIENT_EVENTS
from tests.wild.fuzz.values import absurd, anything, dumped, mangled, nearly, text

Event = dict[str, Any]
_QUESTIONS = ("Say hello.", "How old is the Brooklyn Bridge?", "Count to three.", "?", "", "నమస్కారం")
_TOOL = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {"in": {}}}}


@dataclass
class Known:
    """Names that the server has told, so that events also hit what there is."""

    items: list[str] = field(default_factory=lambda: ["item_0"])
    responses: list[str] = field(default_factory=lambda: ["resp_0"])

    def learn(self, told: Any) -> None:
        """Take the names from a server event."""
        response = told.get("response")
        for name, names in ((told.get("item_id"), self.items), (told.get("response_id"), self.responses)):
            if isinstance(name, str):
                names.append(name)
        if isinstance(response, dict) and isinstance(response.get("id"), str):
            self.responses.append(response["id"])


def sound(random: Random) -> bytes:
    """16-bit samples: silence, noise, a square wave, or half of one."""
    count = random.choice((0, 1, 240, 480, 480, 4800, 24000))
    kind = random.randrange(4)
    if kind == 0:
        return bytes(count * 2)
    if kind == 1:
        return random.randbytes(count * 2)
    if kind == 2:
        return (b"\xff\x7f" * 20 + b"\x00\x80" * 20) * (count // 40)
    return random.randbytes(count * 2 + 1)


def content(random: Random, role: str) -> list[Event]:
    """Parts of a message."""
    if role == "user" and random.random() < 0.1:
        return [{"type": "input_audio", "audio": base64.b64encode(sound(random)).decode()}]
    kind = "output_text" if role == "assistant" else "input_text"
    return [{"type": kind, "text": random.choice(_QUESTIONS)} for _ in range(random.randrange(3))]


def item(random: Random, known: Known) -> Event:
    """A conversation item."""
    kind = random.choice(("message", "message", "message", "function_call", "function_call_output"))
    found: Event = {"type": kind}
    if random.random() < 0.3:
        found["id"] = random.choice((*known.items[-5:], "mine", f"it{random.randrange(1000)}"))
    if kind == "message":
        role = random.choice(("user", "user", "assistant", "system"))
        return found | {"role": role, "content": content(random, role)}
    if kind == "function_call":
        return found | {"name": "weather", "arguments": '{"in": "Rome"}', "call_id": "call_1"}
    return found | {"call_id": "call_1", "output": "sunny"}


def session(random: Random) -> Event:
    """A session object with some of its fields."""
    kind = random.choice(("audio/pcm", "audio/pcm", "audio/pcmu", "audio/pcma"))
    fields: Event = {
        "type": "realtime",
        "model": "gpt-realtime",
        "instructions": random.choice(_QUESTIONS),
        "output_modalities": [random.choice(("audio", "text"))],
        "tools": [_TOOL] * random.randrange(2),
        "tool_choice": random.choice(("auto", "none", "required", {"type": "function", "name": "weather"})),
        "max_output_tokens": random.choice(("inf", 1, 20)),
        "truncation": random.choice(("auto", "disabled")),
        "audio": {
            "input": {
                "format": {"type": kind, "rate": 24000},
                "transcription": random.choice((None, {"model": "whisper-1", "language": "en"})),
                "noise_reduction": random.choice((None, {"type": "near_field"})),
                "turn_detection": random.choice((
                    None,
                    {"type": "semantic_vad", "eagerness": "high"},
                    {"type": "server_vad", "threshold": 0.5, "silence_duration_ms": 200, "idle_timeout_ms": 1000},
                )),
            },
            "output": {"format": {"type": kind}, "voice": "alloy", "speed": random.choice((0.25, 1.0, 4.0))},
        },
        "parley": {"playout": random.choice(("exact", "blind")), "binary_audio": random.random() < 0.5},
    }  # fmt: skip
    return {name: fields[name] for name in random.sample(list(fields), random.randrange(1, 5))}


def response(random: Random, known: Known) -> Event:
    """What a response may override."""
    fields: Event = {
        "instructions": "Be brief.",
        "output_modalities": [random.choice(("audio", "text"))],
        "max_output_tokens": random.choice((1, 5, 20)),
        "metadata": {"a": "b"},
        "conversation": random.choice(("auto", "none")),
        "tools": [_TOOL],
        "tool_choice": random.choice(("auto", "none", "required")),
        "input": random.choice(([], [item(random, known)], [{"type": "item_reference", "id": known.items[-1]}])),
        "audio": {"output": {"voice": "alloy"}},
    }
    return {name: fields[name] for name in random.sample(list(fields), random.randrange(5))}


def debate(random: Random) -> Event:
    """One by a format that is shipped, or by one of its own."""
    places = ("each", "people", "moderator", "for", "against", "nobody")
    rounds = [
        {"name": "Round", "order": random.choices(places, k=random.randrange(1, 4)), "task": "Speak.", "seconds": 5,
         "repeat": random.choice((0, 1, 2, 100))}
        for _ in range(random.randrange(1, 3))
    ]  # fmt: skip
    own = {
        "name": "mine", "title": "Mine", "about": "Mine.", "sides": ["for", "against"], "rounds": rounds,
        "moderator": random.random() < 0.5, "gap_ms": 100,
    }  # fmt: skip
    fields: Event = {
        "format": random.choice(("debate", "duel", "table", own, own, own)),
        "debaters": [{"name": name} for name in random.sample(("Ada", "Ben", "people"), 2)],
        "minutes": random.choice((0.1, 180)),
        "spectated": random.random() < 0.5,
        "moderator": {"name": "Mona"},
    }
    return {"topic": "Cats or dogs", **{n: fields[n] for n in random.sample(list(fields), random.randrange(5))}}


def _playout(random: Random, known: Known) -> Event:
    at = random.choice((0, 20, 1e3, 86_400_000))
    return {"response_id": random.choice(known.responses[-3:]), "audio_ms": at}


_FIELDS: dict[str, Callable[[Random, Known], Event]] = {
    "session.update": lambda r, _: {"session": session(r)},
    "input_audio_buffer.append": lambda r, _: {"audio": base64.b64encode(sound(r)).decode()},
    "input_audio_buffer.commit": lambda _, __: {},
    "input_audio_buffer.clear": lambda _, __: {},
    "conversation.item.create": lambda r, k: {
        "item": item(r, k), "previous_item_id": r.choice((None, "root", k.items[-1])),
    },
    "conversation.item.retrieve": lambda r, k: {"item_id": r.choice(k.items[-5:])},
    "conversation.item.delete": lambda r, k: {"item_id": r.choice(k.items[-5:])},
    "conversation.item.truncate": lambda r, k: {
        "item_id": r.choice(k.items[-5:]), "content_index": 0, "audio_end_ms": r.choice((0, 100, 86_400_000)),
    },
    "response.create": lambda r, k: {"response": response(r, k)},
    "response.cancel": lambda r, k: {"response_id": r.choice((None, *k.responses[-3:]))},
    "output_audio_buffer.clear": lambda _, __: {},
    "parley.room.update": lambda r, _: {
        "room": {"agents": [{"name": name} for name in r.sample(("Ada", "Eve", "user"), r.randrange(1, 3))],
                 "floor": r.choice(("addressed", "round"))},
    },
    "parley.room.invite": lambda r, _: {"role": r.choice(("speaker", "listener"))},
    "parley.debate.start": lambda r, _: {"debate": debate(r)},
    "parley.debate.next": lambda _, __: {},
    "parley.debate.extend": lambda _, __: {},
    "parley.debate.stop": lambda _, __: {},
    "parley.debate.mute": lambda r, _: {"name": r.choice(("Ada", "Ben", "user"))},
    "parley.debate.unmute": lambda r, _: {"name": r.choice(("Ada", "Ben", "user"))},
    "parley.debate.export": lambda r, _: {"format": r.choice(("md", "json", "srt", "vtt", "doc"))},
    "parley.away": lambda _, __: {},
    "parley.room.revoke": lambda _, __: {},
    "parley.room.mute": lambda r, _: {"name": r.choice(("Guest 1", "Ann", "user"))},
    "parley.room.unmute": lambda r, _: {"name": r.choice(("Guest 1", "Ann", "user"))},
    "parley.room.remove": lambda r, _: {"name": r.choice(("Guest 1", "Ann", "user"))},
    "parley.room.raise_hand": lambda _, __: {},
    "parley.room.lower_hand": lambda _, __: {},
    "parley.recording.ask": lambda _, __: {},
    "parley.recording.stop": lambda _, __: {},
    "parley.recording.consent": lambda r, _: {"consents": r.random() < 0.7},
    "parley.debate.vote": lambda r, _: {"side": r.choice(("for", "against", "maybe"))},
    "parley.playout.position": _playout,
    "parley.playout.paused": _playout,
    "parley.playout.flushed": _playout,
    "parley.playout.finished": _playout,
}  # fmt: skip
assert set(_FIELDS) == set(CLIENT_EVENTS), set(_FIELDS) ^ set(CLIENT_EVENTS)


def valid(random: Random, known: Known, kind: str | None = None) -> Event:
    """An event as the protocol has it."""
    kind = kind or random.choice(CLIENT_EVENTS)
    found = {"type": kind, **_FIELDS[kind](random, known)}
    return found | {"event_id": "mine"} if random.random() < 0.2 else found


def event(random: Random, known: Known) -> str | bytes:
    """An event, more or less right, as it goes over the wire."""
    degree = random.random()
    if degree < 0.4:
        return dumped(valid(random, known))
    if degree < 0.8:
        return dumped(nearly(random, valid(random, known)))
    if degree < 0.9:
        names = ("session", "audio", "item", "item_id", "response", "response_id", "audio_ms", "audio_end_ms")
        wild = {name: absurd(random) for name in random.sample(names, 3)}
        return dumped({"type": random.choice((*CLIENT_EVENTS, text(random))), **wild})
    return mangled(random, dumped(valid(random, known)).encode()).decode(errors="replace")


def message(random: Random) -> str | bytes:
    """A message of no protocol: JSON of any shape, text, bytes."""
    kind = random.randrange(4)
    if kind == 0:
        return dumped(anything(random))
    if kind == 1:
        return text(random).encode(errors="replace").decode()
    if kind == 2:
        return sound(random)
    return random.randbytes(random.choice((0, 1, 3, 4, 100, 70_000)))


def script(random: Random, known: Known) -> list[Event]:
    """The course of a conversation as clients have it."""
    typed = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Count to three."}]}
    spoken = [valid(random, known, "input_audio_buffer.append") for _ in range(random.randrange(1, 20))]
    return [
        {"type": "session.update", "session": session(random)},
        *spoken,
        {"type": "input_audio_buffer.commit"},
        {"type": "conversation.item.create", "item": typed},
        {"type": "response.create", "response": {"max_output_tokens": 8}},
        valid(random, known, "conversation.item.truncate"),
        {"type": "response.cancel"},
        {"type": "input_audio_buffer.clear"},
    ]


def mutated(random: Random, course: list[Event]) -> list[Event]:
    """The same course with events lost, doubled, swapped or damaged."""
    found = list(course)
    for _ in range(random.randrange(1, 5)):
        at, other = random.randrange(len(found)), random.randrange(len(found))
        how = random.randrange(4)
        if how == 0 and len(found) > 1:
            del found[at]
        elif how == 1:
            found[at:at] = [found[other]] * random.randrange(1, 4)
        elif how == 2:
            found[at], found[other] = found[other], found[at]
        else:
            found[at] = nearly(random, found[at])
    return found
