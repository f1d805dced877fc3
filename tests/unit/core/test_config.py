"""The rules between options."""

from __future__ import annotations

from pathlib import Path

import pytest

from visualprm_eval.core.config import JudgeOptions, ModelSource, RunConfig, default_ks, filled
from visualprm_eval.core.errors import ConfigError


def valid(**changes) -> RunConfig:
    return filled(RunConfig(), {"models": ("M",), "data": ("D",), **changes})


def test_defaults_are_the_papers() -> None:
    config = valid()
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


def test_judge_key_is_not_shown() -> None:
    assert "secret" not in repr(JudgeOptions(key="secret"))
    assert "secret" not in repr(valid(judge=JudgeOptions(key="secret")))


def test_a_model_in_somebodys_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "prm").mkdir()
    assert ModelSource.parse("~/prm") == ModelSource("prm", str(tmp_path / "prm"))
    assert ModelSource.parse("mine=~/prm") == ModelSource("mine", str(tmp_path / "prm"))
    found = ModelSource.parse_hf("hf:~/prm")
    assert found is not None
    assert found.source == str(tmp_path / "prm")
    with pytest.raises(ConfigError, match="nobody here has that home"):
        ModelSource.parse("~nobody-of-that-name/prm")
    assert ModelSource.parse("n" * 5000).source == "n" * 5000, "a name that is too long for a file is none"
