"""The session object of the protocol: what a client may set, its defaults, its JSON."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from parley.realtime.reader import Reader

PCM_RATES = (8000, 16000, 22050, 24000, 32000, 44100, 48000)
STOCK_PCM_RATE = 24000
_FORMATS = ("audio/pcm", "audio/pcmu", "audio/pcma")


@dataclass(frozen=True, slots=True)
class WireFormat:
    """An audio format of the protocol."""

    type: Literal["audio/pcm", "audio/pcmu", "audio/pcma"] = "audio/pcm"
    rate: int = STOCK_PCM_RATE

    def to_json(self) -> dict[str, Any]:
        """As in the session object."""
        return {"type": self.type, "rate": self.rate} if self.type == "audio/pcm" else {"type": self.type}


@dataclass(frozen=True, slots=True)
class TurnDetection:
    """Who ends a turn; None in the session means the client does."""

    type: Literal["server_vad", "semantic_vad"] = "semantic_vad"
    create_response: bool = True
    interrupt_response: bool = True
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 500
    idle_timeout_ms: int | None = None

    def to_json(self) -> dict[str, Any]:
        """As in the session object."""
        common: dict[str, Any] = {
            "type": self.type,
            "create_response": self.create_response,
            "interrupt_response": self.interrupt_response,
        }
        if self.type == "semantic_vad":
            return common | {"eagerness": self.eagerness}
        return common | {
            "threshold": self.threshold,
            "prefix_padding_ms": self.prefix_padding_ms,
            "silence_duration_ms": self.silence_duration_ms,
            "idle_timeout_ms": self.idle_timeout_ms,
        }


@dataclass(frozen=True, slots=True)
class Extensions:
    """What a client that opted in gets beyond the protocol."""

    exact: bool = False
    """The client plays, pauses and reports by ``parley.playout.*``."""
    binary_audio: bool = False
    echo_cancellation: bool | None = None
    """Whether the server takes its own voice out of the microphone's sound; None: as it is configured."""

    def to_json(self) -> dict[str, Any]:
        """As in the ``parley`` block."""
        return {
            "playout": "exact" if self.exact else "blind", "binary_audio": self.binary_audio,
            "echo_cancellation": self.echo_cancellation,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class RealtimeSession:
    """The session object."""

    id: str
    model: str
    voice: str
    instructions: str
    expires_at: int = 0
    output_modality: Literal["audio", "text"] = "audio"
    tools: tuple[dict[str, Any], ...] = ()
    tool_choice: Any = "auto"
    max_output_tokens: int | Literal["inf"] = "inf"
    truncation: Any = "auto"
    input_format: WireFormat = field(default_factory=WireFormat)
    output_format: WireFormat = field(default_factory=WireFormat)
    speed: float = 1.0
    transcription_model: str | None = ""
    language: str | None = None
    noise_reduction: Literal["near_field", "far_field"] | None = None
    turn_detection: TurnDetection | None = field(default_factory=TurnDetection)
    extensions: Extensions | None = None

    def to_json(self) -> dict[str, Any]:
        """As in ``session.created`` and ``session.updated``."""
        transcription = None
        if self.transcription_model is not None:
            transcription = {"model": self.transcription_model}
            if self.language:
                transcription["language"] = self.language
        session: dict[str, Any] = {
            "type": "realtime",
            "object": "realtime.session",
            "id": self.id,
            "model": self.model,
            "expires_at": self.expires_at,
            "output_modalities": [self.output_modality],
            "instructions": self.instructions,
            "tools": list(self.tools),
            "tool_choice": self.tool_choice,
            "max_output_tokens": self.max_output_tokens,
            "truncation": self.truncation,
            "tracing": None,
            "prompt": None,
            "include": None,
            "audio": {
                "input": {
                    "format": self.input_format.to_json(),
                    "transcription": transcription,
                    "noise_reduction": {"type": self.noise_reduction} if self.noise_reduction else None,
                    "turn_detection": self.turn_detection.to_json() if self.turn_detection else None,
                },
                "output": {"format": self.output_format.to_json(), "voice": self.voice, "speed": self.speed},
            },
        }
        if self.extensions is not None:
            session["parley"] = self.extensions.to_json()
        return session


def updated(session: RealtimeSession, given: Reader) -> RealtimeSession:
    """Apply the ``session`` object of a ``session.update``; raises `ProtocolError` and changes nothing."""
    kind = given.text("type")
    if kind not in (None, "realtime"):
        raise given.fail("type", "must be 'realtime'")
    changes: dict[str, Any] = {}
    if (model := given.text("model", longest=200)) is not None:
        changes["model"] = model
    if (instructions := given.text("instructions")) is not None:
        changes["instructions"] = instructions
    if "output_modalities" in given:
        changes["output_modality"] = read_modality(given)
    if "tools" in given:
        changes["tools"] = read_tools(given)
    if given.data.get("tool_choice") is not None:
        changes["tool_choice"] = read_tool_choice(given)
    if "max_output_tokens" in given:
        changes["max_output_tokens"] = read_max_tokens(given) or "inf"
    if given.data.get("truncation") is not None:
        changes["truncation"] = read_truncation(given)
    if (audio := given.object("audio")) is not None:
        changes |= _audio_changes(session, audio)
    if (extensions := given.object("parley")) is not None:
        changes["extensions"] = read_extensions(extensions, session.extensions or Extensions())
    return _check_rates(replace(session, **changes), given)


def _audio_changes(session: RealtimeSession, audio: Reader) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if (source := audio.object("input")) is not None:
        if (wire := source.object("format")) is not None:
            changes["input_format"] = read_format(wire)
        if "transcription" in source:
            transcription = source.object("transcription")
            changes["transcription_model"] = transcription and transcription.text(
                "model", session.transcription_model, longest=200
            )
            if transcription is not None and "language" in transcription:
                changes["language"] = transcription.text("language", longest=16)
        if "noise_reduction" in source:
            reduction = source.object("noise_reduction")
            kinds = ("near_field", "far_field")
            changes["noise_reduction"] = reduction and reduction.choice("type", kinds)
        if "turn_detection" in source:
            detection = source.object("turn_detection")
            changes["turn_detection"] = detection and _turn_detection(detection)
    if (sink := audio.object("output")) is not None:
        if (wire := sink.object("format")) is not None:
            changes["output_format"] = read_format(wire)
        if (voice := read_voice(sink)) is not None:
            changes["voice"] = voice
        if "speed" in sink:
            changes["speed"] = sink.number("speed", 1.0, 0.25, 4.0)
    return changes


def _turn_detection(given: Reader) -> TurnDetection:
    kind = given.choice("type", ("server_vad", "semantic_vad"), "server_vad")
    default = TurnDetection()
    common: dict[str, Any] = {
        "type": kind,
        "create_response": given.flag("create_response", True),
        "interrupt_response": given.flag("interrupt_response", True),
    }
    if kind == "semantic_vad":
        return TurnDetection(**common, eagerness=given.choice("eagerness", ("low", "medium", "high", "auto"), "auto"))
    return TurnDetection(
        **common,
        threshold=given.number("threshold", default.threshold, 0.0, 1.0),
        prefix_padding_ms=given.integer("prefix_padding_ms", default.prefix_padding_ms, 0, 10_000),
        silence_duration_ms=given.integer("silence_duration_ms", default.silence_duration_ms, 100, 10_000),
        idle_timeout_ms=given.integer("idle_timeout_ms", None, 1_000, 600_000),
    )


def read_format(given: Reader) -> WireFormat:
    """An audio format; G.711 is always 8 kHz."""
    kind = given.choice("type", _FORMATS, "audio/pcm")
    if kind != "audio/pcm":
        return WireFormat(kind, 8000)
    rate = given.integer("rate", STOCK_PCM_RATE, 1, 1_000_000)
    if rate not in PCM_RATES:
        raise given.fail("rate", f"must be one of {', '.join(map(str, PCM_RATES))}")
    return WireFormat("audio/pcm", rate)


def _check_rates(session: RealtimeSession, given: Reader) -> RealtimeSession:
    """Stock clients have 24 kHz; other rates are for those who opted in."""
    for where, wire in (("input", session.input_format), ("output", session.output_format)):
        if wire.type == "audio/pcm" and wire.rate != STOCK_PCM_RATE and session.extensions is None:
            raise given.fail(f"audio.{where}.format.rate", "must be 24000 (other rates: connect with ?parley=1)")
    return session


def read_modality(given: Reader) -> Literal["audio", "text"]:
    """``output_modalities``: one of the two; audio carries its transcript anyway."""
    value = given.data["output_modalities"]
    if value not in (["audio"], ["text"]):
        raise given.fail("output_modalities", "must be ['audio'] or ['text']")
    return "audio" if value == ["audio"] else "text"


def read_max_tokens(given: Reader) -> int | None:
    """``max_output_tokens``: 1 to 4096, or None for "inf"."""
    if given.data.get("max_output_tokens") in (None, "inf"):
        return None
    tokens: int = given.integer("max_output_tokens", None, 1, 4096)
    return tokens


def read_voice(given: Reader) -> str | None:
    """``voice``: a name, or an object with an id."""
    if isinstance(given.data.get("voice"), dict):
        return given.need_object("voice").need_text("id", longest=200)
    return given.text("voice", longest=200)


def read_tools(given: Reader) -> tuple[dict[str, Any], ...]:
    """Function tools; MCP servers are refused."""
    tools = []
    for tool in given.objects("tools", most=128):
        if tool.choice("type", ("function", "mcp"), "function") == "mcp":
            raise tool.fail("type", "mcp is not supported by this server", "unsupported")
        kept: dict[str, Any] = {"type": "function", "name": tool.need_identifier("name")}
        if (description := tool.text("description")) is not None:
            kept["description"] = description
        parameters = tool.schema("parameters")
        kept["parameters"] = parameters if parameters is not None else {"type": "object", "properties": {}}
        tools.append(kept)
    return tuple(tools)


def read_tool_choice(given: Reader) -> Any:
    """``auto``, ``none``, ``required``, or a function by name."""
    value = given.data["tool_choice"]
    if isinstance(value, str):
        return given.choice("tool_choice", ("auto", "none", "required"))
    choice = given.need_object("tool_choice")
    return {"type": "function", "name": choice.need_identifier("name")}


def read_truncation(given: Reader) -> Any:
    """``auto``, ``disabled``, or what is kept when the prompt grows too long."""
    if isinstance(given.data["truncation"], str):
        return given.choice("truncation", ("auto", "disabled"))
    wanted = given.need_object("truncation")
    wanted.choice("type", ("retention_ratio",), "retention_ratio")
    kept: dict[str, Any] = {"type": "retention_ratio", "retention_ratio": wanted.number("retention_ratio", 1.0, 0, 1)}
    if (limits := wanted.object("token_limits")) is not None:
        tokens = limits.integer("post_instructions", None, 0, 1_000_000)
        kept["token_limits"] = {} if tokens is None else {"post_instructions": tokens}
    return kept


def read_extensions(given: Reader, current: Extensions) -> Extensions:
    """The ``parley`` block."""
    playout = given.choice("playout", ("exact", "blind"), "exact" if current.exact else "blind")
    cancels = current.echo_cancellation
    if given.data.get("echo_cancellation") is not None:
        cancels = given.flag("echo_cancellation", default=False)
    return Extensions(playout == "exact", given.flag("binary_audio", current.binary_audio), cancels)
