"""Reports of critics against labelled steps: the same files, the same viewer, and what models wrote is data."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from tests.unit.report.browser import browser, in_browser
from tests.unit.report.render.test_html import ATTACK, embedded
from visualprm_eval.core.types import Part, Problem, StepScores
from visualprm_eval.evaluate.step_labels.assess import Opinion
from visualprm_eval.evaluate.step_labels.results import evaluate
from visualprm_eval.report.render.step_labels import render_markdown, render_page, renew_process_reports
from visualprm_eval.report.viewer.viewer import PAGE
from visualprm_eval.tasks.process_bench.data import BadLine, ProcessSample, ProcessSet

N_SAMPLES = 30


def sample(number: int, picture: str) -> ProcessSample:
    """Labels + 0 -; the third solution is hostile, every tenth has no error."""
    parts = (Part("image", picture), Part("text", f"How many are {number}?"))
    problem = Problem("Set", f"q{number}", "dice" if number % 2 else "bars", parts, "3", f"q{number}")
    steps = (ATTACK if number == 3 else f"first {number}", "second\n\nstill second", "third")
    return ProcessSample(number + 1, problem, steps, (1, 0, 1 if number % 10 == 0 else -1), "P & <Q>")


@pytest.fixture
def results(tmp_path):
    """Critic a errs on the last step of every fifth solution and failed on the sixth; b calls all correct."""
    picture = tmp_path / "picture.png"
    Image.new("RGB", (40, 20), (255, 0, 0)).save(picture)
    samples = tuple(sample(number, str(picture)) for number in range(N_SAMPLES))
    a = [
        StepScores((0.9, 0.5, 0.1 if (one.labels[2] < 0) != (number % 5 == 4) else 0.95))
        for number, one in enumerate(samples)
    ]
    a[5], b = StepScores((), error="too <b>long"), [StepScores((1.0, 1.0, 1.0))] * N_SAMPLES
    b[7] = None
    opinions = [Opinion("a", tuple(a), 0.6), Opinion("b", tuple(b), 0.5, labels_only=True)]
    process_set = ProcessSet("Set", Path(), samples, (BadLine(99, "bad <i>"),), "f")
    return evaluate(process_set, opinions, seed=0, remarks=["30 of 40 samples"], protocol={"seed": 0}, draws=20)


@pytest.fixture
def page(results) -> str:
    return render_page(results, {"reliability": b"<svg xmlns='http://www.w3.org/2000/svg'></svg>"})


def test_what_models_wrote_is_no_markup(page, results):
    for text in (page, render_markdown(results, {})):
        assert "<img src=x" not in text
        assert "too <b>long" not in text
        assert "bad <i>" not in text
    assert len(re.findall("<script", page)) == len(re.findall("</script", page))
    assert "30 of 40 samples" in page.split("<main>")[0], "a partial set says so on top"


def test_every_step_stands_with_its_label_and_every_critics_score(page):
    index = embedded(page, "viewer-index")
    assert [row["i"] for row in index] == [f"line {number + 1}" for number in range(N_SAMPLES)]
    assert {row["b"] for row in index} == {"bars", "dice"}
    meta = embedded(page, "viewer-meta")
    assert (meta["rerankers"], meta["page"]) == (["a", "b"], PAGE)
    assert len(meta["pictures"]) == 1
    (third,) = embedded(page, "viewer-page-0")[3]["t"]
    assert third["y"] == [["correct", ATTACK], ["neutral", "second\n\nstill second"], ["incorrect", "third"]]
    assert third["s"] == {"a": [None, [0.9, 0.5, 0.1], []], "b": [None, [1.0, 1.0, 1.0], [2]]}
    (failed,) = embedded(page, "viewer-page-0")[5]["t"]
    assert failed["e"] == ["a: too <b>long"]
    assert list(failed["s"]) == ["b"]
    (unasked,) = embedded(page, "viewer-page-0")[7]["t"]
    assert list(unasked["s"]) == ["a"]


def test_a_critics_wrong_steps_can_be_found(page):
    index = embedded(page, "viewer-index")
    assert [number for number, row in enumerate(index) if 0 in row["m"]] == [4, 9, 14, 19, 24, 29]
    assert [number for number, row in enumerate(index) if 1 in row["m"]] == [
        number for number in range(N_SAMPLES) if number % 10 and number != 7
    ]
    assert [number for number, row in enumerate(index) if row["f"]] == [5]
    assert [number for number, row in enumerate(index) if row["u"]] == [0, 10, 20]
    assert not index[7]["d"], "of one critic alone"
    assert index[3]["d"]
    assert "the critic is wrong on a step" in page
    assert "the reranker is wrong" not in page


def test_scores_that_json_cannot_hold_are_said_to_be_none(results):
    opinion = results.assessments[0].opinion
    odd = (StepScores((0.9, float("nan"), 0.1)), *opinion.outcomes[1:])
    changed = replace(results.assessments[0], opinion=replace(opinion, outcomes=odd))
    page = render_page(replace(results, assessments=[changed]), {})
    assert embedded(page, "viewer-page-0")[0]["t"][0]["e"] == ["a: its scores are not all finite numbers"]


def test_figures_that_are_out_of_date_go(tmp_path, results):
    drawn = {path.name for path in renew_process_reports(tmp_path, results).paths}
    assert {"reliability.png", "error-by-step.png"} <= drawn
    renewal = renew_process_reports(tmp_path, replace(results, assessments=results.assessments[1:]))
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == [
        "error-by-step.png", "error-by-step.svg",
    ]  # fmt: skip
    assert {path.name for path in renewal.paths} >= {"results.csv", "results.xlsx", "results.md", "report.html"}
    assert renewal.former.names == {"critics": [one.opinion.critic for one in results.assessments]}


@in_browser
def test_the_viewer_shows_labels_scores_and_errors(page, tmp_path):
    (tmp_path / "report.html").write_text(page, encoding="utf-8")
    with browser(tmp_path / "profile") as tab:
        tab.open((tmp_path / "report.html").as_uri())
        assert tab.value("document.querySelectorAll('.labelled').length") == 3
        tab.value("document.getElementById('show').value = 'missed'")
        tab.value("document.getElementById('show').dispatchEvent(new Event('change'))")
        assert tab.value("document.getElementById('count').textContent") == "1 of 6"
        assert "a: wrong on step 3" in tab.value("document.getElementById('detail').textContent")
        assert tab.value("document.title") != "owned"
