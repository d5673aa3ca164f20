"""What clients set in a session object: read, applied or refused by the name of the field, never dropped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from parley.emotions import EMOTIONS
from parley.languages import code_of
from parley.realtime.answer_fields import (
    read_effort,
    read_format,
    read_max_tokens,
    read_modality,
    read_parallel,
    read_tool_choice,
    read_tools,
    read_tracing,
    read_truncation,
    read_voice,
    refuse_prompt,
)
from parley.realtime.reader import Reader
from parley.realtime.session_object import (
    STOCK_PCM_RATE,
    Extensions,
    Kind,
    RealtimeSession,
    Transcription,
    TurnDetection,
)

_EAGERNESS = ("low", "medium", "high", "auto")
_LONGEST_PROMPT = 2000
_MOST_KEYWORDS, _LONGEST_KEYWORD = 100, 100
NOW_CALLED = {
    "modalities": "output_modalities",
    "voice": "audio.output.voice",
    "speed": "audio.output.speed",
    "input_audio_format": "audio.input.format",
    "output_audio_format": "audio.output.format",
    "input_audio_transcription": "audio.input.transcription",
    "input_audio_noise_reduction": "audio.input.noise_reduction",
    "turn_detection": "audio.input.turn_detection",
    "max_response_output_tokens": "max_output_tokens",
}
"""Fields of the beta interface."""
_READ_ONLY = ("id", "object", "expires_at")


def kind_of(given: Reader) -> Kind:
    """``type``: of which kind a session is that begins with this object."""
    kind: Kind = given.choice("type", ("realtime", "transcription"), "realtime")
    return kind


def updated(session: RealtimeSession, given: Reader) -> RealtimeSession:
    """Apply the ``session`` object of a ``session.update``; raises `ProtocolError` and changes nothing."""
    if given.choice("type", ("realtime", "transcription"), session.kind) != session.kind:
        raise given.fail(
            "type", f"must be '{session.kind}': a running session keeps its type (transcription: ?intent=transcription)"
        )
    now = session.to_json()
    for field in _READ_ONLY:  # a client may send back what it was given
        if (value := given.value(field)) is not None and value != now[field]:
            raise given.fail(field, "cannot be changed")
    read_include(given)
    changes = _answer_changes(session, given) if session.answers else {}
    if (audio := given.object("audio")) is not None:
        changes |= _audio_changes(session, audio)
    if (extensions := given.object("parley")) is not None:
        changes["extensions"] = read_extensions(extensions, session.extensions or Extensions())
    given.refuse_unknown(NOW_CALLED)
    return _check_rates(replace(session, **changes), given)


def _answer_changes(session: RealtimeSession, given: Reader) -> dict[str, Any]:
    """What only a session that answers has."""
    changes: dict[str, Any] = {}
    if (model := given.text("model", longest=200)) is not None:
        changes["model"] = model
    if (instructions := given.text("instructions")) is not None:
        changes["instructions"] = instructions
    if "output_modalities" in given:
        changes["output_modality"] = read_modality(given)
    if "tools" in given:
        changes["tools"] = read_tools(given)
    if given.value("tool_choice") is not None:
        changes["tool_choice"] = read_tool_choice(given)
    if "max_output_tokens" in given:
        changes["max_output_tokens"] = read_max_tokens(given) or "inf"
    if given.value("truncation") is not None:
        changes["truncation"] = read_truncation(given)
    if "parallel_tool_calls" in given:
        changes["parallel_tool_calls"] = read_parallel(given)
    if "reasoning" in given:
        changes["reasoning_effort"] = read_effort(given)
    if "tracing" in given:
        changes["tracing"] = read_tracing(given)
    refuse_prompt(given)
    return changes


def _audio_changes(session: RealtimeSession, audio: Reader) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if (source := audio.object("input")) is not None:
        if (wire := source.object("format")) is not None:
            changes["input_format"] = read_format(wire)
        if "transcription" in source:
            changes |= _transcription_changes(session, source)
        if "noise_reduction" in source:
            changes["noise_reduction"] = _noise_reduction(source)
        if "turn_detection" in source:
            detection = source.object("turn_detection")
            changes["turn_detection"] = detection and _turn_detection(detection, answers=session.answers)
    if session.answers and (sink := audio.object("output")) is not None:
        if (wire := sink.object("format")) is not None:
            changes["output_format"] = read_format(wire)
        if (voice := read_voice(sink)) is not None:
            changes["voice"] = voice
        if "speed" in sink:
            changes["speed"] = sink.number("speed", 1.0, 0.25, 4.0)
    return changes


def _transcription_changes(session: RealtimeSession, source: Reader) -> dict[str, Any]:
    given = source.object("transcription")
    if given is None:
        if not session.answers:
            raise source.fail("transcription", "is what this session is for: it cannot be switched off")
        return {"transcription": None}
    if given.value("delay") is not None:
        raise given.fail("delay", "is not supported by this server: words are written as soon as a turn is over")
    now = session.transcription or Transcription()
    language = read_language(given, "language") if "language" in given else session.language
    languages = given.words("languages", most=20, longest=40)
    codes = tuple(code for written in languages if (code := _code(given, "languages", written)) is not None)
    return {
        "language": language,
        "transcription": Transcription(
            given.text("model", now.model, longest=200) or now.model, language,
            codes if "languages" in given else now.languages,
            given.text("prompt", "" if "prompt" in given else now.prompt, longest=_LONGEST_PROMPT) or "",
            given.words("keywords", most=_MOST_KEYWORDS, longest=_LONGEST_KEYWORD)
            if "keywords" in given else now.keywords,
        ),
    }  # fmt: skip


def read_language(given: Reader, field: str) -> str | None:
    """A language by any of its names; None for "auto", null or nothing."""
    written = given.text(field, longest=40)
    return None if written is None else _code(given, field, written)


def _code(given: Reader, field: str, written: str) -> str | None:
    try:
        return code_of(written)
    except ValueError as fault:
        raise given.fail(field, f"names no language: {fault}") from None


def _noise_reduction(source: Reader) -> Any:
    given = source.object("noise_reduction")
    if given is None:
        return None
    if given.number("strength", 1.0, 0.0, 1.0) != 1.0:
        raise given.fail("strength", "is not supported by this server, which knows on (1) and off (null) only")
    return given.choice("type", ("near_field", "far_field"), "near_field")


def _turn_detection(given: Reader, *, answers: bool) -> TurnDetection:
    kind = given.choice("type", ("server_vad", "semantic_vad"), "server_vad")
    default = TurnDetection()
    common: dict[str, Any] = {
        "type": kind,
        "create_response": given.flag("create_response", True),
        "interrupt_response": given.flag("interrupt_response", True),
    }
    if kind == "semantic_vad":
        return TurnDetection(**common, eagerness=given.choice("eagerness", _EAGERNESS, "auto"))
    return TurnDetection(
        **common,
        threshold=given.number("threshold", default.threshold, 0.0, 1.0),
        prefix_padding_ms=given.integer("prefix_padding_ms", default.prefix_padding_ms, 0, 10_000),
        silence_duration_ms=given.integer("silence_duration_ms", default.silence_duration_ms, 100, 10_000),
        idle_timeout_ms=given.integer("idle_timeout_ms", None, 1_000, 600_000) if answers else None,
    )


def _check_rates(session: RealtimeSession, given: Reader) -> RealtimeSession:
    """Stock clients have 24 kHz; other rates are for those who opted in."""
    for where, wire in (("input", session.input_format), ("output", session.output_format)):
        if wire.type == "audio/pcm" and wire.rate != STOCK_PCM_RATE and session.extensions is None:
            raise given.fail(f"audio.{where}.format.rate", "must be 24000 (other rates: connect with ?parley=1)")
    return session


def read_extensions(given: Reader, current: Extensions) -> Extensions:
    """The ``parley`` block."""
    playout = given.choice("playout", ("exact", "blind"), "exact" if current.exact else "blind")
    cancels = current.echo_cancellation
    if given.value("echo_cancellation") is not None:
        cancels = given.flag("echo_cancellation", default=False)
    made = replace(
        current, exact=playout == "exact", binary_audio=given.flag("binary_audio", current.binary_audio),
        echo_cancellation=cancels,
    )  # fmt: skip
    if (style := given.object("style")) is None:
        return made
    return replace(
        made, emotion=style.choice("emotion", EMOTIONS, current.emotion),
        intensity=style.number("intensity", current.intensity, 0.0, 1.0),
        expressive=style.flag("expressive", current.expressive),
    )  # fmt: skip


def read_include(given: Reader) -> None:
    """``include``: there is nothing to be had beside what is sent."""
    if given.words("include", most=20, longest=100):
        raise given.fail("include", "is not supported by this server: it sends no log probabilities", "unsupported")
