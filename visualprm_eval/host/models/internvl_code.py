"""What the code of the host's InternVLChat is told while it only makes prompts."""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from visualprm_eval.host.patching import held, patch

if TYPE_CHECKING:
    from visualprm_eval.engine.images import Picture

_call = SimpleNamespace(kind=None, opened=None)
"""``kind`` of every dataset, whatever its name; ``opened`` gets pictures instead of having them opened."""


@functools.cache
def apply() -> None:
    """Lets the class's module look at what holds for the present call."""
    import vlmeval.vlm.internvl.internvl_chat as code

    patch(code, "DATASET_TYPE", lambda type_of, *given, **options: _call.kind or type_of(*given, **options))
    patch(code, "load_image", _load_image)


def told_kind(kind: str | None) -> AbstractContextManager[None]:
    """While it lasts, the class takes every dataset for one of a kind, unless that is ``None``."""
    return held(_call, "kind", kind)


def none_opened(opened: list[Picture]) -> AbstractContextManager[None]:
    """While it lasts, the class opens no picture.

    Args:
        opened: Gets the pictures that it would open.
    """
    return held(_call, "opened", opened)


def _load_image(original: Any, image_file: str, *arguments: Any, **options: Any) -> Any:
    if _call.opened is None:
        return original(image_file, *arguments, **options)
    return _note(image_file, *arguments, **options)


def _note(image_file: str, *, max_num: int = 6, upscale: bool = False) -> Any:
    """Notes a picture; its pixels are those of none."""
    import torch

    from visualprm_eval.engine.images import Picture

    _call.opened.append(Picture(str(image_file), max_num, upscale, as_is=True))
    return torch.zeros(1, 1)
