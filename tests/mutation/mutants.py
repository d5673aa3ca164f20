"""The mutants of a module: mutmut's operators, and two of our own, wherever a fault would mean something."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import libcst as cst
import libcst.matchers as m
from libcst.metadata import ByteSpanPositionProvider, CodeSpan, MetadataWrapper
from mutmut.mutation.mutators import mutation_operators, operator_assignment, operator_string

_LOGS = m.Call(func=m.Attribute(value=m.Name("log")))
_UNSAID = m.Name("strict") | m.Name("encoding") | m.Name("name") | m.Name("frozen") | m.Name("kw_only")
"""Arguments that guard or name what happens and do not decide it."""
_UNTOUCHED = (
    m.Annotation()
    | m.Decorator()
    | m.Import()
    | m.ImportFrom()
    | m.Assert()
    | m.Raise()
    | m.FunctionDef(name=m.Name("__repr__"))
    | m.If(test=m.Name("TYPE_CHECKING"))
    | m.Expr(value=m.SimpleString() | m.ConcatenatedString())
    | m.Expr(value=_LOGS)
    | m.Assign(value=m.Call(func=m.Attribute(attr=m.Name("get_logger")) | m.Name("TypeVar")))
    | m.Assign(targets=[m.AssignTarget(target=m.Name("__all__"))])
    | m.Arg(keyword=_UNSAID)
    | m.ClassDef(bases=[m.Arg(value=m.Name("Enum"))])
)
"""What no test is to notice: types, descriptions, names of states, logs, the words of errors."""

_TRUTH = m.Name("True") | m.Name("False")
_NUMBER_OR_TRUTH = m.OneOf(m.Integer(), m.Float(), m.Name("True"), m.Name("False"))
_PLAIN = m.Assign(value=_NUMBER_OR_TRUTH) | m.AnnAssign(value=_NUMBER_OR_TRUTH)
"""Has another value by another operator already: None instead would say no more."""
_OPPOSED = m.Is() | m.IsNot() | m.In() | m.NotIn() | m.Equal() | m.NotEqual()
_NEGATED_ANYWAY = m.UnaryOperation(operator=m.Not()) | m.Comparison(comparisons=[m.ComparisonTarget(operator=_OPPOSED)])
"""Conditions that mutmut's operators turn round."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault in one module."""

    path: Path
    line: int
    was: str
    """The lines that differ, as they are, without indentation."""
    becomes: str
    """As they are in the mutant."""
    source: str
    """All of it."""


class _Places(cst.CSTVisitor):
    """Collects every node that may be changed together with what it may become."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[cst.CSTNode, cst.CSTNode]] = []
        self._depth = 0

    def on_visit(self, node: cst.CSTNode) -> bool:
        outside = self._depth == 0
        self._depth += isinstance(node, cst.FunctionDef | cst.ClassDef)
        if m.matches(node, _UNTOUCHED) or (outside and _is_type_alias(node)):
            return False
        for changed in _changes(node):
            self.found.append((node, changed))
        if isinstance(node, cst.If) and not m.matches(node.test, _NEGATED_ANYWAY):
            condition = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
            self.found.append((node.test, cst.UnaryOperation(cst.Not(), condition)))
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        self._depth -= isinstance(original_node, cst.FunctionDef | cst.ClassDef)


def _is_type_alias(node: cst.CSTNode) -> bool:
    """``Action = A | B``: a type, whatever it is made of."""
    if not isinstance(node, cst.Assign) or not isinstance(name := node.targets[0].target, cst.Name):
        return False
    return name.value[0].isupper() and not name.value.isupper()


def _changes(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """What a node may become."""
    for kind, operator in mutation_operators:
        if not isinstance(node, kind) or (operator is operator_assignment and m.matches(node, _PLAIN)):
            continue
        for count, changed in enumerate(operator(node)):
            if operator is operator_string and count:
                break  # one other text is as wrong as three
            if isinstance(node, cst.Call) and _is_no_choice(node, changed):
                continue
            yield changed
    if isinstance(node, cst.If):
        yield node.with_changes(
            test=cst.UnaryOperation(cst.Not(), node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()]))
        )
    if m.matches(node, m.Expr(value=m.Call() | m.Await(expression=m.Call()))):
        yield cst.Pass()


def _is_no_choice(call: cst.Call, changed: cst.CSTNode) -> bool:
    """Whether an argument that guards is another or gone, or one is gone from its place: Python refuses that itself."""
    if not isinstance(changed, cst.Call) or len(changed.args) == len(call.args):
        args = changed.args if isinstance(changed, cst.Call) else ()
        return any(
            old is not new and (m.matches(old, m.Arg(keyword=_UNSAID)) or m.matches(old.value, _TRUTH))
            for old, new in zip(call.args, args, strict=False)
        )
    kept = {id(arg) for arg in changed.args}
    missing = [arg for arg in call.args if id(arg) not in kept]
    return any(arg.keyword is None or m.matches(arg.keyword, _UNSAID) for arg in missing)


def mutants_of(path: Path) -> list[Mutant]:
    """Every mutant of a module that can be compiled, in the order of its lines; no two alike."""
    source = path.read_text(encoding="utf-8")
    wrapper = MetadataWrapper(cst.parse_module(source))
    spans = wrapper.resolve(ByteSpanPositionProvider)
    places = _Places()
    wrapper.module.visit(places)
    found: dict[str, Mutant] = {}
    for node, changed in places.found:
        mutated = _put(wrapper.module, source.encode(), spans[node], node, changed)
        if mutated != source and mutated not in found and _compiles(mutated):
            line = source.encode()[: spans[node].start].count(b"\n") + 1
            found[mutated] = Mutant(path, line, *_difference(source, mutated), mutated)
    return sorted(found.values(), key=lambda mutant: mutant.line)


def _put(module: cst.Module, source: bytes, span: CodeSpan, node: cst.CSTNode, changed: cst.CSTNode) -> str:
    """The source with another node in the place of one; only that node's text is made, for that is quick."""
    if isinstance(node, cst.Match):  # its lines know their indentation in their place alone
        return cst.ensure_type(module.deep_replace(node, changed), cst.Module).code
    end = span.start + span.length
    whole, new = module.code_for_node(node), module.code_for_node(changed)
    head, _, tail = whole.partition(source[span.start : end].decode())  # brackets and blanks are not in the span
    new = new.removeprefix(head).removesuffix(tail) if new.startswith(head) and new.endswith(tail) else new
    return source[: span.start].decode() + new + source[end:].decode()


def _compiles(source: str) -> bool:
    """Whether Python takes it without a word: what it warns of would fail for that alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            compile(source, "mutant", "exec")
        except (SyntaxError, ValueError, Warning):
            return False
    return True


def _difference(source: str, mutated: str) -> tuple[str, str]:
    """The lines between what is common at the beginning and at the end."""
    old, new = source.splitlines(), mutated.splitlines()
    shorter = min(len(old), len(new))
    head = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    tail = next((i for i in range(shorter - head) if old[-1 - i] != new[-1 - i]), shorter - head)
    was, becomes = old[head : len(old) - tail], new[head : len(new) - tail]
    return " ".join(line.strip() for line in was), " ".join(line.strip() for line in becomes)
