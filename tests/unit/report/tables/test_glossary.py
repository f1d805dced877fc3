"""One glossary for the workbook, the page and the README."""

from __future__ import annotations

from pathlib import Path

from visualprm_eval.core.baselines import BASELINES
from visualprm_eval.evaluate.published.comparison import Comparison
from visualprm_eval.evaluate.reranker_registry import reranker_names
from visualprm_eval.evaluate.stats import Insight
from visualprm_eval.evaluate.stats.best_of_k import ALL_SUBSETS, DRAWN_SUBSETS, MEAN, PASS_AT_K
from visualprm_eval.report.tables import records, statistics
from visualprm_eval.report.tables.glossary import GLOSSARY, markdown_rows
from visualprm_eval.report.tables.published import published_in_full
from visualprm_eval.report.tables.summary import summarise
from visualprm_eval.report.tables.values import all_values, summary_in_full
from visualprm_eval.tasks import TASKS
from visualprm_eval.tasks.base import UNJUDGED

README = Path(__file__).resolve().parents[4] / "README.md"


def test_the_readme_has_it_word_by_word():
    assert markdown_rows() in README.read_text(encoding="utf-8")
    assert all("|" not in term + meaning for term, meaning in GLOSSARY.items())


def test_every_column_is_explained(row):
    rows = [row()]
    makers = (
        statistics.values, statistics.comparisons, statistics.curve_points, statistics.curve_values,
        statistics.diagnoses, statistics.pools, statistics.costs, records.failures, published_in_full,
    )  # fmt: skip
    tables = [make([]) for make in makers]
    tables += [records.picks([], {}), all_values(rows, Insight())]
    tables.append(summary_in_full(summarise(rows), [Comparison(rows[0], 50.0, "a paper")]))
    titles = {column.title for table in tables for column in table.columns}
    plain = {"index", "question", "critic", "message", "picked text"}
    words = {word for term in GLOSSARY for word in term.split(", ")}
    assert titles - plain <= words, titles - plain - words


def test_rerankers_metrics_and_estimators_are_explained():
    words = {word for term in GLOSSARY for word in term.split(", ")}
    assert set(reranker_names()) <= words
    assert {task.metric for task in TASKS.values()} | {UNJUDGED} <= words
    assert {ALL_SUBSETS, PASS_AT_K, MEAN, DRAWN_SUBSETS, *BASELINES} <= words
