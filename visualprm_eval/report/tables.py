"""Results arranged for people: the summary of policies and rerankers against benchmarks, and the curves over k.

Every view (spreadsheet, Markdown, terminal, plot) shows these, so that all of them say the same.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from visualprm_eval.outcomes import OVERALL
from visualprm_eval.report.text import one_line
from visualprm_eval.tasks.base import HOSTS, UNJUDGED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from visualprm_eval.insight.facts import Standing
    from visualprm_eval.outcomes import Pick, ResultRow
    from visualprm_eval.report.results import Failure

BASELINE = "first"
WITHHELD = "withheld"
ABSENT = "–"
NOT_SHOWN = "~"
"""Stands before a gain whose interval contains 0."""
NO_INTERVAL = "no interval"
ABOUT_INTERVALS = f"95% intervals of gains below the values; {NOT_SHOWN}: the interval contains 0, so no gain is shown"
FIRST_K = "from the first k candidates"
"""What the values at a k below N are of that stand in the tidy table, as published ones are."""
_MEANINGS = {BASELINE: "pass@1", "oracle": "pass@k", "random": "expected", "greedy": "temperature 0"}


def reranker_label(name: str) -> str:
    """A reranker's name, with what it amounts to where that is known by another name."""
    meaning = _MEANINGS.get(name)
    return f"{name} ({meaning})" if meaning else name


@dataclass(frozen=True, slots=True)
class Column:
    """One number that is compared: a metric of a benchmark's split."""

    benchmark: str
    split: str
    metric: str

    @property
    def title(self) -> str:
        """Benchmark and split."""
        return f"{self.benchmark} {self.split}".rstrip()


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of the summary.

    Attributes:
        row: The value with its counts and note.
        gain: Points over pass@1 on the same problems; ``None`` for pass@1 itself and where either value is withheld.
        ends: The gain's 95% interval; ``None`` where there is none.
        examined: Whether intervals were worked out at all.
    """

    row: ResultRow
    gain: float | None
    ends: tuple[float, float] | None = None
    examined: bool = False

    @property
    def text(self) -> str:
        """The value with the gain in brackets, or the word for a withheld one; a gain not shown bears a mark."""
        if self.row.value is None:
            return WITHHELD
        mark = NOT_SHOWN if self.ends is not None and self.ends[0] <= 0 <= self.ends[1] else ""
        gain = "" if self.gain is None else f" ({mark}{in_points(self.gain)})"
        return f"{self.row.value:.1f}{gain}"

    @property
    def interval(self) -> str:
        """``"+0.4 to +9.8"``: the gain's interval, or that it has none; ``""`` where none was worked out."""
        if self.gain is None:
            return ""
        if self.ends is None:
            return NO_INTERVAL if self.examined else ""
        return " to ".join(map(in_points, self.ends))


def in_points(number: float) -> str:
    """A difference, such as ``"+1.5"``."""
    return f"{round(number, 1) + 0.0:+.1f}"  # + 0.0: no "-0.0"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the summary: a policy with a reranker at its largest k, against the columns it has values for."""

    policy: str
    reranker: str
    k: int
    cells: Mapping[Column, Cell]


@dataclass(frozen=True, slots=True)
class Summary:
    """Policies and rerankers against benchmarks; pass@1 comes first for each policy."""

    columns: tuple[Column, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """The values of one reranker over k.

    Attributes:
        points: k to value in percent, by growing k; the value is ``None`` where it is withheld.
        part: Of how many of the benchmark's problems, such as ``"8 of 304 problems"``; ``""`` for all.
    """

    policy: str
    column: Column
    reranker: str
    points: Mapping[int, float | None]
    part: str = ""


def _column(row: ResultRow) -> Column:
    return Column(row.benchmark, row.split, row.metric)


def column_titles(columns: Sequence[Column]) -> dict[Column, str]:
    """Short titles of the columns.

    The metric is named where a benchmark's split has more than one and where it is the host's own, which need not be in
    percent, and that no judge was asked where one is usual.
    """
    shared = Counter(column.title for column in columns)
    return {column: column.title + _mark(column, shared[column.title]) for column in columns}


def _mark(column: Column, alike: int) -> str:
    if alike > 1 or column.metric.startswith(HOSTS):
        return f" ({column.metric})"
    return f" ({UNJUDGED})" if UNJUDGED in column.metric else ""


def curve_titles(all_curves: Sequence[Curve]) -> dict[Column, str]:
    """Titles of the tables over k: as of the columns, and of how many of the problems they are."""
    titles = column_titles(tuple(dict.fromkeys(curve.column for curve in all_curves)))
    parts = {
        column: dict.fromkeys(curve.part for curve in all_curves if curve.column == column and curve.part)
        for column in titles
    }
    return {column: ", ".join([title, *parts[column]]) for column, title in titles.items()}


def series(rows: Iterable[ResultRow]) -> dict[tuple[str, Column, str], dict[int, ResultRow]]:
    """(policy, column, reranker) to its rows by growing k; pass@1 first, else in order of first appearance."""
    rows = list(rows)
    policies = {name: place for place, name in enumerate(dict.fromkeys(row.policy for row in rows))}
    columns = {column: place for place, column in enumerate(dict.fromkeys(map(_column, rows)))}
    names = sorted(dict.fromkeys(row.reranker for row in rows), key=lambda name: name != BASELINE)
    rerankers = {name: place for place, name in enumerate(names)}
    table: dict[tuple[str, Column, str], dict[int, ResultRow]] = {}
    for row in sorted(rows, key=lambda r: (policies[r.policy], columns[_column(r)], rerankers[r.reranker], r.k)):
        table.setdefault((row.policy, _column(row), row.reranker), {})[row.k] = row
    return table


def _gain(row: ResultRow, baseline: Mapping[int, ResultRow]) -> float | None:
    """Points over pass@1, only where both stand on the same problems."""
    first = baseline.get(row.k) or baseline.get(1)
    if row.reranker == BASELINE or first is None or row.value is None or first.value is None:
        return None
    if (first.n_problems, first.n_failed) != (row.n_problems, row.n_failed):
        return None
    gain: float = row.value - first.value
    return gain


def summarise(rows: Iterable[ResultRow], standings: Iterable[Standing] = ()) -> Summary:
    """Arranges the values at the largest k of each policy, benchmark and reranker.

    A reranker whose largest k differs between benchmarks has one line for each such k.

    Args:
        rows: The values.
        standings: Where the intervals of gains come from.
    """
    standings = list(standings)
    ends = {
        (one.policy, one.benchmark, one.split, one.reranker, one.k): (one.gain_low, one.gain_high)
        for one in standings
        if one.gain_low is not None and one.gain_high is not None
    }
    table = series(rows)
    cells: dict[tuple[str, str, int], dict[Column, Cell]] = {}
    for (policy, column, reranker), by_k in table.items():
        k, row = max(by_k.items())
        gain = _gain(row, table.get((policy, column, BASELINE), {}))
        cells.setdefault((policy, reranker, k), {})[column] = Cell(
            row, gain, ends.get((row.policy, row.benchmark, row.split, row.reranker, row.k)), bool(standings)
        )
    policies = list(dict.fromkeys(policy for policy, _, _ in table))
    names = sorted(dict.fromkeys(name for _, _, name in table), key=lambda name: name != BASELINE)
    order = sorted(cells, key=lambda key: (policies.index(key[0]), names.index(key[1]), -key[2]))
    columns = tuple(dict.fromkeys(column for _, column, _ in table))
    return Summary(columns, tuple(Line(*key, cells[key]) for key in order))


def curves(rows: Iterable[ResultRow]) -> list[Curve]:
    """One curve per policy, benchmark and reranker."""
    return [
        Curve(*key, {k: row.value for k, row in by_k.items()}, _part(by_k.values()))
        for key, by_k in series(rows).items()
    ]


def _part(rows: Iterable[ResultRow]) -> str:
    partial = [row for row in rows if row.is_partial]
    return f"{partial[0].n_problems:,} of {partial[0].n_total:,} problems" if partial else ""


def counts(lines: Iterable[Line], column: Column) -> str:
    """``"300 (2)"``: the problems behind these lines' values, and how many of them failed and were left out.

    Where the benchmark has more problems, ``"300 of 304 (2)"``; of a mean, ``"2 benchmarks, 600 of 604 (2)"``, since
    another policy's may be of others.
    """
    lines = list(lines)
    rows = [line.cells[column].row for line in lines if column in line.cells]
    if not rows:
        return ABSENT
    totals = [row.n_total for row in rows if row.n_total is not None and row.is_partial]
    of = f" of {max(totals):,}" if totals else ""
    count = f"{_span([row.n_problems for row in rows])}{of} ({_span([row.n_failed for row in rows])})"
    if column.benchmark != OVERALL:
        return count
    known = {other.benchmark for line in lines for other in line.cells} - {OVERALL}
    return f"{len(known)} benchmarks, {count}"


def _span(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"


def notes(rows: Iterable[ResultRow]) -> list[str]:
    """Why values are withheld, then what else must be known of the values at the largest k: one line per note."""
    rows = list(rows)
    final = [max(by_k.items())[1] for by_k in series(rows).values()]
    withheld = _notes([row for row in rows if row.value is None], rows, "all values")
    return withheld + _notes([row for row in final if row.value is not None and row.note], final, "all rerankers")


def _notes(chosen: Iterable[ResultRow], rows: Iterable[ResultRow], everything: str) -> list[str]:
    """One line per note of the chosen rows with the values it belongs to; ``everything`` names all of ``rows``."""
    totals = Counter((row.policy, _column(row)) for row in rows)
    places: dict[str, dict[tuple[str, Column], dict[str, set[int]]]] = {}
    for row in chosen:
        where = places.setdefault(row.note or "value withheld", {}).setdefault((row.policy, _column(row)), {})
        where.setdefault(row.reranker, set()).add(row.k)
    lines = []
    for note, owners in places.items():
        spelled = []
        for (policy, column), ks in owners.items():
            whole = sum(map(len, ks.values())) == totals[policy, column]
            which = everything if whole else ", ".join(f"{name} (k = {_listed(ks[name])})" for name in ks)
            spelled.append(f"{policy} on {column.title}: {which}")
        lines.append(one_line(f"{note} [{'; '.join(spelled)}]"))
    return lines


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))


def failure_line(failures: Sequence[Failure]) -> str:
    """One line that counts what failed, by stage, and says how to try again."""
    if not failures:
        return "No failures."
    stages = Counter(failure.stage for failure in failures)
    parts = ", ".join(f"{count:,} in {stage}" for stage, count in stages.items())
    example = one_line(failures[0].message, 100)
    noun = "failure" if len(failures) == 1 else "failures"
    return f"{len(failures):,} {noun} ({parts}); try them again with --retry-failed. The first: {example}"


def final_picks(picks: Iterable[Pick]) -> list[Pick]:
    """The picks at the largest k of each policy, benchmark, split and reranker, in the given order."""
    picks = list(picks)
    largest: dict[tuple[str, str, str, str], int] = {}
    for pick in picks:
        key = (pick.policy, pick.benchmark, pick.split, pick.reranker)
        largest[key] = max(largest.get(key, 0), pick.k)
    return [p for p in picks if p.k == largest[p.policy, p.benchmark, p.split, p.reranker]]
