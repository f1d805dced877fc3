"""Keeps sympy's parser from running what a model wrote, and sympy from numbers that no computer holds.

``parse_expr``, and with it ``sympify`` and whatever takes a text for an expression (math_verify, latex2sympy), turns a
text into Python and passes that to ``eval``, with all names of sympy and Python's built-in functions:
``parse_expr("__import__('os').system('...')")`` is a command. Here the Python is looked at first. What it may hold is
formulas: numbers, symbols, operators, comparisons, calls of sympy's classes (``sin``, ``Matrix``, ``Eq``, ...) and of a
few of its functions, and a few methods. sympy's own parser of LaTeX builds its objects without ``eval``.

``9**9**9`` would be worked out to its last digit, as would the factorial of a large number; here such a power is an
error and such a factorial stays one. What is longer than any formula is none.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from visualprm_eval.host.patching import held, patch

_MAX_CHARACTERS = 20_000
_MAX_LATEX = 4000
"""Characters of the longest LaTeX; to read it takes the square of its length, 300 s for a hundred thousand."""
_MAX_BITS = 1 << 17
"""Size of the greatest power that is worked out, in bits."""
_MAX_COUNT = 10_000
"""Greatest number of which a factorial and its like are worked out."""

_FACTORIALS = ("factorial", "factorial2", "subfactorial", "RisingFactorial", "FallingFactorial", "binomial")
_NUMBERS = (
    "fibonacci", "lucas", "tribonacci", "bernoulli", "bell", "harmonic", "euler", "catalan", "genocchi", "andre",
    "partition", "motzkin",
)  # fmt: skip
"""Classes of sympy whose values grow beyond all bounds."""

_NODES = (
    ast.Expression, ast.Call, ast.keyword, ast.Name, ast.Load, ast.Constant, ast.Attribute, ast.List, ast.Tuple,
    ast.Set, ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult,
    ast.BitAnd, ast.BitOr, ast.BitXor, ast.UnaryOp, ast.UAdd, ast.USub, ast.Invert, ast.Not,
    ast.BoolOp, ast.And, ast.Or, ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE,
)  # fmt: skip
_FUNCTIONS = (
    "N", "cbrt", "diff", "expand", "factor", "integrate", "limit", "nsimplify", "real_root", "root", "simplify", "sqrt",
    "together", "cancel", "apart", "trigsimp", "expand_trig", "det", "trace", "transpose",
)  # fmt: skip
_BUILT_IN = (abs, pow, round, sum)
_METHODS = frozenset({"T", "conjugate", "det", "diff", "doit", "evalf", "expand", "inv", "n", "simplify", "transpose"})
_NAMERS = frozenset({"Symbol", "Function", "Dummy", "Integer", "Float", "Rational"})
"""What takes a text for the name of a symbol or function, or for a number; a text anywhere else would be parsed."""


_call = SimpleNamespace(tamed=False)
"""``tamed``: whether formulas are what a model wrote."""


@functools.cache
def apply() -> None:
    """Lets sympy look at what holds for the present call."""
    import sympy
    from sympy.core import evalf
    from sympy.functions.combinatorial import factorials, numbers
    from sympy.parsing import sympy_parser

    parser: Any = sympy_parser
    parser.eval, parser.compile = builtins.eval, builtins.compile
    patch(parser, "eval", _if_tamed(formula_value))
    patch(parser, "compile", _if_tamed(_uncompiled))
    patch(evalf, "evalf_pow", _bounded_digits)  # Of a tower of powers that none of the others works out.
    evalf.evalf_table[sympy.Pow] = evalf.evalf_pow
    for number in (sympy.Rational, sympy.Integer):
        patch(number, "_eval_power", _bounded_power)
    # Functions of whole numbers that grow faster than powers, or nearly so.
    for module, names in ((factorials, _FACTORIALS), (numbers, _NUMBERS)):
        for function in (getattr(module, name) for name in names):
            function.eval = classmethod(_bounded_count(function.eval.__func__))
    with contextlib.suppress(ModuleNotFoundError):  # What reads LaTeX, here and in latex2sympy.
        from antlr4 import InputStream

        patch(InputStream, "__init__", _bounded_text)


@contextlib.contextmanager
def tamed_formulas() -> Iterator[None]:
    """While it lasts, sympy's parser runs no code, in this process."""
    from sympy.core.cache import clear_cache

    apply()
    with held(_call, "tamed", value=True):
        try:
            yield
        finally:
            clear_cache()  # It remembers factorials that were left alone.


def _if_tamed(stand_in: Callable[..., Any]) -> Callable[..., Any]:
    def chosen(original: Callable[..., Any], *arguments: Any) -> Any:
        return stand_in(*arguments) if _call.tamed else original(*arguments)

    return chosen


def formula_value(code: Any, names: Mapping[str, Any], own_names: Mapping[str, Any]) -> Any:
    """Stands for ``eval`` in ``sympy.parsing.sympy_parser``.

    Args:
        code: Python that sympy made of a text, or its syntax tree.
        names: The names of sympy, and Python's built-in functions.
        own_names: The names of whoever parses, which come first.

    Raises:
        SyntaxError: It is no Python.
        ValueError: It is more than a formula.
    """
    if isinstance(code, str) and len(code) > _MAX_CHARACTERS:
        raise ValueError(f"a text of {len(code)} characters is no formula")
    try:
        tree = ast.parse(code.lstrip(" \t"), mode="eval") if isinstance(code, str) else code
        _check(tree, names, own_names)
        compiled = compile(tree, "<formula>", "eval")
    except (RecursionError, MemoryError) as error:
        raise ValueError("a formula that is nested too deeply") from error
    return builtins.eval(compiled, {**names, "__builtins__": {}}, dict(own_names))  # noqa: S307 - checked above


def _uncompiled(tree: Any, filename: str, mode: str) -> Any:
    """Stands for ``compile`` in sympy's parser: the tree goes on as it is, to be looked at before it is compiled."""
    if not isinstance(tree, ast.Expression):
        raise TypeError(f"expected a syntax tree for {filename}, in mode {mode}")
    return tree


def _check(tree: Any, names: Mapping[str, Any], own_names: Mapping[str, Any]) -> None:
    if not isinstance(tree, ast.Expression):
        raise TypeError(f"expected the Python of a formula, not {type(tree).__name__}")
    named = {id(each) for node in ast.walk(tree) if _is_namer(node) for each in node.args}  # type: ignore[attr-defined]
    for node in ast.walk(tree):
        if not isinstance(node, _NODES):
            raise ValueError(f"{type(node).__name__} is no part of a formula")  # noqa: TRY004 - the text's fault
        match node:
            case ast.Constant(value=str() | bytes()) if id(node) not in named:
                raise ValueError("a text is no part of a formula")
            case ast.Attribute(attr=name) if name not in _METHODS:
                raise ValueError(f"{name!a} of something is no part of a formula")
            case ast.Name(id=name) if name not in own_names:
                _check_name(name, names)
            case ast.BinOp(left=left, right=right) if {type(left), type(right)} & {ast.List, ast.Tuple, ast.Set}:
                raise ValueError("a list is no operand")  # A list times a million would be a long list.
            case ast.keyword(arg=None):
                raise ValueError("** is no part of a formula")


def _is_namer(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _NAMERS


def _check_name(name: str, names: Mapping[str, Any]) -> None:
    import sympy
    from sympy.core.singleton import SingletonRegistry
    from sympy.matrices import MatrixBase

    if name not in names:
        raise NameError(f"name {name!a} is not defined")
    value = names[name]
    is_class = isinstance(value, type) and issubclass(value, (sympy.Basic, MatrixBase))
    known = [*(getattr(sympy, each) for each in _FUNCTIONS), *_BUILT_IN]
    is_object = isinstance(value, (sympy.Basic, SingletonRegistry)) or any(value is each for each in known)
    if not is_class and not is_object:
        raise ValueError(f"{name!a} is no part of a formula")


# Sizes ----------------------------------------------------------------------------------------------------------------


def _bounded_power(original: Callable[[Any, Any], Any], base: Any, exponent: Any) -> Any:
    if _call.tamed and exponent.is_Rational and (abs(base.p) > 1 or base.q > 1):
        bits = max(base.p.bit_length(), base.q.bit_length())
        if bits * abs(exponent.p) > _MAX_BITS * exponent.q:
            raise ValueError("a power too large")  # Left alone, sympy would try again, for ever.
    return original(base, exponent)


def _bounded_text(original: Callable[..., None], stream: Any, data: str) -> None:
    if _call.tamed and len(data) > _MAX_LATEX:
        raise ValueError(f"a text of {len(data)} characters is no formula")
    original(stream, data)


def _bounded_digits(original: Callable[..., Any], *arguments: Any) -> Any:
    result = original(*arguments)
    # Real and imaginary part, each as mpmath has numbers: sign, digits, exponent, size of the digits in bits.
    is_number = _call.tamed and isinstance(result, tuple)
    if is_number and any(part and part[2] + part[3] > _MAX_BITS for part in result[:2]):
        raise ValueError("a power too large")
    return result


def _bounded_count(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def bounded(cls: Any, *arguments: Any, **options: Any) -> Any:
        exact = [each for each in arguments if _call.tamed and getattr(each, "is_Rational", False)]
        if any(abs(each.p) > _MAX_COUNT * each.q for each in exact):
            return None  # As sympy says of a function that stays one.
        return original(cls, *arguments, **options)

    return bounded
