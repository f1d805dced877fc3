"""Votes of a report from a store alone: what a run found out of formulas counts, and abstentions are told."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from rich.console import Console

from visualprm_eval.core.config import REPORT
from visualprm_eval.core.types import Candidate, Part, Problem, Spec, Verdict
from visualprm_eval.evaluate.abstentions import abstained
from visualprm_eval.report import print_table, write_reports
from visualprm_eval.report.results import Results
from visualprm_eval.run.collect_results import collect
from visualprm_eval.run.plan_report import plan_report
from visualprm_eval.run.plan_run import Plan
from visualprm_eval.stages.experiment import keep_equalities, known_equalities
from visualprm_eval.store import STORE_FILE, Store

TEXTS = ("Answer: 7 cm", r"\boxed{\sqrt{12}}", r"\boxed{2\sqrt{3}}", "No idea.")
SAMPLING = Spec("sampling", {"policy": "P", "temperature": 0.7})
GRADING = Spec("grading", {"benchmark": "Bench", "prediction": "raw", "host": "1", "judge": "exact_matching"})
PAIR = ("2sqrt(3)", "sqrt(12)")


def fill(work_dir: Path) -> None:
    problem = Problem("Bench", "0", "", (Part("text", "How long?"),), "1", "id0")
    with Store.open(work_dir / STORE_FILE) as store:
        for spec in (SAMPLING, GRADING):
            store.put_spec(spec)
        store.put_problems([problem])
        candidates = [Candidate("id0", rank, text) for rank, text in enumerate(TEXTS)]
        store.put_candidates(SAMPLING.id, candidates)
        store.put_verdicts(GRADING.id, [("id0", one.text_id, Verdict(float(one.rank in {1, 2}))) for one in candidates])


def results(work_dir: Path) -> tuple[Results, Plan]:
    config = replace(REPORT, work_dir=work_dir)
    with Store.open(work_dir / STORE_FILE, write=False) as store:
        plan = plan_report(config, store, ("self-consistency",))
        return collect(store, plan), plan


def value(found: Results) -> float | None:
    return next(row.value for row in found.rows if row.reranker == "self-consistency" and row.k == 4)


def test_a_report_counts_formulas_as_runs_compared_them(tmp_path: Path) -> None:
    fill(tmp_path)
    found, plan = results(tmp_path)
    assert value(found) == 0, "two formulas of different spelling are two answers where nobody compared them"
    assert plan.equalities.lacking == {PAIR}
    assert "1 pairs of formulas count as different" in str(found.protocol["votes compared by"])
    with Store.open(tmp_path / STORE_FILE) as store:
        store.put_equalities("0.1", {PAIR: True})
    found, plan = results(tmp_path)
    assert value(found) == 100
    assert not plan.equalities.lacking
    assert found.protocol["votes compared by"] == "own rules, and math-verify for 1 pairs of formulas"


def test_a_run_keeps_what_it_compared(tmp_path: Path) -> None:
    fill(tmp_path)
    with Store.open(tmp_path / STORE_FILE) as store:
        equalities = known_equalities(store)
        columns = store.columns(
            store.problems("Bench"), SAMPLING.id, 4, {}, grading_id=GRADING.id, formulas_equal=equalities
        )
        from visualprm_eval.core.answers import answer

        assert columns.answer_codes(answer).tolist() == [0, 1, 1, -1]
        keep_equalities(store, equalities)
    assert value(results(tmp_path)[0]) == 100


def test_abstentions_stand_beside_votes_in_every_view(tmp_path: Path) -> None:
    fill(tmp_path)
    found, _ = results(tmp_path)
    note = "WARNING: 1 of 4 candidates abstains (25.0%): no answer is found in it"
    notes = {(row.reranker, row.k): row.note for row in found.rows}
    assert notes["self-consistency", 4].endswith(note)
    assert "abstain" not in notes["first", 4], "what reads no answers says nothing of them"
    write_reports(tmp_path, found)
    with (tmp_path / "results.csv").open(newline="", encoding="utf-8") as file:
        assert any(row["note"].endswith(note) for row in csv.DictReader(file))
    warning = "P on Bench: 1 of 4 abstains (25.0%)"
    printed = Console(file=io.StringIO(), width=200)
    print_table(found, printed)
    assert warning in " ".join(printed.file.getvalue().split())
    for name in ("results.md", "report.html"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert warning in text
    book = openpyxl.load_workbook(tmp_path / "results.xlsx", read_only=True)
    for sheet in book:
        cells = [str(cell) for row in sheet.iter_rows(max_row=3, values_only=True) for cell in row if cell]
        assert any(warning in cell for cell in cells), sheet.title


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, ""),
        (100, "100 of 1,000 candidates abstain (10.0%): no answer is found in them"),
        (101, "WARNING: 101 of 1,000 candidates abstain (10.1%): no answer is found in them"),
    ],
)
def test_many_abstentions_are_a_warning(count: int, said: str) -> None:
    assert abstained(count, 1000) == said
