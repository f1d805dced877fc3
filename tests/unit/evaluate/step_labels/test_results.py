"""From critics' words to values: parts, overalls, failures both ways, intervals, comparisons."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from visualprm_eval.core.types import Part, Problem, StepScores
from visualprm_eval.evaluate.stats.paired_tests import holm
from visualprm_eval.evaluate.step_labels.assess import POOLED, Assessment, Opinion
from visualprm_eval.evaluate.step_labels.results import evaluate
from visualprm_eval.evaluate.step_labels.values import PLAIN_MEAN, STEP_WEIGHTED, values_of
from visualprm_eval.report.tables import step_labels as tables
from visualprm_eval.tasks.process_bench.data import BadLine, ProcessSample, ProcessSet


def sample(number: int, source: str, labels: tuple[int, ...], policy: str = "gpt") -> ProcessSample:
    problem = Problem("B", f"q{number}", source, (Part("text", "?"),), "", f"q{number}")
    return ProcessSample(number + 1, problem, tuple(f"s{k}" for k in range(len(labels))), labels, policy)


def made(n: int = 60, seed: int = 0):
    """Samples of two sources of unlike size, with scores that tell something."""
    rng = np.random.default_rng(seed)
    samples, outcomes = [], []
    for number in range(n):
        labels = tuple(int(label) for label in rng.choice([1, 1, -1, 0], rng.integers(2, 7)))
        samples.append(sample(number, "A" if number % 3 else "B", labels, "gpt" if number % 2 else "claude"))
        scores = [float(np.clip(0.5 + 0.2 * label + 0.3 * rng.normal(), 0, 1)) for label in labels]
        outcomes.append(StepScores(tuple(scores)))
    return ProcessSet("B", Path(), tuple(samples), (BadLine(99, "bad"),), "f"), tuple(outcomes)


def flat(process_set, outcomes, source=None):
    pairs = [
        (label, score)
        for each, outcome in zip(process_set.samples, outcomes, strict=True)
        if outcome.error is None and source in {None, each.source}
        for label, score in zip(each.labels, outcome.scores, strict=True)
        if label
    ]
    labels, scores = map(np.array, zip(*pairs, strict=True))
    return labels == 1, scores


def run(process_set, *opinions, remarks=()):
    return evaluate(process_set, opinions, seed=0, remarks=remarks, protocol={}, draws=50)


def test_values_of_sources_and_the_three_overalls() -> None:
    process_set, outcomes = made()
    results = run(process_set, Opinion("c", outcomes, 0.6))
    by_source, steps = {}, {}
    for source in ("A", "B"):
        correct, scores = flat(process_set, outcomes, source)
        by_source[source], steps[source] = 100 * f1_score(correct, scores > 0.6, average="macro"), len(correct)
        assert results.value("c", source) == pytest.approx(by_source[source])
        assert results.value("c", source, "AUROC") == pytest.approx(100 * roc_auc_score(correct, scores))
    correct, scores = flat(process_set, outcomes)
    assert results.value("c", POOLED) == pytest.approx(100 * f1_score(correct, scores > 0.6, average="macro"))
    assert results.value("c", PLAIN_MEAN) == pytest.approx(sum(by_source.values()) / 2)
    weighted = sum(by_source[s] * steps[s] for s in steps) / sum(steps.values())
    assert results.value("c", STEP_WEIGHTED) == pytest.approx(weighted)
    assert len({round(results.value("c", s), 6) for s in (POOLED, PLAIN_MEAN, STEP_WEIGHTED)}) == 3


def test_neutral_steps_count_nowhere() -> None:
    process_set, outcomes = made()
    turned = tuple(
        StepScores(tuple(score if label else 1 - score for label, score in zip(each.labels, one.scores, strict=True)))
        for each, one in zip(process_set.samples, outcomes, strict=True)
    )
    first, second = (run(process_set, Opinion("c", each, 0.6)).rows for each in (outcomes, turned))
    assert [(row.metric, row.value) for row in first] == [(row.metric, row.value) for row in second]


def test_failures_are_shown_both_ways() -> None:
    process_set, outcomes = made()
    failed = (StepScores((), error="too long"), *outcomes[1:])
    results = run(process_set, Opinion("c", failed, 0.6))
    correct, scores = flat(process_set, failed)
    assert results.value("c", POOLED) == pytest.approx(100 * f1_score(correct, scores > 0.6, average="macro"))
    lost = np.array([label == 1 for label in process_set.samples[0].labels if label])
    wrong = f1_score(np.append(correct, lost), np.append(scores > 0.6, ~lost), average="macro")
    assert results.value("c", POOLED, "macro F1, failures wrong") == pytest.approx(100 * wrong)
    (failure,) = results.failures
    assert (failure.index, failure.message) == ("line 1", "c: too long")
    row = next(row for row in results.rows if row.split == POOLED)
    assert (row.n_problems, row.n_failed) == (60, 1)
    assert "1 of 60 samples failed" in row.note


def test_what_is_not_scored_yet_withholds_the_value() -> None:
    process_set, outcomes = made()
    rows = run(process_set, Opinion("c", (None, *outcomes[1:]), 0.6)).rows
    by_split = {row.split: row for row in rows if row.metric == "macro F1" and row.policy == "all"}
    assert by_split["A"].value is not None
    for split in ("B", POOLED, STEP_WEIGHTED, PLAIN_MEAN):
        assert by_split[split].value is None
        assert "not scored yet" in by_split[split].note


def sheets(results):
    return [
        tables.per_source(results), tables.thresholds(results), tables.f1_by_threshold(results),
        tables.comparisons(results), *tables.breakdowns(results), tables.calibration(results),
    ]  # fmt: skip


def test_a_partial_set_is_marked_in_every_row_of_every_table() -> None:
    process_set, outcomes = made(12)
    opinions = [Opinion(name, outcomes, 0.6) for name in "cd"]
    results = run(process_set, *opinions, remarks=["12 of 2,866 samples"])
    assert all(row.note.startswith("partial set: 12 of 2,866 samples") for row in results.rows)
    assert all("partial set" in row[-1] for row in tables.table_3(results).rows)
    for sheet in sheets(results):
        assert sheet.rows
        assert sheet.columns[-1].title == "set"
        assert {(len(row), row[-1]) for row in sheet.rows} == {(len(sheet.columns), "partial set")}
    whole = [column.title for sheet in sheets(run(process_set, *opinions)) for column in sheet.columns]
    assert "set" not in whole


def test_the_test_tuned_value_is_an_upper_bound_and_says_so() -> None:
    process_set, outcomes = made()
    results = run(process_set, Opinion("c", outcomes, 0.6))
    tuned = results.value("c", POOLED, "macro F1, test-tuned threshold")
    validated = results.value("c", POOLED, "macro F1, cross-validated threshold")
    assert tuned >= max(validated, results.value("c", POOLED))
    row = next(row for row in results.rows if row.metric == "macro F1, test-tuned threshold")
    assert "upper bound" in row.note


def test_verdicts_have_no_thresholds_and_no_calibration() -> None:
    process_set, outcomes = made()
    verdicts = tuple(StepScores(tuple(float(score > 0.6) for score in one.scores)) for one in outcomes)
    results = run(process_set, Opinion("c", outcomes, 0.6), Opinion("labels", verdicts, 0.5, labels_only=True))
    assert results.value("labels", POOLED) == results.value("c", POOLED)
    of_labels = {row.metric for row in results.rows if row.reranker == "labels"}
    assert not any("threshold" in metric or "calibration" in metric for metric in of_labels)
    assert {"calibration error", "macro F1, cross-validated threshold"} <= {row.metric for row in results.rows}
    comparison = next(each for each in results.comparisons if each.split == POOLED)
    assert (comparison.difference, comparison.p, comparison.better, comparison.worse) == (0, 1.0, 0, 0)


def test_critics_are_compared_on_what_both_scored() -> None:
    process_set, outcomes = made()
    other = (StepScores((), error="no"), *(StepScores((0.9,) * len(one.scores)) for one in outcomes[1:]))
    results = run(process_set, Opinion("c", outcomes, 0.6), Opinion("d", other, 0.6))
    pooled = next(each for each in results.comparisons if each.split == POOLED)
    correct, scores = flat(process_set, (StepScores((), error="x"), *outcomes[1:]))
    assert (pooled.n_problems, pooled.reranker, pooled.baseline) == (59, "c", "d")
    constant = f1_score(correct, np.ones(len(correct)), average="macro")
    assert pooled.difference == pytest.approx(100 * (f1_score(correct, scores > 0.6, average="macro") - constant))
    assert 0 < pooled.low < pooled.difference < pooled.high
    assert pooled.p_corrected == pooled.p < 0.05
    assert pooled.verdict == "c is better than d"
    assert pooled.better > pooled.worse


def test_comparisons_with_the_same_critic_are_corrected_together() -> None:
    process_set, outcomes = made()
    opinions = [Opinion(name, outcomes, threshold) for name, threshold in (("a", 0.6), ("b", 0.5), ("c", 0.0))]
    rows = [row for row in run(process_set, *opinions).comparisons if (row.split, row.baseline) == (POOLED, "c")]
    assert [row.reranker for row in rows] == ["a", "b"]
    assert [row.p_corrected for row in rows] == holm([row.p for row in rows])


def test_intervals_hold_their_values() -> None:
    process_set, outcomes = made(200)
    for row in run(process_set, Opinion("c", outcomes, 0.6)).rows:
        if "95% interval" in row.note:
            low, high = map(float, row.note.partition("95% interval ")[2].split(" (")[0].split(" to "))
            assert low - 0.1 <= row.value <= high + 0.1


def test_rows_of_each_author() -> None:
    process_set, outcomes = made()
    rows = {(row.policy, row.metric): row for row in run(process_set, Opinion("c", outcomes, 0.6)).rows}
    assert rows["gpt", "macro F1"].n_problems == 30
    assert rows["claude", "F1 incorrect"].split == POOLED


def test_weights_are_resamples() -> None:
    """A sample that counts twice counts as two equal samples."""
    process_set, outcomes = made(20)
    one = Assessment(Opinion("c", outcomes, 0.6), process_set.samples)
    twice = Assessment(Opinion("c", (*outcomes, *outcomes[:5]), 0.6), (*process_set.samples, *process_set.samples[:5]))
    weights = np.array([[2.0] * 5 + [1.0] * 15])
    names = ["macro F1", "AUROC", "average precision", "first-error F1", "balanced accuracy"]
    weighted, plain = values_of(one, weights, names), values_of(twice, np.ones((1, 25)), names)
    assert all(weighted[key] == pytest.approx(plain[key]) for key in plain)
