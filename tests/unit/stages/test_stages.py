"""The sample and score stages on a small store, with makers that misbehave."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from visualprm_eval.core.config import JudgeOptions
from visualprm_eval.core.errors import CriticError, PolicyError
from visualprm_eval.core.types import Candidate, Part, Problem, Spec, StepScores, Usage
from visualprm_eval.stages.experiment import Experiment
from visualprm_eval.stages.sample.stage import sample_missing
from visualprm_eval.stages.score import stage
from visualprm_eval.stages.score.critics import critic_text, named_scoring
from visualprm_eval.stages.score.judge_critic import JudgeCritic
from visualprm_eval.stages.score.stage import Pace, score_missing
from visualprm_eval.stages.score.stage import score as score_experiments
from visualprm_eval.store import Store

PROBLEMS = {
    name: Problem("B", name, "", (Part("text", name),), answer="1", id=name) for name in ("p0", "p1", "p2")
}  # fmt: skip
SAMPLING, SCORING = Spec("sampling", {"policy": "P"}), Spec("scoring", {"critic": "C"})


class Policy:
    name = "P"

    def __init__(self, text: str = "a\n\nb {rank}") -> None:
        self.text = text

    def sample(self, requests):
        for problem, rank in requests:
            yield [Candidate(problem.id, rank, self.text.format(rank=rank))]


class Critic:
    def __init__(self, outcome=None) -> None:
        self.outcome, self.calls = outcome, []

    def split(self, text: str) -> list[str]:
        return text.split("\n\n")

    def score(self, items):
        self.calls.append([(problem.id, tuple(steps)) for problem, steps in items])
        if self.outcome is not None:
            return self.outcome(items)
        return [StepScores(tuple(0.5 for _ in steps), tuple(steps)) for _, steps in items]


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "store.sqlite") as opened:
        opened.put_problems(PROBLEMS.values())
        yield opened


def sample(store: Store, policy: Policy, n: int = 2) -> None:
    missing = store.missing_candidates(SAMPLING.id, list(PROBLEMS), n)
    sample_missing(store, policy, SAMPLING, PROBLEMS, missing)


def score(store: Store, critic: Critic) -> None:
    store.put_spec(SCORING)
    work = store.missing_scores(SCORING.id, SAMPLING.id, list(PROBLEMS), 8)
    score_missing(store, critic, SCORING, PROBLEMS, work, label="score")


def test_an_empty_reply_is_one_empty_step(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    sample(store, Policy(""))
    assert "6 of 6 candidates are empty replies" in capsys.readouterr().err
    stored = [c for candidates in store.candidates(SAMPLING.id, list(PROBLEMS)).values() for c in candidates]
    assert {(c.text, c.error) for c in stored} == {("", None)}
    critic = Critic()
    score(store, critic)
    assert [steps for call in critic.calls for _, steps in call] == [("",)] * 3


def test_a_step_judge_gives_an_empty_reply_nothing_and_is_not_asked(store: Store) -> None:
    def unasked():
        raise AssertionError("nobody is to be asked")

    sample(store, Policy(" \n"))
    score(store, JudgeCritic(unasked, None))
    found = store.scores(SCORING.id, list(PROBLEMS))
    assert {(one.scores, one.error) for one in found.values()} == {((0.0,), None)}
    assert len(found) == 3


def test_what_samples_cost_and_how_they_ended_is_told_however_the_stage_ends(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken(Policy):
        def sample(self, requests):
            yield [Candidate("p0", 0, "a", usage=Usage(1000, 7)), Candidate("p0", 1, "b", finish="length")]
            yield [Candidate("p1", 0, "", error="no")]
            raise PolicyError("all are gone")

    with pytest.raises(PolicyError, match="all are gone"):
        sample(store, Broken())
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == (
        "sample P: 1 of 3 candidates was cut at the token limit; 1 of 3 candidates failed; "
        "1,000 prompt tokens and 7 completion tokens for 3 candidates"
    )
    stored = store.candidates(SAMPLING.id, ["p0", "p1"])
    assert [(c.finish, c.usage) for c in stored["p0"]] == [("", Usage(1000, 7)), ("length", None)]
    assert stored["p1"][0].error == "no"


@pytest.mark.parametrize(
    ("most", "calls"),
    [
        (8, [["p0", "p0", "p1", "p1", "p2", "p2"]]),
        (5, [["p0", "p0", "p1", "p1"], ["p2", "p2"]]),
        (3, [["p0", "p0"], ["p1", "p1"], ["p2", "p2"]]),
        (1, [["p0"], ["p0"], ["p1"], ["p1"], ["p2"], ["p2"]]),
    ],
)
def test_problems_stay_together_where_they_fit(
    store: Store, monkeypatch: pytest.MonkeyPatch, most: int, calls: list[list[str]]
) -> None:
    monkeypatch.setattr(stage, "Pace", lambda: Pace(most))
    monkeypatch.setattr(stage, "MOST_ITEMS", most)
    sample(store, Policy())
    critic = Critic()
    score(store, critic)
    assert [[problem for problem, _ in call] for call in critic.calls] == calls
    assert len(store.scores(SCORING.id, list(PROBLEMS))) == 6


def test_a_slow_critic_gets_little_at_a_time_and_a_fast_one_much() -> None:
    pace = Pace()
    sizes = []
    for seconds in (0.1, 0.1, 0.1, 0.1, 5, 60, 60, 60, 60, 60, 60, 60, 0.1):
        pace.took(seconds)
        sizes.append(pace.items)
    assert sizes == [16, 32, 64, 64, 64, 32, 16, 8, 4, 2, 1, 1, 2]


def test_a_fixed_pace_stays() -> None:
    pace = Pace(64, fixed=True)
    pace.took(10 * stage.PATIENCE_S)
    pace.took(0.0)
    assert pace.items == 64


def test_what_was_scored_before_a_crash_is_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "Pace", lambda: Pace(2))
    sample(store, Policy())

    def fails_at_p1(items):
        if items[0][0].id == "p1":
            raise RuntimeError("boom")
        return [StepScores((0.5, 0.5), tuple(steps)) for _, steps in items]

    with pytest.raises(CriticError, match="score failed: RuntimeError: boom; all scores until then are kept"):
        score(store, Critic(fails_at_p1))
    assert {problem for problem, _ in store.scores(SCORING.id, list(PROBLEMS))} == {"p0"}
    critic = Critic()
    score(store, critic)
    assert {problem for call in critic.calls for problem, _ in call} == {"p1", "p2"}


def test_a_critic_that_loses_items_is_refused(store: Store) -> None:
    sample(store, Policy())
    with pytest.raises(CriticError, match="5 scores came back for 6 solutions"):
        score(store, Critic(lambda items: [StepScores((1.0, 1.0), tuple(steps)) for _, steps in items[1:]]))


def test_a_critic_that_gives_something_else_is_refused(store: Store) -> None:
    sample(store, Policy())
    with pytest.raises(CriticError, match="the critic gave float, expected StepScores"):
        score(store, Critic(lambda items: [0.5 for _ in items]))


def test_no_scores_at_all_are_a_failure(store: Store) -> None:
    sample(store, Policy())
    score(store, Critic(lambda items: [StepScores((), tuple(steps)) for _, steps in items]))
    stored = store.scores(SCORING.id, list(PROBLEMS))
    assert {outcome.error for outcome in stored.values()} == {"the critic gave no scores"}


def test_critics_of_equal_settings_do_not_share_scores() -> None:
    said = Spec("scoring", {"version": 1})
    named = {label: named_scoring(label, said) for label in ("digits", "letters")}
    assert len({said.id, *(each.id for each in named.values())}) == 3
    assert named["digits"].settings == {"version": 1, "critic": "digits"}
    assert named_scoring("digits", Spec("scoring", {"version": 1, "critic": "digits"})) == named["digits"]
    ours = Spec("scoring", {"critic": "visualprm", "max_steps": 12})
    assert named_scoring("visualprm@A", ours) is ours, "two checkpoints are told apart by their fingerprints"
    with pytest.raises(CriticError, match="critic 'digits' has settings that are no JSON object"):
        named_scoring("digits", Spec("scoring", {"model": object()}))


def test_a_score_that_is_no_number_is_a_failure(store: Store) -> None:
    sample(store, Policy())
    score(store, Critic(lambda items: [StepScores((1.0, float("nan")), tuple(steps)) for _, steps in items]))
    stored = store.scores(SCORING.id, list(PROBLEMS))
    assert len(stored) == 6
    assert all(outcome.error and "not all finite" in outcome.error for outcome in stored.values())


class Streaming(Critic):
    """Tells scores two at a time, the last first, and stops where it is told to."""

    def __init__(self, stop_after=None, trouble=None) -> None:
        super().__init__()
        self.stop_after, self.trouble = stop_after, trouble

    def stream(self, items):
        self.calls.append([(problem.id, tuple(steps)) for problem, steps in items])
        places = list(reversed(range(len(items))))
        for start in range(0, len(places), 2):
            if start == self.stop_after:
                raise self.trouble
            yield [(place, self.scores(place, items[place][1])) for place in places[start : start + 2]]

    @staticmethod
    def scores(place, steps):
        return StepScores(tuple(place / 10 for _ in steps), tuple(steps))


def test_a_streaming_critic_gets_all_work_at_once(store: Store) -> None:
    sample(store, Policy())
    critic = Streaming()
    score(store, critic)
    assert [[problem for problem, _ in call] for call in critic.calls] == [["p0", "p0", "p1", "p1", "p2", "p2"]]
    stored = store.scores(SCORING.id, list(PROBLEMS))
    assert sorted(outcome.scores[0] for outcome in stored.values()) == [0, 0.1, 0.2, 0.3, 0.4, 0.5]
    for (problem, text), outcome in stored.items():
        assert (problem, text) == ("p0", Candidate("p0", 0, "a\n\nb 0").text_id) or outcome.scores[0] != 0


def test_texts_share_the_seconds_that_their_scores_took(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr("visualprm_eval.stages.score.stage.time.monotonic", lambda: clock.now)

    def slowly(items):
        clock.now += 3.0
        return [StepScores((0.5,) * len(steps), tuple(steps)) for _, steps in items]

    sample(store, Policy())
    score(store, Critic(slowly))
    assert [one.seconds for one in store.scores(SCORING.id, list(PROBLEMS)).values()] == [0.5] * 6


@pytest.mark.parametrize("trouble", [RuntimeError("boom"), CriticError("score failed: no weights")])
def test_what_a_streaming_critic_told_before_it_failed_is_kept(store: Store, trouble: Exception) -> None:
    sample(store, Policy())
    with pytest.raises(CriticError, match="score failed"):
        score(store, Streaming(stop_after=4, trouble=trouble))
    assert len(store.scores(SCORING.id, list(PROBLEMS))) == 4
    critic = Streaming()
    score(store, critic)
    assert [len(call) for call in critic.calls] == [2]
    assert len(store.scores(SCORING.id, list(PROBLEMS))) == 6


@pytest.mark.parametrize(
    ("places", "message"), [([0, 0], "twice"), ([7], "not asked for"), ([0, 1], "2 scores came back for 6 solutions")]
)
def test_a_streaming_critic_that_loses_or_makes_up_items_is_refused(store: Store, places, message) -> None:
    class Confused(Critic):
        def stream(self, items):
            for place in places:
                yield [(place, StepScores((0.5,), ("a",)))]

    sample(store, Policy())
    with pytest.raises(CriticError, match=message):
        score(store, Confused())
    assert len(store.scores(SCORING.id, list(PROBLEMS))) == len({place for place in places if place < 6})


@pytest.mark.parametrize(
    ("thoughts", "steps"),
    [
        ("skip", [("a", "b"), ("",)]),
        ("score", [("<think>x", "y</think>", "a", "b"), ("<think>no end",)]),
    ],
)
def test_critics_read_thoughts_only_when_they_are_asked_to(
    store: Store, thoughts: str, steps: list[tuple[str, ...]]
) -> None:
    texts = ["<think>x\n\ny</think>\n\na\n\nb", "<think>no end"]
    store.put_spec(SAMPLING)
    store.put_candidates(SAMPLING.id, [Candidate("p0", rank, text) for rank, text in enumerate(texts)])
    critic, read = Critic(), partial(critic_text, scoring={"thoughts": thoughts})
    work = store.missing_scores(SCORING.id, SAMPLING.id, ["p0"], 8)
    score_missing(store, critic, SCORING, PROBLEMS, work, label="score", read=read)
    assert critic.calls == [[("p0", one) for one in steps]]
    assert [one.steps for one in store.scores(SCORING.id, ["p0"]).values()] == steps


def test_the_key_of_scores_tells_of_thoughts_only_when_they_were_scored() -> None:
    scoring = Spec("scoring", {"critic": "visualprm", "max_steps": 12})
    assert named_scoring("visualprm", scoring, thoughts="skip") == scoring
    scored = named_scoring("visualprm", scoring, thoughts="score")
    assert scored.settings == {**scoring.settings, "thoughts": "score"}
    assert scored.id != scoring.id


CRLF = "<think>x\n\ny</think>\r\nFirst.\r\n \r\nSecond.\nThird."
APART = ("First.", "Second.", "Third.")


def test_the_step_rule_is_in_the_key_only_where_it_is_another() -> None:
    scoring = Spec("scoring", {"critic": "visualprm", "max_steps": 12})
    assert named_scoring("visualprm", scoring, steps="original") == scoring
    for label in ("visualprm", "visualprm@A", "judge:M", "digits"):
        ruled = named_scoring(label, scoring, steps="lines")
        assert ruled.settings["step_rule"] == "lines"
        assert ruled.id != named_scoring(label, scoring).id
    assert named_scoring("visualorm@A", scoring, steps="lines") == scoring, "it reads whole responses"


@pytest.mark.parametrize(("rule", "steps"), [("original", (CRLF.partition("</think>\r\n")[2],)), ("lines", APART)])
def test_every_critic_that_splits_at_blank_lines_gets_the_steps_of_the_rule(store: Store, rule: str, steps) -> None:
    store.put_spec(SAMPLING)
    store.put_candidates(SAMPLING.id, [Candidate("p0", 0, CRLF)])
    critic, spec = Critic(), named_scoring("digits", SCORING, steps=rule)
    experiment = Experiment(
        "P", SAMPLING, SimpleNamespace(name="B", problems=list(PROBLEMS.values())), 1, ks=(1,), rerankers=[],
        scorings={"digits": spec}, judge=JudgeOptions(), grading=Spec("grading", {}), grade_all=True,
    )  # fmt: skip
    score_experiments(store, [experiment], {"digits": critic}, retry_failed=False)
    assert critic.calls == [[("p0", steps)]]
    assert [one.steps for one in store.scores(spec.id, ["p0"]).values()] == [steps]
    score_experiments(store, [experiment], {"digits": critic}, retry_failed=False)
    assert len(critic.calls) == 1, "nothing is scored twice"
