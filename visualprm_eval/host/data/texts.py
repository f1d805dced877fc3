"""Texts of tables as they stand there: the host reads its tables with pandas, which guesses what they are.

A column whose cells all look like numbers or truth values becomes one of numbers, so that what a cell is depends on
what else is in the table; and cells that read "None", "NA", "nan" or "null" become nothing. Graders that expect texts
then raise, and options are lost.
"""

from __future__ import annotations

import contextlib
import os
import re
import string
from collections.abc import Collection, Iterator
from functools import partial, partialmethod
from typing import Any

from visualprm_eval.host.patching import replaced

_WRITTEN = frozenset({"prediction", "res", "extract"})
"""Columns with what a policy or a judge wrote: texts in any case, blank ones too."""
_SAID = frozenset({"question", "answer", *string.ascii_uppercase})
"""Columns of benchmarks that may say "None" and mean it; numbers stay numbers."""
_OWN_WAY = frozenset({"dtype", "converters", "na_values", "keep_default_na", "header", "names", "index_col", "usecols"})
"""Options of callers who know what they want."""


@contextlib.contextmanager
def texts_kept(columns: Collection[str] = ()) -> Iterator[None]:
    """While it lasts, pandas reads texts of CSV and TSV files as they stand there, in this process.

    Args:
        columns: Further columns that hold texts, where pandas might see numbers; an empty cell is a missing value.
    """
    import pandas as pd

    read_csv = pd.read_csv

    def read(file: Any, *arguments: Any, **options: Any) -> Any:
        if not isinstance(file, str | os.PathLike) or arguments or _OWN_WAY & options.keys():
            return read_csv(file, *arguments, **options)
        names = list(read_csv(file, **{**options, "nrows": 0}))
        return read_csv(file, **options, **_typed(names, columns))

    with (
        replaced(pd, "read_csv", read),
        replaced(pd, "read_excel", partial(_read_excel, pd.read_excel, columns)),
        replaced(pd.DataFrame, "to_excel", partialmethod(_to_excel, pd.DataFrame.to_excel)),
    ):
        yield


def _read_excel(read_excel: Any, columns: Collection[str], /, *arguments: Any, **options: Any) -> Any:
    """``read_excel`` with texts as they were written."""
    if len(arguments) != 1 or _OWN_WAY & options.keys():
        return read_excel(*arguments, **options)
    names = list(read_excel(*arguments, **{**options, "nrows": 0}))
    table = read_excel(*arguments, **options, **_typed(names, columns))
    for name in {*names} & {*_WRITTEN, *_SAID, *columns}:
        table[name] = [_plain(value) if isinstance(value, str) else value for value in table[name]]
    return table


def _plain(text: str) -> str:
    """A text of a spreadsheet, where characters that XML does not have are written like ``_x000D_``."""
    return re.sub("_x(00[01][0-9A-F]|FFF[EF])_", lambda match: chr(int(match[1], 16)), text)


def _to_excel(self: Any, to_excel: Any, *arguments: Any, **options: Any) -> Any:
    """``DataFrame.to_excel`` with texts as texts: formulas and links are none."""
    if options.get("engine") == "xlsxwriter":
        as_texts = dict.fromkeys(("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False)
        options.setdefault("engine_kwargs", {"options": as_texts})
    return to_excel(self, *arguments, **options)


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
