from __future__ import annotations

import time
from contextlib import suppress
from tokenize import TokenError

import pytest

pytest.importorskip("sympy")  # Comes with the host, and with torch.

import sympy
from sympy.parsing.latex import parse_latex
from sympy.parsing.sympy_parser import implicit_multiplication_application, parse_expr, standard_transformations

from visualprm_eval.host.sandbox.safe_sympy import tamed_formulas

FORMULAS = [
    "1/2", "x + 1", "2*sin(pi/3)", "sqrt(2)", "Matrix([[1, 2], [3, 4]])", "5!", "x**2 - 1", "Eq(x, 1)", "1.5e3",
    "binomial(5, 2)", "Point(1, 2)", "E**2", "oo", "1 < 2", "max(1, 2)", "log(8, 2)", "0.[3]", "a_1", "I*2",
    "Matrix([[1, 2], [3, 4]]).T", "diff(x**2, x)", "True", "x & y", "S(1)/2", "abs(-3)", "Function('f')(x)", "f(x)",
    "2**1000", "Rational(1, 3)", "(x + 1)*(x - 1)", "-3", "integrate(x, x)", "Interval(0, 1)", "[x, 2]", "x.evalf()",
    "lambda x: x + 1", "Abs(x)", "exp(-t/tau)", "factorial(20)",
]  # fmt: skip
HOSTILE = [
    "__import__('os').system('touch {place}')", "open('{place}', 'w')", "eval(\"open('{place}', 'w')\")",
    "sympify(\"open('{place}', 'w')\")", "S(\"open('{place}', 'w')\")", "N(\"open('{place}', 'w')\")",
    "Integer(1).__class__.__base__.__subclasses__()", "().__class__", "lambdify(x, \"open('{place}', 'w')\")(1)",
    "exec(\"open('{place}', 'w')\")", "(lambda: open('{place}', 'w'))()", "[open(p, 'w') for p in ['{place}']]",
    "Matrix(1, 2, open)", "preview(x)", "x + open('{place}', 'w')", "Symbol('x').func", "getattr(x, 'args')",
    "Symbol(open('{place}', 'w'))", "sum([open('{place}', 'w')])", "Add(*[open('{place}', 'w')])", "[0]*10**9",
]  # fmt: skip


@pytest.mark.parametrize("evaluate", [True, False])
@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_keep_their_values(text, evaluate):
    before = parse_expr(text, evaluate=evaluate)
    with tamed_formulas():
        after = parse_expr(text, evaluate=evaluate)
    assert repr(after) == repr(before)
    assert type(after) is type(before)


@pytest.mark.parametrize("evaluate", [True, False])
@pytest.mark.parametrize("text", HOSTILE)
def test_code_is_no_formula(text, evaluate, tmp_path):
    place = tmp_path / "written"
    with tamed_formulas(), pytest.raises((ValueError, SyntaxError)):
        parse_expr(text.format(place=place), evaluate=evaluate)
    assert not place.exists()


def test_code_is_run_without_it(tmp_path):
    """Why this is needed; should sympy ever stop, this module can go."""
    parse_expr(f"open('{tmp_path}/written', 'w')")
    assert (tmp_path / "written").exists()


def test_ways_into_the_parser(tmp_path):
    code = f"open('{tmp_path}/written', 'w')"
    implicit = (*standard_transformations, implicit_multiplication_application)
    with tamed_formulas():
        for parse in (
            sympy.sympify,
            sympy.simplify,
            sympy.N,
            sympy.S,
            lambda text: parse_expr(text, transformations=implicit),
        ):
            with pytest.raises(ValueError):
                parse(code)
        assert sympy.simplify("x + x") == 2 * sympy.Symbol("x")
        assert parse_expr("2x", transformations=implicit) == 2 * sympy.Symbol("x")
        assert parse_expr("k + 1", {"k": sympy.Integer(2)}) == 3
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("evaluate", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        "9**9**9", "9**9**9**9", "(1/3)**9**9", "1.5**9**9**9**9", "(1+I)**9**9**9", "exp(9**9**9)", "x**9**9**9",
        "99999!", "(10**9)!", "binomial(10**9, 10**8)", "fibonacci(10**9)", "1<<10**10", "(" * 300,
        "-" * 5000 + "1", "+1" * 9000, "sin(9**9**9)", "9**9**9 - 9**(9**9 - 1)",
    ],
)  # fmt: skip
def test_what_is_too_large_does_not_occupy_the_machine(text, evaluate):
    start = time.monotonic()
    with tamed_formulas():
        value = sympy.Integer(1)
        with suppress(ValueError, SyntaxError, TypeError, RecursionError, TokenError):
            value = parse_expr(text, evaluate=evaluate)
        for look in (
            lambda: value - 1,
            lambda: sympy.simplify(value - 1),
            lambda: sympy.N(value),
            lambda: float(value),
        ):
            with suppress(ValueError, OverflowError, TypeError):
                str(look())
    assert time.monotonic() - start < 20


def test_latex_too():
    start = time.monotonic()
    with tamed_formulas():
        assert sympy.simplify(parse_latex(r"2^{2^{2^2}} - \frac{1}{2}")) == 65536 - sympy.Rational(1, 2)
        for text in ("9^{9^{9}}", "9^{9^{9^9}}"):
            with pytest.raises((ValueError, OverflowError)):
                sympy.simplify(parse_latex(text) - 1)
    assert time.monotonic() - start < 20


def test_afterwards_sympy_does_what_it_did():
    with pytest.raises(RuntimeError), tamed_formulas():
        assert not sympy.factorial(11_000).is_Integer
        with pytest.raises(ValueError):
            sympy.Integer(2) ** 200_000
        with pytest.raises(ValueError):
            parse_expr("len('12345')")
        raise RuntimeError
    assert sympy.factorial(11_000).is_Integer
    assert sympy.Integer(2) ** 200_000 > 0
    for evaluate in (True, False):
        assert parse_expr("len('12345')", evaluate=evaluate) == 5
