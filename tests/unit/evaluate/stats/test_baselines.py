"""What gains are measured against, and that they are measured so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from visualprm_eval.core.baselines import chosen
from visualprm_eval.core.types import Candidate, Part, Problem, StepScores, Verdict
from visualprm_eval.evaluate.fact_columns import ProblemFacts
from visualprm_eval.evaluate.rerankers import First, Greedy, Oracle, Random, Reranker, StepAggregate
from visualprm_eval.evaluate.result_rows import OVERALL, ResultRow
from visualprm_eval.evaluate.stats import Examiner, Insight, Study, examine
from visualprm_eval.evaluate.stats.rows import Standing

P, N = 40, 5
SHOWN = [First("first"), StepAggregate("visualprm", "visualprm"), Oracle("oracle")]


def study(right: np.ndarray, scores: np.ndarray, rerankers: list[Reranker] = SHOWN, benchmark: str = "B") -> Study:
    """Candidates that are right where ``right`` [P, N] says so, each with a score, [P, N]."""
    facts = []
    for number, (verdicts, scored) in enumerate(zip(right.tolist(), scores.tolist(), strict=True)):
        problem = Problem(benchmark, str(number), "", (Part("text", "?"),), "a", f"{benchmark}{number}")
        candidates = tuple(Candidate(problem.id, rank, f"text {rank}") for rank in range(right.shape[1]))
        said = {one.text_id: StepScores((score,)) for one, score in zip(candidates, scored, strict=True)}
        graded = {one.text_id: Verdict(float(each)) for one, each in zip(candidates, verdicts, strict=True)}
        facts.append(ProblemFacts(problem, candidates, {"visualprm": said}, graded))
    return Study("P", benchmark, "accuracy", facts, rerankers, right.shape[1], lambda *_: None, grade_all=True)


def drawn(seed: int, benchmark: str = "B", rerankers: list[Reranker] = SHOWN) -> tuple[Study, np.ndarray, np.ndarray]:
    """A study whose first samples are luckier than the others, with its verdicts and scores."""
    draw = np.random.default_rng(seed)
    right = draw.random((P, N)) < np.linspace(0.75, 0.45, N)
    scores = draw.random((P, N)) / 2 + right / 4
    return study(right, scores, rerankers, benchmark), right, scores


STUDY, RIGHT, SCORES = drawn(1)
PICKED = RIGHT[np.arange(P), SCORES.argmax(axis=1)]


def greedy_of(sampled: Study, right: np.ndarray) -> Study:
    facts = []
    for fact, is_right in zip(sampled.facts, right.tolist(), strict=True):
        one = Candidate(fact.problem.id, 0, "at temperature 0")
        facts.append(ProblemFacts(fact.problem, (one,), {}, {one.text_id: Verdict(float(is_right))}))
    return replace(sampled, facts=facts, rerankers=[Greedy("greedy")], n=1)


def lacking(sampled: Study, **changes) -> Study:
    """The same with a last candidate whose verdict failed, or one with other changes."""
    *others, last = sampled.facts
    if not changes:
        key = last.candidates[-1].text_id
        last = replace(last, verdicts={**last.verdicts, key: Verdict(None, "no reply")})
    else:
        last = replace(last, candidates=(*last.candidates[:-1], replace(last.candidates[-1], **changes)))
    return replace(sampled, facts=[*others, last])


def rows(insight: Insight, benchmark: str = "B") -> dict[str, Standing]:
    return {row.reranker: row for row in insight.standings if row.benchmark == benchmark}


def test_the_default_is_the_mean_of_all_samples():
    insight = examine([STUDY])
    assert insight.baselines["P", "B", ""].kind == "mean"
    assert insight.baselines["P", "B", ""].head == "gain over mean"
    mean = 100 * RIGHT.mean()
    assert insight.means["P", "B", ""].value == pytest.approx(mean)
    found = rows(insight)
    assert found["random"].value == pytest.approx(mean), "the baseline is shown though nobody asked for its row"
    assert found["random"].is_baseline
    assert found["random"].gain is None
    for name, picks in (("first", RIGHT[:, 0]), ("visualprm", PICKED), ("oracle", RIGHT.max(axis=1))):
        assert found[name].gain == pytest.approx(100 * picks.mean() - mean)
        assert found[name].baseline == "mean"
    assert found["first"].gain > 0, "a lucky first sample gains over what one sample is expected to get"


def test_a_row_that_was_asked_for_is_not_shown_twice():
    insight = examine([replace(STUDY, rerankers=[*SHOWN, Random("random")])])
    assert [row.reranker for row in insight.standings] == ["first", "visualprm", "oracle", "random"]
    assert sorted(rows(insight)) == sorted(rows(examine([STUDY])))


def test_an_interval_of_a_gain_is_a_paired_bootstrap():
    row = rows(examine([STUDY]))["visualprm"]
    differences = PICKED - RIGHT.mean(axis=1)
    draw = np.random.default_rng(0)
    means = [differences[draw.integers(0, P, P)].mean() for _ in range(20_000)]
    assert (row.gain_low, row.gain_high) == pytest.approx(tuple(100 * np.percentile(means, (2.5, 97.5))), abs=1.0)


def test_intervals_of_gains_hold_the_true_gain():
    """Of 150 benchmarks some 142 intervals are to hold it; far fewer, or all of them, would be another kind."""
    chances, hits = np.random.default_rng(3), 0
    for _ in range(150):
        share = chances.beta(2, 2, (P, 1))
        right = chances.random((P, N)) < share
        scores = chances.random((P, N)) + right / 4
        row = rows(examine([study(right, scores)]))["visualprm"]
        hits += row.gain_low <= TRUE_GAIN <= row.gain_high
    assert 133 <= hits <= 149


def _true_gain() -> float:
    """What the best-scored of five samples gains over their mean, in points, over very many problems."""
    chances = np.random.default_rng(4)
    right = chances.random((400_000, N)) < chances.beta(2, 2, (400_000, 1))
    scores = chances.random(right.shape) + right / 4
    return 100 * float((right[np.arange(len(right)), scores.argmax(axis=1)] - right.mean(axis=1)).mean())


TRUE_GAIN = _true_gain()


def test_the_oracle_is_an_upper_bound():
    row = rows(examine([STUDY]))["oracle"]
    assert row.is_bound
    assert row.gain > 0
    assert row.gain_low is row.gain_high is None
    assert not row.gain_is_shown
    compared = examine([STUDY]).comparisons
    assert compared
    assert "oracle" not in {name for one in compared for name in (one.reranker, one.baseline)}


def test_nobody_is_compared_with_a_mean_of_what_happens_to_be_graded():
    greedy = greedy_of(STUDY, RIGHT[:, 1])
    failed, unsampled = lacking(STUDY), lacking(STUDY, text="", error="timeout")
    for each in (failed, unsampled):
        assert examine([each]).baselines["P", "B", ""].kind == "first"
        assert examine([greedy, each]).baselines["P", "B", ""].kind == "greedy"
        assert not examine([each]).means
        missing = examine([each], "mean")
        assert missing.baselines["P", "B", ""].head == "no gain: not every candidate has a verdict"
        assert {row.gain for row in missing.standings} == {None}
    picks = replace(STUDY, grade_all=False)
    assert examine([picks]).baselines["P", "B", ""].kind == "first"
    assert rows(examine([picks]))["visualprm"].gain == pytest.approx(100 * (PICKED.mean() - RIGHT[:, 0].mean()))


def test_a_candidate_that_a_critic_failed_on_has_a_verdict():
    *others, last = STUDY.facts
    said = {**last.scores["visualprm"], last.candidates[2].text_id: StepScores((), error="too long")}
    insight = examine([replace(STUDY, facts=[*others, replace(last, scores={"visualprm": said})])])
    assert insight.baselines["P", "B", ""].kind == "mean"


def test_one_baseline_that_was_asked_for():
    greedy = greedy_of(STUDY, RIGHT[:, 1])
    first = rows(examine([greedy, STUDY], "first"))
    assert first["visualprm"].gain == pytest.approx(100 * (PICKED.mean() - RIGHT[:, 0].mean()))
    assert first["greedy"].gain == pytest.approx(100 * (RIGHT[:, 1].mean() - RIGHT[:, 0].mean()))
    assert first["first"].is_baseline
    assert "random" not in first
    over = rows(examine([STUDY, greedy], "greedy"))
    for name, picks in (("first", RIGHT[:, 0]), ("visualprm", PICKED), ("oracle", RIGHT.max(axis=1))):
        assert over[name].gain == pytest.approx(100 * (picks.mean() - RIGHT[:, 1].mean()))
    assert over["greedy"].is_baseline
    assert over["visualprm"].gain_low < over["visualprm"].gain < over["visualprm"].gain_high
    mean = rows(examine([greedy, STUDY]))
    assert mean["greedy"].gain == pytest.approx(100 * (RIGHT[:, 1].mean() - RIGHT.mean()))
    assert mean["greedy"].gain_low < mean["greedy"].gain < mean["greedy"].gain_high
    none = examine([STUDY], "greedy")
    assert none.baselines["P", "B", ""].head == "no gain: no samples at temperature 0"
    assert {row.gain for row in none.standings} == {None}


def test_gains_over_greedy_are_on_the_problems_that_both_have():
    greedy = greedy_of(STUDY, RIGHT[:, 1])
    fewer = replace(greedy, facts=greedy.facts[:30])
    found = rows(examine([fewer, STUDY], "greedy"))
    assert found["visualprm"].gain == pytest.approx(100 * (PICKED[:30].mean() - RIGHT[:30, 1].mean()))
    assert found["visualprm"].value == pytest.approx(100 * PICKED.mean())


def test_of_one_sample_the_mean_is_the_first():
    one = study(RIGHT[:, :1], SCORES[:, :1])
    insight = examine([one])
    assert insight.baselines["P", "B", ""].kind == "first"
    assert not insight.means
    assert chosen(None, {"mean", "first"}, 1) == "first"
    assert chosen(None, {"greedy", "first"}, 8) == "greedy"
    assert chosen("mean", {"first"}, 8) is None
    assert chosen(None, set(), 8) is None


@pytest.mark.parametrize("asked", [None, "mean"])
def test_of_one_sample_the_mean_is_the_first_in_every_view(asked):
    assert chosen(asked, {"mean", "greedy", "first"}, 1) == chosen(asked, {"first"}, 1) == "first"
    assert chosen("greedy", {"mean", "greedy", "first"}, 1) == "greedy"


def test_a_mean_over_benchmarks_has_one_kind_of_baseline():
    other, right, scores = drawn(2, "C")
    picked = right[np.arange(P), scores.argmax(axis=1)]
    both = rows(insight := examine([STUDY, other]), OVERALL)
    assert insight.baselines["P", OVERALL, ""].kind == "mean"
    own = (100 * (PICKED.mean() - RIGHT.mean()), 100 * (picked.mean() - right.mean()))
    assert both["visualprm"].gain == pytest.approx(np.mean(own))
    assert both["visualprm"].gain_low < np.mean(own) < both["visualprm"].gain_high
    assert both["random"].value == pytest.approx(50 * (RIGHT.mean() + right.mean()))
    assert both["random"].value == insight.means["P", OVERALL, ""].value
    assert both["oracle"].gain_low is None
    # Of the second one only picks are graded: first is what both have.
    insight = examine([STUDY, replace(other, grade_all=False)])
    assert [insight.baselines["P", name, ""].kind for name in ("B", "C", OVERALL)] == ["mean", "first", "first"]
    mixed = rows(insight, OVERALL)["visualprm"]
    assert mixed.baseline == "first"
    assert mixed.gain == pytest.approx(50 * (PICKED.mean() - RIGHT[:, 0].mean() + picked.mean() - right[:, 0].mean()))
    assert rows(insight)["visualprm"].baseline == "mean", "its own gain is as it was"
    asked = examine([STUDY, replace(other, grade_all=False)], "mean")
    assert asked.baselines["P", OVERALL, ""].kind is None
    assert rows(asked, OVERALL)["visualprm"].gain is None
    assert rows(asked)["visualprm"].gain is not None


def test_against_the_mean_picks_by_chance_are_the_test():
    insight = examine([STUDY])
    found = {row.reranker: row for row in insight.comparisons if row.baseline == "random"}
    assert list(found) == ["first", "visualprm"]
    draw = np.random.default_rng(9)
    shares = RIGHT.mean(axis=1)
    counts = (draw.random((200_000, P)) < shares).sum(axis=1)
    for name, picks in (("first", RIGHT[:, 0]), ("visualprm", PICKED)):
        tails = min((counts >= picks.sum()).mean(), (counts <= picks.sum()).mean())
        assert found[name].p == pytest.approx(min(1.0, 2 * tails), abs=0.006)
    assert found["visualprm"].p < found["first"].p < 0.05
    assert found["visualprm"].verdict == "visualprm is better than random"


def test_two_means_are_not_tested():
    class _Other(Random):
        pass

    means = [*SHOWN, Random("random"), _Other("other")]
    (row,) = [
        one for one in examine([replace(STUDY, rerankers=means)]).comparisons
        if {one.reranker, one.baseline} == {"random", "other"}
    ]  # fmt: skip
    assert (row.p, row.p_corrected, row.verdict) == (None, None, "not tested")


@pytest.mark.parametrize("asked", [None, "mean", "first"])
def test_expected_curves_start_at_the_mean_and_first_k_curves_at_the_first_sample(asked):
    points = [one for one in examine([STUDY], asked).points if one.k == 1]
    assert {one.reranker for one in points} == {"first", "visualprm", "oracle"}
    for one in points:
        assert one.value == pytest.approx(100 * RIGHT.mean())
        assert one.prefix == pytest.approx(100 * RIGHT[:, 0].mean())
    first = [one.value for one in examine([STUDY], asked).points if one.reranker == "first"]
    assert first == pytest.approx([100 * RIGHT.mean()] * N), "of any k the first is any one"


def test_gains_of_figures_of_whole_tables_have_no_interval():
    def row(reranker: str, k: int, value: float) -> ResultRow:
        return ResultRow("P", "B", "", reranker, k, "the host's score", value, P, 0)

    for asked, kinds in ((None, ("first", "greedy")), ("mean", (None, None)), ("first", ("first", "first"))):
        for n_studies, kind in enumerate(kinds, 1):
            examiner = Examiner(asked)
            rerankers = [one for one in SHOWN if not isinstance(one, Oracle)]
            examiner.add_values(
                replace(STUDY, rerankers=rerankers), [row("first", N, 400.0), row("visualprm", N, 450.0)]
            )
            if n_studies == 2:
                examiner.add_values(greedy_of(STUDY, RIGHT[:, 0]), [row("greedy", 1, 410.0)])
            insight = examiner.insight()
            assert insight.baselines["P", "B", ""].kind == kind
            found = rows(insight)
            base = {"first": 400.0, "greedy": 410.0, None: None}[kind]
            assert found["visualprm"].gain == (None if base is None else 450.0 - base)
            assert {one.gain_low for one in found.values()} == {None}


def test_a_greedy_sample_is_one_more_candidate_when_it_is_held_against_the_mean():
    """Seven of seven are right and the greedy one is not: of eight samples alike it is as likely to be any."""
    right, scores = np.ones((4, 7)), np.zeros((4, 7))
    sampled = study(right, scores)
    greedy = greedy_of(sampled, np.array([False, True, True, True]))
    (row,) = [one for one in examine([sampled, greedy]).comparisons if one.reranker == "greedy"]
    assert (row.baseline, row.difference, row.k, row.baseline_k) == ("random", -25.0, 1, 7)
    assert row.p == pytest.approx(2 / 8)
