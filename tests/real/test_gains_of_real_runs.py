"""Twelve published runs on MathVista as the candidates of one policy, with the verdicts of the official evaluation."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from visualprm_eval.core.types import Candidate, Part, Problem, Verdict
from visualprm_eval.evaluate.fact_columns import ProblemFacts
from visualprm_eval.evaluate.rerankers import First, Oracle
from visualprm_eval.evaluate.stats import Study, examine

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "real"
N = 12

pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason=f"the real files of {REAL} are not here")


@pytest.fixture(scope="module")
def right() -> np.ndarray:
    """Which runs are right, [P, N], of the problems of which all have a verdict."""
    csv.field_size_limit(sys.maxsize)
    with (REAL / "MathVista_MINI.tsv").open(encoding="utf-8", newline="") as stream:
        questions = {int(row["index"]): row["question"] for row in csv.DictReader(stream, delimiter="\t")}
    official = json.loads((REAL / "official.json").read_text(encoding="utf-8"))["MathVista_MINI"]
    verdicts = {(question, text): counted for question, text, _, counted, _ in official}
    runs: dict[int, list[bool | None]] = {}
    for line in (REAL / "MathVista_MINI_outputs.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        runs.setdefault(row["index"], []).append(verdicts.get((questions[row["index"]], row["response"])))
    whole = [own for own in runs.values() if len(own) == N and None not in own]
    assert len(whole) > 250
    return np.array(whole, dtype=bool)


def test_the_first_run_gains_over_the_mean_of_all_and_that_is_beyond_chance(right):
    facts = []
    for number, verdicts in enumerate(right.tolist()):
        problem = Problem("B", str(number), "", (Part("text", "?"),), "a", f"id{number}")
        candidates = tuple(Candidate(problem.id, rank, f"text {rank}") for rank in range(N))
        graded = {one.text_id: Verdict(float(each)) for one, each in zip(candidates, verdicts, strict=True)}
        facts.append(ProblemFacts(problem, candidates, {}, graded))
    rerankers = [First("first"), Oracle("oracle")]
    insight = examine([Study("P", "B", "accuracy", facts, rerankers, N, lambda *_: None, grade_all=True)])
    rows = {row.reranker: row for row in insight.standings}
    differences = 100 * (right[:, 0] - right.mean(axis=1))
    assert insight.means["P", "B", ""].value == pytest.approx(100 * right.mean())
    assert rows["first"].gain == pytest.approx(differences.mean())
    error = differences.std() / np.sqrt(len(right))
    expected = (differences.mean() - 1.96 * error, differences.mean() + 1.96 * error)
    assert (rows["first"].gain_low, rows["first"].gain_high) == pytest.approx(expected, abs=0.4)
    (row,) = insight.comparisons
    drawn = (np.random.default_rng(1).random((50_000, len(right))) < right.mean(axis=1)).sum(axis=1)
    tails = min((drawn >= right[:, 0].sum()).mean(), (drawn <= right[:, 0].sum()).mean())
    assert row.p == pytest.approx(min(1.0, 2 * tails), abs=0.005)
    assert (row.reranker, row.baseline) == ("first", "random")
