"""Limits on figures, such as `usd > 100` or `refused / requests > 0.01`: names, numbers, and no more.

or, and, not   <, <=, ==, !=, >=, >   +, -, *, /   ( )
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from itertools import pairwise

from router.simulate.figures import FIGURES, Figure

_LONGEST = 1000
_OPERATORS: Mapping[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS: Mapping[type[ast.AST], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.GtE: operator.ge,
    ast.Gt: operator.gt,
}


class BadLimit(ValueError):
    """What is wrong with a limit, and what would be right."""


class NoFigure(Exception):
    """A figure has no value in this simulation, or there is none to divide by."""


class Limit:
    """Raises BadLimit for what is no limit."""

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        if len(text) > _LONGEST:
            raise BadLimit(f"a limit is no longer than {_LONGEST} characters")
        try:
            self._tree = ast.parse(self.text, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise BadLimit(f"{text!r} is no limit: write one like 'usd > 100 or refused > 0'") from None
        _check(self._tree, self.text)
        _check_kinds(self._tree, self.text, condition=True)

    def said(self, figures: Mapping[str, Figure]) -> str:
        """The figures that it names, for people."""
        named = dict.fromkeys(node.id for node in ast.walk(self._tree) if isinstance(node, ast.Name))
        return ", ".join(f"{name} is {figures[name]:.6g}" for name in named)

    def holds(self, figures: Mapping[str, Figure]) -> bool:
        """Raises NoFigure where that cannot be told."""
        return bool(_value(self._tree, figures))


def _check(node: ast.AST, text: str) -> None:
    match node:
        case ast.Name(id=name):
            if name not in FIGURES:
                raise BadLimit(f"there is no figure {name!r}; there are: {', '.join(FIGURES)}")
        case ast.Constant(value=value) if isinstance(value, int | float) and not isinstance(value, bool):
            pass
        case ast.BoolOp(values=values):
            for each in values:
                _check(each, text)
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.UAdd(), operand=operand):
            _check(operand, text)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            _check(left, text)
            _check(right, text)
        case ast.Compare(left=left, ops=ops, comparators=others) if all(type(each) in _COMPARISONS for each in ops):
            for each in (left, *others):
                _check(each, text)
        case _:
            found = ast.get_source_segment(text, node) if isinstance(node, ast.expr) else text
            raise BadLimit(f"a limit holds names of figures, numbers, comparisons and arithmetic, and not {found!r}")


def _check_kinds(node: ast.AST, text: str, *, condition: bool) -> None:
    """What is compared are numbers, and what `and`, `or` and `not` join are comparisons: `usd > 1 and 2` would hold
    whatever it costs."""
    match node:
        case ast.BoolOp(values=parts) | ast.UnaryOp(op=ast.Not(), operand=parts):
            is_condition, inside = True, parts if isinstance(parts, list) else [parts]
        case ast.Compare(left=left, comparators=others):
            is_condition, inside = True, [left, *others]
        case ast.BinOp(left=left, right=right):
            is_condition, inside = False, [left, right]
        case ast.UnaryOp(operand=operand):
            is_condition, inside = False, [operand]
        case _:
            is_condition, inside = False, []
    if is_condition is not condition:
        found = ast.get_source_segment(text, node) if isinstance(node, ast.expr) else text
        advice = f"write what it is compared with, such as '{found} > 0'" if condition else "compare numbers alone"
        what = "is a number, where a comparison belongs" if condition else "is a comparison, where a number belongs"
        raise BadLimit(f"{found!r} {what}: {advice}")
    for part in inside:
        _check_kinds(part, text, condition=isinstance(node, ast.BoolOp) or _is_not(node))


def _is_not(node: ast.AST) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)


def _value(node: ast.AST, figures: Mapping[str, Figure]) -> float:
    match node:
        case ast.Name(id=name):
            value = figures[name]
            if value is None:
                raise NoFigure(f"{name} has no value here")
            return value
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.BoolOp(op=ast.And(), values=values):
            return all(_value(each, figures) for each in values)
        case ast.BoolOp(values=values):
            return any(_value(each, figures) for each in values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, figures)
        case ast.UnaryOp(op=op, operand=operand):
            return -_value(operand, figures) if isinstance(op, ast.USub) else _value(operand, figures)
        case ast.BinOp(left=left, op=op, right=right):
            try:
                return _OPERATORS[type(op)](_value(left, figures), _value(right, figures))
            except ZeroDivisionError:
                raise NoFigure("it divides by zero here") from None
        case ast.Compare(left=left, ops=ops, comparators=others):
            sides = [_value(each, figures) for each in (left, *others)]
            return all(_COMPARISONS[type(op)](*pair) for op, pair in zip(ops, pairwise(sides), strict=True))
    raise AssertionError("it was checked")
