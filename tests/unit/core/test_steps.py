"""Solutions to steps and back."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visualprm_eval.core.errors import ConfigError
from visualprm_eval.core.steps import join_steps, split_steps

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
