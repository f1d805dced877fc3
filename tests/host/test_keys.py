"""What changes a fact changes its key, and nothing else does."""

from __future__ import annotations

import pytest

from tests.golden.material import DATA, copy_checkpoint
from visualprm_eval.core.config import JudgeOptions, ModelSource, RunConfig, filled
from visualprm_eval.host.grading.judge import judge_spec
from visualprm_eval.stages.sample.host_policy import HostModelPolicy
from visualprm_eval.stages.sample.native_policy import NativePolicy
from visualprm_eval.stages.sample.policy import PolicyOptions
from visualprm_eval.stages.score.critics import build_critics
from visualprm_eval.tasks import Task

BASE = filled(
    RunConfig(models=("m",), data=("D",)),
    {"scoring.prms": (ModelSource("A", str(DATA / "a1")),), "compute.device": "cpu"},
)
INDIFFERENT = {
    "sampling.batch_size": 3, "scoring.token_budget": 99, "api.nproc": 9, "api.retry": 1, "sampling.num_samples": 2,
    "limit": 1,
}  # fmt: skip
OF_SAMPLES = {"sampling.temperature": 0.8, "sampling.top_p": 0.9, "sampling.max_tokens": 7, "sampling.seed": 1}


def native(config, name="mine", source=DATA / "a2"):
    return NativePolicy(ModelSource(name, str(source)), PolicyOptions.of(config)).settings()


def hosted(config):
    return HostModelPolicy("GPT4o", PolicyOptions.of(config)).settings()


@pytest.mark.parametrize("settings", [native, hosted])
def test_samples(settings):
    known = settings(BASE)
    for option, value in OF_SAMPLES.items():
        assert settings(filled(BASE, {option: value})) != known, option
    for option, value in {**INDIFFERENT, "scoring.max_steps": 3}.items():
        assert settings(filled(BASE, {option: value})) == known, option


def test_samples_of_other_weights_or_precision(tmp_path):
    known = native(BASE)
    assert native(BASE, source=copy_checkpoint("a2", tmp_path / "moved")) == known
    assert native(BASE, source=DATA / "a1") != known
    assert native(BASE, name="other") != known
    assert native(filled(BASE, {"compute.dtype": "bfloat16"})) != known


def test_scores(tmp_path):
    def scored(label="visualprm", **options):
        config = filled(BASE, {name.replace("__", "."): value for name, value in options.items()})
        return build_critics([label], config)[label].settings()

    known = scored()
    for option, value in {**INDIFFERENT, **OF_SAMPLES}.items():
        assert scored(**{option.replace(".", "__"): value}) == known, option
    moved = ModelSource("B", str(copy_checkpoint("a1", tmp_path / "moved")))
    assert scored(scoring__prms=(moved,)) == known
    others = [
        scored(scoring__max_steps=3),
        scored(compute__dtype="bfloat16"),
        scored("visualorm"),
        scored(scoring__prms=(ModelSource("A", str(DATA / "a2")),)),
    ]
    assert known not in others
    assert all(others.count(other) == 1 for other in others)


def test_verdicts():
    task = Task(name="D", host_dataset="D")

    def judged(**options):
        return judge_spec(task.judged_by(JudgeOptions(**{"name": "j", "base_url": "http://h/v1", **options})))

    known = judged()
    assert known not in [judged(name="k"), judged(base_url="http://i/v1"), judged(name=None), judged(base_url=None)]
    assert judged(key="s", nproc=9, retry=1, timeout_s=1) == known
