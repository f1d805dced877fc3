"""Lets somebody look at a table that a class of the host loaded before the class's constructor does."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any

from visualprm_eval.host.patching import held, patch

_call = SimpleNamespace(looked_at=())
"""``looked_at``: classes of dataset objects, and what gives the table that their constructors get."""


@functools.cache
def apply() -> None:
    """Lets the methods by which the host's classes load their tables look at what holds for the present call."""
    from vlmeval.dataset import DATASET_CLASSES
    from vlmeval.dataset.image_base import ImageBaseDataset
    from vlmeval.dataset.image_mcq import CustomMCQDataset
    from vlmeval.dataset.image_vqa import CustomVQADataset

    classes = [*DATASET_CLASSES, CustomMCQDataset, CustomVQADataset]
    for owner in {_owner(cls) for cls in classes if issubclass(cls, ImageBaseDataset)}:
        patch(owner, "load_data", _load)


def _owner(cls: type) -> type:
    """The class that a class has its way to load a table from."""
    return next(each for each in cls.__mro__ if "load_data" in vars(each))


def looked_at(classes: tuple[type, ...], look: Callable[[Any, Any], Any]) -> AbstractContextManager[None]:
    """While it lasts, tables are looked at as they are loaded; not for several threads at once.

    Args:
        classes: Whose tables.
        look: Gets a dataset object, of which the constructor has not ended, and the table that was loaded. It gives
            the table that the constructor goes on with.
    """
    return held(_call, "looked_at", (classes, look))


def _load(load: Any, dataset: Any, /, *arguments: Any, **options: Any) -> Any:
    classes, look = _call.looked_at or ((), None)
    if look is None or not isinstance(dataset, classes):
        return load(dataset, *arguments, **options)
    with held(_call, "looked_at", ()):  # A class may go on with a table that the one it is made of loaded.
        data = load(dataset, *arguments, **options)
    return look(dataset, data)
