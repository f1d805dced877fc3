"""Keeps the host's graders from what goes wrong in them; no verdict on an honest text changes.

- MathVision's passes answers to ``eval``: see ``host.sandbox.safe_arithmetic``. Its other way of comparing, through
  LaTeX, stays, in a process of its own with a time limit.
- WeMath's needs a method that pandas 3 no longer has, and divides by zero when no composite problem is right.
- Circular multiple choice writes a table into /tmp, whatever TMPDIR says, under the name of the second, where another
  process may read it. It goes into the folder of the table that is graded.
- The parser of points (RoboSpatialHome, RefSpatial) logs with a logger that it has not, and so every point was wrong.
"""

from __future__ import annotations

import functools
import logging
import os
import re
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from visualprm_eval.host.patching import held, patch
from visualprm_eval.host.sandbox.latex_helper import same_latex
from visualprm_eval.host.sandbox.safe_arithmetic import MAX_LENGTH, NotArithmeticError, value_of


@functools.cache
def apply() -> None:
    """Puts what follows in the place of the host's own."""
    import pandas as pd
    from vlmeval.dataset.utils import mathv, multiple_choice, wemath

    patch(mathv, "is_equal", lambda _, *values: same_value(*values))
    patch(multiple_choice, "timestr", lambda original, *a: original(*a) if _call.folder is None else _name_below_tmp())
    wemath.evaluate_compute_final_scores = _final_scores
    with suppress(ImportError):  # A host without these benchmarks.
        from vlmeval.dataset.utils.spatial_bench.tools import utils

        if not hasattr(utils.Point2DParser, "logger"):
            utils.Point2DParser.logger = logging.getLogger(utils.__name__)
    if not hasattr(pd.DataFrame, "_append"):
        pd.DataFrame._append = _append  # noqa: SLF001 - the name that the host calls


# MathVision -----------------------------------------------------------------------------------------------------------


def same_value(asw: Any, gt_asw: Any) -> bool:
    """Whether an answer is the reference answer: as text, as arithmetic or as LaTeX; stands for ``mathv.is_equal``.

    Args:
        asw: What a model, or a judge that read it, wrote.
        gt_asw: The reference answer.
    """
    given, right = str(asw).lower().strip(), str(gt_asw).lower().strip()
    if given == right:
        return True
    if len(given) > MAX_LENGTH:
        return False
    try:
        if abs(value_of(right) - value_of(given)) < 1e-6:
            return True
    except (NotArithmeticError, ArithmeticError, TypeError):
        pass
    # Without digits LaTeX is no number, and only numbers can be equal here; plain numbers it says nothing new of.
    if not (re.search(r"\d", given) and re.search(r"\d", right)) or (_plain(given) and _plain(right)):
        return False
    return _same_latex(given, right)


def _plain(text: str) -> bool:
    """Whether a text is a decimal number that Python and LaTeX read alike."""
    return re.fullmatch(r"-?(?:0|[1-9]\d{0,30})(?:\.\d{1,30})?", text) is not None


def _same_latex(given: str, right: str) -> bool:
    """The host's comparison through sympy, in a process of its own."""
    from vlmeval.dataset.utils.mathv import latex2sympy

    return same_latex(given, right, latex2sympy.__module__)


# Circular multiple choice ---------------------------------------------------------------------------------------------

_call = SimpleNamespace(folder=None)
"""``folder``: where the table lies that is graded."""


def keeps_to(folder: Path) -> AbstractContextManager[None]:
    """While it lasts, a file that the host would write into /tmp goes into this folder."""
    return held(_call, "folder", folder)


def _name_below_tmp() -> str:
    """Stands for ``timestr``: a name that nobody has, such that ``/tmp/NAME`` is in the folder."""
    below = os.path.relpath(os.path.realpath(_call.folder), os.path.realpath("/tmp"))  # noqa: S108 - the host's
    return f"{below}/circular-{uuid.uuid4().hex}"


# WeMath ---------------------------------------------------------------------------------------------------------------


def _append(self: Any, other: Any, ignore_index: bool = False) -> Any:
    """``DataFrame._append`` as pandas had it before version 3, for one row."""
    import pandas as pd

    return pd.concat([self, pd.DataFrame([other])], ignore_index=ignore_index)


_KINDS = {
    "InadequateGeneralization": "2", "InsufficientKnowledge": "3", "CompleteMastery_loose": "4_loose",
    "CompleteMastery_strict": "4_strict", "RoteMemorization_loose": "1_loose", "RoteMemorization_strict": "1_strict",
}  # fmt: skip


def _final_scores(metrics: Mapping[str, Sequence[Any]], total_count: int) -> tuple[dict[str, int], dict[str, str]]:
    """``wemath.evaluate_compute_final_scores`` without its division by zero: a part of nothing is 0%."""
    counts = {
        kind: sum(len(metrics[f"steps{steps}_filtered_rows_{rows}"]) for steps in (2, 3))
        for kind, rows in _KINDS.items()
    }
    rates = {}
    for kind, count in counts.items():
        total = total_count
        if kind.startswith("RoteMemorization"):
            total = count + counts[kind.replace("RoteMemorization", "CompleteMastery")]
        rates[f"{kind}_rate"] = f"{count / total if total else 0:.2%}"
    return counts, rates
