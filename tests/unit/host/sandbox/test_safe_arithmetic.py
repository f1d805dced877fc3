from __future__ import annotations

import time

import pytest

from visualprm_eval.host.sandbox.safe_arithmetic import NotArithmeticError, value_of


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7), ("-7.5", -7.5), ("1/4", 0.25),
        ("2**10", 1024), ("2**-1", 0.5), ("(1+2)*3", 9), ("7//2", 3), ("7%4", 3),
        ("3j*3j", -9), ("1_000", 1000), ("abs(-7)", 7), ("max(1, 2)", 2), ("sum([1, 2])", 3), ("[1, 2]", [1, 2]),
        ("1, 2", [1, 2]), ("5 ^ 1", 4), ("True", 1), ("1 << 3", 8), ("0**9**9", 0), ("1**9**3", 1),
        ("pow(2, 3)", 8), ("pow(4, 0.5)", 2), ("round(2.6)", 3), ("round(2.449, 2)", 2.45), ("round(7)", 7),
    ],
)  # fmt: skip
def test_arithmetic(text, value):
    assert value_of(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')", "a", "().__class__", "'a'*9", "[1]*10**9", "9**9**9", "10**5000", "1<<10**9", "lambda: 1",
        "[x for x in (1,)]", "f'{1}'", "{1}", "1 if 1 else 2", "x:=1", "7" * 5000, "(" * 900, "-" * 900 + "7", "",
        "print(7)", "abs(key=1)", "pow(9, 9**9)", "round(7, -10**9)", "round(7.5, 10**9)",
        "\x00", "7 cm", "1.__add__(1)", "int('7')", "1<2", "2**2**2**2**2**2",
        "1>>-1", "1<<-1", "min([])", "int(1e999-1e999)",
    ],
)  # fmt: skip
def test_what_is_no_arithmetic(text):
    start = time.monotonic()
    with pytest.raises(NotArithmeticError):
        value_of(text)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("text", ["1/0", "10.0**400", "0**-1"])
def test_what_has_no_value(text):
    with pytest.raises(ArithmeticError):
        value_of(text)
