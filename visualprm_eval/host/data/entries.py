"""What the host's tables say of a dataset, without the dataset's class."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from visualprm_eval.core.words import first_few

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class DatasetEntry:
    """A dataset of the host.

    Attributes:
        refusal: Why no problems can be made of it; ``""`` when they can.
        url: Where its file comes from; ``None`` when its class does not say.
        md5: The MD5 of that file; ``None`` when the host knows none.
        one_file: Whether its class loads one file in the host's standard way; others are left to the host.
    """

    refusal: str = ""
    url: str | None = None
    md5: str | None = None
    one_file: bool = False


_DIALOGUES = ("MT", "IL")
"""The host's types of datasets whose rows are turns, with what was said and shown before."""

OF_VIDEOS = DatasetEntry("is made of videos")
"""The entry of every dataset in the host's table of those."""


def entry_of(name: str, dataset_class: Any) -> DatasetEntry:
    """What a class says of a dataset."""
    url, md5 = (getattr(dataset_class, table, {}).get(name) for table in ("DATASET_URL", "DATASET_MD5"))
    return DatasetEntry(_refusal(dataset_class), url if isinstance(url, str) else None, md5, _one_file(dataset_class))


def _one_file(dataset_class: Any) -> bool:
    from vlmeval.dataset.image_base import ImageBaseDataset

    return getattr(dataset_class, "load_data", None) is ImageBaseDataset.load_data


def _refusal(dataset_class: Any) -> str:
    if getattr(dataset_class, "MODALITY", "IMAGE") not in {"IMAGE", "TEXT"}:
        return f"is made of {dataset_class.MODALITY.lower()}s"
    if getattr(dataset_class, "TYPE", "") in _DIALOGUES:
        return "is a dialogue of several turns"
    if models := getattr(dataset_class, "SUPPORTED_MODELS", None):
        named = first_few(list(map(str, models)), _SHOWN)
        return f"is put by its class {dataset_class.__name__} to models of these names (its argument model=): {named}"
    if inspect.isabstract(dataset_class):
        lacking = ", ".join(sorted(dataset_class.__abstractmethods__))
        return f"cannot be made by the host, whose class {dataset_class.__name__} lacks {lacking}"
    return ""
