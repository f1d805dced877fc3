"""Options of a row: a column for each letter, or one column that lists them."""

from __future__ import annotations

import pandas as pd
import pytest

from visualprm_eval.host.data.rows_to_problems import row_problem


def problem_of(**columns: object):

    class Dataset:
        img_root = "/nowhere"

        def dump_image(self, line):
            return []

        def build_prompt(self, line):
            return [{"type": "text", "value": line["question"]}]

    row = pd.Series({"index": 1, "question": "Which?", "answer": "B", **columns})
    return row_problem(Dataset(), "Toy", row)[0]


@pytest.mark.parametrize(
    ("columns", "options"),
    [
        ({"A": "7 cm", "B": "8 cm", "C": float("nan")}, {"A": "7 cm", "B": "8 cm"}),
        ({"choices": "['7 cm', '8 cm']"}, {"A": "7 cm", "B": "8 cm"}),
        ({"choices": '["7 cm", "8 cm"]'}, {"A": "7 cm", "B": "8 cm"}),
        ({"choices": ["7 cm", 8]}, {"A": "7 cm", "B": "8"}),
        ({"A": "x", "choices": "['7 cm']"}, {"A": "x"}),
        ({"choices": "[]"}, {}),
        ({"choices": float("nan")}, {}),
        ({"choices": "A, B or C"}, {}),
        ({"choices": "__import__('os').system('true')"}, {}),
        ({"choices": str(list(range(30)))}, {}),
        ({}, {}),
    ],
)
def test_options(columns: dict[str, object], options: dict[str, str]) -> None:
    assert problem_of(**columns).choices == options


def test_options_are_no_part_of_the_id() -> None:
    assert problem_of().id == problem_of(choices="['7 cm', '8 cm']").id == problem_of(A="7 cm", B="8 cm").id
