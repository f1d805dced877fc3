"""Values as JSON and back, for messages between the main process and the host's.

Only the classes of :func:`_classes` and the errors of this project are made of a message: what the host's process sends
is data. Functions among the values become numbers; whoever gets one calls back.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from visualprm_eval.core import errors
from visualprm_eval.core.types import JSONValue

_TAG = "@"
"""The key of a JSON object that is no plain mapping."""
_CONTAINERS: Mapping[str, Any] = {"tuple": tuple, "set": set, "frozenset": frozenset}

Function = Callable[..., Any]


@functools.cache
def _classes() -> Mapping[str, Any]:
    """The classes of which instances are sent, by name."""
    from visualprm_eval.core.config import JudgeOptions
    from visualprm_eval.core.types import Candidate, Part, Problem, Usage, Verdict
    from visualprm_eval.host.benchmark import DatasetKey, LoadedDataset
    from visualprm_eval.host.data.entries import DatasetEntry
    from visualprm_eval.host.data.files import DataFile
    from visualprm_eval.host.grading.grade_table import Evaluation, Trial
    from visualprm_eval.host.grading.host_figures import HostFigure
    from visualprm_eval.host.grading.judge_replies import Asked
    from visualprm_eval.host.load.host_names import HostNames
    from visualprm_eval.host.models.host_model import ModelFacts
    from visualprm_eval.host.models.sampling_settings import SamplingSettings

    classes = (
        Asked, Candidate, DataFile, DatasetEntry, DatasetKey, Evaluation, HostFigure, HostNames, JudgeOptions,
        LoadedDataset, ModelFacts, Part, Problem, SamplingSettings, Trial, Usage, Verdict,
    )  # fmt: skip
    return {each.__name__: each for each in classes}


def encoded(value: Any, functions: list[Function] | None = None) -> JSONValue:
    """A value as JSON.

    Args:
        value: Plain data, containers, paths, errors, and instances of the known classes.
        functions: Gets the functions among the values, which are encoded as their places in this list; ``None`` where
            there must be none.

    Raises:
        TypeError: It holds something else.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return [encoded(each, functions) for each in value]
    if callable(value) and functions is not None:
        functions.append(value)
        return {_TAG: "function", "number": len(functions) - 1}
    return _tagged(value, functions)


def _tagged(value: Any, functions: list[Function] | None) -> JSONValue:
    """A value of a kind that JSON has not."""
    name = type(value).__name__
    if isinstance(value, BaseException):
        return _encoded_error(value)
    if isinstance(value, Mapping):
        return {_TAG: "dict", "items": [[encoded(key), encoded(each, functions)] for key, each in value.items()]}
    if isinstance(value, tuple | set | frozenset) and name in _CONTAINERS:
        return {_TAG: name, "items": [encoded(each, functions) for each in value]}
    if isinstance(value, Path):
        return {_TAG: "Path", "path": str(value)}
    if dataclasses.is_dataclass(value) and name in _classes():
        fields = (field.name for field in dataclasses.fields(value) if field.init)
        return {_TAG: name, "fields": {field: encoded(getattr(value, field)) for field in fields}}
    raise TypeError(f"{name} cannot be sent to or from the host's process")


def decoded(value: JSONValue, function: Callable[[int], Function] | None = None) -> Any:
    """What :func:`encoded` made JSON of.

    Args:
        value: The JSON.
        function: Gives what stands for a function by its number; ``None`` where there must be none.

    Raises:
        ValueError: It is no such JSON.
    """
    if isinstance(value, list):
        return [decoded(each, function) for each in value]
    if not isinstance(value, dict):
        return value
    kind = str(value.get(_TAG))
    if kind == "function" and function is not None:
        return function(value["number"])
    if kind in _CONTAINERS:
        return _CONTAINERS[kind](decoded(each, function) for each in value["items"])
    readers: Mapping[str, Callable[[], Any]] = {
        "dict": lambda: {decoded(key): decoded(each, function) for key, each in value["items"]},
        "Path": lambda: Path(value["path"]),
        "error": lambda: _decoded_error(value),
    }
    if kind in readers:
        return readers[kind]()
    if kind not in _classes():
        raise ValueError(f"a message with a value of the unknown kind {kind!r}")
    return _classes()[kind](**{name: decoded(each) for name, each in value["fields"].items()})


def _encoded_error(error: BaseException) -> JSONValue:
    own = isinstance(error, errors.VisualPRMEvalError)
    return {
        _TAG: "error", "class": type(error).__name__, "text": str(error),
        "attributes": {name: encoded(each) for name, each in vars(error).items() if own and name != "__notes__"},
        "notes": getattr(error, "__notes__", []),
        "cause": None if error.__cause__ is None else _encoded_error(error.__cause__),
    }  # fmt: skip


def _decoded_error(value: Mapping[str, Any]) -> BaseException:
    """The error; one that is not of this project becomes an exception of the same name."""
    name = str(value["class"])
    found = getattr(errors, name, None)
    known: type[Exception] = type(name, (Exception,), {})
    if isinstance(found, type) and issubclass(found, errors.VisualPRMEvalError):
        known = found
    # Its own constructor would word the message anew.
    error: Exception = known.__new__(known)
    error.args = (value["text"],)
    for attribute, each in value["attributes"].items():
        setattr(error, attribute, decoded(each))
    for note in value["notes"]:
        error.add_note(note)
    if value["cause"] is not None:
        error.__cause__ = _decoded_error(value["cause"])
    return error
