"""What crosses between the processes is the same on both sides, and nothing else is made of a message."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visualprm_eval.core.config import JudgeOptions
from visualprm_eval.core.errors import GraderStumbledError, MissingFilesError, NoVerdictsError, UnknownNameError
from visualprm_eval.core.types import Candidate, Part, Problem, Usage, Verdict
from visualprm_eval.host.benchmark import DatasetKey
from visualprm_eval.host.worker.codec import decoded, encoded

SURROGATES = st.text(st.characters(codec=None, exclude_categories=()))
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | SURROGATES
KEYS = SURROGATES | st.integers() | st.tuples(st.integers(), st.text())
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(KEYS, inner) | st.frozensets(KEYS),
    max_leaves=12,
)


def there_and_back(value):
    return decoded(json.loads(json.dumps(encoded(value))))


@given(VALUES)
def test_plain_values(value):
    found = there_and_back(value)
    assert found == value
    assert type(found) is type(value)


def test_numbers_that_json_has_not():
    found = there_and_back([math.inf, -math.inf, math.nan])
    assert found[:2] == [math.inf, -math.inf]
    assert math.isnan(found[2])


@pytest.mark.parametrize(
    "value",
    [
        Path("/a/b"),
        Verdict(0.5, seconds=1.0),
        Problem("B", "1", "", (Part("text", "\ud800"), Part("image", "/x.png")), "A", "id", {"A": "x"}, {"g": "1"}),
        Candidate("id", 3, "text", usage=Usage(1, 2), reasoning="so"),
        JudgeOptions(name="j", key="secret"),
        DatasetKey("B", None, "upright", write=True, md5="0"),
        {("a", 1): [Verdict(None, "why")]},
    ],
)
def test_the_facts_that_are_sent(value):
    assert there_and_back(value) == value


def test_errors_keep_their_words_attributes_and_cause():
    stumbled = GraderStumbledError("it raised", Path("/table"), "KeyError: 'x'")
    stumbled.__cause__ = KeyError("x")
    found = there_and_back(stumbled)
    assert type(found) is GraderStumbledError
    assert (str(found), found.folder, found.reason) == ("it raised", Path("/table"), "KeyError: 'x'")
    assert type(found.__cause__).__name__ == "KeyError"

    for error in (
        UnknownNameError("model", "x", ["y", "z"], "(hint)"),
        MissingFilesError(["a", "b"]),
        NoVerdictsError("no"),
    ):
        found = there_and_back(error)
        assert (type(found), str(found), vars(found)) == (type(error), str(error), vars(error))


def test_an_error_of_other_code_is_no_class_of_this_process():
    found = there_and_back(UnicodeDecodeError("utf-8", b"x", 0, 1, "why"))
    assert type(found).__name__ == "UnicodeDecodeError"
    assert not isinstance(found, UnicodeDecodeError)
    assert "why" in str(found)


def test_functions_are_called_by_number():
    functions = []
    message = json.loads(json.dumps(encoded({"done": len, "two": (len, max)}, functions)))
    assert functions == [len, len, max]
    assert decoded(message, lambda number: f"function {number}") == {
        "done": "function 0",
        "two": ("function 1", "function 2"),
    }


@pytest.mark.parametrize("value", [object(), {"x": object()}, len, (1).__class__])
def test_what_cannot_be_sent_is_refused(value):
    with pytest.raises(TypeError, match="cannot be sent"):
        encoded(value)


@pytest.mark.parametrize(
    "message",
    [
        {"@": "Popen", "fields": {"args": "ls"}},
        {"@": "RunConfig", "fields": {}},
        {"no": "tag"},
        {"@": "function", "number": 0},
    ],
)
def test_other_classes_are_not_made_of_a_message(message):
    with pytest.raises(ValueError, match="unknown kind"):
        decoded(message)
