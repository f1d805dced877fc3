"""What the host's graders get instead of ``eval``: the value of literals and of bounded arithmetic, nothing else.

The host's graders pass to ``eval`` what benchmarks store as text (lists of answers, options, sizes, weights), what they
stored themselves (tables with dictionaries of metrics) and what a policy or a judge wrote. What is honest of that is

- a literal: texts, bytes, numbers, ``True``, ``False``, ``None``, and lists, tuples, sets and dictionaries of them;
- arithmetic: see ``visualprm_eval.host.sandbox.safe_arithmetic``;
- with the few names that a grader may count on: numbers in its own module (MEGA-Bench has an ``E``), and constants and
  functions of numbers of ``math`` and ``numpy`` where its module has imported them (``np.float64(0.5)`` is how numpy 2
  writes a number into a table).
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

from visualprm_eval.host.sandbox.safe_arithmetic import NotArithmeticError, is_long, value_of_tree

MAX_CHARACTERS = 1 << 20
"""Characters of the longest literal."""

_CONSTANTS: Mapping[str, float] = {
    "pi": math.pi, "e": math.e, "tau": math.tau, "inf": math.inf, "nan": math.nan,
}  # fmt: skip
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **{name: getattr(math, name) for name in (
        "sqrt", "exp", "log", "log2", "log10", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh",
        "tanh", "floor", "ceil", "degrees", "radians", "fabs", "hypot", "gcd",
    )},
    **dict.fromkeys(("float16", "float32", "float64"), float),
    **dict.fromkeys(("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"), int),
    "bool_": bool, "bool": bool, "abs": abs,
}  # fmt: skip

_COLLECTIONS: Mapping[type[ast.expr], Callable[[Iterable[Any]], Any]] = {ast.List: list, ast.Tuple: tuple, ast.Set: set}


def plain_value(text: Any, namespace: Mapping[str, Any] | None = None) -> Any:
    """The value of a text that is a literal or arithmetic; nothing in it is run.

    Args:
        text: What would have been given to ``eval``.
        namespace: The names of the module that asks, of which only numbers and the modules ``math`` and ``numpy`` are
            seen.

    Returns:
        The literal, or the number.

    Raises:
        TypeError: It is no text, or it applies something to what it does not fit.
        SyntaxError: It is no Python, as ``eval`` says too.
        ValueError: It is neither a literal nor arithmetic, or too large.
        ArithmeticError: It divides by zero or overflows.
    """
    if not isinstance(text, str | bytes):
        raise TypeError(f"expected a text, not {type(text).__name__}")
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"a text of {len(text)} characters is no literal")
    try:
        tree = ast.parse(text.lstrip(" \t" if isinstance(text, str) else b" \t"), mode="eval").body  # type: ignore[arg-type]
    except (RecursionError, MemoryError) as error:  # The parser's own bounds on depth.
        raise ValueError("a text that is nested too deeply") from error
    return _value(tree, namespace or {})


def _value(node: ast.expr, namespace: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.List() | ast.Tuple() | ast.Set():
            return _COLLECTIONS[type(node)](_value(part, namespace) for part in node.elts)
        case ast.Call(func=ast.Name(id="set"), args=[], keywords=[]):
            return set()
        case ast.Dict(keys=keys, values=values) if None not in keys:  # {**other} is no literal.
            pairs = zip(keys, values, strict=True)
            return {_value(key, namespace): _value(part, namespace) for key, part in pairs if key is not None}
        case _:
            if is_long(node):
                raise NotArithmeticError("too many parts")
            return value_of_tree(_Named(namespace).visit(node))


class _Named(ast.NodeTransformer):
    """Puts numbers in the place of the names that stand for them."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self._namespace = namespace

    def visit_Name(self, node: ast.Name) -> ast.expr:
        value = self._namespace.get(node.id)
        return ast.Constant(value) if type(value) in {int, float} else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if node.attr in _CONSTANTS and self._is_mathematical(node.value):
            return ast.Constant(_CONSTANTS[node.attr])
        return node  # No arithmetic, which value_of_tree says.

    def visit_Call(self, node: ast.Call) -> ast.expr:
        match node:
            case ast.Call(func=ast.Attribute(value=owner, attr=name), args=arguments, keywords=[]) if (
                name in _FUNCTIONS and self._is_mathematical(owner)
            ):
                return ast.Constant(_FUNCTIONS[name](*(value_of_tree(self.visit(each)) for each in arguments)))
        self.generic_visit(node)
        return node

    def _is_mathematical(self, node: ast.expr) -> bool:
        """Whether an expression is a name by which the asking module knows ``math`` or ``numpy``."""
        owner = self._namespace.get(node.id) if isinstance(node, ast.Name) else None
        return isinstance(owner, ModuleType) and owner.__name__ in {"math", "numpy"}
