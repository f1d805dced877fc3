"""What must be said beside a number follows it into every table, chart and figure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from visualprm_eval.core.types import Candidate, Part, Problem, Verdict
from visualprm_eval.evaluate.fact_columns import ProblemFacts
from visualprm_eval.evaluate.rerankers import First, Oracle
from visualprm_eval.evaluate.stats import Study, examine
from visualprm_eval.evaluate.stats.rows import Comparison
from visualprm_eval.report.render import figures
from visualprm_eval.report.render.html import render
from visualprm_eval.report.results import Results
from visualprm_eval.report.tables import statistics as views
from visualprm_eval.run.compare import in_words

NOTE = "exact matching, 3 of 1,000 problems"


def facts(benchmark: str, split: str = "") -> list[ProblemFacts]:
    found = []
    for number in range(3):
        candidates = tuple(Candidate(f"{benchmark}{number}", rank, f"text {rank}") for rank in range(2))
        verdicts = {each.text_id: Verdict(float(each.rank == number % 2)) for each in candidates}
        problem = Problem(benchmark, str(number), split, (Part("text", "?"),), "1", f"{benchmark}{number}")
        found.append(ProblemFacts(problem, candidates, {}, verdicts))
    return found


def study(benchmark: str, *, metric: str = "accuracy, exact matching", n_total: int | None = 1000, **other) -> Study:
    made = other.pop("facts", None) or facts(benchmark)
    rerankers = [First("first"), Oracle("oracle")]
    return Study("P", benchmark, metric, made, rerankers, 2, lambda *_: None, grade_all=True, n_total=n_total)


@pytest.fixture
def insight():
    return examine([study("B"), study("C", metric="accuracy", n_total=3)])


def test_every_row_of_the_benchmark_has_the_note(insight) -> None:
    groups = (insight.points, insight.standings, insight.comparisons, insight.diagnoses, insight.pools)
    rows = [row for group in groups for row in group]
    assert {row.note for row in rows if row.benchmark == "B"} == {NOTE}
    assert {row.note for row in rows if row.benchmark == "C"} == {""}
    assert {row.note for row in insight.standings if row.benchmark == "overall"} == {
        "exact matching, of parts of benchmarks"
    }


def test_tables_and_page_show_it(insight) -> None:
    tables = [
        views.values(insight.standings), views.curve_points(insight.points), views.diagnoses(insight.diagnoses),
        views.pools(insight.pools),
    ]  # fmt: skip
    for view in tables:
        assert view.columns[-1].title == "note"
        assert {row[-1] for row in view.rows if row[1] == "B"} == {NOTE}
        assert "C" in {row[1] for row in view.rows}
    titles = [
        "Values with 95% intervals", "Candidates", "Where rerankers lose", "Paired comparisons",
        "Stages, as far as they were recorded",
    ]  # fmt: skip
    assert [view.title for view in views.benchmark_tables(insight, "B")] == titles
    page = render(Results([], [], insight=insight), {})
    assert page.count(NOTE) >= 5
    assert f"P on B ({NOTE})" in page


def test_figures_show_it(insight) -> None:
    titles = [axis.get_title(loc="left") for axis in figures._curves(insight.points).axes]
    assert f"B\n{NOTE}\nP" in titles
    assert "C\nP" in titles
    gains = figures._gains([row for row in insight.standings if row.gain is not None])
    labels = [label.get_text() for axis in gains.axes for label in axis.get_yticklabels()]
    assert any(label.endswith(f"\n{NOTE}") for label in labels)


def test_a_total_is_of_one_split() -> None:
    """Nobody knows how many problems each of several splits has."""
    both = [*facts("B", "one"), *facts("B2", "two")]
    insight = examine([study("B", metric="accuracy", facts=both)])
    assert {row.note for row in insight.pools} == {""}


def test_a_comparison_in_words_says_it() -> None:
    row = Comparison("P", "B", "", "visualprm", 8, "first", 9.3, 4.0, 14.0, 0.001, 0.002, 40, 12, 300, NOTE)
    said = f"P on B ({NOTE}), 300 problems, k = 8: visualprm is better than first (+9.3 points"
    assert in_words(row).startswith(said)
    assert in_words(row).endswith("p = 0.0010, corrected = 0.0020)")
    assert in_words(replace(row, p=0.00004, p_corrected=0.00004)).endswith("p < 0.0001)"), "no p is 0"


def test_no_difference_says_between_whom() -> None:
    row = Comparison("P", "B", "", "visualprm in a", 8, "visualprm in b", 0.0, -1.0, 1.0, 1.0, 1.0, 4, 4, 300)
    assert ": visualprm in a against visualprm in b: no difference is shown (+0.0 points" in in_words(row)
