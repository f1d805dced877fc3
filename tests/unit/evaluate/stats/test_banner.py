"""What stands on every page of a report on a store that is unfinished or partly failed."""

from __future__ import annotations

from visualprm_eval.evaluate.stats import Cost, Insight

PLACE = ("P", "B")


def test_nothing_missing_and_nothing_failed_needs_no_line():
    costs = (Cost(*PLACE, "sample", "candidates", 120, 0), Cost(*PLACE, "grade", "verdicts", 90, 0))
    assert Insight(costs=costs).banner == ""


def test_failures_are_counted_by_stage():
    costs = (
        Cost(*PLACE, "sample", "candidates", 1_200, 30),
        Cost(*PLACE, "score", "visualprm", 1_000, 2),
        Cost(*PLACE, "score", "visualorm", 1_000, 0),
        Cost(*PLACE, "grade", "verdicts", 1_000, 1),
    )
    assert Insight(costs=costs).banner == (
        "FAILED: P on B: 30 of 1,200 candidates failed to be sampled; P on B: 2 of 1,000 texts failed to be scored by "
        "visualprm; P on B: 1 of 1,000 texts failed to be graded. The failures are listed with their reasons."
    )


def test_it_says_why_there_is_no_overall():
    insight = Insight(costs=(Cost(*PLACE, "sample", "candidates", 4, 1),), lost=("P on B: 1 of 4 candidates",))
    assert insight.banner.endswith(
        " Overalls are withheld where more than 1% of the candidates failed: P on B: 1 of 4 candidates."
    )


def test_what_is_missing_comes_first():
    insight = Insight(missing=("a is missing", "b too"), costs=(Cost(*PLACE, "sample", "candidates", 4, 1),))
    assert insight.banner.startswith("UNFINISHED: a is missing; b too. Overalls are withheld. FAILED: P on B: 1 of 4")
