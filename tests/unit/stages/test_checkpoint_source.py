"""Whose facts are used where the weights are, and where they are not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.golden.material import copy_checkpoint
from visualprm_eval.core.config import DEMO_POLICY, DEMO_PRM
from visualprm_eval.core.errors import CheckpointError, ConfigError
from visualprm_eval.core.types import Spec
from visualprm_eval.stages import checkpoint_source as checkpoints
from visualprm_eval.stages.checkpoint_source import CheckpointSource, spec_of
from visualprm_eval.stages.score.critics import VisualPRMSource
from visualprm_eval.store import Store

HUB = "Org/PRM"


@dataclass
class Critic:
    checkpoint: CheckpointSource
    max_steps: int = 12

    def manner(self) -> dict[str, object]:
        return {"critic": "visualprm", "max_steps": self.max_steps}

    def settings(self) -> dict[str, object]:
        return {**self.manner(), **self.checkpoint.settings()}


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "store.sqlite") as opened:
        yield opened


def critic(source: str = HUB, revision: str | None = None, dtype: str = "auto", max_steps: int = 12) -> Critic:
    return Critic(CheckpointSource(source, revision, "cpu", dtype), max_steps)


def scored(
    store: Store, dtype: str = "bfloat16", fingerprint: str = "f1", source: str = HUB, max_steps: int = 12
) -> Spec:
    """A store that came from a machine with the weights."""
    store.put_note("checkpoint", fingerprint, {"source": source, "revision": None})
    spec = Spec("scoring", {"critic": "visualprm", "max_steps": max_steps, "checkpoint": fingerprint, "dtype": dtype})
    store.put_spec(spec)
    return spec


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, revision: str | None = None) -> str:
        raise CheckpointError(f"{path} cannot be fetched")

    monkeypatch.setattr("visualprm_eval.engine.checkpoint.fingerprint", refuse)


def test_scores_are_found_where_the_weights_are_not(store: Store) -> None:
    spec = scored(store)
    assert spec_of("scoring", critic(), store, will_make=False) == spec
    assert spec_of("scoring", critic(dtype="bfloat16"), store, will_make=False) == spec


@pytest.mark.parametrize(
    "asked", [critic("Org/Other"), critic(revision="main"), critic(max_steps=5), critic(dtype="float32")]
)
def test_another_checkpoints_scores_are_never_taken(store: Store, asked: Critic) -> None:
    scored(store)
    with pytest.raises(CheckpointError, match="cannot be fetched"):
        spec_of("scoring", asked, store, will_make=False)


def test_scoring_needs_the_weights(store: Store) -> None:
    scored(store)
    with pytest.raises(CheckpointError):
        spec_of("scoring", critic(), store, will_make=True)


def test_several_precisions_must_be_told_apart(store: Store) -> None:
    scored(store, "bfloat16")
    wanted = scored(store, "float32")
    with pytest.raises(ConfigError, match="choose with --dtype"):
        spec_of("scoring", critic(), store, will_make=False)
    assert spec_of("scoring", critic(dtype="float32"), store, will_make=False) == wanted


def test_a_dry_run_fetches_nothing(store: Store) -> None:
    spec = spec_of("scoring", critic(), store, will_make=True, dry_run=True)
    assert spec not in store.specs("scoring")
    known = scored(store)
    assert spec_of("scoring", critic(), store, will_make=True, dry_run=True) == known


def test_precision_and_content_are_part_of_the_key(store: Store, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("visualprm_eval.engine.checkpoint.fingerprint", lambda path, revision=None: "mine")
    ids = {
        spec_of("scoring", critic(str(tmp_path), dtype=dtype), store, will_make=True).id
        for dtype in ("auto", "float32", "bfloat16")
    }
    assert len(ids) == 2, "on a CPU auto is float32"


def test_a_directory_is_known_by_its_content_wherever_it_lies(store: Store, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("visualprm_eval.engine.checkpoint.fingerprint", lambda path, revision=None: "f1")
    spec = scored(store, source="/elsewhere")
    assert spec_of("scoring", critic(str(tmp_path)), store, will_make=False) == spec


def test_bundled_names_are_known() -> None:
    assert set(checkpoints._DEMO) == {"demo-policy", "demo-prm"}


@pytest.mark.parametrize(
    ("source", "kind", "doubt"),
    [
        (DEMO_PRM, VisualPRMSource, ""),
        (DEMO_POLICY, CheckpointSource, ""),
        (DEMO_POLICY, VisualPRMSource, f"WARNING: {DEMO_POLICY}: config.json does not say that it is a reward model"),
        (DEMO_PRM, CheckpointSource, f"WARNING: {DEMO_PRM}: config.json says that it is a reward model, which"),
    ],
)
def test_a_checkpoint_in_the_wrong_place_is_warned_of(
    source: str, kind: type[CheckpointSource], doubt: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kind(source, None, "cpu", "auto").inspect()
    said = capsys.readouterr().err
    assert said.startswith(doubt)
    assert bool(said) == bool(doubt)


def test_a_class_named_for_remote_code_alone_is_enough(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As a reward model may be written whose architecture is that of the chat model."""
    folder = copy_checkpoint("a1", tmp_path / "a1")
    raw = json.loads((folder / "config.json").read_text())
    for changed, doubted in (({"architectures": ["InternVLChatModel"]}, False), ({"auto_map": None}, True)):
        raw |= changed
        (folder / "config.json").write_text(json.dumps(raw))
        VisualPRMSource(str(folder), None, "cpu", "auto").inspect()
        assert ("does not say" in capsys.readouterr().err) == doubted


def test_scores_of_what_a_run_adds_to_a_critics_settings_are_found_where_the_weights_are_not(store: Store) -> None:
    plain = scored(store)
    for added in ({"thoughts": "score"}, {"step_rule": "lines"}):
        store.put_spec(Spec("scoring", {**plain.settings, **added}))
    assert spec_of("scoring", critic(), store, will_make=False) == plain


def test_they_are_found_where_there_are_no_others(store: Store) -> None:
    store.put_note("checkpoint", "f1", {"source": HUB, "revision": None})
    settings = {**critic().manner(), "checkpoint": "f1", "dtype": "float32"}
    store.put_spec(Spec("scoring", {**settings, "step_rule": "lines"}))
    assert spec_of("scoring", critic(), store, will_make=False) == Spec("scoring", settings)
