"""Every view says what gains are over, and none makes more of one than was tested."""

from __future__ import annotations

import csv
import re

import lxml.html
import pytest
from openpyxl import load_workbook

from tests.unit.evaluate.stats.test_baselines import PICKED, RIGHT, STUDY, drawn, greedy_of, lacking
from tests.unit.report.sheets import write_workbook
from visualprm_eval.core.config import ModelSource, RunConfig
from visualprm_eval.core.errors import ConfigError
from visualprm_eval.evaluate.overall import overall_rows
from visualprm_eval.evaluate.published.comparison import compare, selectors
from visualprm_eval.evaluate.result_rows import OVERALL, ResultRow
from visualprm_eval.evaluate.stats import Insight, examine
from visualprm_eval.evaluate.stats.rows import Baseline, Mean, Standing
from visualprm_eval.report import Results
from visualprm_eval.report.render.csv import render as render_csv
from visualprm_eval.report.render.figures import _gains, draw_figures
from visualprm_eval.report.render.html import render as render_page
from visualprm_eval.report.render.markdown import render
from visualprm_eval.report.table import Stacked
from visualprm_eval.report.tables.summary import Column, summarise
from visualprm_eval.report.tables.values import all_values, summary_in_full, summary_table
from visualprm_eval.run.options import checked
from visualprm_eval.tasks import TASKS

MEAN = 100 * RIGHT.mean()
FIRST = 100 * RIGHT[:, 0].mean()
GREEDY = greedy_of(STUDY, RIGHT[:, 1])


def rows_of(insight: Insight) -> list[ResultRow]:
    """The rows that a run would have beside what was examined; nobody asked for random."""
    rows = [
        ResultRow(one.policy, one.benchmark, "", one.reranker, one.k, "accuracy", one.value, 40, 0)
        for one in insight.standings
        if one.reranker != "random" and one.benchmark != OVERALL
    ]
    return [*rows, *overall_rows(rows)]


def results_of(*studies, asked: str | None = None) -> Results:
    insight = examine(studies, asked)
    return Results(rows_of(insight), [], insight=insight)


@pytest.mark.parametrize(
    ("studies", "asked", "head"),
    [
        ([STUDY], None, "gain over mean"),
        ([GREEDY, STUDY], None, "gain over mean"),
        ([lacking(STUDY)], None, "gain over first"),
        ([GREEDY, lacking(STUDY)], None, "gain over greedy"),
        ([STUDY], "first", "gain over first"),
        ([STUDY], "greedy", "no gain: no samples at temperature 0"),
        ([lacking(STUDY)], "mean", "no gain: not every candidate has a verdict"),
    ],
)
def test_the_head_of_a_column_says_what_gains_are_over(studies, asked, head):
    results = results_of(*studies, asked=asked)
    summary = summarise(results.rows, results.insight)
    assert summary_table(summary).columns[3].title == f"B\n{head}"
    assert summary_in_full(summary, ()).columns[4].title == head


def test_the_baseline_stands_in_the_table_though_nobody_asked_for_its_row():
    results = results_of(STUDY)
    summary = summarise(results.rows, results.insight)
    assert [line.reranker for line in summary.lines] == ["first", "random", "visualprm", "oracle"]
    assert summary_table(summary).rows[1] == ("P", "random (mean)", 5, Stacked(f"{MEAN:.1f} (baseline)"))
    assert summary_in_full(summary, ()).rows[1][1:5] == ["random (mean)", 5, pytest.approx(MEAN), "baseline"]
    other = results_of(STUDY, asked="first")
    assert "random" not in render(other)
    assert f"{FIRST:.1f} (baseline)" in render(other)


def test_a_lucky_first_sample_makes_no_loss_of_a_vote():
    """The first sample of each problem did better than others: a reranker between both lost nothing."""
    between = (MEAN + FIRST) / 2
    insight = examine([STUDY])
    vote = ResultRow("P", "B", "", "self-consistency", 5, "accuracy", between, 40, 0)
    cells = {line.reranker: line.cells for line in summarise([*rows_of(insight), vote], insight).lines}
    gain = cells["self-consistency"][Column("B", "", "accuracy")].gain
    assert gain == pytest.approx(between - MEAN)
    assert gain > 0


def test_results_csv_has_gains_at_the_largest_k(tmp_path):
    results = results_of(STUDY)
    rows = [*results.rows, ResultRow("P", "B", "", "visualprm", 2, "accuracy", 60.0, 40, 0)]
    (tmp_path / "r.csv").write_text(render_csv(all_values(rows, results.insight)), encoding="utf-8", newline="")
    found = list(csv.DictReader((tmp_path / "r.csv").open(encoding="utf-8")))
    by_row = {(row["reranker"], row["k"]): row for row in found}
    ours = by_row["visualprm", "5"]
    assert ours["baseline"] == "mean"
    assert float(ours["gain"]) == pytest.approx(100 * PICKED.mean() - MEAN)
    assert float(ours["gain from"]) < float(ours["gain"]) < float(ours["gain to"])
    assert ours["reading"] == "a gain"
    bound = by_row["oracle", "5"]
    assert (bound["gain from"], bound["gain to"], bound["reading"]) == ("", "", "upper bound")
    assert {by_row["visualprm", "2"][name] for name in ("baseline", "gain", "reading")} == {""}


def test_the_oracle_has_no_verdict_and_no_colour(tmp_path):
    results = results_of(STUDY)
    oracle = 100 * RIGHT.max(axis=1).mean()
    cell = f"{oracle:.1f} (+{oracle - MEAN:.1f}"
    assert f"| {cell}; upper bound) |" in render(results)
    write_workbook(tmp_path / "r.xlsx", results)
    book = load_workbook(tmp_path / "r.xlsx")
    row = next(row for row in book["summary"].iter_rows(min_row=3, values_only=True) if row[1] == "oracle (pass@k)")
    # The rules of colours ask for numbers there.
    assert row[4:9] == (pytest.approx(oracle - MEAN), 40, 0, "upper bound", "upper bound")
    (reading,) = [row[-1] for row in book["intervals"].iter_rows(values_only=True) if row[2] == "oracle (pass@k)"]
    assert reading == "upper bound"
    document = lxml.html.fromstring(render_page(results, {}))
    moods = {cell.text_content(): cell.get("class") for cell in document.xpath("//section[@id='summary']//td")}
    assert moods["upper bound"] == "name unclear"
    assert "oracle" not in {one.reranker for one in results.insight.comparisons}
    bars = [row for row in results.insight.standings if row.gain is not None and not row.is_bound]
    assert [row.reranker for row in bars] == ["first", "visualprm"]
    alone = Insight(standings=tuple(row for row in results.insight.standings if row.is_bound))
    assert "gains" not in draw_figures(alone), "there is no figure of an upper bound alone"


def test_figures_name_the_baseline():
    rows = [row for row in examine([STUDY]).standings if row.gain is not None and not row.is_bound]
    assert _gains(rows).axes[0].get_xlabel().startswith("gain over mean in points")
    other, *_ = drawn(2, "C")
    mixed = [row for row in examine([STUDY, lacking(other)]).standings if row.gain is not None and not row.is_bound]
    axis = _gains(mixed).axes[0]
    assert axis.get_xlabel().startswith("gain over the baseline named in points")
    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert "visualprm, B\nover mean" in labels
    assert "visualprm, C\nover first" in labels


def test_where_baselines_differ_each_says_which(tmp_path):
    other, *_ = drawn(2, "C")
    results = results_of(STUDY, lacking(other))
    assert render(results).count("B, gain over mean | C, gain over first") == 1
    write_workbook(tmp_path / "r.xlsx", results)
    sheet = load_workbook(tmp_path / "r.xlsx")["intervals"]
    titles = [cell.value for cell in sheet[2]]  # Above stands what failed.
    place = titles.index("baseline")
    assert {(row[1], row[place]) for row in sheet.iter_rows(min_row=3, values_only=True)} == {
        ("B", "mean"), ("C", "first"), ("overall", "first"),
    }  # fmt: skip
    assert titles[place + 1 : place + 4] == ["gain", "gain from", "gain to"]
    about = {
        ("P", Column("B", "", "accuracy")): Baseline("mean"),
        ("Q", Column("B", "", "accuracy")): Baseline("first"),
    }
    summary = summarise([])
    mixed = type(summary)((), (), about)
    assert mixed.head(Column("B", "", "accuracy")) == "gain over mean (P); gain over first (Q)"


def test_overall_gains_are_over_one_kind(tmp_path):
    del tmp_path
    other, *_ = drawn(2, "C")
    results = results_of(STUDY, other)
    assert "overall, gain over mean" in render(results)
    lines = {line.reranker: line.cells for line in summarise(results.rows, results.insight).lines}
    overall = Column(OVERALL, "", "accuracy")
    assert lines["random"][overall].is_baseline
    own = {row.reranker: row for row in results.insight.standings if row.benchmark == OVERALL}
    assert lines["visualprm"][overall].gain == pytest.approx(own["visualprm"].gain)
    cell = lines["visualprm"][overall]
    assert (cell.gain_low, cell.gain_high) == (own["visualprm"].gain_low, own["visualprm"].gain_high)


def test_a_gain_without_an_interval_is_not_tested():
    insight = examine([STUDY])
    rows = [row for row in rows_of(insight) if row.reranker != "visualprm"]
    rows.append(ResultRow("P", "B", "", "visualprm", 2, "accuracy", 60.0, 40, 0))
    text = render(Results(rows, [], insight=insight))
    assert f"| P | visualprm | 2 | 60.0 ({60 - MEAN:+.1f}; not tested) |" in text, "the mean is that of all samples"
    fewer = [*rows[:-1], ResultRow("P", "B", "", "visualprm", 2, "accuracy", 60.0, 40, 1)]
    assert "| P | visualprm | 2 | 60.0 |" in render(Results(fewer, [], insight=insight)), "it is of other problems"


PRM = ModelSource("VisualPRM-8B", "OpenGVLab/VisualPRM-8B")
PLACE = ("InternVL2_5-8B", "MathVista_MINI", "")


def ours(reranker: str, k: int, value: float) -> ResultRow:
    size = TASKS["MathVista_MINI"].size
    return ResultRow(*PLACE, reranker, k, "accuracy", value, size, 0, n_total=size, protocol=reranker)


def beside(*rows: ResultRow, kind: str = "mean", mean: Mean | None = None, gains: tuple[Standing, ...] = ()):
    insight = Insight(standings=gains, baselines={PLACE: Baseline(kind)}, means={PLACE: mean} if mean else {})
    prints = [
        {"protocol": row.protocol, "prompt": "cot", "temperature": 0 if row.reranker == "greedy" else 0.7, "N": 8,
         "reranker": row.reranker, "max_steps": 12}
        for row in rows
    ]  # fmt: skip
    return {each.row.reranker: each for each in compare(rows, selectors([PRM]), prints, insight)}


def test_beside_a_published_pass_at_1_stands_greedy_else_the_mean():
    first, greedy, best = ours("first", 8, 60.0), ours("greedy", 1, 66.0), ours("visualprm", 8, 70.0)
    mean = Mean(63.0, 8, first.n_problems, 0)
    found = beside(greedy, first, best, mean=mean)
    assert set(found) == {"greedy", "visualprm"}
    assert (found["greedy"].difference, found["greedy"].manner) == (pytest.approx(1.5), "")
    found = beside(first, best, mean=mean)
    assert set(found) == {"random", "visualprm"}
    assert (found["random"].row.value, found["random"].published) == (63.0, 64.5)
    assert found["random"].manner == "ours is the mean of 8 samples at temperature 0.7, published greedy"
    found = beside(first, ours("random", 8, 63.0), mean=mean)
    assert set(found) == {"random"}
    assert set(beside(first, ours("random", 8, 63.0))) == {"first"}, "a mean of what was graded is not compared"
    withheld = ours("greedy", 1, 0.0)
    found = beside(type(withheld)(*PLACE, "greedy", 1, "accuracy", None, 1000, 0), first, mean=mean)
    assert set(found) == {"random"}


def test_gains_stand_beside_published_ones_over_greedy_alone():
    first, greedy, best = ours("first", 8, 60.0), ours("greedy", 1, 66.0), ours("visualprm", 8, 70.0)
    gain = Standing(*PLACE, "visualprm", 8, 70.0, 65.0, 75.0, 4.0, 1.0, 7.0, baseline="greedy")
    found = beside(greedy, first, best, kind="greedy", gains=(gain,))["visualprm"]
    assert (found.gain, found.published_gain) == (4.0, pytest.approx(68.5 - 64.5))
    report = render(Results([greedy, first, best], [], comparisons=[found]))
    assert "gain over greedy: ours +4.0, published +4.0" in report
    over = Standing(*PLACE, "visualprm", 8, 70.0, 65.0, 75.0, 7.0, 1.0, 7.0, baseline="mean")
    found = beside(greedy, first, best, gains=(over,))["visualprm"]
    assert (found.gain, found.published_gain) == (None, None)


def test_baselines_that_cannot_be_are_refused_before_anything_is_paid_for():
    common = {"models": ("a",), "data": ("B",)}
    with pytest.raises(ConfigError, match="add greedy to --reranker"):
        checked(RunConfig(**common, baseline="greedy"))
    with pytest.raises(ConfigError, match="--baseline mean needs verdicts of all candidates"):
        checked(RunConfig(**common, baseline="mean", grade="picks"))
    with pytest.raises(ConfigError, match="expected one of mean, greedy, first"):
        checked(RunConfig(**common, baseline="median"))
    assert checked(RunConfig(**common, baseline="greedy", rerankers=("greedy",))).baseline == "greedy"


def test_help_says_what_the_default_is(capsys):
    from visualprm_eval.cli import main

    for command in ("run", "report"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        said = re.sub(r"\s+", " ", capsys.readouterr().out)
        assert "--baseline {mean,greedy,first}" in said
        assert "mean of all N samples where every candidate has a verdict, else greedy if it was sampled" in said
