"""``report.html``: one file with tables, figures and the viewer, which asks nothing of any network.

Names and texts reach the page in two ways only: through the template, which escapes them, and as JSON that the script
shows with ``textContent``. The page's own policy (CSP) allows the one script and the one style sheet, by their digests.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from visualprm_eval.report import insight_tables as tables
from visualprm_eval.report.glossary import GLOSSARY
from visualprm_eval.report.published import HEADER, shown_rows
from visualprm_eval.report.tables import failure_line, notes
from visualprm_eval.report.text import one_line, visible_text
from visualprm_eval.report.workbook import flat

if TYPE_CHECKING:
    from pathlib import Path

    from visualprm_eval.report.insight_tables import Kind, View
    from visualprm_eval.report.results import Results

__all__ = ["render", "script_json", "write_html"]

_MAX_FAILURES = 200
_SUMMARY = (
    "Values in percent at the largest k, with 95% intervals; gains in points over pass@1 on the same problems. "
    "A gain whose interval contains 0 is not shown to be one."
)
_OVER_K = (
    "Lines and expected values are means over subsets of k of the N candidates; the column “estimated as” says over "
    "which. “First k candidates” is what published figures are."
)
_FORMATS: Mapping[Kind, str] = {
    "count": ",d", "percent": ".1f", "gain": "+.1f", "chance": ".4f", "correlation": "+.2f", "seconds": ",.0f",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Cell:
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    number: bool


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
class _Section:
    id: str
    title: str
    intro: Sequence[str] = ()
    tables: Sequence[_Table] = ()
    figures: Sequence[_Figure] = ()


def write_html(path: Path, results: Results, figures: Mapping[str, bytes]) -> None:
    """Writes the page.

    Args:
        path: The file to write.
        results: What to show.
        figures: SVG files by name: ``curves``, ``gains``, ``scores``.

    Raises:
        OSError: The file cannot be written.
    """
    path.write_text(render(results, figures), encoding="utf-8")


def script_json(text: str) -> str:
    """JSON as it may stand in a script element: no character of it can end the element or begin a comment."""
    return text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def render(results: Results, figures: Mapping[str, bytes]) -> str:
    """The page as text."""
    from jinja2 import Environment
    from markupsafe import Markup

    assets = files("visualprm_eval.report") / "assets"
    style, script = ((assets / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    template = Environment(autoescape=True, trim_blocks=True).from_string(
        (assets / "report.html.j2").read_text(encoding="utf-8")
    )
    viewer = results.viewer
    meta = {"page": _page_size(), "rerankers": viewer.rerankers, "pictures": viewer.pictures}

    def embedded(text: str) -> Markup:
        return Markup(script_json(text))  # noqa: S704 - escaped for a script element one line above

    return template.render(
        banner=visible_text(results.insight.banner),
        subtitle=_subtitle(results),
        sections=list(_sections(results, figures)),
        appendix=[_protocol(results), _failures(results)],
        notes=viewer.notes,
        glossary=GLOSSARY,
        style=Markup(style),  # noqa: S704 - this package's own file
        script=Markup(script),  # noqa: S704 - this package's own file
        style_hash=_digest(style),
        script_hash=_digest(script),
        meta=embedded(json.dumps(meta)),
        index=embedded(json.dumps(viewer.index, separators=(",", ":"))),
        pages=map(embedded, viewer.pages),
    )


def _page_size() -> int:
    from visualprm_eval.report.viewer import PAGE

    return PAGE


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _subtitle(results: Results) -> str:
    policies = dict.fromkeys(row.policy for row in results.rows)
    benchmarks = dict.fromkeys(f"{row.benchmark} {row.split}".rstrip() for row in results.rows)
    return one_line(f"{', '.join(policies)} on {', '.join(benchmarks)}")


def _table(view: View, *, folded: bool = False) -> _Table:
    columns = [_Column(title, kind not in {"name", "text"}) for title, kind in view.columns]
    rows = [[_cell(value, kind) for value, (_, kind) in zip(row, view.columns, strict=True)] for row in view.rows]
    return _Table(view.title, columns, rows, folded)


def _cell(value: object, kind: Kind) -> _Cell:
    """A value as text, with the class of its cell."""
    if value is None:
        return _Cell("n" if kind not in {"name", "text"} else kind, "–")
    if kind in {"name", "text"}:
        mood = {"a gain": " up", "a loss": " down"}.get(str(value), " unclear" if str(value).startswith("no") else "")
        return _Cell(kind + mood, visible_text(str(value)))
    number: Any = value
    if kind in {"gain", "correlation"}:
        number = round(number, 2 if kind == "correlation" else 1) + 0.0  # no "-0.0"
    return _Cell("n", format(number, _FORMATS[kind]))


def _figures(figures: Mapping[str, bytes], names: Mapping[str, str]) -> list[_Figure]:
    found = [(name, alt) for name, alt in names.items() if name in figures]
    return [
        _Figure(f"data:image/svg+xml;base64,{base64.b64encode(figures[name]).decode('ascii')}", alt)
        for name, alt in found
    ]  # fmt: skip


def _sections(results: Results, figures: Mapping[str, bytes]) -> Iterable[_Section]:
    insight = results.insight
    remarks = [f"Note: {line}" for line in notes(results.rows)[:40]]
    yield _Section(
        "summary", "Summary",
        [_SUMMARY, *remarks],
        [_table(tables.standings(insight))],
        _figures(figures, {"gains": "gains over pass@1 with intervals"}),
    )  # fmt: skip
    if results.comparisons:
        yield _published(results)
    by_place: dict[str, list[Any]] = {}
    for point in insight.points:
        by_place.setdefault(f"{point.policy} on {tables.place_of(point)}", []).append(point)
    folded = []
    for place, points in by_place.items():
        made = _table(tables.curve_points(points))
        folded.append(_Table(visible_text(place), made.columns, made.rows, folded=True))
    yield _Section(
        "curves", "Over k",
        [_OVER_K],
        folded, _figures(figures, {"curves": "value against k with intervals"}),
    )  # fmt: skip
    yield _Section(
        "comparisons", "Comparisons",
        ["Each pair of rerankers on the same problems. p is corrected for all comparisons with the same baseline."],
        [_table(tables.comparisons(insight.comparisons))],
    )  # fmt: skip
    yield _Section(
        "losses", "Where rerankers lose", (),
        [_table(tables.diagnoses(insight.diagnoses)), _table(tables.pools(insight.pools)),
         _table(tables.costs(insight.costs))],
        _figures(figures, {"scores": "step scores of right and wrong candidates"}),
    )  # fmt: skip


def _published(results: Results) -> _Section:
    columns = [_Column(title, title in {"k", "ours", "published", "difference"}) for title in HEADER]
    rows = [
        [_Cell("n" if column.number else "text", visible_text(text)) for column, text in zip(columns, row, strict=True)]
        for row in shown_rows(results.comparisons)
    ]
    intro = ["Ours less published, in points; no difference where the two are not of the same thing."]
    return _Section("published", "Beside published figures", intro, [_Table("", columns, rows)])


def _protocol(results: Results) -> _Section:
    rows = [[_Cell("name", visible_text(key)), _Cell("text", visible_text(str(value)))]
            for key, value in flat(results.protocol)]  # fmt: skip
    header = [_Column("what", number=False), _Column("value", number=False)]
    return _Section("protocol", "Protocol", (), [_Table("", header, rows)])


def _failures(results: Results) -> _Section:
    titles = ("stage", "benchmark", "index", "rank", "message")
    columns = [_Column(title, number=False) for title in titles]
    rows = [
        [
            _Cell("text", one_line("" if part is None else str(part), 500))
            for part in (one.stage, one.benchmark, one.index, one.rank, one.message)
        ]
        for one in results.failures[:_MAX_FAILURES]
    ]
    more = len(results.failures) - _MAX_FAILURES
    intro = [visible_text(failure_line(results.failures))] + ([f"{more:,} more are in results.xlsx."] * (more > 0))
    return _Section("failures", "Failures", intro, [_Table("", columns, rows)] if rows else [])
