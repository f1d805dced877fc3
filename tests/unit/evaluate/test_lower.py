"""Metrics of which less is better: a gain is an improvement, and no mean over benchmarks has them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from visualprm_eval.evaluate.overall import overall_rows
from visualprm_eval.evaluate.result_rows import ResultRow, gained
from visualprm_eval.evaluate.stats.gains import WholeTables
from visualprm_eval.evaluate.stats.overalls import overall_baselines, overalls
from visualprm_eval.report.tables.summary import summarise
from visualprm_eval.tasks.primary_figures import LOWER

FIRST = ResultRow("P", "Safety", "", "first", 4, f"the host's attack_rate ({LOWER})", 30.0, 10, 0)
VOTE = replace(FIRST, reranker="self-consistency", value=20.0)


@pytest.mark.parametrize(("metric", "gain"), [(FIRST.metric, 10.0), ("accuracy", -10.0)])
def test_a_gain_is_an_improvement(metric: str, gain: float) -> None:
    rows = [replace(row, metric=metric) for row in (FIRST, VOTE)]
    assert gained(rows[1], rows[0]) == gain
    (_, line) = summarise(rows).lines
    assert [cell.gain for cell in line.cells.values()] == [gain]
    tables = WholeTables({row.reranker: row for row in rows})
    assert [standing.gain for standing, *_ in tables.standings("first")] == [None, gain]


def test_withheld_values_have_no_gain() -> None:
    assert gained(VOTE, replace(FIRST, value=None)) is None


def test_no_mean_mixes_directions() -> None:
    others = [replace(row, benchmark="B", metric="accuracy") for row in (FIRST, VOTE)]
    rows = overall_rows([FIRST, VOTE, *others])
    assert {(row.value, row.note) for row in rows} == {(None, f"withheld: {LOWER}: Safety")}
    assert {row.value for row in overall_rows([*others, *[replace(row, benchmark="C") for row in others]])} == {30, 20}
    places = {("P", name, ""): WholeTables({row.reranker: row for row in part})
              for name, part in (("Safety", [FIRST, VOTE]), ("B", others))}  # fmt: skip
    assert list(overalls(places, overall_baselines(places, None))) == []
