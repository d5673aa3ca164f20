"""The session object of the protocol: its fields, their defaults, its JSON; `session_update` reads what clients set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

STOCK_PCM_RATE = 24000
Kind = Literal["realtime", "transcription"]


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

    def to_transcription_json(self) -> dict[str, Any]:
        """The same in a session that never answers."""
        return {k: v for k, v in self.to_json().items() if k not in _OF_ANSWERS}


_OF_ANSWERS = ("create_response", "interrupt_response", "idle_timeout_ms")


@dataclass(frozen=True, slots=True)
class Transcription:
    """How the user's speech is written down."""

    model: str = ""
    language: str | None = None
    """A code as `parley.languages` has it; None: the recogniser's own guess."""
    languages: tuple[str, ...] = ()
    """Those that it may be."""
    prompt: str = ""
    keywords: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As in the session object: what is set."""
        given = {"language": self.language, "languages": list(self.languages), "prompt": self.prompt,
                 "keywords": list(self.keywords)}  # fmt: skip
        return {"model": self.model} | {name: value for name, value in given.items() if value}


@dataclass(frozen=True, slots=True)
class Extensions:
    """What a client that opted in gets beyond the protocol."""

    exact: bool = False
    """The client plays, pauses and reports by ``parley.playout.*``."""
    binary_audio: bool = False
    echo_cancellation: bool | None = None
    """Whether the server takes its own voice out of the microphone's sound; None: as it is configured."""
    emotion: str = "neutral"
    """In which answers are spoken."""
    intensity: float = 0.5
    """Of it, 0 to 1."""
    expressive: bool = False
    """Whether the language model may choose the emotion, sentence by sentence."""

    def to_json(self) -> dict[str, Any]:
        """As in the ``parley`` block."""
        return {
            "playout": "exact" if self.exact else "blind", "binary_audio": self.binary_audio,
            "echo_cancellation": self.echo_cancellation,
            "style": {"emotion": self.emotion, "intensity": self.intensity, "expressive": self.expressive},
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class RealtimeSession:
    """The session object."""

    id: str
    model: str
    voice: str
    instructions: str
    kind: Kind = "realtime"
    """"transcription": what is said is written down and never answered."""
    expires_at: int = 0
    output_modality: Literal["audio", "text"] = "audio"
    tools: tuple[dict[str, Any], ...] = ()
    tool_choice: Any = "auto"
    parallel_tool_calls: bool | None = None
    reasoning_effort: str | None = None
    max_output_tokens: int | Literal["inf"] = "inf"
    truncation: Any = "auto"
    tracing: Any = None
    input_format: WireFormat = field(default_factory=WireFormat)
    output_format: WireFormat = field(default_factory=WireFormat)
    speed: float = 1.0
    transcription: Transcription | None = field(default_factory=Transcription)
    """None: the client is not told the words."""
    language: str | None = None
    """Spoken, also where the client is not told the words."""
    noise_reduction: Literal["near_field", "far_field"] | None = None
    turn_detection: TurnDetection | None = field(default_factory=TurnDetection)
    extensions: Extensions | None = None

    @property
    def answers(self) -> bool:
        """Whether what is said is answered."""
        return self.kind == "realtime"

    def to_json(self) -> dict[str, Any]:
        """As in ``session.created`` and ``session.updated``."""
        session = self._realtime_json() if self.answers else self._transcription_json()
        if self.extensions is not None:
            session["parley"] = self.extensions.to_json()
        return session

    def _realtime_json(self) -> dict[str, Any]:
        detection = self.turn_detection.to_json() if self.turn_detection else None
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
            "tracing": self.tracing,
            "prompt": None,
            "include": None,
            "audio": {
                "input": self._input_json(detection),
                "output": {"format": self.output_format.to_json(), "voice": self.voice, "speed": self.speed},
            },
        }
        if self.parallel_tool_calls is not None:
            session["parallel_tool_calls"] = self.parallel_tool_calls
        if self.reasoning_effort is not None:
            session["reasoning"] = {"effort": self.reasoning_effort}
        return session

    def _transcription_json(self) -> dict[str, Any]:
        detection = self.turn_detection.to_transcription_json() if self.turn_detection else None
        return {
            "type": "transcription",
            "object": "realtime.transcription_session",
            "id": self.id,
            "expires_at": self.expires_at,
            "include": None,
            "audio": {"input": self._input_json(detection)},
        }

    def _input_json(self, turn_detection: dict[str, Any] | None) -> dict[str, Any]:
        return {
            "format": self.input_format.to_json(),
            "transcription": self.transcription.to_json() if self.transcription else None,
            "noise_reduction": {"type": self.noise_reduction} if self.noise_reduction else None,
            "turn_detection": turn_detection,
        }
