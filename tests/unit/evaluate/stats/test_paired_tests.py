"""Paired tests and Holm's correction against scipy, statsmodels and plain enumeration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.descriptivestats import sign_test
from statsmodels.stats.multitest import multipletests

from visualprm_eval.core.types import Candidate, Part, Problem, StepScores, Verdict
from visualprm_eval.evaluate.fact_columns import ProblemFacts
from visualprm_eval.evaluate.rerankers import First, StepAggregate
from visualprm_eval.evaluate.stats import Study, examine
from visualprm_eval.evaluate.stats.paired_tests import holm, sign_flip_test

VERDICTS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=300)


def table_of(ours: list[bool], theirs: list[bool]) -> list[list[int]]:
    """Problems by whether the first and the second pick is right, [2, 2]."""
    pairs = list(zip(ours, theirs, strict=True))
    return [[pairs.count((a, b)) for b in (True, False)] for a in (True, False)]


@given(VERDICTS)
def test_right_or_wrong_is_mcnemars_exact_test(verdicts):
    ours, theirs = map(list, zip(*verdicts, strict=True))
    differences = np.array(ours, dtype=float) - np.array(theirs, dtype=float)
    assert sign_flip_test(differences) == pytest.approx(mcnemar(table_of(ours, theirs), exact=True).pvalue, abs=1e-12)


@given(st.lists(st.sampled_from([-1, 0, 1]), max_size=200), st.sampled_from([1.0, 1 / 3, 0.1]))
def test_differences_of_one_size_are_the_sign_test(signs, size):
    differences = size * np.array(signs, dtype=float)
    expected = sign_test(differences)[1] if any(signs) else 1.0
    assert sign_flip_test(differences) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(-6, 6), min_size=2, max_size=11))
def test_few_fractions_are_scipys_exact_permutation_test(sixths):
    differences = np.array(sixths) / 6
    exact = stats.permutation_test(
        (np.array(sixths),), lambda x, axis: np.sum(x, axis=axis), permutation_type="samples", n_resamples=np.inf,
        vectorized=True,
    ).pvalue  # fmt: skip
    assert sign_flip_test(differences) == pytest.approx(exact)


def test_many_fractions_are_scipys_drawn_permutation_test():
    many = np.random.default_rng(3).normal(0.15, 1, 120)
    drawn = stats.permutation_test(
        (many,), lambda x, axis: np.sum(x, axis=axis), permutation_type="samples", n_resamples=20_000, vectorized=True,
        rng=4,
    ).pvalue  # fmt: skip
    assert sign_flip_test(many) == pytest.approx(drawn, abs=0.012)


def test_nothing_moved_is_no_evidence():
    assert sign_flip_test(np.zeros(9)) == 1.0


def test_p_values_without_a_difference_are_uniform():
    draw = np.random.default_rng(8)
    small = sum(sign_flip_test(draw.normal(0, 1, 40)) <= 0.05 for _ in range(200))
    assert small <= 22  # 10 are expected; more than 22 in 200 happen once in some thousand runs


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


P_VALUES = st.floats(0, 1) | st.sampled_from([0.0, 1e-9, 0.01, 0.05, 0.5, 1.0])  # Some of them equal.


@settings(deadline=None, max_examples=20)  # statsmodels takes its time.
@given(st.lists(P_VALUES, min_size=1, max_size=30))
def test_holm_is_that_of_statsmodels(p_values):
    rejected, corrected, *_ = multipletests(p_values, alpha=0.05, method="holm")
    ours = np.array(holm(p_values))
    np.testing.assert_allclose(ours, corrected, rtol=1e-12)
    edge = np.isclose(ours, 0.05, rtol=1e-9)  # Where rounding decides.
    np.testing.assert_array_equal((ours <= 0.05)[~edge], rejected[~edge])


RERANKERS = [First("first"), *(StepAggregate(name, name) for name in "abcd")]


def study_of(right: np.ndarray) -> Study:
    """A study in which reranker r of R picks candidate r, which is right where ``right`` [P, R] says so."""
    facts = []
    for number, row in enumerate(right):
        problem = Problem("B", str(number), "", (Part("text", "?"),), "1", f"p{number}")
        candidates = tuple(Candidate(problem.id, rank, f"text {rank}") for rank in range(len(row)))
        scores = {
            reranker.name: {one.text_id: StepScores((float(one.rank == place),)) for one in candidates}
            for place, reranker in enumerate(RERANKERS)
            if place
        }
        verdicts = {one.text_id: Verdict(float(value)) for one, value in zip(candidates, row, strict=True)}
        facts.append(ProblemFacts(problem, candidates, scores, verdicts))
    return Study("P", "B", "accuracy", facts, RERANKERS, right.shape[1], lambda *_: None, grade_all=True)


@pytest.mark.parametrize("seed", range(4))
def test_comparisons_are_mcnemars_test_corrected_within_each_baseline(seed):
    draw = np.random.default_rng(seed)
    right = draw.random((60, len(RERANKERS))) < draw.uniform(0.2, 0.9, len(RERANKERS))
    columns = {reranker.name: list(right[:, place]) for place, reranker in enumerate(RERANKERS)}
    rows = [row for row in examine([study_of(right)]).comparisons if row.baseline != "random"]
    assert len(rows) == 10
    for baseline, theirs in columns.items():
        family = [row for row in rows if row.baseline == baseline]
        p_values = [mcnemar(table_of(columns[row.reranker], theirs)).pvalue for row in family]
        assert [row.p for row in family] == pytest.approx(p_values)
        if family:
            corrected = multipletests(p_values, method="holm")[1]
            assert [row.p_corrected for row in family] == pytest.approx(corrected)
        for row in family:
            (_, better), (worse, _) = table_of(columns[row.reranker], theirs)
            assert (row.better, row.worse, row.n_problems) == (better, worse, 60)
            assert row.difference == pytest.approx(100 * (better - worse) / 60)


@pytest.mark.parametrize("shift", [0.0, 0.05, 0.3])
def test_draws_that_are_not_made_would_have_changed_nothing(monkeypatch, shift):
    differences = np.random.default_rng(7).normal(shift, 1, 3000)
    found = sign_flip_test(differences)
    assert (found == 1 / 20_001) == (shift == 0.3)
    monkeypatch.setattr("visualprm_eval.evaluate.stats.paired_tests._NEVER", 0.0)
    assert sign_flip_test(differences) == found
