from __future__ import annotations

import math
import time
from threading import Thread

import numpy as np
import pytest

from visualprm_eval.host.sandbox.safe_literals import MAX_CHARACTERS, plain_value

GRADER = {"math": math, "np": np, "E": 2.718, "secret": "the answer", "os": __import__("os"), "open": open}


@pytest.mark.parametrize(
    "text",
    [
        "['A', 'B']", '{"name": "x", "size": [1, 2.5]}', "(3, 'cm')", "{1, 2}", "set()", "None", "True", "'a' 'b'",
        "b'x'", "[[1, 0], [0, 1]]", "[]", "{}", " \t7", "[-1, +2, 1.5e3, 2j]", "[1/2, (3, 4*5)]", "{'a': 1/4}",
        "2**10", "(1+2)*3-4/2", "3*(7+1)", "max(1, 2)", "0x10", "'it''s'", "1_000", "abs(-3)", "[True, None]", "...",
        "[\n1,\n2]", "{'meteor': np.float64(0.5), 'n': np.int64(3)}", "math.sqrt(2)", "2*math.pi", "E**2 + 1",
        "np.log(2)", "math.sqrt(2*math.pi) / math.e", "[np.float64(1.5)] ",
    ],
)  # fmt: skip
def test_what_eval_says_too(text):
    assert plain_value(text, GRADER) == eval(text, dict(GRADER))
    assert type(plain_value(text, GRADER)) in {type(eval(text, dict(GRADER))), float}


def test_long_literals():
    answers = [f"answer {number}: ((({number}" for number in range(20_000)]
    assert plain_value(repr(answers)) == answers
    numbers = [-number / 7 for number in range(20_000)]
    assert plain_value(repr(numbers)) == numbers


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')", "os.system('true')", "open('x')", "().__class__", "secret", "E.__class__",
        "math.__dict__", "math.factorial(9)", "np.load('x')", "os.pi", "(lambda: 1)()", "[x for x in (1,)]", "f'{1}'",
        "'a'*10**9", "[0]*10**9", "9**9**9", "9**9**9**9", "1<<10**9", "{**{}}", "1 if 1 else 2", "E()", "[open]",
        "{'a': open}", "-" * 100_000 + "1", "1" + "+1" * 100_000, "[" * 90 + "9**9**9" + "]" * 90, "math.sqrt(-1)",
        "a" + ".a" * 100_000, "a" + "()" * 50_000, "not " * 50_000 + "1", "1" + "**1" * 50_000,
        "'" + "a" * MAX_CHARACTERS + "'", "math.sqrt(9**9**9)", "\ud800", "math.exp(x=1)",
    ],
)  # fmt: skip
def test_what_is_neither_literal_nor_arithmetic(text):
    start = time.monotonic()
    with pytest.raises(ValueError):
        plain_value(text, GRADER)
    assert time.monotonic() - start < 5


def test_no_thread_is_too_small_for_a_deep_text():
    raised = []

    def parse():
        for text in ("[" * 100_000, "-" * 100_000 + "1", "1" + "+1" * 100_000):
            try:
                plain_value(text)
            except (SyntaxError, ValueError) as error:
                raised.append(error)

    thread = Thread(target=parse)
    thread.start()
    thread.join()
    assert len(raised) == 3


@pytest.mark.parametrize("text", ["", "1 +", "7 cm", "x = 1", "import os", "[1", "012"])
def test_what_is_no_python_is_a_syntax_error_as_for_eval(text):
    with pytest.raises(SyntaxError):
        plain_value(text)


def test_what_does_not_fit():
    for value in (7, None, ["1"], compile("1", "x", "eval")):
        with pytest.raises(TypeError):
            plain_value(value)
    with pytest.raises(TypeError):
        plain_value("{[1]: 2}")
    with pytest.raises(ZeroDivisionError):
        plain_value("1/0")
    with pytest.raises(ValueError):
        plain_value("math.pi", {"math": "a text"})
