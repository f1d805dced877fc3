"""Texts of tables as they stand there: the host reads its tables with pandas, which guesses what they are.

A column whose cells all look like numbers or truth values becomes one of numbers, so that what a cell is depends on
what else is in the table; and cells that read "None", "NA", "nan" or "null" become nothing. Graders that expect texts
then raise, and options are lost.
"""

from __future__ import annotations

import functools
import os
import string
from collections.abc import Collection
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any

from visualprm_eval.host.patching import held, patch

_WRITTEN = frozenset({"prediction", "res", "extract"})
"""Columns with what a policy or a judge wrote: texts in any case, blank ones too."""
_SAID = frozenset({"question", "answer", *string.ascii_uppercase})
"""Columns of benchmarks that may say "None" and mean it; numbers stay numbers."""
_OWN_WAY = frozenset({"dtype", "converters", "na_values", "keep_default_na", "header", "names", "index_col", "usecols"})
"""Options of callers who know what they want."""

_call = SimpleNamespace(columns=None)
"""``columns`` as for :func:`texts_kept`; ``None`` when pandas may guess."""


@functools.cache
def apply() -> None:
    """Lets pandas look at what holds for the present call."""
    import pandas as pd

    patch(pd, "read_csv", _read)


def texts_kept(columns: Collection[str] = ()) -> AbstractContextManager[None]:
    """While it lasts, pandas reads texts of CSV and TSV files as they stand there, in this process.

    Args:
        columns: Further columns that hold texts, where pandas might see numbers; an empty cell is a missing value.
    """
    return held(_call, "columns", columns)


def _read(read_csv: Any, /, *arguments: Any, **options: Any) -> Any:
    is_one_file = len(arguments) == 1 and isinstance(arguments[0], str | os.PathLike)
    if _call.columns is None or not is_one_file or _OWN_WAY & options.keys():
        return read_csv(*arguments, **options)
    names = list(read_csv(*arguments, **{**options, "nrows": 0}))
    return read_csv(*arguments, **options, **_typed(names, _call.columns))


def _typed(names: Collection[str], columns: Collection[str]) -> dict[str, Any]:
    """How pandas is to read columns of these names."""
    from pandas._libs.parsers import STR_NA_VALUES

    def missing(name: str) -> list[str]:
        if name in _WRITTEN:
            return []
        return [""] if name in _SAID or name in columns else sorted(STR_NA_VALUES)

    return {
        "dtype": {name: str for name in names if name in _WRITTEN or name in columns},
        "keep_default_na": False,
        "na_values": {name: missing(name) for name in names},
    }
