"""Numbers in sentences."""

from __future__ import annotations

import pytest

from visualprm_eval.core.words import counted, digits, listed, part_of, verb


def test_one_is_singular_and_nothing_else():
    assert [counted(number, "problem") for number in (0, 1, 2, 1234)] == [
        "0 problems", "1 problem", "2 problems", "1,234 problems",
    ]  # fmt: skip
    assert [counted(number, "reply", "replies") for number in (1, 2)] == ["1 reply", "2 replies"]
    assert [part_of(1, total, "text") for total in (1, 2000)] == ["1 of 1 text", "1 of 2,000 texts"]
    assert [verb(number, "is", "are") for number in (0, 1, 2)] == ["are", "is", "are"]


def test_lists_read_as_sentences():
    assert [listed("abc"[:size]) for size in (1, 2, 3)] == ["a", "a and b", "a, b and c"]


@pytest.mark.parametrize("thousandth", range(0, 1001, 7))
def test_a_percentage_has_no_noise(thousandth):
    assert digits(100 * (thousandth / 1000)) == str(thousandth / 10)


def test_other_numbers_keep_what_they_say():
    assert [digits(number) for number in (0.7, 1.0, 1e-12, 100 / 3, float("nan"))] == [
        "0.7", "1.0", "1e-12", "33.3333333333", "nan",
    ]  # fmt: skip
