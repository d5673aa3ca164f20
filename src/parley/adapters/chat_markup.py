"""Takes out of a model's words what is not meant to be heard: thoughts, calls written as text, control tokens.

Servers should part these from the answer; many do not. The mark-up comes in pieces, may stay open, and may come
without its opening (templates that open the thought for the model): then `Retracted` says that what was passed on
was none of the answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

_MOST_HELD_CHARS = 64 * 1024
_THOUGHT = r"think|thinking|thoughts?|reason|reasoning|reflection|analysis|scratchpad|rationale|cot|chain_of_thought"
_THOUGHTS = rf"(?:\w+:)?(?:{_THOUGHT}|inner_?(?:thoughts?|monologue)|(?:begin|start)[_▁]of[_▁]think(?:ing)?)"
_CALLS = r"(?:\w+:)?(?:tool_calls?|function_calls?|tool_use|tools|invoke)"


@dataclass(frozen=True, slots=True)
class Said:
    """Words of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Thought:
    """Words that were kept back: the model is at work."""


@dataclass(frozen=True, slots=True)
class Written:
    """A call in the model's own notation."""

    text: str


@dataclass(frozen=True, slots=True)
class Retracted:
    """Everything that was said so far was a thought."""


Piece = Said | Thought | Written | Retracted


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: type[Thought | Written]
    opens: re.Pattern[str]
    closes: str | None
    """A pattern, in which {name} stands for the name of the tag that opened; None: it lasts to the end."""
    at_start: bool = False
    """Only as the first thing that the model writes."""

    def end(self, opening: re.Match[str]) -> re.Pattern[str] | None:
        """What closes that opening."""
        name = re.escape(opening.group("name")) if "name" in self.opens.groupindex else ""
        return None if self.closes is None else _compiled(self.closes.replace("{name}", name))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_THOUGHT_ENDS = (
    rf"</\s*(?:{_THOUGHTS})\s*>|\[/think(?:ing)?\]|◁/think▷|<\|end_of_thought\|>|<\|/(?:{_THOUGHTS})\|>"
    r"|<\|end_thinking\|>|<unused95>|<channel\|>|<｜end▁of▁thinking｜>"
)
_CHANNEL = r"(?:<\|start\|>\w{0,20})?<\|channel\|>"
_MESSAGE = r"(?:<\|constrain\|>[^<]{0,30})?<\|message\|>"
_RULES = (
    _Rule(Written, _compiled(rf"{_CHANNEL}[^<]{{0,30}}\bto=[^<]{{0,80}}{_MESSAGE}"), r"<\|call\|>|<\|end\|>"),
    _Rule(
        Thought,
        _compiled(rf"{_CHANNEL}(?!final)[^<]{{0,30}}{_MESSAGE}"),
        r"<\|end\|>|(?=<\|start\|>)|(?=<\|channel\|>)",
    ),
    _Rule(
        Thought,
        _compiled(
            rf"<(?:{_THOUGHTS})(?:\s[^<>]{{0,80}})?>|\[think(?:ing)?\]|◁think▷|<\|(?:{_THOUGHTS}|begin_of_thought)\|>"
            r"|<\|start_thinking\|>|<unused94>(?:thought)?|<\|channel>(?:thought|analysis)?|<｜begin▁of▁thinking｜>"
        ),
        _THOUGHT_ENDS,
    ),
    _Rule(Thought, _compiled(r'<details type="reasoning"[^<>]{0,80}>'), "</details>"),
    _Rule(Thought, re.compile(r"analysis(?=[A-Z])"), "assistantfinal", at_start=True),
    _Rule(Written, _compiled(rf"<(?P<name>{_CALLS})(?=[\s>])"), "</{name}>"),
    _Rule(Written, _compiled("<function="), "</function>"),
    _Rule(Written, _compiled(r"\[TOOL_CALLS\]"), None),
    _Rule(Written, _compiled(r"<\|python_tag\|>"), r"<\|eom_id\|>|<\|eot_id\|>"),
    _Rule(Written, _compiled(r"<\|tool_calls?\|>"), r"<\|/tool_calls?\|>|<\|end\|>"),
    _Rule(Written, _compiled(r"<\|tool_call>"), r"<tool_call\|>"),
    _Rule(Written, _compiled(r"<\|tool_calls_section_begin\|>"), r"<\|tool_calls_section_end\|>"),
    _Rule(Written, _compiled(r"<\|tool_call_begin\|>"), r"<\|tool_call_end\|>"),
    _Rule(Written, _compiled("<｜tool▁calls▁begin｜>"), "<｜tool▁calls▁end｜>"),
    _Rule(Written, _compiled(r"<\|start_action\|>"), r"<\|end_action\|>"),
    _Rule(Written, _compiled(r"functools(?=\[)"), None),
    _Rule(Written, _compiled(r"```(?:tool_calls?|tool_code|function_call)\b"), "```"),
)
_END_OF_TURN = _compiled(
    r"<\|(?:im_end|eot_id|eom_id|end_of_text|endoftext|return|end_of_turn|end_of_sentence)\|>|</s>|<end_of_turn>"
    r"|<end_of_utterance>|<eos>|<turn\|>|<｜end▁of▁sentence｜>"
)
_CONTROL = _compiled(
    r"<\|start_header_id\|>\w{0,20}<\|end_header_id\|>\s*|<\|im_start\|>(?:assistant|model)?\n?"
    rf"|{_CHANNEL}final[^<]{{0,30}}{_MESSAGE}|<\|[^|<>\n]{{1,40}}\|>|<｜[^｜<>\n]{{1,40}}｜>"
    r"|<start_of_turn>(?:model)?\n?|<\|turn>(?:model)?\n?|<\|[a-z_]{1,30}>|<[a-z_]{1,30}\|>"
    r"|</?s>|<(?:unk|pad|bos|eos|sep|cls|mask|sop|eop|unused\d{1,3}|0x[0-9a-f]{2})>|\[/?INST\]|<</?SYS>>|\[gMASK\]"
    r"|\[/?TOOL_RESULTS\]|\[ARGS\]"
)
_HEADERS = (
    ("<|start|>", _compiled(rf"{_CHANNEL}[^<]{{0,110}}{_MESSAGE}|<\|start\|>\w*(?:[^\w<]|<(?!\||$)|<\|(?!c|$))")),
    ("<|channel|>", _compiled(rf"{_CHANNEL}[^<]{{0,110}}{_MESSAGE}")),
    ("<|start_header_id|>", _compiled(r"<\|start_header_id\|>\w{0,20}<\|end_header_id\|>")),
    ("<|im_start|>", _compiled(r"<\|im_start\|>\w*\W")),
    ("<|channel>", _compiled(r"<\|channel>\w*\W")),
    ("<|turn>", _compiled(r"<\|turn>\w*\W")),
    ("<start_of_turn>", _compiled(r"<start_of_turn>\w*\W")),
)
"""Marks that say nothing before what follows them is there: each with what they look like when it is."""
_STARTS = (
    "<", "<|", "</", "[think", "[/think", "[tool_calls]", "[inst]", "[/inst]", "[gmask]", "[/tool_results]",
    "[tool_results]", "[args]", "◁think▷", "◁/think▷", "functools[", "```tool_code", "```tool_calls",
    "```function_call",
)  # fmt: skip
_ANY_START = _compiled(r"[<\[◁`]|f(?=u|$)")
_OPEN_TAG = _compiled(
    r"<(?:\||[|｜][^|｜<>\n]{0,40}[|｜]?|/?(?:\w[\w:=▁]{0,40})?|\w[^<>\s]{0,40}\|?|</?\w{0,4}>?"
    r"|(?:details|think|thinking|invoke|function|\w+:\w+)\s[^<>]{0,80}|/\s*\w{0,30}\s*)"
)
_DATA = re.compile(r"\s*(?:\{|\[\s*(?:\{|\w+\(|$|\w{0,40}$)|```json|```\s*$|`{1,3}$)")
_LONGEST_MARK = 160


class MarkupFilter:
    """Feed the model's text with `push`, end with `flush`; each returns what it amounts to, in order.

    `opens_in_thought`: the model is known to begin inside of a thought that nobody opened. `holds_data`: an answer
    that begins like data may be a call without any mark-up, and is kept back until its end is there.
    """

    def __init__(self, *, opens_in_thought: bool = False, holds_data: bool = False) -> None:
        self._held = ""
        self._inside: tuple[type[Thought | Written], re.Pattern[str] | None] | None = None
        if opens_in_thought:
            self._inside = Thought, _compiled(_THOUGHT_ENDS)
        self._assumed = "" if opens_in_thought else None
        """What is taken for a thought only because this model's answers begin with one."""
        self._holds_data = holds_data
        self._said_any = False
        self._thought = False
        self.ended = False
        """Whether the model wrote that its turn is over: what it writes behind that is not its part."""
        self.thought_unopened = opens_in_thought
        """Whether it was found to begin inside of a thought."""

    def push(self, text: str) -> list[Piece]:
        """Take more of what the model writes."""
        found: list[Piece] = []
        if not self.ended:
            self._held += text
            while self._step(found):
                pass
        return found

    def thinks_apart(self) -> None:
        """The server tells thoughts apart from the answer: it does not begin inside of one."""
        if self._assumed == "":
            self._assumed, self._inside, self.thought_unopened = None, None, False

    def flush(self, *, by_itself: bool = True) -> list[Piece]:
        """The model has written everything; what is still open never ends.

        `by_itself`: it was not cut. A model that ends by itself has closed its thought: what was taken for one was the
        answer.
        """
        found: list[Piece] = []
        held, self._held = self._held, ""
        if self._assumed is not None and by_itself:
            self.thought_unopened = False
            self._say(self._assumed + held, found)
            return found
        if self._inside is not None:
            return [Written(held)] if self._inside[0] is Written else []
        if self._is_data(held):
            return [Written(held)]
        if not self.ended:
            self._say(_CONTROL.sub("", held), found)
        return found

    def _step(self, found: list[Piece]) -> bool:
        """Settle what is at the front of what is held; returns whether there may be more to settle."""
        if self._inside is not None:
            return self._leave(*self._inside, found)
        if self._is_data(self._held):
            return False
        match, rule = self._first_mark()
        held = self._held
        keep = self._open_from() if match is None else match.start()
        self._say(held[:keep], found)
        self._held = held[keep:]
        if match is None or self._may_grow():
            return False
        self._held = held[match.end() :]
        if rule is not None:
            self._inside = rule.kind, rule.end(match)
            self._thought = self._thought or rule.kind is Thought
            self._held = held[match.start() :] if rule.kind is Written else self._held
        elif _compiled(_THOUGHT_ENDS).fullmatch(match.group()):
            self._retract(found)
        elif _END_OF_TURN.fullmatch(match.group()) and self._said_any:
            self.ended, self._held = True, ""
            return False
        return True

    def _is_data(self, held: str) -> bool:
        if not self._holds_data or self._said_any or len(held) > _MOST_HELD_CHARS:
            return False
        return bool(_DATA.match(held))

    def _leave(self, kind: type[Thought | Written], closes: re.Pattern[str] | None, found: list[Piece]) -> bool:
        """Look for the end of what is open."""
        match = closes.search(self._held, 1 if kind is Written else 0) if closes else None
        if match is None:
            found.append(Thought())
            if kind is Thought:
                passed, self._held = self._held[:-_LONGEST_MARK], self._held[-_LONGEST_MARK:]
                if self._assumed is not None:
                    self._assumed = (self._assumed + passed)[:_MOST_HELD_CHARS]
            return False
        if kind is Written:
            found.append(Written(self._held[: match.end()][:_MOST_HELD_CHARS]))
        self._held, self._inside, self._assumed = self._held[match.end() :], None, None
        return True

    def _first_mark(self) -> tuple[re.Match[str] | None, _Rule | None]:
        """The mark that comes first, with its rule if it opens something; of two at one place the earlier rule's."""
        held = self._held
        if _ANY_START.search(held) is None and (self._said_any or not held.lower().startswith("analysis")):
            return None, None
        matches = [
            (match, rule)
            for rule in _RULES
            if not (rule.at_start and self._said_any)
            and (match := (rule.opens.match if rule.at_start else rule.opens.search)(held))
        ]
        patterns = (_compiled(_THOUGHT_ENDS), _END_OF_TURN, _CONTROL)
        others = [m for pattern in patterns if (m := pattern.search(held))]
        return min([*matches, *((m, None) for m in others)], key=lambda found: found[0].start(), default=(None, None))

    def _may_grow(self) -> bool:
        """Whether what comes could make another mark of what is held: ``<|channel|>`` alone says nothing yet."""
        head = self._held[:_LONGEST_MARK].lower()
        whole = next((pattern for start, pattern in _HEADERS if head.startswith(start)), None)
        return whole is not None and len(self._held) < _LONGEST_MARK and not whole.match(head)

    def _open_from(self) -> int:
        """From where the end of what is held could be the beginning of a mark."""
        held = self._held
        if not self._said_any and "analysis".startswith(held.lstrip().lower()):
            return 0
        for match in _ANY_START.finditer(held, max(0, len(held) - _LONGEST_MARK)):
            tail = held[match.start() :]
            if _OPEN_TAG.fullmatch(tail) or any(start.startswith(tail.lower()) for start in _STARTS):
                return match.start()
        return len(held)

    def _say(self, text: str, found: list[Piece]) -> None:
        text = text if self._said_any else text.lstrip()
        if text:
            self._said_any = True
            found.append(Said(text))

    def _retract(self, found: list[Piece]) -> None:
        """A thought ends that nobody opened; it can only be the first."""
        if not self.thought_unopened and not self._thought:
            self.thought_unopened = True
            if self._said_any:
                found.append(Retracted())
            self._said_any = False
