"""What stands on the HTML page: its sections with their tables and figures, as the template takes them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from visualprm_eval.evaluate.result_rows import OVERALL
from visualprm_eval.report.render.text import one_line, visible_text
from visualprm_eval.report.render.workbook import flat
from visualprm_eval.report.tables import published
from visualprm_eval.report.tables import statistics as tables
from visualprm_eval.report.tables.summary import (
    ABSENT,
    NOT_SHOWN,
    Cell,
    Line,
    Summary,
    column_titles,
    counts,
    failure_line,
    notes,
    reranker_label,
    summarise,
)

if TYPE_CHECKING:
    from visualprm_eval.report.results import Results
    from visualprm_eval.report.tables.statistics import Kind, View

__all__ = ["Section", "appendix", "sections", "subtitle"]

_MAX_FAILURES = 200
_MAX_NOTES = 40
_LONG_NAME = 28
"""A policy's name with more characters may take several lines."""
_MANY_ROWS = 40
"""A table with more rows is folded."""
_SUMMARY = (
    "Values in percent at the largest k; in brackets the gain in points on the same problems, with its 95% interval "
    f"below. {NOT_SHOWN}: the interval contains 0, so no gain is shown. Gains are over the baseline that a column's "
    "head names"
)
_PUBLISHED = "Ours less published, in points; no difference where the two are not of the same thing."
_OVER_K = (
    "Lines and expected values are means over subsets of k of the N candidates; the column “estimated as” says over "
    "which. “First k candidates” is what published figures are."
)
_COMPARISONS = (
    "Each pair of rerankers on the same problems: two that pick are tested by flipping the signs of differences, one "
    "against the mean (random) by picks by chance. p is corrected for all comparisons with the same baseline."
)
_FORMATS: Mapping[Kind, str] = {
    "count": ",d", "percent": ".1f", "gain": "+.1f", "chance": ".4f", "correlation": "+.2f", "seconds": ",.0f",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Cell:
    kind: str
    text: str
    below: str = ""


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    number: bool = False


@dataclass(frozen=True, slots=True)
class _Table:
    title: str
    columns: Sequence[_Column]
    rows: Sequence[Sequence[_Cell]]
    folded: bool = False


@dataclass(frozen=True, slots=True)
class _Figure:
    url: str
    alt: str


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter of the page.

    Attributes:
        id: Its address.
        title: Its heading.
        intro: Sentences below that.
        lead: Tables that stand before the figures.
        notes: What must be known of the values, in a list that folds.
        figures: Pictures.
        tables: Tables below them.
    """

    id: str
    title: str
    intro: Sequence[str] = ()
    lead: Sequence[_Table] = ()
    notes: Sequence[str] = ()
    figures: Sequence[_Figure] = ()
    tables: Sequence[_Table] = ()


def subtitle(results: Results) -> str:
    """Who and on what."""
    policies = dict.fromkeys(row.policy for row in results.rows)
    benchmarks = dict.fromkeys(f"{row.benchmark} {row.split}".rstrip() for row in results.rows)
    return one_line(f"{', '.join(policies)} on {', '.join(name for name in benchmarks if name != OVERALL)}")


def sections(results: Results, figures: Mapping[str, bytes]) -> list[Section]:
    """The chapters before the viewer; those in which there is something.

    Args:
        results: What to show.
        figures: SVG files by name: ``curves``, ``gains``, ``scores``.
    """
    return [one for one in _sections(results, figures) if one.lead or one.figures or one.tables]


def _sections(results: Results, figures: Mapping[str, bytes]) -> Iterator[Section]:
    insight = results.insight
    summary = summarise(results.rows, insight)
    yield Section(
        "summary", "Summary", [f"{_SUMMARY} ({summary.meanings or 'there are none'})."], [_summary(summary)],
        notes(results.rows)[:_MAX_NOTES],
        _figures(figures, {"gains": "gains over the baseline with intervals"}), _tables(tables.standings(insight)),
    )  # fmt: skip
    if results.comparisons:
        numbers = {"k", "ours", "published", "difference"}
        columns = [_Column(title, title in numbers) for title in published.HEADER]
        kinds = ["n" if column.number else "text" for column in columns]
        rows = [list(map(_Cell, kinds, map(visible_text, row))) for row in published.shown_rows(results.comparisons)]
        yield Section("published", "Beside published figures", [_PUBLISHED], [_Table("", columns, rows)])
    yield Section(
        "curves", "Over k", [_OVER_K], figures=_figures(figures, {"curves": "value against k with intervals"}),
        tables=_by_place(insight.points, tables.curve_points, always=True),
    )  # fmt: skip
    yield Section(
        "comparisons", "Comparisons", [_COMPARISONS], tables=_by_place(insight.comparisons, tables.comparisons)
    )
    yield Section(
        "losses", "Where rerankers lose",
        figures=_figures(figures, {"scores": "step scores of right and wrong candidates"}),
        tables=_tables(
            tables.diagnoses(insight.diagnoses), tables.pools(insight.pools), tables.costs(insight.costs)
        ),
    )  # fmt: skip


def appendix(results: Results) -> Iterator[Section]:
    """The chapters behind the viewer: how the values came about, and what failed."""
    rows = [[_Cell("name", visible_text(key)), _Cell("text", visible_text(str(value)))]
            for key, value in flat(results.protocol)]  # fmt: skip
    made = [_Table("", [_Column("what"), _Column("value")], rows)]
    if prints := results.fingerprints:
        cells = [[_Cell("name", visible_text(str(value))) for value in each.values()] for each in prints]
        made.append(_Table("The protocol of every value", list(map(_Column, prints[0])), cells, folded=True))
    yield Section("protocol", "Protocol", tables=made)
    titles = ("stage", "benchmark", "index", "rank", "message")
    failed = [
        [
            _Cell("text", one_line("" if part is None else str(part), 500))
            for part in (one.stage, one.benchmark, one.index, one.rank, one.message)
        ]
        for one in results.failures[:_MAX_FAILURES]
    ]
    more = len(results.failures) - _MAX_FAILURES
    intro = [visible_text(failure_line(results.failures))] + ([f"{more:,} more are in results.xlsx."] * (more > 0))
    table = _Table("What failed", list(map(_Column, titles)), failed, folded=len(failed) > _MANY_ROWS)
    yield Section("failures", "Failures", intro, tables=[table] if failed else [])


def _summary(summary: Summary) -> _Table:
    """Policies and rerankers against benchmarks; a policy's name stands at the first of its lines."""
    named = column_titles(summary.columns)
    titles = [", ".join(filter(None, (named[column], summary.head(column)))) for column in summary.columns]
    columns = [_Column("policy"), _Column("reranker"), *(_Column(title, number=True) for title in ("k", *titles))]
    rows = []
    for policy in dict.fromkeys(line.policy for line in summary.lines):
        lines = [line for line in summary.lines if line.policy == policy]
        rows += [_summary_row(line, summary, policy if line is lines[0] else "") for line in lines]
        counted = [_Cell("n unclear", counts(lines, column)) for column in summary.columns]
        rows.append([_Cell("name", ""), _Cell("name unclear", "problems (failed)"), _Cell("n", ""), *counted])
    return _Table("", columns, rows)


def _summary_row(line: Line, summary: Summary, owner: str) -> list[_Cell]:
    kinds = ("text" if len(owner) > _LONG_NAME else "name", "name")
    names = map(_Cell, kinds, map(visible_text, (owner, reranker_label(line.reranker))))
    return [*names, _Cell("n", str(line.k)), *(_value(line.cells.get(column)) for column in summary.columns)]


def _value(cell: Cell | None) -> _Cell:
    return _Cell("n", ABSENT) if cell is None else _Cell("n", cell.text, cell.interval)


def _by_place(rows: Sequence[Any], make: Callable[[Sequence[Any]], View], *, always: bool = False) -> list[_Table]:
    """A table per policy and benchmark, which its title names; folded where there are several of them or ``always``."""
    by_place: dict[str, list[Any]] = {}
    for row in rows:
        by_place.setdefault(f"{row.policy} on {tables.place_of(row)}", []).append(row)
    found = []
    for place, own in by_place.items():
        made = _table(make(own))
        kept = [number for number, column in enumerate(made.columns) if column.title not in tables.PLACE_COLUMNS]
        columns, cells = (
            [made.columns[number] for number in kept],
            [[row[number] for number in kept] for row in made.rows],
        )
        found.append(_Table(visible_text(place), columns, cells, folded=always or len(by_place) > 1))
    return found


def _tables(*views: View) -> list[_Table]:
    return [_table(view) for view in views if view.rows]


def _table(view: View) -> _Table:
    columns = [_Column(title, kind != "name") for title, kind in view.columns]
    rows = [[_cell(value, kind) for value, (_, kind) in zip(row, view.columns, strict=True)] for row in view.rows]
    return _Table(view.title, columns, rows, folded=len(rows) > _MANY_ROWS)


def _cell(value: object, kind: Kind) -> _Cell:
    """A value as text, with the class of its cell."""
    if kind == "name":
        text = ABSENT if value is None else str(value)
        mood = {"a gain": " up", "a loss": " down"}.get(text, " unclear" if text.startswith(("no", "upper")) else "")
        return _Cell(kind + mood, visible_text(text))
    if value is None:
        return _Cell("n", ABSENT)
    if isinstance(value, str):
        return _Cell("n unclear", visible_text(value))
    number: Any = value
    if kind in {"gain", "correlation"}:
        number = round(number, 2 if kind == "correlation" else 1) + 0.0  # no "-0.0"
    shown = format(number, _FORMATS[kind])
    return _Cell("n", "<0.0001" if kind == "chance" and shown == "0.0000" else shown)


def _figures(figures: Mapping[str, bytes], names: Mapping[str, str]) -> list[_Figure]:
    found = [(name, alt) for name, alt in names.items() if name in figures]
    return [
        _Figure(f"data:image/svg+xml;base64,{base64.b64encode(figures[name]).decode('ascii')}", alt)
        for name, alt in found
    ]  # fmt: skip
