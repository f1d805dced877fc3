"""One glossary for the workbook, the page and the README."""

from __future__ import annotations

from pathlib import Path

from visualprm_eval.report.glossary import GLOSSARY, markdown_rows
from visualprm_eval.report.insight_tables import comparisons, curve_points, diagnoses, pools

README = Path(__file__).resolve().parents[3] / "README.md"


def test_the_readme_has_it_word_by_word():
    assert markdown_rows() in README.read_text(encoding="utf-8")
    assert all("|" not in term + meaning for term, meaning in GLOSSARY.items())


def test_every_number_of_the_tables_is_explained():
    titles = {title for view in (comparisons, curve_points, diagnoses, pools) for title, _ in view([]).columns}
    plain = {
        "benchmark", "against", "from", "to", "problems", "candidates", "N", "in words", "all right", "none right",
        "estimated as",
    }  # fmt: skip
    words = set(GLOSSARY) | {
        "better",
        "worse",
        "expected value",
        "score and length",
        "score and steps",
        "score and position",
    }
    assert titles - plain <= words, titles - plain - words
