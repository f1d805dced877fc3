"""Arithmetic in what a model wrote, worked out without running it.

The host's grader of MathVision passes answers to Python's ``eval``: an answer could run code, read the reference
answer (by the name of the grader's variable), or occupy the machine (``9**9**9``). Here an answer is parsed; numbers,
operators and a few functions of numbers are worked out within bounds; anything else raises, which is what the host
takes for "not arithmetic" as well.
"""

from __future__ import annotations

import ast
import itertools
import operator
from collections.abc import Callable, Mapping
from typing import Any

MAX_LENGTH = 1000
"""Characters of the longest text that counts as arithmetic."""
_MAX_BITS = 4096
"""Size of the greatest whole number, in bits."""
_MAX_DIGITS = 1000
"""Most digits to round to: a whole number rounded to more would first be a power of ten of that size."""
MAX_NODES = 200
"""Parts of the longest expression that counts as arithmetic."""

_SIGNS: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos, ast.USub: operator.neg, ast.Invert: operator.invert, ast.Not: operator.not_,
}  # fmt: skip


class NotArithmeticError(ValueError):
    """A text that is no arithmetic, or more than anybody writes as an answer."""


def value_of(text: str) -> Any:
    """The value of an arithmetic expression in Python's spelling.

    Args:
        text: What a model or a benchmark wrote.

    Returns:
        A number, or a tuple or list of numbers.

    Raises:
        NotArithmeticError: It is no arithmetic or too large.
        ArithmeticError: It divides by zero or overflows.
        TypeError: It applies an operator to what it does not fit.
    """
    if len(text) > MAX_LENGTH:
        raise NotArithmeticError(f"{len(text)} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotArithmeticError(str(error)) from error
    return value_of_tree(tree)


def is_long(tree: ast.expr) -> bool:
    """Whether an expression has more parts than anybody writes as an answer."""
    return sum(1 for _ in itertools.islice(ast.walk(tree), MAX_NODES + 1)) > MAX_NODES


def value_of_tree(tree: ast.expr) -> Any:
    """The value of an arithmetic expression that is parsed already; otherwise as :func:`value_of`."""
    if is_long(tree):
        raise NotArithmeticError("too many parts")
    try:
        return _value(tree)
    except NotArithmeticError:
        raise
    except ValueError as error:  # The least of nothing, a shift by less than nothing, a whole number from no number.
        raise NotArithmeticError(str(error)) from error


def _value(node: ast.expr) -> Any:
    value: Any
    match node:
        case ast.Constant(value=bool() | int() | float() | complex() as value):
            pass
        case ast.UnaryOp(op=sign, operand=operand):
            value = _SIGNS[type(sign)](_number(operand))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            value = _OPERATORS[type(op)](_number(left), _number(right))
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            value = [_value(part) for part in parts]
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
            value = _FUNCTIONS[name](*map(_value, arguments))
        case _:
            raise NotArithmeticError(f"{type(node).__name__} is no arithmetic")
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        raise NotArithmeticError("a number too large")
    return value


def _number(node: ast.expr) -> Any:
    """The value of an operand; a list times a million would be a long list."""
    value = _value(node)
    if isinstance(value, list):
        raise NotArithmeticError("a list is no operand")
    return value


def _power(base: Any, exponent: Any) -> Any:
    whole = isinstance(base, int) and isinstance(exponent, int)
    if whole and abs(base) > 1 and base.bit_length() * abs(exponent) > _MAX_BITS:
        raise NotArithmeticError("a power too large")
    return base**exponent


def _shifted(value: Any, places: Any) -> Any:
    if not (isinstance(value, int) and isinstance(places, int)) or places > _MAX_BITS:
        raise NotArithmeticError("a shift too far")
    return value << places


_OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.BitXor: operator.xor, ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_, ast.RShift: operator.rshift, ast.Pow: _power, ast.LShift: _shifted,
}  # fmt: skip


def _rounded(value: Any, digits: Any = 0) -> Any:
    if not isinstance(digits, int) or abs(digits) > _MAX_DIGITS:
        raise NotArithmeticError("rounding too far")
    return round(value, digits)


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": abs, "min": min, "max": max, "sum": sum, "int": int, "float": float, "bool": bool, "pow": _power,
    "round": _rounded,
}  # fmt: skip
