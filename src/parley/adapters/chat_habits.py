"""What one language-model server was found to want, to refuse and to do; how a request to it is written.

Servers that call themselves compatible take different fields. Nothing is known beforehand: a request has what most
take, and what a server refuses by name is left out from then on.
"""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from parley.errors import ModelError, PromptTooLong
from parley.models.interfaces import ChatOptions, Message

_THINKING_TOKENS = 2048
"""Room for thoughts beside the answer's own bound."""
_CHARS_PER_TOKEN, _MOST_CHARS_PER_TOKEN = 5, 16
_OPTIONAL = ("stream_options", "temperature", "chat_template_kwargs", "reasoning_effort", "tool_choice",
             "parallel_tool_calls")  # fmt: skip
_LESS_KNOWN = ("chat_template_kwargs", "reasoning_effort", "parallel_tool_calls", "stream_options")
_BEGIN_IN_THOUGHT = re.compile(r"qwq|deepseek-r1|r1-distill|[-_]thinking", re.IGNORECASE)
_EXTRA = re.compile(r"extra (?:fields|inputs|input)|unrecognized|unknown (?:field|parameter|argument)|not permitted")
_NO_SOUND = re.compile(r"audio|multi-?modal|modalit|mmproj|content (?:part|type)|should be a (?:valid )?string")
_HEARS = re.compile(
    r"ultravox|voxtral|omni|[-_.]audio|phi-?4-multimodal|granite-speech|gemma-?3n|minicpm-o", re.IGNORECASE
)
_TOO_LONG = re.compile(r"context[ _](?:length|window|size)|maximum context|too many tokens|prompt is too long")
_LIMIT = re.compile(
    r"(?:maximum context length (?:is|of)|context (?:length|size|window)(?: is| of)?|n_ctx\W+)\W*(\d{3,8})"
)
_LONGEST_RETRY_S = 5.0
_BUSY = {429: 0.5, 503: 0.5, 529: 0.5, 500: 0.3, 502: 0.3, 504: 0.3}
"""Statuses that may pass, and after how long it is tried again when the server does not say."""


@dataclass(slots=True)
class Habits:
    """Learned from a server's answers; one for each model of it."""

    model: str
    thinks: bool = False
    """Whether the model thinks before it answers: it is asked not to, and given room for it."""
    opens_in_thought: bool = False
    """Whether its answers begin inside of a thought that nobody opened."""
    context_tokens: int | None = None
    folds_system: bool = False
    """Whether it takes no system message."""
    takes_tools: bool = True
    hears: bool = False
    """Whether messages with sound are taken."""
    _limit_field: str = "max_tokens"
    _effort: str | None = "none"
    _refused: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Some names tell."""
        self.opens_in_thought = self.opens_in_thought or bool(_BEGIN_IN_THOUGHT.search(self.model))

    def request(self, messages: Sequence[Message], options: ChatOptions) -> dict[str, Any]:
        """The body of a request."""
        request: dict[str, Any] = {
            "model": self.model,
            "messages": _without_system(messages) if self.folds_system else list(messages),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if options.tools and self.takes_tools:
            request |= {"tools": list(options.tools), "tool_choice": options.tool_choice}
            if options.parallel_tool_calls is not None:
                request["parallel_tool_calls"] = options.parallel_tool_calls
        if options.max_tokens is not None:
            more = _THINKING_TOKENS if self.thinks and options.max_tokens > 1 else 0
            request[self._limit_field] = options.max_tokens + more
        if options.temperature is not None:
            request["temperature"] = options.temperature
        if self.thinks:
            request["chat_template_kwargs"] = {"enable_thinking": False, "thinking": False}
            request["reasoning_effort"] = self._effort
        if options.reasoning_effort not in (None, "none"):
            request.pop("chat_template_kwargs", None)
            request["reasoning_effort"] = options.reasoning_effort
        return {name: value for name, value in request.items() if name not in self._refused}

    def most_chars(self, options: ChatOptions) -> int | None:
        """The longest answer that is taken: its bound, where that given to the server is wider or nobody keeps it."""
        if options.max_tokens is None:
            return None
        return options.max_tokens * (_CHARS_PER_TOKEN if self.thinks else _MOST_CHARS_PER_TOKEN)

    def learn_refusal(self, status: int, body: str, request: Mapping[str, Any]) -> bool:
        """Whether a refused request may be asked anew in another form."""
        if status not in (400, 404, 405, 422, 500, 501):
            return False
        said = body.lower()
        if _TOO_LONG.search(said):
            self._learn_limit(said)
            return False
        if "max_completion_tokens" in said and self._limit_field in request and self._limit_field == "max_tokens":
            self._limit_field = "max_completion_tokens"
            return True
        if "reasoning_effort" in said and "reasoning_effort" in request and self._effort == "none":
            self._effort = "low"
            return True
        named = {name for name in _OPTIONAL if name in request and name in said}
        if not named and _EXTRA.search(said):
            named = {name for name in _LESS_KNOWN if name in request}
        if "tools" in request and "tool" in said and re.search(r"support|require|enable", said):
            self.takes_tools = False
            return True
        if "system" in said and "role" in said and not self.folds_system:
            self.folds_system = True
            return True
        if self.hears and _has_sound(request["messages"]) and _NO_SOUND.search(said):
            self.hears = False  # whoever asked has the words, and asks anew with them
            return False
        self._refused |= named
        return bool(named)

    def _learn_limit(self, said: str) -> None:
        if found := _LIMIT.search(said):
            self.context_tokens = min(int(found.group(1)), self.context_tokens or 10**9)


def _without_system(messages: Sequence[Message]) -> list[Message]:
    """The instructions as the beginning of what the user says."""
    rest = [m for m in messages if m["role"] != "system"]
    said = "\n\n".join(str(m["content"]) for m in messages if m["role"] == "system")
    if not said or not rest or rest[0]["role"] != "user":
        return [{"role": "user", "content": said}, *rest] if said else rest
    first = rest[0]["content"]
    begun = f"{said}\n\n{first}" if isinstance(first, str) else [{"type": "text", "text": said}, *first]
    return [{**rest[0], "content": begun}, *rest[1:]]


def _has_sound(messages: Sequence[Message]) -> bool:
    """Whether anything that a user said is there as sound."""
    return any(m["role"] == "user" and not isinstance(m["content"], str) for m in messages)


def name_hears(model: str) -> bool:
    """Whether a model's name is one of those that are known to hear."""
    return bool(_HEARS.search(model))


def retry_after_s(status: int, headers: Mapping[str, str], tries: int) -> float | None:
    """When a request that failed with `status` may be tried again; None: not while somebody waits for it."""
    if status not in _BUSY or tries >= 2:
        return None
    given = headers.get("retry-after-ms")
    try:
        seconds = float(given) / 1000 if given else float(headers["retry-after"])
    except (KeyError, ValueError):
        seconds = _until(headers.get("retry-after")) or _BUSY[status] * (1 + 2 * tries)
    return seconds if 0 <= seconds <= _LONGEST_RETRY_S else None


def _until(date: str | None) -> float | None:
    if not date:
        return None
    try:
        return max(0.0, email.utils.parsedate_to_datetime(date).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def refusal(where: str, model: str, status: int, body: str) -> ModelError:
    """What to say of an error answer, in our words: the provider's may quote the key or the conversation."""
    said = body.lower()
    if status in (401, 403):
        why = "refuses the key (set LLM_API_KEY)"
    elif status == 404:
        why = f"knows no model '{model}', or the address is wrong (LLM_BASE_URL, LLM_MODEL)"
    elif status == 402 or "insufficient_quota" in said or "billing" in said:
        why = "asks for payment"
    elif status == 429:
        why = "has had enough requests for now"
    elif _TOO_LONG.search(said) or status == 413:
        return PromptTooLong(f"the language model's server {where} finds the conversation too long (status {status})")
    elif status >= 500:
        why = "is out of order"
    else:
        why = "does not take the request"
    return ModelError(f"the language model's server {where} {why} (status {status})", status=status)
