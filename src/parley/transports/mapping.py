"""Names and settings of the protocol as those of this server."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from parley.conversation.settings import SessionSettings
from parley.errors import ProtocolError
from parley.languages import knows
from parley.models.interfaces import Guidance, prompt_with
from parley.models.speakers import Speakers, grouped, unknown_voice, voice_named
from parley.realtime.session_object import RealtimeSession, TurnDetection
from parley.turns.settings import TurnSettings

_MAX_TRUNCATION_TOKENS = 100_000
_OPENAI_MODEL = re.compile(r"(chat)?gpt-(?!oss)|(whisper-1|tts-1|o\d)(-|$)")


@dataclass(frozen=True, slots=True)
class Voices:
    """How names of the protocol map to this server's: well-known names stay valid."""

    default: str
    known: Iterable[str]
    """Models with one voice by their id, others as MODEL/SPEAKER. Asked anew each time: voices come and go."""
    aliases: Mapping[str, str]
    absent: Iterable[str] = ()
    """Models that could be brought."""
    fixed_speed: Callable[[str], bool] = lambda _: False
    """Whether a voice speaks at its own speed only."""
    emotions: Callable[[str], Collection[str]] = lambda _: ("neutral",)
    """Those that a voice has."""

    def check_speed(self, voice: str, speed: float, field: str) -> None:
        """Raise `ProtocolError` for a speed that the voice cannot have."""
        if speed != 1 and self.fixed_speed(voice):
            raise ProtocolError(
                f"the voice '{voice}' speaks at its own speed: it can be 1 only", field=field, code="unsupported"
            )

    def check_emotion(self, voice: str, emotion: str, field: str) -> None:
        """Raise `ProtocolError` for an emotion that the voice does not have."""
        if emotion not in (has := self.emotions(voice)):
            raise ProtocolError(
                f"the voice '{voice}' cannot be {emotion}; it can be {', '.join(has)}", field=field, code="unsupported"
            )

    def resolve(self, name: str, field: str = "session.audio.output.voice") -> str:
        """A voice of this server, in whatever case; raises `ProtocolError` that names the `field`."""
        if name in tuple(self.known):
            return name
        if (alias := self.aliases.get(name.strip().casefold())) is not None:
            return alias
        speakers = grouped(self.known)
        if (found := voice_named(speakers, name)) is not None:
            return "/".join(filter(None, found))
        raise self._unknown(name, speakers, field)

    def resolve_of(self, model: str, name: str, field: str = "voice") -> str:
        """The voice that `name` means of one of the models here; one of OpenAI's names is its usual one."""
        speakers = {model: grouped(self.known).get(model, [])}
        found = voice_named(speakers, name) or voice_named(speakers, f"{model}/{name}")
        if found is None and name.strip().casefold() not in self.aliases:
            raise ProtocolError(unknown_voice(speakers, f"{model}/{name}"), field=field)
        return "/".join(filter(None, found or (model,)))

    def _unknown(self, name: str, speakers: Speakers, field: str) -> ProtocolError:
        model = name.strip().casefold().partition("/")[0]
        if (absent := next((m for m in self.absent if m.casefold() == model), None)) is not None:
            return ProtocolError(
                f"the voice '{absent}' is not on this server yet; POST /v1/parley/voices brings it "
                f'({{"voice": "{absent}"}})', field=field, code="voice_not_here",
            )  # fmt: skip
        return ProtocolError(unknown_voice(speakers, name), field=field)


@dataclass(frozen=True, slots=True)
class Hearing:
    """What a recogniser can."""

    languages: Collection[str] = ("*",)
    guided_by: Collection[str] = ()
    """Fields of `Guidance`."""


@dataclass(frozen=True, slots=True)
class AvailableModels:
    """What clients may choose by name."""

    voices: Voices
    llms: frozenset[str] = frozenset()
    recognizers: Mapping[str, Hearing] = field(default_factory=dict)
    """The default first."""

    def check(self, before: RealtimeSession | None, wanted: RealtimeSession) -> None:
        """Raise `ProtocolError` for what was not there `before` and is not to be had here."""
        if before is None or wanted.model != before.model:
            check_model(wanted.model, self.llms, "session.model")
        if wanted.transcription is not None:
            old = before.transcription.model if before and before.transcription else None
            if wanted.transcription.model != old:
                check_model(wanted.transcription.model, self.recognizers, "session.audio.input.transcription.model")
        self._check_hearing(before, wanted)
        if before is None or (before.voice, before.speed) != (wanted.voice, wanted.speed):
            self.voices.check_speed(self.voices.resolve(wanted.voice), wanted.speed, "session.audio.output.speed")
        if before is None or (before.voice, _emotion(before)) != (wanted.voice, _emotion(wanted)):
            speaking = self.voices.resolve(wanted.voice)
            self.voices.check_emotion(speaking, _emotion(wanted), "session.parley.style.emotion")

    def _check_hearing(self, before: RealtimeSession | None, wanted: RealtimeSession) -> None:
        """A language, or words that help, are what the recogniser can take."""
        name, hearing = self.hearing(wanted)
        if before is not None and (before.language, before.transcription) == (wanted.language, wanted.transcription):
            return
        where = "session.audio.input.transcription"
        given = wanted.transcription
        codes = [(wanted.language, "language"), *((code, "languages") for code in (given.languages if given else ()))]
        for code, field_name in codes:
            if not knows(hearing.languages, code):
                others = [n for n, h in self.recognizers.items() if knows(h.languages, code)]
                raise ProtocolError(
                    f"the recogniser '{name}' does not hear '{code}', it hears {', '.join(sorted(hearing.languages))}"
                    + (f"; {', '.join(others)} does: name it as transcription.model" if others else ""),
                    field=f"{where}.{field_name}", code="language_not_supported",
                )  # fmt: skip
        if given is not None and "prompt" not in hearing.guided_by:
            for field_name in ("prompt", "keywords"):
                if getattr(given, field_name):
                    raise ProtocolError(
                        f"the recogniser '{name}' takes no {field_name}", field=f"{where}.{field_name}",
                        code="unsupported",
                    )  # fmt: skip

    def hearing(self, session: RealtimeSession) -> tuple[str, Hearing]:
        """The recogniser that a session has, and what it can."""
        chosen = session.transcription.model if session.transcription else ""
        if chosen in self.recognizers:
            return chosen, self.recognizers[chosen]
        return next(iter(self.recognizers.items()), ("", Hearing()))


def check_model(name: str | None, known: Iterable[str], field: str = "model") -> None:
    """A model is one that is here, or one of OpenAI's, which stand for the defaults; else raises `ProtocolError`."""
    if name and name not in (there := sorted(known)) and not _OPENAI_MODEL.match(name):
        raise ProtocolError(
            f"no model is called '{name[:100]}' here; there are {', '.join(there)}", field=field, code="model_not_found"
        )


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


def settings_of(shown: RealtimeSession, base: SessionSettings, available: AvailableModels) -> SessionSettings:
    """The session's settings that follow from the session object; raises `ProtocolError`."""
    transcription = shown.transcription
    return replace(
        base,
        instructions=shown.instructions,
        engine=shown.model if shown.model in available.llms else None,
        recognizer=transcription.model if transcription and transcription.model in available.recognizers else None,
        guidance=_guidance(shown, available),
        answers=shown.answers,
        voice=available.voices.resolve(shown.voice),
        speed=shown.speed,
        emotion=_emotion(shown),
        intensity=shown.extensions.intensity if shown.extensions else base.intensity,
        expressive=shown.extensions.expressive if shown.extensions else base.expressive,
        language=shown.language,
        modality=shown.output_modality,
        tools=chat_tools(shown.tools),
        tool_choice=chat_tool_choice(shown.tool_choice),
        parallel_tool_calls=shown.parallel_tool_calls,
        reasoning_effort=shown.reasoning_effort,
        max_output_tokens=None if shown.max_output_tokens == "inf" else shown.max_output_tokens,
        memory_tokens=_memory_tokens(shown.truncation, base.memory_tokens),
        memory_share=_memory_share(shown.truncation, base.memory_share),
        echo_cancellation=_cancels_echo(shown, base),
        noise_reduction=shown.noise_reduction is not None,
        turns=_turns(shown, base.turns),
    )


def _emotion(shown: RealtimeSession) -> str:
    return shown.extensions.emotion if shown.extensions else "neutral"


def _turns(shown: RealtimeSession, base: TurnSettings) -> TurnSettings:
    turns = turn_settings(shown.turn_detection, shown.language, base)
    return turns if shown.answers else replace(turns, create_response=False, idle_timeout_s=None)


def _guidance(shown: RealtimeSession, available: AvailableModels) -> Guidance:
    """What the recogniser takes of what its client says; keywords are words of a prompt to it."""
    given = shown.transcription
    if given is None:
        return Guidance()
    takes = available.hearing(shown)[1].guided_by
    prompt = prompt_with(given.prompt, given.keywords) if "prompt" in takes else ""
    return Guidance(prompt=prompt, languages=given.languages if "languages" in takes else ())


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
