"""Results arranged for people: the summary of policies and rerankers against benchmarks, and the curves over k."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from operator import attrgetter
from typing import TYPE_CHECKING

from visualprm_eval.core import baselines
from visualprm_eval.core.baselines import MEANINGS, ROWS
from visualprm_eval.core.groups import grouped
from visualprm_eval.core.visible import one_line
from visualprm_eval.core.words import counted, part_of
from visualprm_eval.evaluate.result_rows import OVERALL, gained
from visualprm_eval.evaluate.stats.overalls import lacking_means
from visualprm_eval.evaluate.stats.rows import Baseline, Insight
from visualprm_eval.report.render.text import shown
from visualprm_eval.report.table import ABSENT, WITHHELD
from visualprm_eval.tasks.base import HOSTS, UNJUDGED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from visualprm_eval.evaluate.result_rows import Failure, Pick, ResultRow
    from visualprm_eval.evaluate.stats.rows import Standing

FIRST = ROWS[baselines.FIRST]
NOT_SHOWN = "~"
"""Stands before a gain whose interval contains 0."""
NOT_TESTED = "not tested"
"""What is said of a gain without an interval."""
UPPER_BOUND = "upper bound"
"""What is said of a gain of the oracle's, which nothing can be tested against."""
_MEANINGS = {FIRST: "pass@1", "oracle": "pass@k", "random": "mean", "greedy": "temperature 0"}


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
        gain: Points over the baseline on the same problems, or below it where less is better; ``None`` for the baseline
            itself and where either value is withheld.
        gain_low: Lower end of its 95% interval; ``None`` where there is none.
        gain_high: Upper end.
        baseline: The baseline's kind, see ``visualprm_eval.core.baselines``; ``""`` where there is none.
        is_baseline: Whether it is the baseline.
        is_bound: Whether it is the oracle's, an upper bound.
    """

    row: ResultRow
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None
    baseline: str = ""
    is_baseline: bool = False
    is_bound: bool = False

    @property
    def text(self) -> str:
        """The value with the gain in brackets, or the word for a withheld one; a gain not shown bears a mark."""
        if self.row.value is None:
            return WITHHELD
        gain = " (baseline)" if self.is_baseline else ""
        if self.gain is not None:
            gain = f" ({NOT_SHOWN if has_zero(self) else ''}{shown(self.gain, 'gain')})"
        return f"{self.row.value:.1f}{gain}"

    @property
    def interval(self) -> str:
        """``"+0.4 to +9.8"``: the gain's interval, or why it has none; ``""`` without a gain."""
        if self.gain is None:
            return ""
        if self.is_bound or self.gain_low is None:
            return UPPER_BOUND if self.is_bound else NOT_TESTED
        return f"{shown(self.gain_low, 'gain')} to {shown(self.gain_high, 'gain')}"


def has_zero(value: Cell | Standing) -> bool:
    """Whether a gain's interval contains 0."""
    return value.gain_low is not None and value.gain_high is not None and value.gain_low <= 0 <= value.gain_high


def reading(value: Cell | Standing) -> str:
    """Whether a gain is shown, in words: by its interval; ``""`` where there is neither a gain nor a baseline."""
    if value.gain is None:
        return "baseline" if value.is_baseline else ""
    if value.is_bound or value.gain_low is None:
        return UPPER_BOUND if value.is_bound else NOT_TESTED
    if has_zero(value):
        return "not shown: the interval contains 0"
    return "a gain" if value.gain > 0 else "a loss"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the summary: a policy with a reranker at its largest k, against the columns it has values for."""

    policy: str
    reranker: str
    k: int
    cells: Mapping[Column, Cell]


@dataclass(frozen=True, slots=True)
class Summary:
    """Policies and rerankers against benchmarks; pass@1 comes first for each policy.

    Attributes:
        columns: What stands side by side.
        lines: What stands below one another.
        baselines: What the gains of a policy in a column are over, where there are gains or could be none.
    """

    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    baselines: Mapping[tuple[str, Column], Baseline] = field(default_factory=dict)

    def head(self, column: Column) -> str:
        """What the gains of a column are over: ``"gain over mean"``; with the policies where these differ."""
        over = {policy: baseline.head for (policy, where), baseline in self.baselines.items() if where == column}
        heads = grouped(over, over.__getitem__)
        return "; ".join(head if len(heads) == 1 else f"{head} ({', '.join(names)})" for head, names in heads.items())

    @property
    def meanings(self) -> str:
        """What the heads' baselines are, in words."""
        kinds = dict.fromkeys(baseline.kind for baseline in self.baselines.values() if baseline.kind)
        return "; ".join(f"{kind}: {MEANINGS[kind]}" for kind in kinds)


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
    groups = grouped(all_curves, lambda curve: curve.column)
    parts = {column: dict.fromkeys(curve.part for curve in own if curve.part) for column, own in groups.items()}
    return {column: ", ".join([title, *parts[column]]) for column, title in column_titles(list(groups)).items()}


def series(rows: Iterable[ResultRow]) -> dict[tuple[str, Column, str], dict[int, ResultRow]]:
    """(policy, column, reranker) to its rows by growing k; pass@1 first, else in order of first appearance."""
    rows = list(rows)
    policies = {name: place for place, name in enumerate(dict.fromkeys(row.policy for row in rows))}
    columns = {column: place for place, column in enumerate(dict.fromkeys(map(_column, rows)))}
    names = sorted(dict.fromkeys(row.reranker for row in rows), key=lambda name: name != FIRST)
    rerankers = {name: place for place, name in enumerate(names)}
    table: dict[tuple[str, Column, str], dict[int, ResultRow]] = {}
    for row in sorted(rows, key=lambda r: (policies[r.policy], columns[_column(r)], rerankers[r.reranker], r.k)):
        table.setdefault((row.policy, _column(row), row.reranker), {})[row.k] = row
    return table


def summarise(rows: Iterable[ResultRow], insight: Insight | None = None) -> Summary:
    """Arranges the values at the largest k of each policy, benchmark and reranker.

    A reranker whose largest k differs between benchmarks has one line for each such k. The mean of all samples has a
    line wherever gains are over it.

    Args:
        rows: The values.
        insight: Where gains with their intervals come from, and what they are over.
    """
    insight, rows = insight or Insight(), list(rows)
    over = {place for place, baseline in insight.baselines.items() if baseline.kind == baselines.MEAN}
    means = list(lacking_means(rows, {place: mean for place, mean in insight.means.items() if place in over}))
    table = series([*rows, *means])
    standings = {(one.policy, one.benchmark, one.split, one.reranker, one.k): one for one in insight.standings}
    made: dict[tuple[str, Column, str], Cell] = {}
    for (policy, column, reranker), by_k in table.items():
        k, row = max(by_k.items())
        about = _baseline(policy, column, insight)
        base = None if about.kind is None else _baseline_row(row, about.kind, table, insight)
        standing = standings.get((policy, row.benchmark, row.split, reranker, k))
        made[policy, column, reranker] = _cell(row, standing, about, base)
    gained = dict.fromkeys((policy, column) for (policy, column, _), cell in made.items() if cell.gain is not None)
    found = {
        (policy, column): about for policy, column, _ in made
        if (about := _baseline(policy, column, insight)).kind is None or (policy, column) in gained
    }  # fmt: skip
    cells: dict[tuple[str, str, int], dict[Column, Cell]] = {}
    for (policy, column, reranker), cell in made.items():
        is_baseline = cell.is_baseline and (policy, column) in gained
        cells.setdefault((policy, reranker, cell.row.k), {})[column] = replace(cell, is_baseline=is_baseline)
    policies = list(dict.fromkeys(policy for policy, _, _ in table))
    # What gains are over comes before what gains, though nobody asked for it.
    before = [FIRST, *(row.reranker for row in means[:1])]
    names = [*before, *dict.fromkeys(name for _, _, name in table if name not in before)]
    order = sorted(cells, key=lambda key: (policies.index(key[0]), names.index(key[1]), -key[2]))
    columns = tuple(dict.fromkeys(column for _, column, _ in table))
    return Summary(columns, tuple(Line(*key, cells[key]) for key in order), found)


def _baseline(policy: str, column: Column, insight: Insight) -> Baseline:
    """What gains are over; the first sample where nobody looked."""
    return insight.baselines.get((policy, column.benchmark, column.split), Baseline(baselines.FIRST))


def _baseline_row(
    row: ResultRow, kind: str, table: Mapping[tuple[str, Column, str], Mapping[int, ResultRow]], insight: Insight
) -> ResultRow | None:
    """The value that a row's gain is over: of a mean that of all samples, else at the same k, or of one sample."""
    if kind == baselines.MEAN:
        mean = insight.means.get((row.policy, row.benchmark, row.split))
        return None if mean is None else replace(row, reranker=ROWS[kind], **asdict(mean))
    by_k = table.get((row.policy, _column(row), ROWS[kind]), {})
    return by_k.get(row.k) or by_k.get(1)


def _cell(row: ResultRow, standing: Standing | None, about: Baseline, base: ResultRow | None) -> Cell:
    """A value with its gain: as it was examined, or without an interval where it was not, such as at a smaller k."""
    is_bound = row.reranker == "oracle" if standing is None else standing.is_bound
    cell = Cell(row, baseline=about.kind or "", is_bound=is_bound)
    if base is None or row.value is None or base.value is None:
        return cell
    if (base.reranker, base.k) == (row.reranker, row.k):
        return replace(cell, is_baseline=True)
    if standing is not None:
        return replace(cell, gain=standing.gain, gain_low=standing.gain_low, gain_high=standing.gain_high)
    is_comparable = (base.n_problems, base.n_failed) == (row.n_problems, row.n_failed)
    return replace(cell, gain=gained(row, base)) if is_comparable else cell


def curves(rows: Iterable[ResultRow]) -> list[Curve]:
    """One curve per policy, benchmark and reranker."""
    return [
        Curve(*key, {k: row.value for k, row in by_k.items()}, _part(by_k.values()))
        for key, by_k in series(rows).items()
    ]


def _part(rows: Iterable[ResultRow]) -> str:
    partial = [row for row in rows if row.is_partial]
    return part_of(partial[0].n_problems, partial[0].n_total or 0, "problem") if partial else ""


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
    return f"{counted(len(known), 'benchmark')}, {count}"


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
    lines = []
    for note, noted in grouped(chosen, lambda row: row.note or "value withheld").items():
        spelled = []
        for (policy, column), members in grouped(noted, lambda row: (row.policy, _column(row))).items():
            names = grouped(members, lambda row: row.reranker).items()
            named = (f"{name} (k = {', '.join(str(k) for k in sorted(row.k for row in part))})" for name, part in names)
            which = everything if len(members) == totals[policy, column] else ", ".join(named)
            spelled.append(f"{policy} on {column.title}: {which}")
        lines.append(one_line(f"{note} [{'; '.join(spelled)}]"))
    return lines


def failure_line(failures: Sequence[Failure]) -> str:
    """One line that counts what failed, by stage, and says how to try again."""
    if not failures:
        return "No failures."
    stages = Counter(failure.stage for failure in failures)
    parts = ", ".join(f"{count:,} in {stage}" for stage, count in stages.items())
    example = one_line(failures[0].message, 100)
    return f"{counted(len(failures), 'failure')} ({parts}); try them again with --retry-failed. The first: {example}"


def final_picks(picks: Iterable[Pick]) -> list[Pick]:
    """The picks at the largest k of each policy, benchmark, split and reranker, in the given order."""
    picks, place = list(picks), attrgetter("policy", "benchmark", "split", "reranker")
    largest = {place(pick): pick.k for pick in sorted(picks, key=attrgetter("k"))}
    return [pick for pick in picks if pick.k == largest[place(pick)]]
