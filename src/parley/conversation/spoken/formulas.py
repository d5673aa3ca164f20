"""Formulas (LaTeX) in words: "E equals m c squared"."""

from __future__ import annotations

import re

from parley.conversation.spoken import numerals
from parley.conversation.spoken.languages import Language

_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi "
    "psi omega"
).split()
_SIGNS = {
    "times": "times", "cdot": "times", "ast": "times", "div": "divided", "pm": "plus or minus", "mp": "minus or plus",
    "leq": "at_most", "le": "at_most", "geq": "at_least", "ge": "at_least", "neq": "unequal", "ne": "unequal",
    "lt": "less", "gt": "greater", "approx": "about", "to": "to", "rightarrow": "to", "equiv": "equals",
}  # fmt: skip
_NAMES = {
    "infty": "infinity", "sum": "the sum", "prod": "the product", "int": "the integral", "lim": "the limit",
    "partial": "partial", "nabla": "nabla", "forall": "for all", "exists": "there exists", "in": "in",
    "notin": "not in",
    "cup": "union", "cap": "intersection", "subset": "is a subset of", "Rightarrow": "implies", "implies": "implies",
    "iff": "if and only if", "sin": "sine", "cos": "cosine", "tan": "tangent", "log": "log", "ln": "natural log",
    "exp": "exponential", "max": "max", "min": "min", "degree": "degrees", "circ": "degrees", "ldots": "and so on",
    "cdots": "and so on", "dots": "and so on", "sim": "is similar to", "propto": "is proportional to",
    "emptyset": "the empty set", "hbar": "h bar", "ell": "l", "angle": "angle", "perp": "is perpendicular to",
}  # fmt: skip
_PLAIN = (
    "text",
    "mathrm",
    "mathbf",
    "mathit",
    "mathbb",
    "mathcal",
    "boxed",
    "operatorname",
    "textbf",
    "textit",
    "emph",
    "underline",
    "texttt",
    "vec",
    "hat",
    "bar",
)
COMMANDS = frozenset(
    ["frac", "dfrac", "tfrac", "sqrt", "binom", *_PLAIN, *_SIGNS, *_NAMES, *_GREEK, *(g.capitalize() for g in _GREEK)]
) - {"in", "to", "max", "min", "text", "bar", "hat", "vec", "log", "exp", "int", "lim", "sum"}
"""Commands that are a formula's wherever they stand; the others are only taken inside of one (`C:\\text`)."""
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|[A-Za-z]|\S", re.DOTALL)
_DEEPEST = 20
_MOST_WORDS = 60
_OPERATORS = {
    "=": "equals", "+": "plus", "-": "minus", "−": "minus", "*": "times", "×": "times", "·": "times", "/": "divided",
    "<": "less",
    ">": "greater", "≤": "at_most", "≥": "at_least", "≠": "unequal", "≈": "about", "→": "to",
}  # fmt: skip


def say_formula(source: str, language: Language) -> str:
    """A formula's words; a long one is only shown, and so is one that there are English words for alone."""
    names = {name[1:] for name in _TOKEN.findall(source) if name[0] == "\\"}
    if not language.english and names & {*_NAMES, "sqrt", "binom"}:
        return language.words.formula
    said = " ".join(_Reader(source, language).read().split())
    return said if len(said.split()) <= _MOST_WORDS else language.words.formula


class _Reader:
    def __init__(self, source: str, language: Language) -> None:
        self._tokens = _TOKEN.findall(source)
        self._language = language
        self._at = 0
        self._depth = 0

    def read(self, until: str = "") -> str:
        """Up to the token `until`, or all of it."""
        said: list[str] = []
        while self._at < len(self._tokens):
            token = self._take()
            if token == until:
                break
            said.append(self._say(token, first=not said))
        return " ".join(word for word in said if word)

    def _take(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1] if self._at <= len(self._tokens) else ""

    def _group(self) -> str:
        """The argument that comes next, in words."""
        if self._depth >= _DEEPEST:
            return ""
        self._depth += 1
        token = self._take()
        said = self.read("}") if token == "{" else self._say(token, first=True)
        self._depth -= 1
        return said

    def _say(self, token: str, *, first: bool) -> str:
        words = self._language.words
        if token[:1].isdecimal():
            return say_decimal(token, self._language)
        if token in ("^", "_"):
            return self._script(token)
        if token in ("-", "−") and first:
            return words.minus
        if token in _OPERATORS:
            return str(getattr(words, _OPERATORS[token]))
        if token == "{":
            self._at -= 1
            return self._group()
        if token.startswith("\\"):
            return self._command(token[1:])
        return {"!": "factorial", "'": "prime", "%": words.percent, "∞": "infinity", "π": "pi", "|": ""}.get(
            token, token if token.isalpha() else token if token in ",;" else ""
        )

    def _script(self, token: str) -> str:
        raised = self._group()
        if token == "_":
            return raised
        if raised in ("degrees", "prime"):
            return raised
        two, three = (numerals.cardinal(n, self._language.code) if self._language.counts else str(n) for n in (2, 3))
        if raised == two and self._language.words.square:
            return self._language.words.square
        if raised == three and self._language.english:
            return "cubed"
        return f"{self._language.words.power} {raised}"

    def _command(self, name: str) -> str:
        words = self._language.words
        if name in ("frac", "dfrac", "tfrac"):
            return say_fraction(self._group(), self._group(), self._language)
        if name == "sqrt":
            return self._root()
        if name == "binom":
            return f"{self._group()} choose {self._group()}"
        if name in _SIGNS:
            return str(getattr(words, _SIGNS[name], _SIGNS[name]))
        if name in ("sum", "prod", "int", "lim"):
            return _NAMES[name] + self._limits() + " of"
        if name in _NAMES or name.lower() in _GREEK:
            return _NAMES.get(name, name.lower())
        if name in _PLAIN:
            return self._plain()
        return words.percent if name == "%" else ""

    def _plain(self) -> str:
        """Words written in a formula; letters that stand together are one."""
        if self._at >= len(self._tokens) or self._tokens[self._at] != "{":
            return self._group()
        self._take()
        said: list[str] = []
        while self._at < len(self._tokens) and (token := self._take()) != "}":
            said.append(token if token.isalnum() else f" {token} " if token in "+-=" else " ")
        return "".join(said)

    def _root(self) -> str:
        degree = ""
        if self._at < len(self._tokens) and self._tokens[self._at] == "[":
            self._take()
            degree = self.read("]")
        return f"the {degree + ' ' if degree else 'square '}root of {self._group()}"

    def _limits(self) -> str:
        said = ""
        while self._at < len(self._tokens) and self._tokens[self._at] in ("_", "^"):
            said += (" from " if self._take() == "_" else " to ") + self._group()
        return said


def say_decimal(number: str, language: Language) -> str:
    """ "3.14" (with a point) in words; as it is where the language's numbers are not known."""
    if not language.counts:
        return number
    whole, _, part = number.partition(".")
    if len(whole) > 1 and whole[0] == "0":
        said = numerals.digits(whole, language.code)
    else:
        said = numerals.cardinal(int(whole or 0), language.code)
    return f"{said} {language.words.point} {numerals.digits(part, language.code)}" if part else said


def say_fraction(above: str, below: str, language: Language) -> str:
    """Two groups in words, one over the other."""
    ones = {numerals.cardinal(n, language.code): n for n in range(1, 13)} if language.english else {}
    if above in ones and below in ones and ones[below] > 1:
        return parts_of(ones[above], ones[below], language) or f"{above} over {below}"
    return f"{above} over {below}" if language.english else f"{above} {language.words.divided} {below}"


def parts_of(above: int, below: int, language: Language) -> str | None:
    """ "two thirds"; None for fractions that are said otherwise."""
    if template := language.words.fraction:
        said, parts = (numerals.cardinal(number, language.code) for number in (above, below))
        return template.format(above=said, below=parts)
    if below in language.words.halves:
        one, several = language.words.halves[below]
        return f"{numerals.cardinal(above, language.code, 'masculine')} {one if above == 1 else several}"
    if not language.english or not 2 < below <= 100:
        return None
    return f"{numerals.cardinal(above, 'en')} {numerals.ordinal(below, 'en')}{'' if above == 1 else 's'}"
