from __future__ import annotations

import pytest

from visualprm_eval.tasks import task_for

CUP = '[\n{"point_2d": [500, 300], "label": "the cup"}\n]'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (CUP, CUP),
        (f"The cup stands [left].\n\n{CUP}", CUP),
        (f"First {{1}}.\n\n```json\n{CUP}\n```", CUP),
        ('I took [{"point": [1, 2]}] first.\n\nThe answer is {"bbox_2d": [1, 2, 3, 4]}.', '{"bbox_2d": [1, 2, 3, 4]}'),
        (f"<think>{CUP}</think>The answer is (0.5, 0.25)", "(0.5, 0.25)"),
        ("The answer is 7.", "7"),
    ],
)
def test_places_are_shown_as_they_stand(text, shown):
    assert task_for("RefSpatial_Location").shown(text, "final") == shown


def test_many_brackets_cost_nothing():
    assert task_for("Mine").shown("[{" * 100_000 + '"point":' + "The answer is 7.", "final")
