"""Two things of one name stay two, and the name is of who had it last."""

from __future__ import annotations

import pytest

from visualprm_eval.core.config import ModelSource
from visualprm_eval.core.types import Spec
from visualprm_eval.run.stored_critics import known_prm, note_names, stored_critics
from visualprm_eval.store import STORE_FILE, Store
from visualprm_eval.store.names import Claim, told_apart

PATTERN = "{name}-{key}"


def claim(name="a", place="p", model="m", key="key0000", said=-1.0):
    return Claim(name, place, model, key, said)


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ([claim(), claim("b")], ["a", "b"]),
        ([claim(), claim(place="q")], ["a", "a"]),
        ([claim(), claim(place="q", model="other")], ["a-key000", "a-key000"]),
        ([claim(), claim(place="q", model="")], ["a", "a"]),
        ([claim(said=1), claim(said=2)], ["a-key000", "a"]),
        ([claim(said=2), claim(said=1, place="q", model="other")], ["a", "a-key000"]),
        ([claim(said=2), claim()], ["a", "a-key000"]),
        ([claim(said=3), claim(said=2, place="q"), claim(said=1, place="q")], ["a", "a", "a-key000"]),
    ],
)
def test_who_has_a_name(claims, expected):
    assert told_apart(claims, PATTERN) == expected


def scoring(checkpoint, critic="visualprm", **more):
    return Spec("scoring", {"critic": critic, "checkpoint": checkpoint, **more})


X, Y = scoring("x"), scoring("y")


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / STORE_FILE) as store:
        for spec in (X, Y):
            store.put_spec(spec)
            store.put_note("checkpoint", spec.settings["checkpoint"], {"source": "runs/hf", "revision": None})
        yield store


def named(store, **names):
    """A run that gave names to reward models; with one of them labels carry none."""
    prms = [ModelSource(name, "runs/hf", is_named=True) for name in names]
    labels = {f"visualprm@{name}" if len(names) > 1 else "visualprm": spec for name, spec in names.items()}
    note_names(store, labels, prms)


def labels(store):
    return {spec.settings["checkpoint"]: label for label, spec in stored_critics(store).scorings.items()}


def test_models_in_folders_of_one_name_are_two(store):
    assert labels(store) == {"x": f"visualprm@hf-{X.id[:6]}", "y": f"visualprm@hf-{Y.id[:6]}"}


def test_the_last_name_is_shown_and_all_are_understood(store):
    named(store, step1=X, step2=Y)
    named(store, final=Y)
    assert labels(store) == {"x": "visualprm@step1", "y": "visualprm@final"}
    also = stored_critics(store).also_called
    assert (also["visualprm@step2"], also["visualprm@step1"]) == ("visualprm@final", "visualprm@step1")
    named(store, step1=X, step2=Y)
    assert labels(store) == {"x": "visualprm@step1", "y": "visualprm@step2"}, "what is said again is the last word"


def test_a_name_that_two_models_had_is_the_last_ones(store):
    named(store, mine=X)
    named(store, mine=Y)
    assert labels(store) == {"x": f"visualprm@mine-{X.id[:6]}", "y": "visualprm@mine"}
    named(store, mine=X)
    assert labels(store) == {"x": "visualprm@mine", "y": f"visualprm@mine-{Y.id[:6]}"}
    assert stored_critics(store).also_called["visualprm@mine"] == "visualprm@mine"


def test_one_name_is_not_shared_by_the_critics_of_two_models(store):
    orm = scoring("x", "visualorm")
    store.put_spec(orm)
    note_names(store, {"visualprm": X, "visualorm": orm}, [ModelSource("mine", "runs/hf", is_named=True)])
    assert set(stored_critics(store).scorings) >= {"visualprm@mine", "visualorm@mine"}
    named(store, mine=Y)
    told = {label for label, spec in stored_critics(store).scorings.items() if spec != Y}
    assert told == {f"visualprm@mine-{X.id[:6]}", f"visualorm@mine-{orm.id[:6]}"}


def test_a_name_that_was_given_stays_when_a_run_gives_none(store):
    named(store, mine=X)
    note_names(store, {"visualprm": X}, [ModelSource("hf", "runs/hf")])
    assert labels(store)["x"] == "visualprm@mine"
    assert stored_critics(store).also_called["visualprm@hf"] == "visualprm@mine"


def test_other_critics_of_one_name_are_told_apart_by_who_was_last(store):
    old, new = (Spec("scoring", {"critic": "third", "version": version}) for version in (1, 2))
    for spec in (old, new):
        store.put_spec(spec)
    assert {"third", f"third-{new.id[:6]}"} <= set(stored_critics(store).scorings)
    note_names(store, {"third": new}, [])
    assert stored_critics(store).scorings["third"] == new


def test_a_name_alone_is_a_reward_model_of_a_former_run(store):
    named(store, mine=X)
    found = known_prm(store, ModelSource.parse("mine"))
    assert (found.source, found.is_named) == ("runs/hf", True)
    for given in ("mine=elsewhere/hf", "OpenGVLab/mine", "others"):
        assert known_prm(store, ModelSource.parse(given)) == ModelSource.parse(given)
