"""Best-of-N with multimodal process reward models, as a plugin for VLMEvalKit."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from visualprm_eval.prm.visualprm import ScoredResponse, VisualPRM

__version__ = "0.1.0"

__all__ = ["ScoredResponse", "VisualPRM", "__version__"]

_HOMES = {"ScoredResponse": "visualprm_eval.prm.visualprm", "VisualPRM": "visualprm_eval.prm.visualprm"}


def __getattr__(name: str) -> Any:
    """Imports torch only when a name that needs it is asked for."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
