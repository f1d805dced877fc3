"""No produced text says "1 problems", and none shows the noise of a product."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from visualprm_eval.core.types import Candidate, Problem, StepScores, Verdict, text_id
from visualprm_eval.evaluate.benchmark_values import evaluate_benchmark
from visualprm_eval.evaluate.fact_columns import ProblemFacts
from visualprm_eval.evaluate.reranker_registry import build_rerankers
from visualprm_eval.evaluate.stats import Study, examine
from visualprm_eval.evaluate.stats.step_counts import step_counts
from visualprm_eval.report import Failure, Results
from visualprm_eval.report.render import csv, html, markdown
from visualprm_eval.report.render.terminal import print_table
from visualprm_eval.report.tables import records, statistics
from visualprm_eval.report.tables.values import all_values

NOUNS = "problem|candidate|text|score|verdict|pick|step|sample|solution|row|benchmark|panel|note|failure|repl(?:y|ie)"
PLURAL_OF_ONE = re.compile(rf"(?<![\d.,–-])1 (?:of 1 )?(?:\w+ )?(?:{NOUNS})s\b|(?<![\d.,])1 of 1 (?:{NOUNS})s\b")
VERB_OF_ONE = re.compile(rf"(?<![\d.,–-])1 (?:of [\d,]+ )?(?:{NOUNS})s? (?:are|were|lack|abstain|have)\b")
NOISE = re.compile(r"\d+\.\d{13,}")


def is_noise(number: float) -> bool:
    """Whether a number is a shorter one but for its last places; files of data keep all others."""
    return abs(float(f"{number:.12g}") - number) <= 4 * math.ulp(number)


def problem(index: int, *texts: str, lack: str = "") -> ProblemFacts:
    candidates = [Candidate(f"id{index}", rank, text, finish="length") for rank, text in enumerate(texts)]
    if lack == "candidate":
        candidates = candidates[:-1]
    if lack == "sample":
        candidates[-1] = Candidate(f"id{index}", len(texts) - 1, "", error="no luck")
    ids = {one.text_id for one in candidates if one.error is None}
    scores = {key: StepScores((0.291, 0.7)) for key in ids}
    verdicts = {key: Verdict(float(key == text_id(texts[0]))) for key in ids}
    if lack in {"score", "verdict"}:
        (scores if lack == "score" else verdicts).pop(text_id(texts[-1]))
    if lack == "failed score":
        scores[text_id(texts[-1])] = StepScores((), error="no luck")
    facts = Problem("B", str(index), "", (), "", f"id{index}")
    return ProblemFacts(facts, tuple(candidates), {"visualprm": scores}, verdicts)


@pytest.mark.parametrize("lack", ["", "candidate", "sample", "score", "verdict", "failed score"])
@pytest.mark.parametrize("texts", [("a",), ("a", ""), ("a", "b\n\nc")])
@pytest.mark.parametrize("n_problems", [1, 3])
def test_counts_of_one_are_singular_in_all_views(lack: str, texts: tuple[str, ...], n_problems: int) -> None:
    facts = [problem(0, *texts, lack=lack), *(problem(index, *texts) for index in range(1, n_problems))]
    rerankers = build_rerankers(["first", "random", "self-consistency", "visualprm", "oracle"], ["prm"])
    study = Study(
        "P", "B", "accuracy", facts, rerankers, len(texts), lambda text, _: text if text == "a" else None,
        grade_all=True, n_total=n_problems + 1, matched=True,
    )  # fmt: skip
    rows, picks = evaluate_benchmark(study, sorted({1, len(texts)}), None)
    insight = replace(examine([study]), steps=(step_counts(study, is_scored_so=True),))
    protocol = {"host's figure": 100 * 0.291, "temperature": 0.7}
    results = Results(rows, picks, protocol, [Failure("sample", "B", "0", 0, "no luck")], insight=insight)
    stream = StringIO()
    print_table(results, Console(file=stream, width=400))
    page = re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", html.render(results, {}), flags=re.DOTALL)
    views = {
        "terminal": stream.getvalue(), "markdown": markdown.render(results), "page": page,
        "results.csv": csv.render(all_values(rows, insight)),
        "curves.csv": csv.render(statistics.curve_values(insight.points)),
        "picks": "\n".join(str(row) for row in records.picks(picks, insight.tallies).rows),
    }  # fmt: skip
    for name, view in views.items():
        for pattern in (PLURAL_OF_ONE, VERB_OF_ONE):
            assert not pattern.findall(view), (name, [match[0] for match in pattern.finditer(view)])
        noisy = [number for number in NOISE.findall(view) if "." not in name or is_noise(float(number))]
        assert name == "picks" or not noisy, name
    assert "29.1" in page
    assert dict(records.protocol(protocol).rows)["host's figure"] == 29.1


def test_what_is_lacking_is_told_apart() -> None:
    facts = [problem(0, "a", "b", lack="candidate"), problem(1, "a", "b", lack="verdict"), problem(2, "a", "b")]
    study = Study(
        "P", "B", "accuracy", facts, build_rerankers(["first"], ["prm"]), 2, lambda text, _: text, grade_all=True
    )
    rows, _ = evaluate_benchmark(study, [2], None)
    assert {row.note for row in rows} == {"incomplete: 2 of 3 problems lack 1 candidate and 1 verdict"}
