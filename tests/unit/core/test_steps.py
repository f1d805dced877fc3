"""Solutions to steps and back."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visualprm_eval.core.errors import ConfigError
from visualprm_eval.core.steps import STEP_RULES, join_steps, split_steps, with_steps_apart

TEXTS = st.text(alphabet=st.sampled_from("ab \n\r\t+"), max_size=60)


@given(TEXTS, st.none() | st.integers(1, 20))
def test_joining_gives_the_response_back(response, max_steps):
    steps = split_steps(response, max_steps)
    assert join_steps(steps) == response
    assert steps


@given(TEXTS, st.integers(1, 20))
def test_never_more_than_max_steps_and_evenly_merged(response, max_steps):
    pieces, steps = split_steps(response), split_steps(response, max_steps)
    size = math.ceil(len(pieces) / max_steps) if len(pieces) > max_steps else 1
    assert len(steps) == math.ceil(len(pieces) / size) <= max_steps
    assert steps == [join_steps(pieces[start : start + size]) for start in range(0, len(pieces), size)]


@pytest.mark.parametrize(
    ("response", "steps"),
    [
        ("", [""]),
        ("one", ["one"]),
        ("one\ntwo", ["one\ntwo"]),
        ("one\n\ntwo", ["one", "two"]),
        ("one\n\n\ntwo", ["one", "\ntwo"]),
        ("one\n\n\n\ntwo", ["one", "", "two"]),
        ("\n\none \n\n", ["", "one ", ""]),
        ("one\r\n\r\ntwo", ["one\r\n\r\ntwo"]),
    ],
)
def test_cut_at_blank_lines_only(response, steps):
    assert split_steps(response) == steps


def test_fourteen_steps_with_at_most_twelve_become_seven():
    assert len(split_steps("\n\n".join(map(str, range(14))), 12)) == 7


@pytest.mark.parametrize("max_steps", [0, -1])
def test_no_steps_make_no_sense(max_steps):
    with pytest.raises(ConfigError, match="at least 1"):
        split_steps("text", max_steps)


ENDS = ["\n", "\r\n", "\r", "\x85", "\u2028", "\u2029", "\n\n", "\n \t\n", "\r\n\r\n", "  \n", "\n\n\n\n", " \r\n \r\n"]
LINES = st.lists(
    st.sampled_from(["one", " two", "\\[", "$$", "}", "x = 1", "---", "步骤", "_", "\x0crac{1}{2}"]), min_size=1
)


@given(LINES, st.data())
def test_lines_are_the_same_steps_whatever_stands_between_them(lines, data):
    ends = data.draw(st.lists(st.sampled_from(ENDS), min_size=len(lines), max_size=len(lines)))
    response = "".join(line + end for line, end in zip(lines, ends, strict=True))
    assert split_steps(response, rule="lines") == split_steps("\n".join(lines), rule="lines")


@given(st.text() | TEXTS)
def test_lines_are_never_empty_and_found_again_by_whoever_splits_at_blank_lines(response):
    steps = split_steps(response, rule="lines")
    assert steps == [""] if not response.strip() else all(step.strip() for step in steps)
    apart = with_steps_apart(response, "lines")
    assert split_steps(apart) == steps == split_steps(apart, rule="lines")
    assert with_steps_apart(response, "original") == response


@given(st.lists(st.sampled_from(["a b", " c", "(1) d"]), min_size=1), st.integers(1, 20))
def test_both_rules_agree_on_lines_that_stand_apart(lines, max_steps):
    response = "\n\n".join(lines)
    assert split_steps(response, max_steps, "lines") == split_steps(response, max_steps)


@pytest.mark.parametrize(
    ("response", "steps"),
    [
        ("", [""]),
        (" \r\n ", [""]),
        ("one\ntwo", ["one", "two"]),
        ("  one  \n\n\n\n  two ", ["  one", "  two"]),
        ("So\n\\[\nx = 1\n\\]\n\nDone", ["So\n\\[", "x = 1\n\\]", "Done"]),
        ("$$\nx\n$$", ["$$\nx\n$$"]),
        ("---\n***", ["---\n***"]),
        ("one\x0btwo\x0cthree", ["one\x0btwo\x0cthree"]),
    ],
)
def test_cut_at_line_breaks(response, steps):
    assert split_steps(response, rule="lines") == steps
    assert set(STEP_RULES) == {"original", "lines"}
