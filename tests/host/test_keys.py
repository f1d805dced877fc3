"""What changes a fact changes its key, and nothing else does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.golden.material import DATA, copy_checkpoint
from visualprm_eval.core.config import JudgeOptions, ModelSource, RunConfig
from visualprm_eval.host.grading.judge import Judge
from visualprm_eval.stages.sample.host_policy import HostModelPolicy
from visualprm_eval.stages.sample.native_policy import NativePolicy
from visualprm_eval.stages.score.critics import build_critics
from visualprm_eval.tasks import Task

BASE = RunConfig(models=("m",), data=("D",), prms=(ModelSource("A", str(DATA / "a1")),), device="cpu")
INDIFFERENT = {"batch_size": 3, "token_budget": 99, "api_nproc": 9, "retry": 1, "num_samples": 2, "limit": 1}
OF_SAMPLES = {"temperature": 0.8, "top_p": 0.9, "max_tokens": 7, "seed": 1}


def native(config, name="mine", source=DATA / "a2"):
    return NativePolicy(ModelSource(name, str(source)), config).settings()


def hosted(config):
    return HostModelPolicy("GPT4o", config).settings()


@pytest.mark.parametrize("settings", [native, hosted])
def test_samples(settings):
    known = settings(BASE)
    for option, value in OF_SAMPLES.items():
        assert settings(replace(BASE, **{option: value})) != known, option
    for option, value in {**INDIFFERENT, "max_steps": 3}.items():
        assert settings(replace(BASE, **{option: value})) == known, option


def test_samples_of_other_weights_or_precision(tmp_path):
    known = native(BASE)
    assert native(BASE, source=copy_checkpoint("a2", tmp_path / "moved")) == known
    assert native(BASE, source=DATA / "a1") != known
    assert native(BASE, name="other") != known
    assert native(replace(BASE, dtype="bfloat16")) != known


def test_scores(tmp_path):
    def scored(label="visualprm", **options):
        return build_critics([label], replace(BASE, **options))[label].settings()

    known = scored()
    for option, value in {**INDIFFERENT, **OF_SAMPLES}.items():
        assert scored(**{option: value}) == known, option
    moved = ModelSource("B", str(copy_checkpoint("a1", tmp_path / "moved")))
    assert scored(prms=(moved,)) == known
    others = [
        scored(max_steps=3),
        scored(dtype="bfloat16"),
        scored("visualorm"),
        scored(prms=(ModelSource("A", str(DATA / "a2")),)),
    ]
    assert known not in others
    assert all(others.count(other) == 1 for other in others)


def test_verdicts():
    task = Task(name="D", host_dataset="D")

    def judged(**options):
        given = JudgeOptions(**{"name": "j", "base_url": "http://h/v1", **options})
        judge = Judge(given.name, given.base_url, given.key, given.nproc, given.retry, given.timeout_s)
        return judge.resolve(task).spec()

    known = judged()
    assert known not in [judged(name="k"), judged(base_url="http://i/v1"), judged(name=None), judged(base_url=None)]
    assert judged(key="s", nproc=9, retry=1, timeout_s=1) == known
