"""The rules between options."""

from __future__ import annotations

from pathlib import Path

import pytest

from visualprm_eval.core.config import JudgeOptions, ModelSource, RunConfig, default_ks, filled, stages_of
from visualprm_eval.core.errors import ConfigError


def valid(**changes) -> RunConfig:
    return filled(RunConfig(), {"models": ("M",), "data": ("D",), **changes})


def test_defaults_are_the_papers() -> None:
    config = valid().check()
    assert (config.sampling.num_samples, config.sampling.temperature, config.scoring.max_steps) == (8, 0.7, 12)
    assert config.rerankers == ("visualprm",)
    assert config.scoring.prms[0].source == "OpenGVLab/VisualPRM-8B"
    assert config.work_dir == Path("outputs")


@pytest.mark.parametrize(
    ("n", "ks"), [(1, (1,)), (2, (1, 2)), (3, (1, 2, 3)), (8, (1, 2, 4, 8)), (12, (1, 2, 4, 8, 12))]
)
def test_default_ks_are_the_powers_of_two_below_n_and_n(n: int, ks: tuple[int, ...]) -> None:
    assert default_ks(n) == ks


def test_resolve_ks_sorts_and_drops_doubles() -> None:
    assert valid(ks=(8, 1, 8, 2)).resolve_ks(8) == (1, 2, 8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sampling.num_samples": 0}, r"-n/--num-samples 0: expected a whole number of at least 1"),
        ({"sampling.temperature": -0.1}, r"--temperature -0.1: expected 0 \(greedy\) or more"),
        ({"sampling.temperature": float("nan")}, r"--temperature nan"),
        ({"sampling.top_p": 0.0}, r"--top-p 0.0: expected a number above 0"),
        ({"sampling.top_p": 1.5}, r"--top-p 1.5"),
        ({"ks": (9,)}, r"--k 9: expected 1 to 8, since -n/--num-samples is 8"),
        ({"ks": (0,)}, r"--k 0: expected 1 to 8"),
        ({"sampling.max_tokens": 0}, r"--max-tokens 0"),
        ({"scoring.max_steps": 0}, r"--max-steps 0"),
        ({"limit": 0}, r"--limit 0"),
        ({"data": ()}, r"no benchmark given.*--data.*--demo"),
        ({"data": ("",)}, r"--data: a benchmark's name is empty"),
        ({"models": ()}, r"no policy given.*--model.*--candidates"),
        ({"candidates": Path("pack.jsonl")}, r"--candidates conflicts with --model"),
        ({"data": ("D", "D")}, r"--data names D twice"),
        ({"models": ("M", "M")}, r"--model names M twice"),
        ({"judge": JudgeOptions(nproc=0)}, r"--judge-api-nproc 0"),
        ({"scoring.prms": (ModelSource("A", "x"), ModelSource("A", "y"))}, r"two --prm are called A"),
    ],
)
def test_bad_options_are_named(changes: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        valid(**changes).check()


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("OpenGVLab/VisualPRM-8B", ModelSource("VisualPRM-8B", "OpenGVLab/VisualPRM-8B")),
        ("OpenGVLab/VisualPRM-8B@abc", ModelSource("VisualPRM-8B", "OpenGVLab/VisualPRM-8B", "abc")),
        ("mine=/weights/prm", ModelSource("mine", "/weights/prm")),
        ("v1.1=OpenGVLab/VisualPRM-8B-v1_1@main", ModelSource("v1.1", "OpenGVLab/VisualPRM-8B-v1_1", "main")),
    ],
)
def test_prm_notation(text: str, source: ModelSource) -> None:
    assert ModelSource.parse(text) == source


def test_prm_directory_wins_over_the_notation(tmp_path: Path) -> None:
    odd = tmp_path / "a=b@c"
    odd.mkdir()
    assert ModelSource.parse(str(odd)) == ModelSource("a=b@c", str(odd))


@pytest.mark.parametrize("text", ["", "=x", "a=", "a@", "x@y@z"])
def test_malformed_prm_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="NAME="):
        ModelSource.parse(text)


def test_a_directory_has_no_revision(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a directory, which has no revision"):
        ModelSource.parse(f"{tmp_path}@abc")


def test_stages_keep_their_order_and_conflict_with_mode() -> None:
    assert stages_of(None, ["report", "sample"]) == ("sample", "report")
    assert stages_of("infer", None) == ("sample",)
    assert stages_of("eval", None) == ("score", "grade", "report")
    with pytest.raises(ConfigError, match="--mode conflicts with --stages"):
        stages_of("all", ["sample"])


def test_judge_key_is_not_shown() -> None:
    assert "secret" not in repr(JudgeOptions(key="secret"))
    assert "secret" not in repr(valid(judge=JudgeOptions(key="secret")))
