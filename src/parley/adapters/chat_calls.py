"""Function calls as language models and their servers write them, brought into one form.

Servers disagree about how the fragments of parallel calls are told apart (the index may be the same for all, missing
or null, the id may change or come late), and models write calls into their text. `CallAssembler` takes all of it and
gives each call an index of its own; `calls_in` reads the notations of models.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from json_repair import repair_json

from parley.models.interfaces import ToolCall
from parley.models.tool_arguments import MOST_CHARS, as_object, mended

_MOST_CALLS = 32


@dataclass(slots=True)
class _Call:
    index: int
    key: Any
    """What the server counts it by, as far as it does."""
    id: str = ""
    name: str = ""
    arguments: str = ""
    told: int | None = None
    """Characters of the arguments that were passed on; None before its beginning was."""
    done: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether nothing can follow: an object that is closed stays one."""
        return self.arguments.rstrip().endswith("}") and as_object(self.arguments) is not None


class CallAssembler:
    """Feed fragments as they come; each gives what is new of its call. `finish` completes what is open."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []

    def __bool__(self) -> bool:
        """Whether there is any call."""
        return bool(self._calls)

    def push(self, fragment: Any) -> list[ToolCall]:
        """Take one entry of ``tool_calls`` (or a legacy ``function_call``), whatever shape it has."""
        if not isinstance(fragment, dict):
            return []
        function = fragment.get("function")
        function = function if isinstance(function, dict) else fragment
        name, call_id = _text(function.get("name")), _text(fragment.get("id"))
        given = function.get("arguments", function.get("parameters"))
        arguments = given if isinstance(given, str) else "" if given is None else json.dumps(given)
        call = self._belongs_to(fragment.get("index"), call_id, name)
        if call is None or call.done:
            return []
        call.id, call.name = call.id or call_id, call.name or name
        call.arguments += arguments[: MOST_CHARS - len(call.arguments)]
        return self._tell(call)

    def add(self, name: str, arguments: dict[str, Any]) -> list[ToolCall]:
        """Take a whole call."""
        if len(self._calls) >= _MOST_CALLS:
            return []
        self._calls.append(_Call(len(self._calls), None, "", name, json.dumps(arguments)))
        return self._tell(self._calls[-1])

    def _tell(self, call: _Call) -> list[ToolCall]:
        """What is new of a call; nothing before its name is known."""
        if not call.name:
            return []
        fresh, begins = call.arguments[call.told or 0 :], call.told is None
        call.told = len(call.arguments)
        found = [ToolCall(call.index, call.id, call.name, fresh)] if fresh or begins else []
        return found + (self._complete([call]) if call.is_whole else [])

    def finish(self) -> list[ToolCall]:
        """The answer is over."""
        return self._complete(self._calls)

    def _belongs_to(self, key: Any, call_id: str, name: str) -> _Call | None:
        """The call that a fragment goes on with, else a new one."""
        key = key if isinstance(key, int | str) and not isinstance(key, bool) else None
        if call_id and (own := next((c for c in self._calls if c.id == call_id), None)):
            return own
        same = next((c for c in reversed(self._calls) if key is not None and c.key == key), None)
        if key is None:
            same = self._calls[-1] if self._calls else None
        if same is not None and not self._begins_anew(same, call_id, name, has_key=key is not None):
            return same
        if len(self._calls) >= _MOST_CALLS:
            return None
        self._calls.append(_Call(len(self._calls), key))
        return self._calls[-1]

    @staticmethod
    def _begins_anew(call: _Call, call_id: str, name: str, *, has_key: bool) -> bool:
        """Whether a fragment with the key of `call`, or with none, is the beginning of another one."""
        if not name or not call.name:
            return bool(call_id and call.id and not has_key and call_id != call.id)
        return name != call.name or bool(call_id and call.id) or call.is_whole

    @staticmethod
    def _complete(calls: list[_Call]) -> list[ToolCall]:
        found: list[ToolCall] = []
        for call in calls:
            if call.done or not call.name:
                continue
            call.done = True
            whole = mended(call.arguments)
            found.append(
                ToolCall(call.index, call.id, call.name, call.arguments if whole is None else whole, done=True)
            )
        return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def calls_in(written: str, tools: Collection[str]) -> list[dict[str, Any]]:
    """The calls of `tools` that a model wrote in its own notation, each with ``name`` and ``arguments``; what names
    none of the tools is none."""
    found = [*_tagged(written), *_as_data(written), *_as_code(written)]
    kept = [{"name": name, "arguments": arguments} for name, arguments in found if name in tools]
    return [call for at, call in enumerate(kept) if call not in kept[:at]]


_FENCE = re.compile(r"```(?:\w+)?|<\|?/?[\w:|▁｜]+\|?>")
_INVOKE = re.compile(r'<(?:\w+:)?invoke\s+name="?([\w.-]{1,64})"?\s*>(.*?)(?:</(?:\w+:)?invoke>|$)', re.DOTALL)
_FUNCTION = re.compile(r"<function=([\w.-]{1,64})>(.*?)(?:</function>|$)", re.DOTALL)
_PARAMETER = re.compile(
    r'<parameter(?:=|\s+name=)"?([\w.-]{1,64})"?\s*>(.*?)</parameter>|<arg_key>([^<]{1,64})</arg_key>\s*'
    r"<arg_value>(.*?)</arg_value>",
    re.DOTALL,
)
_NAMED = (
    re.compile(
        r"<｜tool▁sep｜>\s*([\w.-]{1,64})\s*(?:```json)?\s*(\{.*?\})\s*(?:```)?\s*<｜tool▁call▁end｜>", re.DOTALL
    ),
    re.compile(r"<｜tool▁call▁begin｜>\s*([\w.-]{1,64})\s*<｜tool▁sep｜>\s*(\{.*?\})\s*<｜tool▁call▁end｜>", re.DOTALL),
    re.compile(
        r"(?:^|\W)functions\.([\w-]{1,64}):\d+\s*<\|tool_call_argument_begin\|>\s*(\{.*?\})\s*<\|tool_", re.DOTALL
    ),
    re.compile(r"to=functions\.([\w-]{1,64})[^{]{0,60}(\{.*\})\s*<\|(?:call|end)\|>", re.DOTALL),
    re.compile(r"\[TOOL_CALLS\]\s*([\w-]{1,64})\s*(?:\[ARGS\])?\s*(\{[^\[]*\})", re.DOTALL),
    re.compile(r"call:([\w.-]{1,64})\s*(\{.*\})", re.DOTALL),
    re.compile(r"<tool_call>\s*([\w.-]{1,64})\s*(\{.*\})\s*</tool_call>", re.DOTALL),
)


def _tagged(written: str) -> list[tuple[str, dict[str, Any]]]:
    found = [(n, a) for pattern in _NAMED for n, text in pattern.findall(written) if (a := _data(text)) is not None]
    for name, body in [*_INVOKE.findall(written), *_FUNCTION.findall(written)]:
        found.append((name, _parameters(body)))
    if named := re.match(r"\s*<tool_call>\s*([\w.-]{1,64})\s*<arg_key>", written):
        found.append((named.group(1), _parameters(written)))
    return [(n, a) for n, a in found if isinstance(a, dict)]


def _parameters(body: str) -> dict[str, Any]:
    pairs = {k or k2: _value(v or v2) for k, v, k2, v2 in _PARAMETER.findall(body)}
    whole = _data(body.strip()) if not pairs else None
    return whole if isinstance(whole, dict) else pairs


def _value(text: str) -> Any:
    try:
        return json.loads(text.strip())
    except (ValueError, RecursionError):
        return text.strip()


def _data(text: str) -> Any:
    whole = mended(text)
    return None if whole is None else as_object(whole)


def _as_data(written: str) -> list[tuple[str, dict[str, Any]]]:
    """Objects with a name and arguments, one or a list of them, with or without something around them."""
    bare = _FENCE.sub("\n", re.sub(r"\[TOOL_CALLS\]|functools", "", written)).strip()
    begins = min((at for at in (bare.find("{"), bare.find("[")) if at >= 0), default=-1)
    if begins < 0 or len(bare) > MOST_CHARS:
        return []
    found: list[tuple[str, dict[str, Any]]] = []
    for entry in _values(bare[begins:]):
        function = entry.get("function")
        inner: dict[str, Any] = function if isinstance(function, dict) else entry
        name = inner.get("name", inner.get("tool_name", inner.get("function", inner.get("tool"))))
        given: Any = next((inner[k] for k in ("arguments", "parameters", "args", "input") if k in inner), {})
        arguments = _data(given) if isinstance(given, str) else given
        if isinstance(name, str) and isinstance(arguments, dict):
            found.append((name, arguments))
    return found


def _values(text: str) -> list[dict[str, Any]]:
    """Every object that the text holds one behind the other, in a list or not."""
    decoder, at, found = json.JSONDecoder(), 0, list[Any]()
    while (at := min((i for i in (text.find("{", at), text.find("[", at)) if i >= 0), default=-1)) >= 0:
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            value = repair_json(text[at:], return_objects=True)
            at = len(text)
        found += value if isinstance(value, list) else [value]
        if len(found) > _MOST_CALLS:
            break
    return [entry for entry in found if isinstance(entry, dict)]


def _as_code(written: str) -> list[tuple[str, dict[str, Any]]]:
    """``[weather(city="Paris")]``, the way some models write calls; literals alone are read, nothing is run."""
    bare = _FENCE.sub("", written).strip()
    if len(bare) > 4096 or "(" not in bare:
        return []
    try:
        tree = ast.parse(bare, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found: list[tuple[str, dict[str, Any]]] = []
    for entry in tree.elts if isinstance(tree, ast.List | ast.Tuple) else [tree]:
        printed = isinstance(entry, ast.Call) and getattr(entry.func, "id", "") == "print" and entry.args
        node = entry.args[0] if isinstance(entry, ast.Call) and printed else entry
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            name = ast.unparse(node.func.value) if name == "call" and isinstance(node.func, ast.Attribute) else name
            try:
                found.append((name, {k.arg: ast.literal_eval(k.value) for k in node.keywords if k.arg}))
            except (ValueError, TypeError, RecursionError, MemoryError):
                continue
    return found
