from __future__ import annotations

import inspect

import pytest

from visualprm_eval.host.patching import held, patch, restored


def thing() -> type:
    class Thing:
        place = "own"

        def name(self, first: str, /, *, last: str = "") -> str:
            """Its name."""
            return f"{first} {last}"

    return Thing


def test_a_stand_in_looks_like_what_it_stands_for() -> None:
    kind = thing()
    original = kind.name
    patch(kind, "name", lambda name, self, *given, **options: name(self, *given, **options).upper())
    assert kind().name("a", last="b") == "A B"
    assert inspect.signature(kind.name) == inspect.signature(original)
    assert kind.name.__wrapped__ is original and kind.name.__doc__ == "Its name."


def test_what_is_held_is_so_for_a_while() -> None:
    kind = thing()
    with pytest.raises(RuntimeError), held(kind, "place", "outer"):
        with held(kind, "place", "inner"):
            assert kind.place == "inner"
        assert kind.place == "outer"
        raise RuntimeError
    assert kind.place == "own"


def test_a_mapping_is_put_back() -> None:
    table = {"kept": 1, "changed": 2, "gone": 3}
    with pytest.raises(RuntimeError), restored(table):
        table |= {"changed": 0, "new": 0}
        del table["gone"]
        raise RuntimeError
    assert table == {"kept": 1, "changed": 2, "gone": 3}
