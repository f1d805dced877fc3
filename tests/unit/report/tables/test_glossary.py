"""One glossary for the workbook, the page and the README."""

from __future__ import annotations

import re
from pathlib import Path

from visualprm_eval.core.baselines import BASELINES
from visualprm_eval.evaluate.published.comparison import Comparison
from visualprm_eval.evaluate.reranker_registry import reranker_names
from visualprm_eval.evaluate.stats import Insight
from visualprm_eval.evaluate.stats.best_of_k import ALL_SUBSETS, DRAWN_SUBSETS, MEAN, PASS_AT_K
from visualprm_eval.evaluate.step_labels.assess import POOLED
from visualprm_eval.evaluate.step_labels.values import METRICS, PLAIN_MEAN, STEP_WEIGHTED
from visualprm_eval.report.tables import records, statistics
from visualprm_eval.report.tables.glossary import glossary
from visualprm_eval.report.tables.published import published_in_full
from visualprm_eval.report.tables.step_labels import PARTIAL
from visualprm_eval.report.tables.summary import summarise
from visualprm_eval.report.tables.values import all_values, summary_in_full
from visualprm_eval.tasks import TASKS
from visualprm_eval.tasks.base import UNJUDGED

README = Path(__file__).resolve().parents[4] / "README.md"
TERMS = [term for term, _ in glossary().rows]
WORDS = {*TERMS, *(word for term in TERMS for word in term.split(", "))}


def test_the_readme_leads_to_it():
    (path,) = re.findall(r"\((\S+/glossary\.md)\)", README.read_text(encoding="utf-8"))
    assert (README.parent / path).is_file()
    assert {len(row) for row in glossary().rows} == {2}


def test_every_column_is_explained(row):
    rows = [row()]
    makers = (
        statistics.values, statistics.comparisons, statistics.curve_points, statistics.curve_values,
        statistics.diagnoses, statistics.pools, statistics.steps, statistics.costs, records.failures,
        published_in_full,
    )  # fmt: skip
    tables = [make([]) for make in makers]
    tables += [records.picks([], {}), all_values(rows, Insight())]
    tables.append(summary_in_full(summarise(rows), [Comparison(rows[0], 50.0, "a paper")]))
    titles = {column.title for table in tables for column in table.columns}
    plain = {"index", "question", "critic", "message", "picked text"}
    assert titles - plain <= WORDS, titles - plain - WORDS


def test_rerankers_metrics_and_estimators_are_explained():
    assert set(reranker_names()) <= WORDS
    assert {task.metric for task in TASKS.values()} | {UNJUDGED} <= WORDS
    assert {ALL_SUBSETS, PASS_AT_K, MEAN, DRAWN_SUBSETS, *BASELINES} <= WORDS


def test_metrics_of_labelled_steps_are_explained():
    plain = {f"{name}, failures wrong" for name in ("F1 correct", "F1 incorrect")}
    assert set(METRICS) - plain <= WORDS
    assert {POOLED, STEP_WEIGHTED, PLAIN_MEAN, PARTIAL} <= WORDS
