"""The tables in the terminal."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from visualprm_eval.evaluate.stats import Insight, Standing
from visualprm_eval.report import Failure, Results, print_table


@pytest.fixture
def printed():
    """Prints results at a width and gives the text."""

    def show(results, width=140, **options) -> str:
        stream = io.StringIO()
        print_table(results, Console(file=stream, width=width), **options)
        return stream.getvalue()

    return show


def test_summary_curves_notes_failures_and_files_are_shown(printed, results):
    text = printed(results, files=[Path("out/results.csv"), Path("out/results.xlsx"), Path("out/figures/gains.png")])
    assert "first (pass@1)    │ 8 │ 58.0 (baseline)" in text
    assert "gain over first" in text
    assert "(+9.5)" in text
    assert "MathVista_MINI over k, in percent, from the first k candidates" in text
    assert "withheld: 9 of 448 problems failed" in text
    assert "26 failures (25 in sample, 1 in score)" in text
    assert "Written to out: results.csv, results.xlsx, figures/gains.png" in text


def test_narrow_terminals_get_several_tables(printed, results):
    text = printed(results, width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("Values in percent at the largest k") == 2
    for name in ("MathVista_MINI", "MathVision_MINI", "LogicVista test"):
        assert name in text
    assert "…" not in text


def test_one_k_needs_no_curves(printed, row):
    text = printed(Results([row(k=8)], []))
    assert "over k" not in text
    assert "No failures." in text


def test_markup_and_controls_are_inert(printed, row, hostile):
    rows = [row(policy=hostile, benchmark=hostile, reranker=hostile, k=k, note=hostile) for k in (1, 2)]
    shown = printed(
        Results(rows, [], {}, [Failure("score", "B", "1", 0, hostile)]), files=[Path(f"x{hostile}")], width=400
    )
    if "[bold red]" in hostile:
        assert shown.count("[bold red]x[/bold red] [/]") >= 4
    assert not {"\x00", "\x1b", "\x07", "\r", "\u202e"} & set(shown)
    shown.encode("utf-8")


def test_no_results_say_so(printed):
    assert "No failures." in printed(Results([], []))


def test_standard_output_is_the_default(capsys, results):
    print_table(results)
    assert "visualprm" in capsys.readouterr().out


def test_intervals_stand_below_the_values(printed, row):
    values = {"first": 50.0, "visualprm": 53.0, "visualorm": 51.0, "greedy": 47.5}
    rows = [row(k=8, reranker=name, value=value) for name, value in values.items()]
    standings = (
        Standing("P", "B", "", "visualprm", 8, 53.0, 50.0, 56.0, 3.0, 1.0, 5.0),
        Standing("P", "B", "", "visualorm", 8, 51.0, 48.0, 54.0, 1.0, -1.0, 3.0),
    )
    shown = printed(Results(rows, [], insight=Insight(standings=standings)), width=80)
    assert max(map(len, shown.splitlines())) <= 80
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    (ours,) = [place for place, line in enumerate(lines) if "visualprm" in line]
    assert "53.0 (+3.0)" in lines[ours]
    assert "+1.0 to +5.0" in lines[ours + 1]
    assert "51.0 (~+1.0)" in shown
    (other,) = [place for place, line in enumerate(lines) if "greedy" in line]
    assert "47.5 (-2.5)" in lines[other]
    assert "not tested" in lines[other + 1]
    assert "~: the interval contains 0, so no gain is shown" in " ".join(shown.split())
    assert "95% intervals" not in printed(Results(rows, []), width=80)


def test_lines_without_a_value_in_any_column_of_a_table_are_not_in_it(printed, row):
    rows = [row(benchmark="One", k=32), row(benchmark="Two", k=8), row(policy="Q", benchmark="Two", k=8)]
    shown = printed(Results(rows, []), width=65)
    one, two = shown.split("Values in percent at the largest k")[1:]
    assert [line.split("│")[3].strip() for line in one.splitlines() if "first" in line] == ["32"]
    assert "│ Q " not in one
    assert [line.split("│")[3].strip() for line in two.partition("over k")[0].splitlines() if "first" in line][:2] == [
        "8", "8",
    ]  # fmt: skip


def test_names_of_rerankers_stay_whole_beside_a_long_policy(printed, row):
    rows = [row(policy="a-policy-with-a-very-long-name-that-takes-lines", reranker="self-consistency",
                benchmark=f"MathVerse_MINI_{place}") for place in range(3)]  # fmt: skip
    shown = printed(Results(rows, []), width=80)
    assert max(map(len, shown.splitlines())) <= 80
    assert shown.count("self-consistency") == 2


def test_what_is_missing_is_said(printed, row):
    insight = Insight(missing=("P on B: 3 of 9 texts are not graded",))
    shown = " ".join(printed(Results([row(value=None)], [], insight=insight)).split())
    assert "UNFINISHED: P on B: 3 of 9 texts are not graded." in shown
