from __future__ import annotations

from collections import Counter

import pytest

from tests.unit.evaluate.step_labels.material import row, write_set
from visualprm_eval.core.config import DEMO_PRM, ApiOptions, ModelSource, RunConfig, ScoringOptions
from visualprm_eval.core.errors import ConfigError, UnknownNameError
from visualprm_eval.core.types import StepScores
from visualprm_eval.stages.score.critics import StreamingCritic, shown_images
from visualprm_eval.stages.score.given_steps import GivenVisualPRM, baseline, build
from visualprm_eval.tasks.process_bench.data import read_set, text_of


@pytest.fixture
def sample(tmp_path):
    return read_set(write_set(tmp_path, [row()]), "S").samples[0]


def test_baselines(sample) -> None:
    assert baseline("all-correct", sample, 0).scores == (1.0, 1.0, 1.0)
    draws = [baseline("random", sample, seed).scores for seed in range(400)]
    assert draws == [baseline("random", sample, seed).scores for seed in range(400)]
    share = Counter(score for scores in draws for score in scores)
    assert set(share) == {0.0, 1.0}
    assert 540 <= share[1.0] <= 660, "1,200 fair draws"


def test_labels_of_several_reward_models() -> None:
    config = RunConfig(scoring=ScoringOptions(prms=(ModelSource("a", DEMO_PRM), ModelSource("b", DEMO_PRM))))
    assert [each.label for each in build(["visualprm", "random"], config)] == ["visualprm@a", "visualprm@b", "random"]
    assert [each.label for each in build(["visualprm@b", "visualprm"], config)] == ["visualprm@b", "visualprm@a"]
    assert [each.label for each in build(["visualprm"], RunConfig())] == ["visualprm"]


def test_names_that_make_no_sense() -> None:
    with pytest.raises(ConfigError, match="visualorm: it scores whole responses"):
        build(["visualorm"], RunConfig())
    with pytest.raises(UnknownNameError, match="unknown reward model 'c'"):
        build(["visualprm@c"], RunConfig())


def test_a_model_behind_an_endpoint_is_a_judge() -> None:
    config = RunConfig(api=ApiOptions(base_urls=("http://127.0.0.1:1/v1",)))
    (plain,), (prefixed,) = build(["org/m"], config), build(["judge:org/m"], config)
    assert plain.label == prefixed.label == "org/m"
    assert plain.labels_only
    assert plain.critic.settings() == prefixed.critic.settings()
    assert plain.critic.settings()["steps"] == "given"
    assert build(["mine=org/m"], config)[0].label == "mine"


def test_steps_reach_a_reward_model_as_they_are(sample) -> None:
    (judging,) = build(["visualprm"], RunConfig(scoring=ScoringOptions(prms=(ModelSource("demo", DEMO_PRM),))))
    seen = []

    class Model:
        def score_stream(self, items, batch_tokens):
            seen.extend(items)
            yield [(place, StepScores((0.5,))) for place in reversed(range(len(items)))]

    judging.critic.checkpoint.model = Model()
    critic = judging.critic
    assert tuple(critic.split(text_of(sample.steps))) == sample.steps
    scored = critic.score([(sample.problem, critic.split(text_of(sample.steps)))])
    assert scored == [StepScores((0.5,))]
    assert seen == [("Which? <image 1> A. one B. two", ["one\n\nstill one", "", "three"], shown_images(sample.problem))]
    assert isinstance(critic, StreamingCritic), "all solutions go to the model at once, which fills its batches"
    assert critic.settings()["steps"] == "given"


def test_a_third_partys_stream_is_kept(sample, monkeypatch) -> None:
    class Plain:
        def settings(self):
            return {"critic": "x"}

        def split(self, text):
            raise AssertionError("the steps are given")

        def score(self, items):
            return [StepScores((0.25,)) for _ in items]

    class Streaming(Plain):
        def stream(self, items):
            yield list(enumerate(self.score(items)))

    items = [(sample.problem, sample.steps)]
    monkeypatch.setattr("visualprm_eval.stages.score.given_steps.critic_names", lambda: ["x"])
    for inner, streams in ((Plain(), False), (Streaming(), True)):
        monkeypatch.setattr("visualprm_eval.stages.score.given_steps.build_critics", lambda *_, it=inner: {"x": it})
        (judging,) = build(["x"], RunConfig())
        assert isinstance(judging.critic, StreamingCritic) == streams
        assert tuple(judging.critic.split(text_of(sample.steps))) == sample.steps
        assert judging.critic.score(items) == [StepScores((0.25,))]
        if streams:
            assert list(judging.critic.stream(items)) == [[(0, StepScores((0.25,)))]]


@pytest.mark.parametrize(
    ("question", "pictures", "asked"),
    [
        ("See <image 1>.", ["a.png"], "See <image 1>."),
        ("See <image>.", ["a.png"], "See <image>."),
        ("<image> or <image>?", ["a.png", "b.png"], "<image> or <image>?"),
        ("<image> or <image>?", ["a.png"], "< image> or < image>?"),
        ("See <image>.", ["a.png", "b.png"], "See < image>."),
    ],
)
def test_tags_in_questions(tmp_path, question, pictures, asked) -> None:
    (found,) = read_set(write_set(tmp_path, [row(question=question, image=pictures)]), "S").samples
    assert GivenVisualPRM(None, None).question(found.problem) == asked
