"""The viewer under a person's hands, in a large run: keys, search and filters, in a browser (where there is one)."""

from __future__ import annotations

import pytest

from tests.unit.report.browser import browser, in_browser
from visualprm_eval.core.types import Candidate, Part, Problem, StepScores, Verdict
from visualprm_eval.evaluate.fact_columns import ProblemFacts
from visualprm_eval.report import Results
from visualprm_eval.report.render.html import render
from visualprm_eval.report.viewer.viewer import PAGE, ViewerBuilder

P = 6_000
STEP = "The bar of May is as high as that of June. " * 4


@pytest.fixture(scope="module")
def large(request) -> str:
    """A page of 6,000 problems with three candidates each; the pick is wrong on every thousandth."""
    del request
    builder = ViewerBuilder(P)
    facts, picks = [], []
    steps: dict[tuple[str, str], StepScores] = {}
    for number in range(P):
        problem = Problem("Bench", str(number), "", (Part("text", f"How many are {number}?"),), "3", f"id{number}")
        candidates = [Candidate(problem.id, rank, f"{number}: {STEP}\n\nSo {rank}.") for rank in range(3)]
        scores = {}
        for one in candidates:
            scores[one.text_id] = StepScores((0.9, 0.25 * one.rank))
            parts = tuple(one.text.split("\n\n"))
            steps[problem.id, one.text_id] = StepScores((0.9, 0.25 * one.rank), parts)
        verdicts = {one.text_id: Verdict(float(one.rank == 0)) for one in candidates}
        facts.append(ProblemFacts(problem, tuple(candidates), {"visualprm": scores}, verdicts))
        picks.append((problem, candidates[int(number % 1000 == 7)]))
    builder.add(facts, [_pick(*each) for each in picks], lambda *_: steps, lambda text, _: text[-2:-1], "P")
    return render(Results([], [], viewer=builder.viewer()), {})


def _pick(problem, candidate):
    from visualprm_eval.evaluate.result_rows import Pick

    return Pick(
        "P", "Bench", "", "visualprm", 3, problem.id, problem.index, problem.question, "3", candidate.rank,
        candidate.text, "visualprm", (0.9, 0.5), float(candidate.rank == 0), str(candidate.rank),
    )  # fmt: skip


SHOWN = "document.querySelector('#detail h3').textContent"
COUNT = "document.getElementById('count').textContent"
ITEMS = "document.querySelectorAll('#list li').length"


@in_browser
def test_keys_in_a_large_run(tmp_path, large):
    path = tmp_path / "report.html"
    path.write_text(large, encoding="utf-8")
    with browser(tmp_path / "profile") as tab:
        tab.open(f"{path.as_uri()}#problems?p=P&b=Bench&i=48")
        assert (tab.value(SHOWN), tab.value(COUNT), tab.value(ITEMS)) == ("Bench 48 · P", "49 of 6,000", 50)
        tab.press("j", "ArrowRight")
        assert tab.value(SHOWN) == "Bench 50 · P"
        assert tab.value("location.hash") == "#problems?critic=visualprm&p=P&b=Bench&i=50"
        assert tab.value("document.querySelector('[aria-current=true] b').textContent") == "Bench 50"
        tab.press("k", "ArrowLeft", "k")
        assert tab.value(COUNT) == "48 of 6,000"
        _search(tab)
        _filter(tab)
        _far(tab)


def _search(tab) -> None:
    tab.press("/")
    assert tab.value("document.activeElement.id") == "search"
    tab.press("5", "9", "9", "9")
    tab.wait(f"{COUNT} === '1 of 1'")
    assert tab.value("document.getElementById('search').value") == "5999", "the slash is no part of what is searched"
    assert tab.value(SHOWN) == "Bench 5999 · P"
    assert "So 0." in tab.value("document.getElementById('detail').textContent")
    tab.press("j", "k")
    tab.wait(f"{COUNT} === 'no problem fits'")
    assert tab.value("document.getElementById('search').value") == "5999jk", "letters are typed, not obeyed"
    tab.value("document.getElementById('search').select()")
    tab.press("7")
    tab.press("Escape")
    assert tab.value("document.activeElement.id") != "search"
    tab.wait(f"{COUNT} !== 'no problem fits'")
    tab.press("j")
    assert tab.value(COUNT).startswith("2 of ")


def _filter(tab) -> None:
    tab.value("location.hash = '#problems?show=missed&reranker=visualprm'")
    tab.wait(f"{COUNT} === '1 of 6'")
    tab.press("k")
    assert tab.value(SHOWN) == "Bench 7 · P", "there is nothing before the first"
    tab.press(*"jjjjjjj")
    assert (tab.value(SHOWN), tab.value(COUNT)) == ("Bench 5007 · P", "6 of 6"), "nor after the last"
    assert tab.value("document.getElementById('next').disabled") is True


def _far(tab) -> None:
    """More pages of the file than are kept decoded, and back: few elements stand in the document at any time."""
    far = [*range(0, P, P // 50), 0]
    shown = [
        tab.value(
            f"location.hash = '#problems?p=P&b=Bench&i={number}'; dispatchEvent(new Event('hashchange')); {SHOWN}"
        )
        for number in far
    ]
    assert shown == [f"Bench {number} · P" for number in far]
    assert P // 50 > PAGE, "each is on a page of its own"
    assert tab.value(ITEMS) <= 50
    assert tab.value("document.getElementsByTagName('*').length") < 2_000
