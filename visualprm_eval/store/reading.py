"""The facts of one policy on one benchmark, read as columns: a million rows become arrays, not objects."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, compress
from typing import TYPE_CHECKING, Any

import numpy as np

from visualprm_eval.core.answers.equality import FormulasEqual, unasked
from visualprm_eval.core.errors import StoreDamagedError
from visualprm_eval.evaluate.fact_columns import Candidates, Columns, Graded, Said
from visualprm_eval.store import queries
from visualprm_eval.store.codec import unpack_text

if TYPE_CHECKING:
    import sqlite3

    from visualprm_eval.core.types import Problem
    from visualprm_eval.evaluate.fsum_arrays import FloatArray, IntArray

_ROWS_AT_ONCE = 4_000

_Texts = dict[tuple[int, str], int]
"""Position of a problem and id of a text to the text's number."""


def read_columns(
    db: sqlite3.Connection, problems: Sequence[Problem], sampling_id: str, n: int, scorings: Mapping[str, str], *,
    grading_id: str, formulas_equal: FormulasEqual | None = None,
) -> Columns:  # fmt: skip
    """Reads what is known of problems.

    Args:
        db: An open store.
        problems: P problems.
        sampling_id: The key of their candidates.
        n: N; candidates of later ranks are left out.
        scorings: Critic label to the key of its scores.
        grading_id: The key of the verdicts.
        formulas_equal: Asked whether votes that are formulas of different spelling are one answer; ``None``: none are.
    """
    db.execute(queries.CREATE_PLACES)
    db.execute("DELETE FROM places")
    db.executemany("INSERT INTO places VALUES (?, ?)", enumerate([problem.id for problem in problems]))
    with uncollected():
        candidates, texts = _candidates(db, sampling_id, n)
        ids = [text_id for _, text_id in texts]
        owners = np.fromiter((position for position, _ in texts), np.int64, len(texts))
        return Columns(
            problems, candidates, _values(db, ids), ids, owners,
            {label: _said(db, scoring_id, texts) for label, scoring_id in scorings.items()},
            _graded(db, grading_id, texts), formulas_equal or unasked,
        )  # fmt: skip


@contextmanager
def uncollected() -> Iterator[None]:
    """Lets Python's search for cyclic garbage rest, which would look at millions of objects again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _columns(db: sqlite3.Connection, query: str, arguments: Sequence[Any]) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a query as columns, some thousands of rows at a time."""
    cursor = db.execute(query, arguments)
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        yield list(zip(*rows, strict=True))


def _candidates(db: sqlite3.Connection, sampling_id: str, n: int) -> tuple[Candidates, _Texts]:
    """All candidates, and the numbers of their distinct texts."""
    numbers: _Texts = {}
    columns: list[list[Any]] = [[] for _ in ("owner", "rank", "finish", "tokens", "seconds", "prompt", "completion")]
    texts: list[int] = []
    errors: dict[int, str] = {}
    reasoned: set[int] = set()
    rows = _columns(db, queries.CANDIDATE_COLUMNS, (sampling_id, n))
    for positions, ranks, text_ids, failures, reasoning_ids, *others in rows:
        keys = zip(positions, text_ids, strict=True)
        errors.update(_failed(range(len(texts), len(texts) + len(failures)), failures))
        reasoned.update(place for place, key in enumerate(reasoning_ids, len(texts)) if key is not None)
        texts += [
            -1 if error is not None else numbers.setdefault(key, len(numbers))
            for key, error in zip(keys, failures, strict=True)
        ]
        for column, part in zip(columns, (positions, ranks, *others), strict=True):
            column.extend(part)
    owners, places, finishes, *costs = columns
    problems, ranked, said = (np.array(column, dtype=np.int64) for column in (owners, places, texts))
    words = [*map(unpack_text, finishes)]
    return Candidates(problems, ranked, said, errors, words, *costs, reasoned=frozenset(reasoned)), numbers


def _values(db: sqlite3.Connection, ids: Sequence[str]) -> list[str]:
    """What the texts of these ids say.

    Where they are most of the store's, one pass over all of them is sooner done than looking each up.

    Raises:
        StoreDamagedError: The store lacks one of them.
    """
    wanted = set(ids)
    known: dict[str, str] = {}
    ((total,),) = db.execute(queries.LAST_TEXT)
    if len(wanted) > total // 3:
        for text_ids, values in _columns(db, queries.TEXTS, ()):
            known.update([pair for pair in zip(text_ids, values, strict=True) if pair[0] in wanted])
    else:
        rows = (db.execute(queries.TEXT, (text_id,)).fetchone() for text_id in wanted)
        known.update([row for row in rows if row is not None])
    if lacking := wanted - known.keys():
        raise StoreDamagedError(f"the store lacks text {min(lacking)}, which a candidate refers to; restore a backup")
    return [unpack_text(known[text_id]) for text_id in ids]


def _said(db: sqlite3.Connection, scoring_id: str, texts: _Texts) -> Said:
    """What one critic said of the texts; scores of other texts, which another policy wrote, are passed over."""
    places = np.full(len(texts), -1, dtype=np.int64)
    seconds = np.full(len(texts), None, dtype=object)
    errors: dict[int, str] = {}
    sizes: list[int] = []
    parts: list[FloatArray] = []
    for numbers, (failures, stored, shares) in _of_texts(db, queries.SCORE_COLUMNS, scoring_id, texts):
        lists = json.loads(f"[{','.join(stored)}]")
        parts.append(np.fromiter(chain.from_iterable(lists), np.float64))
        places[numbers] = np.arange(len(sizes), len(sizes) + len(lists))
        sizes.extend(map(len, lists))
        seconds[numbers] = shares
        errors.update(_failed(numbers.tolist(), failures))
    return _in_order(places, np.concatenate([*parts, np.empty(0)]), sizes, errors, seconds.tolist())


def _of_texts(
    db: sqlite3.Connection, query: str, spec_id: str, texts: _Texts
) -> Iterator[tuple[IntArray, list[tuple[Any, ...]]]]:
    """The rows of a query that are about known texts: numbers of these, and all columns after the two of the key."""
    for positions, text_ids, *columns in _columns(db, query, (spec_id,)):
        numbers = [texts.get(key, -1) for key in zip(positions, text_ids, strict=True)]
        known = [number >= 0 for number in numbers]
        kept = columns if all(known) else [tuple(compress(column, known)) for column in columns]
        yield np.array([number for number in numbers if number >= 0], dtype=np.int64), kept


def _failed(numbers: Iterable[int], failures: Sequence[Any]) -> Iterator[tuple[int, str]]:
    """The numbers of what failed, and why."""
    if failures.count(None) < len(failures):
        for number, error in zip(numbers, failures, strict=True):
            if error is not None:
                yield number, unpack_text(error)


def _in_order(
    places: IntArray, numbers: FloatArray, sizes: Sequence[int], errors: Mapping[int, str],
    seconds: Sequence[float | None],
) -> Said:  # fmt: skip
    """Scores in the order of the texts, from scores in the order of rows.

    Args:
        places: The row of each text; -1 where it has none, [S].
        numbers: The step scores of all rows, one after the other.
        sizes: How many each row has.
        errors: See ``Said``.
        seconds: See ``Said``.
    """
    begins = np.cumsum([0, *sizes], dtype=np.int64)
    own = np.where(places >= 0, np.append(np.asarray(sizes, dtype=np.int64), 0)[places], 0)
    starts = np.append(0, np.cumsum(own))
    moved = np.repeat(begins[places] - starts[:-1], own) + np.arange(starts[-1])
    return Said(places >= 0, errors, numbers[moved], starts, seconds)


def _graded(db: sqlite3.Connection, grading_id: str, texts: _Texts) -> Graded:
    """The verdicts on the texts."""
    known, values = np.zeros(len(texts), dtype=bool), np.full(len(texts), np.nan)
    seconds = np.full(len(texts), None, dtype=object)
    errors: dict[int, str] = {}
    for numbers, (failures, verdicts, shares) in _of_texts(db, queries.VERDICT_COLUMNS, grading_id, texts):
        known[numbers] = True
        values[numbers] = np.array(verdicts, dtype=np.float64)  # None becomes NaN.
        seconds[numbers] = shares
        errors.update(_failed(numbers.tolist(), failures))
    values[list(errors)] = np.nan
    return Graded(known, values, errors, seconds.tolist())
