"""Texts of tables as they stand there: the host reads its tables with pandas, which guesses what they are.

A column whose cells all look like numbers or truth values becomes one of numbers, so that what a cell is depends on
what else is in the table; and cells that read "None", "NA", "nan" or "null" become nothing. Graders that expect texts
then raise, and options are lost.
"""

from __future__ import annotations

import functools
import os
import re
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
    patch(pd, "read_excel", _read_excel)
    patch(pd.DataFrame, "to_excel", _to_excel)


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


def _read_excel(read_excel: Any, /, *arguments: Any, **options: Any) -> Any:
    """``read_excel`` with texts as they were written."""
    columns = _call.columns
    if columns is None or len(arguments) != 1 or _OWN_WAY & options.keys():
        return read_excel(*arguments, **options)
    names = list(read_excel(*arguments, **{**options, "nrows": 0}))
    table = read_excel(*arguments, **options, **_typed(names, columns))
    for name in {*names} & {*_WRITTEN, *_SAID, *columns}:
        table[name] = [_plain(value) if isinstance(value, str) else value for value in table[name]]
    return table


def _plain(text: str) -> str:
    """A text of a spreadsheet, where characters that XML does not have are written like ``_x000D_``."""
    return re.sub("_x(00[01][0-9A-F]|FFF[EF])_", lambda match: chr(int(match[1], 16)), text)


def _to_excel(to_excel: Any, table: Any, /, *arguments: Any, **options: Any) -> Any:
    """``DataFrame.to_excel`` with texts as texts: formulas and links are none."""
    if _call.columns is not None and options.get("engine") == "xlsxwriter":
        as_texts = dict.fromkeys(("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False)
        options.setdefault("engine_kwargs", {"options": as_texts})
    return to_excel(table, *arguments, **options)


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
