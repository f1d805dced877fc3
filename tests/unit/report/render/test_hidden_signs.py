"""No output shows a name by signs that nobody sees, or that a terminal or a page would obey."""

from __future__ import annotations

import io
import json
import re
import zipfile
from html import unescape
from pathlib import Path

import pytest
from rich.console import Console

from visualprm_eval.core.types import Candidate, Part, Problem, StepScores, Verdict
from visualprm_eval.evaluate.fact_columns import ProblemFacts
from visualprm_eval.evaluate.result_rows import Pick, ResultRow
from visualprm_eval.evaluate.stats import CurvePoint, Insight, Standing
from visualprm_eval.report import Failure, Results, print_table, write_reports
from visualprm_eval.report.viewer.viewer import ViewerBuilder

NAME = "n\x1b[31m\u202eam\u2066e\u200b\u00ad\x9b\ufeff\U000e0041\ud800"
HIDDEN = set("\x1b\u202e\u2066\u200b\u00ad\x9b\ufeff\U000e0041\ud800")
SIGNS_OF_LINES = set("\x1b\u202e\u2066\x9b\ud800")
ANSWER = "الجواب\u200f ٥ 👩\u200d🔬"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The text of every output of a report whose names, notes and errors all hold hidden signs."""
    place = (NAME, NAME, NAME)
    rows = [ResultRow(*place, NAME, k, NAME, 50.0, 10, 0, NAME) for k in (1, 2)]
    rows.append(ResultRow(*place, NAME, 4, NAME, None, 10, 1, NAME))
    pick = Pick(*place, problem_id="id", index=NAME, question="How many?", answer="3", reranker=NAME, k=2, rank=0,
                text=ANSWER, critic=NAME, step_scores=(0.5,), verdict=1.0, final_answer="3", note=NAME)  # fmt: skip
    candidate = Candidate("id", 0, ANSWER)
    failed = Candidate("id", 1, "", error=NAME)
    problem = Problem(NAME, NAME, NAME, (Part("text", "How many?"),), "3", "id")
    facts = [ProblemFacts(problem, (candidate, failed), {NAME: {candidate.text_id: StepScores((0.5,))}},
                          {candidate.text_id: Verdict(1.0)})]  # fmt: skip
    builder = ViewerBuilder(1)
    builder.add(facts, [pick], lambda _critic, keys: dict.fromkeys(keys, StepScores((0.5,), (ANSWER,))),
                lambda *_: "3", NAME)  # fmt: skip
    points = tuple(
        CurvePoint(*place, NAME, k, NAME, "exact over all subsets", 50.0, 40.0, 60.0, 0.0, 50.0, note=NAME)
        for k in (1, 2)
    )
    standing = Standing(*place, NAME, 2, 50.0, 40.0, 60.0, 3.0, -1.0, 4.0, note=NAME, baseline="mean")
    results = Results(
        rows, [pick], {"sampling": {NAME: NAME}}, [Failure("score", NAME, NAME, 0, NAME)],
        insight=Insight(points=points, standings=(standing,)), viewer=builder.viewer(),
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("report")
    stream = io.StringIO()
    files = write_reports(folder, results)
    print_table(results, Console(file=stream, width=400), [Path(f"x{NAME}")])
    made = {path.name: path.read_text() for path in files if path.suffix in {".csv", ".md", ".html", ".svg"}}
    page = made["report.html"]
    data = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)
    made["data of report.html"] = "".join(map(_shown, map(json.loads, data)))
    made["report.html"] = unescape(page)
    with zipfile.ZipFile(folder / "results.xlsx") as archive:
        made["results.xlsx"] = "".join(unescape(archive.read(name).decode()) for name in archive.namelist())
    return {**made, "terminal": stream.getvalue()}


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "".join(_shown(key) + _shown(inner) for key, inner in value.items())
    return "".join(map(_shown, value)) if isinstance(value, list) else str(value)


@pytest.mark.parametrize(
    "name",
    ["terminal", "results.md", "report.html", "data of report.html", "results.xlsx", "curves.svg", "gains.svg",
     "results.csv", "curves.csv"],
)  # fmt: skip
def test_hidden_signs_of_names_are_escaped(outputs: dict[str, str], name: str) -> None:
    text = outputs[name].replace(ANSWER, "")
    is_data = name.endswith(".csv")  # Where a value stays what it is, unless it would turn its line around.
    assert not (SIGNS_OF_LINES if is_data else HIDDEN) & set(text)
    if not name.endswith(".svg"):  # Drawn as outlines.
        assert "u202e" in text
    assert ("\u200b" in text) is is_data


def test_an_answer_in_another_script_stays_readable(outputs: dict[str, str]) -> None:
    assert ANSWER in outputs["data of report.html"]
    assert ANSWER in outputs["results.xlsx"]


def test_a_sheet_of_a_benchmark_has_a_name_that_can_be_read(outputs: dict[str, str]) -> None:
    assert "_u202e" in outputs["results.xlsx"]
