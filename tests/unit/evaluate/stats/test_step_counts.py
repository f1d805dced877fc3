"""How candidates fall into steps, and where that must be said."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

from rich.console import Console

from visualprm_eval.core.types import Candidate, Problem
from visualprm_eval.evaluate.fact_columns import ProblemFacts
from visualprm_eval.evaluate.stats import Insight, Study
from visualprm_eval.evaluate.stats.step_counts import StepCounts, step_counts, whole_solutions
from visualprm_eval.report import Results
from visualprm_eval.report.render import html, markdown
from visualprm_eval.report.render.terminal import print_table

TEXTS = (
    "one step",
    "one step",  # Equal texts are two candidates.
    "one\r\n\r\nstep",
    "two\n\nsteps",
    "two\n\n\n\nand an empty one",
    "<think>a\n\nb</think>\n\none step",
    "<think>empty</think>\n\n",
    "",
)


def study(*texts: str, n: int = 9) -> Study:
    candidates = [Candidate("id", rank, text) for rank, text in enumerate(texts)]
    candidates.append(Candidate("id", len(texts), "", error="no luck"))
    facts = [ProblemFacts(Problem("B", "1", "", (), "", "id"), tuple(candidates), {}, {})]
    return Study("P", "B", "accuracy", facts, [], n, lambda text, choices: None, grade_all=True)


def test_counts_are_of_candidates_with_a_response():
    assert step_counts(study(*TEXTS), is_scored_so=True) == StepCounts("P", "B", 6, 4, 1, 1, is_scored_so=True)
    assert step_counts(study(*TEXTS, n=3), is_scored_so=False) == StepCounts("P", "B", 3, 3, 0, 1, is_scored_so=False)
    assert step_counts(study(), is_scored_so=True) == StepCounts("P", "B", 0, 0, 0, 0, is_scored_so=True)


def test_only_more_than_half_of_what_a_critic_scores_so_is_told():
    most = StepCounts("P", "B", 1000, 501, 0, 0, is_scored_so=True)
    half, unread = replace(most, one_step=500), replace(most, is_scored_so=False)
    none = StepCounts("P", "C", 0, 0, 0, 0, is_scored_so=True)
    assert whole_solutions([half, unread, none]) == ""
    assert whole_solutions([half, most, replace(most, benchmark="D", candidates=1, one_step=1)]) == (
        "most candidates are one step, so that their step scores are of whole solutions: P on B (501 of 1,000 "
        "candidates); P on D (1 of 1 candidate); --steps lines splits at all line breaks"
    )


def test_all_views_show_the_counts_and_the_terminal_what_is_notable():
    few = StepCounts("P", "B", 1000, 12, 7, 3, is_scored_so=True)
    for counts, is_told in ((few, False), (replace(few, one_step=900), True)):
        results = Results([], [], insight=Insight(steps=(counts,)))
        text = markdown.render(results)
        assert f"| P | B | 1,000 | {counts.one_step} | 7 | 3 |" in text
        assert ("900 of 1,000 candidates" in text) == is_told
        page = html.render(results, {})
        assert "Steps of candidates, at blank lines" in page
        assert ("--steps lines" in page) == is_told
        stream = StringIO()
        print_table(results, Console(file=stream, width=200))
        assert ("--steps lines" in stream.getvalue()) == is_told
