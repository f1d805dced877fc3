"""The Markdown report, checked by rendering it."""

from __future__ import annotations

import re

from lxml import html
from markdown_it import MarkdownIt

from visualprm_eval.evaluate.stats import Insight, Standing
from visualprm_eval.report import Results
from visualprm_eval.report.render.markdown import escape, render

GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def tables(text):
    """All rendered tables as lists of rows of cell texts."""
    page = html.fromstring(GITHUB.render(text))
    return [
        [[c.text_content() for c in row.xpath("th|td")] for row in found.iter("tr")] for found in page.iter("table")
    ]


def test_summary_has_value_and_gain_per_benchmark(results):
    summary, *_ = tables(render(results))
    columns = ("MathVista_MINI", "MathVision_MINI", "LogicVista test")
    assert summary[0] == ["policy", "reranker", "k", *(f"{name}, gain over first" for name in columns)]
    assert summary[1][:4] == ["InternVL2_5-8B", "first (pass@1)", "8", "58.0 (baseline)"]
    assert re.fullmatch(r"6\d\.\d \(\+\d\.\d; not tested\)", summary[2][3])
    assert summary[9][1:] == ["problems (failed)", "", "300 (0)", "304 (0)", "448 (0)"]
    assert summary[-1][-1] == "448 (9)"
    assert summary[-2][-1] == "withheld"


def test_there_is_a_curve_table_per_benchmark(results):
    text = render(results, "results.png")
    _, *curve_tables, failures = tables(text)
    assert len(curve_tables) == 3
    assert curve_tables[0][0] == ["policy", "reranker", "k = 1", "k = 2", "k = 4", "k = 8"]
    assert len(curve_tables[0]) == 17
    assert curve_tables[2][-1][2:] == ["withheld"] * 4
    assert len(failures) == 21
    assert "and 6 more" in text
    assert "![Values against k](results.png)" in text


def test_one_k_needs_no_curves(row):
    assert "Over k" not in render(Results([row(k=8), row(reranker="visualprm", k=8)], []))


def test_notes_and_failures_are_told(results):
    text = render(results)
    assert "- Note: withheld: 9 of 448 problems failed" in text
    assert "26 failures (25 in sample, 1 in score)" in text


def test_no_results_say_so():
    assert "nothing was evaluated" in render(Results([], []))


def test_ordinary_names_stay_legible():
    assert escape("Qwen2.5-VL_7B:min@A (x)") == "Qwen2.5-VL_7B:min@A (x)"
    assert escape("https://a.example www.b.example") == "https\\://a.example www\\.b.example"
    assert escape("a|b $x$ *c*") == "a\\|b \\$x\\$ \\*c\\*"


def test_intervals_stand_beside_the_gains(row):
    rows = [row(k=8), row(k=8, reranker="visualprm", value=53.0), row(k=8, reranker="visualorm", value=51.0)]
    standings = (
        Standing("P", "B", "", "visualprm", 8, 53.0, 50.0, 56.0, 3.0, 1.0, 5.0),
        Standing("P", "B", "", "visualorm", 8, 51.0, 48.0, 54.0, 1.0, -1.0, 3.0),
    )
    shown = render(Results(rows, [], insight=Insight(standings=standings)))
    assert "| P | visualprm | 8 | 53.0 (+3.0; +1.0 to +5.0) |" in shown
    assert r"| P | visualorm | 8 | 51.0 (\~+1.0; -1.0 to +3.0) |" in shown
    assert r"Gains have 95% intervals; \~: the interval contains 0, so no gain is shown." in shown
    assert "interval" not in render(Results(rows, []))


def test_values_over_k_say_what_they_are_of(results):
    assert "Values from the first k candidates; those expected of k candidates:" in render(results)


def test_metrics_are_those_of_benchmarks(row):
    rows = [row(), row(benchmark="C", metric="F1"), row(benchmark="overall", metric="accuracy and F1")]
    assert "Values in percent (accuracy, F1) at the largest k" in render(Results(rows, []))


def test_what_is_missing_is_said_first(row):
    insight = Insight(missing=("P on B: 3 of 9 texts are not graded",))
    shown = render(Results([row(value=None)], [], insight=insight))
    assert shown.startswith("# Results\n\n**UNFINISHED: P on B: 3 of 9 texts are not graded.")
