"""Names and settings of the protocol as those of this server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from parley.conversation.settings import SessionSettings
from parley.errors import ProtocolError
from parley.realtime.session_object import RealtimeSession, TurnDetection
from parley.turns.settings import TurnSettings

_MAX_TRUNCATION_TOKENS = 100_000


@dataclass(frozen=True, slots=True)
class Voices:
    """How names of the protocol map to this server's: well-known names stay valid."""

    default: str
    known: frozenset[str]
    aliases: Mapping[str, str]

    def resolve(self, name: str) -> str:
        """A voice of this server; raises `ProtocolError`."""
        if name in self.known:
            return name
        if name in self.aliases:
            return self.aliases[name]
        raise ProtocolError(
            f"no voice is called '{name}'; there are {', '.join(sorted(self.known))}",
            field="session.audio.output.voice",
        )


@dataclass(frozen=True, slots=True)
class Choices:
    """What clients may choose by name."""

    voices: Voices
    llms: frozenset[str] = frozenset()
    recognizers: frozenset[str] = frozenset()

    def check(self, before: RealtimeSession, wanted: RealtimeSession) -> None:
        """Raise `ProtocolError` for a model that is neither here nor one of OpenAI's, which stand for the defaults."""
        for field, known, old, new in (
            ("model", self.llms, before.model, wanted.model),
            (
                "audio.input.transcription.model", self.recognizers,
                before.transcription_model, wanted.transcription_model,
            ),
        ):  # fmt: skip
            if new and new != old and new not in known and not _is_well_known(new):
                raise ProtocolError(
                    f"no model is called '{new}' here; there are {', '.join(sorted(known))}", field=f"session.{field}"
                )


def _is_well_known(model: str) -> bool:
    return model.startswith(("gpt-", "whisper-1"))


def chat_tools(tools: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
    """Tools in the form of the chat interface."""
    return tuple({"type": "function", "function": {k: v for k, v in t.items() if k != "type"}} for t in tools)


def chat_tool_choice(choice: Any) -> Any:
    """A tool choice in the form of the chat interface."""
    if isinstance(choice, dict):
        return {"type": "function", "function": {"name": choice["name"]}}
    return choice


def turn_settings(detection: TurnDetection | None, language: str | None, base: TurnSettings) -> TurnSettings:
    """``turn_detection`` as settings of the turn-taker."""
    language = language or "en"
    if detection is None:
        return replace(base, mode="manual", language=language)
    semantic = detection.type == "semantic_vad"
    return replace(
        base,
        mode="semantic" if semantic else "silence",
        eagerness=detection.eagerness,
        silence_s=detection.silence_duration_ms / 1000,
        create_response=detection.create_response,
        interrupt_response=detection.interrupt_response,
        cancel_at_onset=not semantic,
        idle_timeout_s=None if detection.idle_timeout_ms is None else detection.idle_timeout_ms / 1000,
        language=language,
    )


def settings_of(shown: RealtimeSession, base: SessionSettings, choices: Choices) -> SessionSettings:
    """The session's settings that follow from the session object; raises `ProtocolError`."""
    return replace(
        base,
        instructions=shown.instructions,
        engine=shown.model if shown.model in choices.llms else None,
        recognizer=shown.transcription_model if shown.transcription_model in choices.recognizers else None,
        voice=choices.voices.resolve(shown.voice),
        speed=shown.speed,
        language=shown.language,
        modality=shown.output_modality,
        tools=chat_tools(shown.tools),
        tool_choice=chat_tool_choice(shown.tool_choice),
        max_output_tokens=None if shown.max_output_tokens == "inf" else shown.max_output_tokens,
        memory_tokens=_memory_tokens(shown.truncation, base.memory_tokens),
        memory_share=_memory_share(shown.truncation, base.memory_share),
        echo_cancellation=_cancels_echo(shown, base),
        noise_reduction=shown.noise_reduction is not None,
        turns=turn_settings(shown.turn_detection, shown.language, base.turns),
    )


def _cancels_echo(shown: RealtimeSession, base: SessionSettings) -> bool | None:
    """As the client says, else as the server is configured; a microphone that is far away hears the loudspeaker."""
    wish = shown.extensions.echo_cancellation if shown.extensions else None
    if wish is None and shown.noise_reduction == "far_field":
        return True
    return base.echo_cancellation if wish is None else wish


def _memory_tokens(truncation: Any, default: int | None) -> int | None:
    """``truncation``: token limits are kept, "disabled" keeps everything that the model's context takes."""
    if truncation == "disabled":
        return _MAX_TRUNCATION_TOKENS
    limits = truncation.get("token_limits") if isinstance(truncation, dict) else None
    most = limits.get("post_instructions") if isinstance(limits, dict) else None
    return min(most, _MAX_TRUNCATION_TOKENS) if isinstance(most, int) and most > 0 else default


def _memory_share(truncation: Any, default: float) -> float:
    """``truncation``: a retention ratio keeps that share of the budget."""
    ratio = truncation.get("retention_ratio") if isinstance(truncation, dict) else None
    return float(ratio) if isinstance(ratio, int | float) and 0 < ratio <= 1 else default
