"""How the results are arranged, the same for every view."""

from __future__ import annotations

from dataclasses import replace

import pytest

from visualprm_eval.evaluate.stats import Insight, Standing
from visualprm_eval.report import Failure
from visualprm_eval.report.render.text import verdict_word
from visualprm_eval.report.tables.summary import (
    Column,
    column_titles,
    counts,
    curve_titles,
    curves,
    failure_line,
    final_picks,
    notes,
    summarise,
)

COLUMN = Column("B", "", "accuracy")


def test_summary_takes_the_largest_k_and_puts_pass_at_1_first(row):
    rows = [row(reranker=name, k=k, value=40.0 + k) for name in ("visualprm", "first") for k in (1, 8, 2)]
    lines = summarise(rows).lines
    assert [(line.reranker, line.k) for line in lines] == [("first", 8), ("visualprm", 8)]


def test_gain_is_over_pass_at_1_of_the_same_policy_benchmark_and_k(row):
    rows = [
        row(k=8, value=40.0), row(k=1, value=99.0), row(reranker="visualprm", k=8, value=47.5),
        row(policy="Q", k=8, value=10.0), row(policy="Q", reranker="visualprm", k=8, value=5.0),
        row(benchmark="C", k=8, value=0.0),
    ]  # fmt: skip
    cells = {(line.policy, line.reranker): line.cells[COLUMN] for line in summarise(rows).lines}
    assert cells["P", "visualprm"].text == "47.5 (+7.5)"
    assert cells["Q", "visualprm"].text == "5.0 (-5.0)"
    assert cells["P", "first"].text == "40.0 (baseline)"


@pytest.mark.parametrize(
    "baseline",
    [{"value": None}, {"n_failed": 1}, {"n_problems": 9}, {"reranker": "random"}, {"split": "other"}],
)
def test_no_gain_without_pass_at_1_on_the_same_problems(row, baseline):
    rows = [row(**({"k": 8} | baseline)), row(reranker="visualprm", k=8, value=60.0)]
    (cell,) = [line.cells[COLUMN] for line in summarise(rows).lines if line.reranker == "visualprm"]
    assert cell.gain is None
    assert cell.text == "60.0"


def test_no_negative_nothing(row):
    rows = [row(value=50.04), row(reranker="visualprm", value=50.0)]
    assert summarise(rows).lines[1].cells[COLUMN].text == "50.0 (+0.0)"


def test_a_withheld_value_says_so(row):
    (line,) = summarise([row(value=None, note="too many")]).lines
    assert line.cells[COLUMN].text == "withheld"


def test_one_line_for_each_largest_k(row):
    rows = [row(k=8), row(benchmark="C", k=4)]
    lines = summarise(rows).lines
    assert [(line.k, [column.benchmark for column in line.cells]) for line in lines] == [(8, ["B"]), (4, ["C"])]


def test_metrics_and_splits_are_columns_of_their_own(row):
    rows = [row(), row(metric="F1"), row(split="test"), row(benchmark="C")]
    columns = summarise(rows).columns
    assert list(column_titles(columns).values()) == ["B (accuracy)", "B (F1)", "B test", "C"]


def test_exact_matching_is_marked_in_titles(row):
    rows = [row(metric="accuracy, exact matching"), row(benchmark="C")]
    assert list(column_titles(summarise(rows).columns).values()) == ["B (exact matching)", "C"]
    assert list(curve_titles(curves(rows)).values()) == ["B (exact matching)", "C"]


def test_tables_over_k_say_how_many_of_the_problems_they_are_of(row):
    rows = [row(n_total=304), row(reranker="visualprm", n_total=304), row(benchmark="C", n_total=10)]
    assert list(curve_titles(curves(rows)).values()) == ["B, 10 of 304 problems", "C"]


def test_curves_go_by_growing_k_and_keep_gaps(row):
    rows = [row(k=8, value=3.0), row(k=1, value=1.0), row(k=2, value=None)]
    (curve,) = curves(rows)
    assert list(curve.points.items()) == [(1, 1.0), (2, None), (8, 3.0)]


def test_counts_name_the_failed(row):
    lines = summarise([row(n_problems=300, n_failed=2), row(reranker="visualprm", n_problems=300, n_failed=3)]).lines
    assert counts(lines, COLUMN) == "300 (2–3)"
    assert counts(lines, Column("other", "", "accuracy")) == "–"


def test_counts_of_a_mean_say_of_how_many_benchmarks(row):
    about = {"n_problems": 1300, "n_total": 10_190}
    lines = summarise([row(benchmark="B"), row(benchmark="C"), row(benchmark="overall", **about)]).lines
    assert counts(lines, Column("overall", "", "accuracy")) == "2 benchmarks, 1,300 of 10,190 (0)"


def test_notes_are_grouped(row):
    rows = [
        row(k=1, value=None, note="why"), row(k=8, value=None, note="why"), row(reranker="oracle", k=8, note="beware"),
        row(benchmark="C", k=4, value=None), row(benchmark="C", k=8), row(benchmark="C", k=2, note="not shown"),
    ]  # fmt: skip
    assert notes(rows) == [
        "why [P on B: first (k = 1, 8)]",
        "value withheld [P on C: first (k = 4)]",
        "beware [P on B: oracle (k = 8)]",
    ]
    assert notes(rows[:2]) == ["why [P on B: all values]"]
    assert notes([row()]) == []


def test_failures_are_counted_by_stage():
    failures = [Failure("sample", "B", "1", 0, "no\nanswer"), Failure("score", "B", "1", 1, "too long")]
    assert failure_line(failures) == (
        "2 failures (1 in sample, 1 in score); try them again with --retry-failed. The first: no answer"
    )
    assert failure_line(failures[:1]).startswith("1 failure (")
    assert failure_line([]) == "No failures."


def test_only_picks_at_the_largest_k_of_their_reranker_are_shown(pick):
    picks = [pick(k=8), pick(k=4), pick(reranker="first", k=4), pick(reranker="first", k=1), pick(policy="Q", k=2)]
    assert final_picks(picks) == [picks[0], picks[2], picks[4]]


@pytest.mark.parametrize(
    ("verdict", "word"),
    [
        (1.0, "right"),
        (0.0, "wrong"),
        (None, "not graded"),
        (float("nan"), "not graded"),
        (1 / 3, "partly right (0.33)"),
    ],
)
def test_verdicts_in_words(verdict, word):
    assert verdict_word(verdict) == word


@pytest.mark.parametrize(("low", "high", "text"), [(4.0, 14.0, "59.3 (+9.3)"), (-1.0, 18.0, "59.3 (~+9.3)")])
def test_a_gain_whose_interval_contains_0_is_marked(row, low, high, text):
    rows = [row(k=8), row(k=8, reranker="visualprm", value=59.3)]
    standing = Standing("P", "B", "", "visualprm", 8, 59.3, 50.0, 66.0, 9.3, low, high)
    first, ours = summarise(rows, Insight(standings=(standing,))).lines
    assert ours.cells[COLUMN].text == text
    assert ours.cells[COLUMN].interval == f"{low:+.1f} to {high:+.1f}"
    assert first.cells[COLUMN].interval == ""
    other = replace(standing, k=4)
    cell = summarise(rows, Insight(standings=(other,))).lines[1].cells[COLUMN]
    assert cell.interval == "not tested", "it is of another k"
