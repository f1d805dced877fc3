"""One glossary for the workbook, the page and the README."""

from __future__ import annotations

from pathlib import Path

from visualprm_eval.core.baselines import BASELINES
from visualprm_eval.evaluate.reranker_registry import reranker_names
from visualprm_eval.evaluate.stats.best_of_k import ALL_SUBSETS, DRAWN_SUBSETS, MEAN, PASS_AT_K
from visualprm_eval.report.render.summary_sheet import COMPARED_FIELDS, GROUP_FIELDS
from visualprm_eval.report.render.workbook import COMPARISON_FIELDS, FAILURE_FIELDS, PICK_FIELDS, VALUE_FIELDS
from visualprm_eval.report.tables.glossary import GLOSSARY, markdown_rows
from visualprm_eval.report.tables.statistics import comparisons, costs, curve_points, diagnoses, pools, values
from visualprm_eval.tasks import TASKS
from visualprm_eval.tasks.base import UNJUDGED

README = Path(__file__).resolve().parents[4] / "README.md"


def test_the_readme_has_it_word_by_word():
    assert markdown_rows() in README.read_text(encoding="utf-8")
    assert all("|" not in term + meaning for term, meaning in GLOSSARY.items())


def test_every_column_is_explained():
    views = (values, comparisons, curve_points, diagnoses, pools, costs)
    titles = {title for view in views for title, *_ in view([]).columns}
    fields = (*VALUE_FIELDS, *PICK_FIELDS, *COMPARISON_FIELDS, *FAILURE_FIELDS, *GROUP_FIELDS, *COMPARED_FIELDS)
    titles |= {field.title for field in fields}
    plain = {"index", "question", "critic", "message", "picked text"}
    words = {word for term in GLOSSARY for word in term.split(", ")}
    assert titles - plain <= words, titles - plain - words


def test_rerankers_metrics_and_estimators_are_explained():
    words = {word for term in GLOSSARY for word in term.split(", ")}
    assert set(reranker_names()) <= words
    assert {task.metric for task in TASKS.values()} | {UNJUDGED} <= words
    assert {ALL_SUBSETS, PASS_AT_K, MEAN, DRAWN_SUBSETS, *BASELINES} <= words
