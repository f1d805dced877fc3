"""Names of rerankers and critics: ours, third parties' on sys.path, and what goes wrong with either."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from visualprm_eval.core.errors import ConfigError, UnknownNameError
from visualprm_eval.evaluate import reranker_registry as registry
from visualprm_eval.evaluate.reranker_registry import (
    build_critic,
    build_rerankers,
    critic_label,
    needed_critics,
    split_label,
    unread_prms,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Install = Callable[..., None]

MODULE = """
from dataclasses import dataclass
from typing import ClassVar
import numpy as np
from visualprm_eval.evaluate.rerankers import Reranker

@dataclass(frozen=True)
class Shortest(Reranker):
    def utilities(self, pool):
        return -np.array([float(len(text)) for text in pool.texts])

@dataclass(frozen=True)
class Steepest(Reranker):
    needs: ClassVar[frozenset[str]] = frozenset({"scores"})
    def utilities(self, pool):
        return np.array([scores[-1] - scores[0] for scores in pool.scores[self.critic]])

def not_a_reranker(name, critic):
    return 7

class Judge:
    def __init__(self, options):
        self.options = options
    def settings(self):
        return {}
    def split(self, text):
        return [text]
    def score(self, items):
        return []

def make_judge(options):
    return Judge(options)
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a package with entry points on sys.path, as an installer would."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(package: str, *, rerankers: str = "", critics: str = "", code: str = MODULE) -> None:
        (tmp_path / f"{package}.py").write_text(code)
        monkeypatch.delitem(sys.modules, package, raising=False)
        info = tmp_path / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(
            f"[visualprm_eval.rerankers]\n{rerankers}\n[visualprm_eval.critics]\n{critics}\n"
        )

    return write


def labels(*names: str, prms: tuple[str, ...] = ("A",)) -> list[tuple[str, str | None]]:
    return [(reranker.name, reranker.critic) for reranker in build_rerankers(names, prms)]


def test_one_reward_model_needs_no_suffix() -> None:
    assert labels("first", "visualprm", "visualprm:min", "visualorm", "weighted-vote", "random", "oracle") == [
        ("first", None),
        ("visualprm", "visualprm"),
        ("visualprm:min", "visualprm"),
        ("visualorm", "visualorm"),
        ("weighted-vote", "visualprm"),
        ("random", None),
        ("oracle", None),
    ]


def test_several_reward_models_make_one_of_each() -> None:
    assert labels("self-consistency", "visualprm:min", "visualorm", "weighted-vote", prms=("A", "B")) == [
        ("self-consistency", None),
        ("visualprm:min@A", "visualprm@A"),
        ("visualprm:min@B", "visualprm@B"),
        ("visualorm@A", "visualorm@A"),
        ("visualorm@B", "visualorm@B"),
        ("weighted-vote@A", "visualprm@A"),
        ("weighted-vote@B", "visualprm@B"),
    ]


def test_a_suffix_chooses_one_reward_model() -> None:
    assert labels("visualprm@B", prms=("A", "B")) == [("visualprm@B", "visualprm@B")]
    assert labels("visualprm:last@A") == [("visualprm:last", "visualprm")]


def test_a_prompted_judge_is_a_reranker_whatever_its_model_is_called() -> None:
    (judge,) = build_rerankers(["judge:hf:org/m@rev"], ["A", "B"])
    assert (judge.name, judge.critic) == ("judge:hf:org/m@rev", "judge:hf:org/m@rev")
    assert unread_prms([judge], ["A"]) == ["A"]
    with pytest.raises(ConfigError, match="lacks the model that judges"):
        build_rerankers(["judge:"], [])
    with pytest.raises(UnknownNameError, match="did you mean 'judge:MODEL'"):
        build_rerankers(["judge"], [])


def test_every_aggregate_is_what_it_says() -> None:
    for how in ("mean", "min", "max", "last", "product"):
        (reranker,) = build_rerankers([f"visualprm:{how}"], ["A"])
        assert getattr(reranker, "how", None) == how


def test_duplicates_go() -> None:
    assert labels("first", "visualprm", "first", "visualprm:mean", "visualprm@A") == [
        ("first", None),
        ("visualprm", "visualprm"),
    ]


def test_critics_that_are_needed() -> None:
    names = ["first", "visualprm", "visualprm:min", "visualorm", "weighted-vote"]
    assert needed_critics(build_rerankers(names, ["A"])) == ["visualprm", "visualorm"]
    assert needed_critics(build_rerankers(names, ["A", "B"])) == [
        "visualprm@A",
        "visualprm@B",
        "visualorm@A",
        "visualorm@B",
    ]
    assert needed_critics(build_rerankers(["first", "oracle"], [])) == []


def test_reward_models_that_nobody_reads() -> None:
    assert unread_prms(build_rerankers(["first", "oracle"], ["A"]), ["A"]) == ["A"]
    assert unread_prms(build_rerankers(["visualorm"], ["A"]), ["A"]) == []
    assert unread_prms(build_rerankers(["visualprm@B"], ["A", "B"]), ["A", "B"]) == ["A"]
    assert unread_prms(build_rerankers(["weighted-vote"], ["A", "B"]), ["A", "B"]) == []


def test_labels_of_critics() -> None:
    assert critic_label("visualprm", "A", ["A"]) == "visualprm"
    assert critic_label("visualprm", "A", ["A", "B"]) == "visualprm@A"
    assert split_label("visualprm@A") == ("visualprm", "A")
    assert split_label("visualorm") == ("visualorm", None)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("visualpmr", "did you mean 'visualprm'"),
        ("self-consistancy", "did you mean 'self-consistency'"),
        ("visualprm:mode", r"^unknown aggregate 'mode' in reranker 'visualprm:mode'; did you mean "),
        ("visualprm:xyz", "'xyz' in reranker 'visualprm:xyz'; known: last, max, mean, min, product$"),
        ("visualprm:", "unknown aggregate ''"),
        ("visualpmr:min", "unknown reranker 'visualpmr'"),
        ("visualprm@C", "unknown reward model 'C' in reranker 'visualprm@C'; known: A, B$"),
        ("visualprm@", "unknown reward model ''"),
        ("", "unknown reranker ''"),
    ],
)
def test_unknown_names(name: str, message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        build_rerankers([name], ["A", "B"])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("first:min", "takes no aggregate"),
        ("visualorm:min", "takes no aggregate"),
        ("oracle:", "takes no aggregate"),
        ("first@A", "reads no process reward model"),
    ],
)
def test_options_where_none_belong(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_rerankers([name], ["A"])


def test_no_reward_model_where_one_is_needed() -> None:
    with pytest.raises(ConfigError, match="--prm"):
        build_rerankers(["visualprm"], [])


def test_reward_models_of_one_name() -> None:
    with pytest.raises(ConfigError, match="different names"):
        build_rerankers(["visualprm"], ["A", "A"])


def test_third_party_rerankers(install: Install) -> None:
    install("third", rerankers="shortest = third:Shortest\nsteepest = third:Steepest")
    assert labels("shortest", "steepest") == [("shortest", None), ("steepest", "visualprm")]
    assert labels("shortest", "steepest", prms=("A", "B")) == [
        ("shortest", None),
        ("steepest@A", "visualprm@A"),
        ("steepest@B", "visualprm@B"),
    ]
    assert {"shortest", "steepest"} < set(registry.reranker_names())
    with pytest.raises(UnknownNameError, match="'shortest'"):
        build_rerankers(["shortst"], ["A"])
    with pytest.raises(ConfigError, match="takes no aggregate"):
        build_rerankers(["shortest:min"], ["A"])


def test_a_third_party_critic_is_a_reranker(install: Install) -> None:
    install("third", critics="judge = third:make_judge")
    assert labels("judge", "judge:min", prms=("A", "B")) == [("judge", "judge"), ("judge:min", "judge")]
    assert needed_critics(build_rerankers(["judge:last"], [])) == ["judge"]
    assert build_critic("judge", "options").options == "options"
    assert "judge" in registry.critic_names()
    with pytest.raises(ConfigError, match="reads no process reward model"):
        build_rerankers(["judge@A"], ["A"])


def test_unknown_critics() -> None:
    with pytest.raises(UnknownNameError, match="unknown critic 'jugde'"):
        build_critic("jugde", None)


@pytest.mark.parametrize("name", ["first", "visualprm", "visualorm"])
@pytest.mark.parametrize("group", ["rerankers", "critics"])
def test_a_name_of_ours_cannot_be_taken(install: Install, name: str, group: str) -> None:
    install("third", **{group: f"{name} = third:Shortest"})
    with pytest.raises(ConfigError, match=rf"'{name}' is declared by visualprm_eval itself and by .*third"):
        build_rerankers([name], ["A"])
    assert labels("random") == [("random", None)]


def test_two_packages_cannot_share_a_name(install: Install) -> None:
    install("third", rerankers="shortest = third:Shortest")
    install("fourth", critics="shortest = fourth:make_judge")
    with pytest.raises(ConfigError, match="uninstall or rename"):
        build_rerankers(["shortest"], ["A"])
    with pytest.raises(ConfigError, match="uninstall or rename"):
        build_critic("shortest", None)


@pytest.mark.parametrize("code", [
    "import no_such_module", "raise RuntimeError('broken')", "Shortest =", "import sys; sys.exit(3)",
    "Shortest = 7; make_judge = 'x'",
])  # fmt: skip
def test_a_broken_plugin_matters_only_to_who_asks_for_it(install: Install, code: str) -> None:
    install("third", rerankers="shortest = third:Shortest", critics="judge = third:make_judge", code=code)
    assert labels("first") == [("first", None)]
    assert "shortest" in registry.reranker_names()
    for name in ("shortest", "judge"):
        with pytest.raises(ConfigError, match=rf"third:\w+.*package third.*'{name}' cannot be imported"):
            build_rerankers([name], ["A"])
    with pytest.raises(ConfigError, match="cannot be imported"):
        build_critic("judge", None)


def test_a_plugin_without_what_it_declares(install: Install) -> None:
    install("third", rerankers="shortest = third:Missing\nnumber = third:not_a_reranker")
    with pytest.raises(ConfigError, match="cannot be imported"):
        build_rerankers(["shortest"], ["A"])
    with pytest.raises(ConfigError, match=r"third:not_a_reranker.*package third.*'number' gave a int"):
        build_rerankers(["number"], ["A"])


FAULTY = """
import abc
from visualprm_eval.evaluate.rerankers import Reranker

class Abstract(Reranker, abc.ABC):
    @abc.abstractmethod
    def utilities(self, pool): ...

class Raising(Reranker):
    def __init__(self, name, critic=None):
        raise ValueError("no \\x1b[31m\\nway")

class Leaving(Reranker):
    def __init__(self, name, critic=None):
        raise SystemExit(0)

class Half:
    def __init__(self, options): ...
    def settings(self):
        return {}

class Mute(Half):
    def settings(self):
        raise OSError("no weights")
    def split(self, text): ...
    def score(self, items): ...

def the_class(options):
    return Mute
"""


@pytest.mark.parametrize("name", ["Abstract", "Raising", "Leaving"])
def test_a_reranker_that_cannot_be_built(install: Install, name: str) -> None:
    install("third", rerankers=f"mine = third:{name}", code=FAULTY)
    with pytest.raises(
        ConfigError, match=rf"^plugin 'third:{name}' \(package third\) of 'mine' cannot be built"
    ) as caught:
        build_rerankers(["mine"], ["A"])
    assert "\n" not in str(caught.value)
    assert labels("first") == [("first", None)], "nobody asked for it"


@pytest.mark.parametrize("name", ["Half", "Mute", "the_class", "Abstract"])
def test_a_critic_that_cannot_be_built(install: Install, name: str) -> None:
    install("third", critics=f"mine = third:{name}", code=FAULTY)
    with pytest.raises(ConfigError, match=rf"^plugin 'third:{name}' \(package third\) of 'mine' cannot be built"):
        build_critic("mine", None)
