"""Fields that a session has for its answers and that one response may override."""

from __future__ import annotations

from typing import Any, Literal

from parley.realtime.reader import Reader
from parley.realtime.session_object import STOCK_PCM_RATE, WireFormat

PCM_RATES = (8000, 16000, 22050, 24000, 32000, 44100, 48000)
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
_FORMATS = ("audio/pcm", "audio/pcmu", "audio/pcma")


def read_format(given: Reader) -> WireFormat:
    """An audio format; G.711 is always 8 kHz."""
    kind = given.choice("type", _FORMATS, "audio/pcm")
    if kind != "audio/pcm":
        return WireFormat(kind, 8000)
    rate = given.integer("rate", STOCK_PCM_RATE, 1, 1_000_000)
    if rate not in PCM_RATES:
        raise given.fail("rate", f"must be one of {', '.join(map(str, PCM_RATES))}")
    return WireFormat("audio/pcm", rate)


def read_modality(given: Reader) -> Literal["audio", "text"]:
    """``output_modalities``: one of the two; audio carries its transcript anyway."""
    value = given.value("output_modalities")
    if value not in (["audio"], ["text"]):
        raise given.fail("output_modalities", "must be ['audio'] or ['text']")
    return "audio" if value == ["audio"] else "text"


def read_max_tokens(given: Reader) -> int | None:
    """``max_output_tokens``: 1 to 4096, or None for "inf"."""
    if given.value("max_output_tokens") in (None, "inf"):
        return None
    tokens: int = given.integer("max_output_tokens", None, 1, 4096)
    return tokens


def read_voice(given: Reader) -> str | None:
    """``voice``: a name, or an object with an id."""
    if isinstance(given.value("voice"), dict):
        return given.need_object("voice").need_text("id", longest=200)
    return given.text("voice", longest=200)


def read_tools(given: Reader) -> tuple[dict[str, Any], ...]:
    """Function tools; MCP servers are refused."""
    tools = []
    for tool in given.objects("tools", most=128):
        if tool.choice("type", ("function", "mcp"), "function") == "mcp":
            raise tool.fail("type", "'mcp' is not supported by this server", "unsupported")
        kept: dict[str, Any] = {"type": "function", "name": tool.need_identifier("name")}
        if (description := tool.text("description")) is not None:
            kept["description"] = description
        parameters = tool.schema("parameters")
        kept["parameters"] = parameters if parameters is not None else {"type": "object", "properties": {}}
        tools.append(kept)
    return tuple(tools)


def read_tool_choice(given: Reader) -> Any:
    """``auto``, ``none``, ``required``, or a function by name."""
    if isinstance(given.value("tool_choice"), str):
        return given.choice("tool_choice", ("auto", "none", "required"))
    choice = given.need_object("tool_choice")
    choice.choice("type", ("function",), "function")
    return {"type": "function", "name": choice.need_identifier("name")}


def read_truncation(given: Reader) -> Any:
    """``auto``, ``disabled``, or what is kept when the prompt grows too long."""
    if isinstance(given.value("truncation"), str):
        return given.choice("truncation", ("auto", "disabled"))
    wanted = given.need_object("truncation")
    wanted.choice("type", ("retention_ratio",), "retention_ratio")
    kept: dict[str, Any] = {"type": "retention_ratio", "retention_ratio": wanted.number("retention_ratio", 1.0, 0, 1)}
    if (limits := wanted.object("token_limits")) is not None:
        tokens = limits.integer("post_instructions", None, 0, 1_000_000)
        kept["token_limits"] = {} if tokens is None else {"post_instructions": tokens}
    return kept


def read_parallel(given: Reader) -> bool | None:
    """``parallel_tool_calls``: None leaves it to the model."""
    return None if given.value("parallel_tool_calls") is None else given.flag("parallel_tool_calls", default=True)


def read_effort(given: Reader) -> str | None:
    """``reasoning.effort``: how much the model thinks before it answers; None leaves it to the model."""
    reasoning = given.object("reasoning")
    effort: str | None = reasoning.choice("effort", EFFORTS) if reasoning is not None else None
    return effort


def read_tracing(given: Reader) -> Any:
    """``tracing``: kept and shown; where traces go is the operator's (``otlp_endpoint``)."""
    if isinstance(given.value("tracing"), str):
        return given.choice("tracing", ("auto",))
    wanted = given.object("tracing")
    if wanted is None:
        return None
    found = {name: wanted.text(name, longest=500) for name in ("workflow_name", "group_id")}
    return {k: v for k, v in {**found, "metadata": wanted.schema("metadata")}.items() if v is not None}


def refuse_prompt(given: Reader) -> None:
    """``prompt``: templates are kept by OpenAI, not here."""
    if given.value("prompt") is not None:
        raise given.fail("prompt", "is not supported by this server, which keeps no templates: send instructions",
                         "unsupported")  # fmt: skip
