"""``report.html``: one file with tables, figures and the viewer, which asks nothing of any network.

Names and texts reach the page in two ways only: through the template, which escapes them, and as JSON that the script
shows with ``textContent``. The page's own policy (CSP) allows the one script and the one style sheet, by their digests.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from visualprm_eval.core.visible import one_line, visible_name, visible_text
from visualprm_eval.evaluate.result_rows import OVERALL
from visualprm_eval.report.render.text import shown
from visualprm_eval.report.table import NUMBERS, Kind, Stacked, Table, by_place, filled
from visualprm_eval.report.tables import records, statistics
from visualprm_eval.report.tables.glossary import glossary
from visualprm_eval.report.tables.published import ABOUT_PUBLISHED, published
from visualprm_eval.report.tables.summary import failure_line, notes, summarise
from visualprm_eval.report.tables.values import summary_table
from visualprm_eval.report.viewer.viewer import PAGE

if TYPE_CHECKING:
    from visualprm_eval.evaluate.result_rows import Failure
    from visualprm_eval.report.results import Results
    from visualprm_eval.report.viewer.viewer import Viewer

_MAX_FAILURES = 200
_MAX_NOTES = 40
_LONG_NAME = 28
"""A name with more characters may take several lines."""
_MANY_ROWS = 40
"""A table with a title and more rows is folded."""
_OVER_K = (
    "Lines and expected values are means over subsets of k of the N candidates; the column “estimated as” says over "
    "which. “First k candidates” is what published figures are."
)
_COMPARISONS = (
    "Each pair of rerankers on the same problems: two that pick are tested by flipping the signs of differences, one "
    "against the mean (random) by picks by chance. p is corrected for all comparisons with the same baseline."
)


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter of the page.

    Attributes:
        id: Its address.
        title: Its heading.
        intro: Sentences below that.
        lead: Tables that stand before the figures.
        notes: What must be known of the values, in a list that folds.
        figures: Names of figures to what they show, in words.
        tables: Tables below them.
    """

    id: str
    title: str
    intro: Sequence[str] = ()
    lead: Sequence[Table] = ()
    notes: Sequence[str] = ()
    figures: Mapping[str, str] = field(default_factory=dict)
    tables: Sequence[Table] = ()


class _Cell(NamedTuple):
    look: str
    text: str
    below: str = ""


def script_json(text: str) -> str:
    """JSON as it may stand in a script element: no character of it can end the element or begin a comment."""
    return text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def render(results: Results, figures: Mapping[str, bytes]) -> str:
    """The page.

    Args:
        results: What to show.
        figures: SVG files by name: ``curves``, ``gains``, ``scores``.
    """
    policies = dict.fromkeys(row.policy for row in results.rows)
    places = dict.fromkeys(f"{row.benchmark} {row.split}".rstrip() for row in results.rows if row.benchmark != OVERALL)
    provenance = [records.protocol(results.protocol), *filled(records.fingerprints(results.fingerprints))]
    return page(
        "Best-of-N report", one_line(f"{', '.join(policies)} on {', '.join(places)}"), sections=_sections(results),
        appendix=appendix(provenance, results.failures, failure_line(results.failures)), figures=figures,
        viewer=results.viewer, banner=results.insight.banner,
    )  # fmt: skip


def page(
    title: str, subtitle: str, *, sections: Sequence[Section], appendix: Sequence[Section],
    figures: Mapping[str, bytes], viewer: Viewer, banner: str = "",
) -> str:  # fmt: skip
    """A page of chapters.

    Args:
        title: Its title.
        subtitle: Who and on what.
        sections: The chapters before the viewer; those without figures and tables are left out.
        appendix: The chapters behind it.
        figures: SVG files by the names that chapters call them by; those that are not there are left out.
        viewer: Problems with their candidates.
        banner: What must be said on top, ``""`` for nothing.
    """
    from jinja2 import Environment
    from markupsafe import Markup

    assets = files("visualprm_eval.report") / "assets"
    style, script = ((assets / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    environment = Environment(autoescape=True, trim_blocks=True)
    environment.filters |= {"cells": _cells, "visible": visible_name}
    environment.tests["number"] = NUMBERS.__contains__
    template = environment.from_string((assets / "report.html.j2").read_text(encoding="utf-8"))
    meta = {"page": PAGE, "rerankers": viewer.rerankers, "pictures": viewer.pictures}

    def embedded(text: str) -> Markup:
        return Markup(script_json(text))  # noqa: S704 - escaped for a script element one line above

    return template.render(
        title=title, subtitle=subtitle, banner=visible_name(banner), appendix=appendix, many_rows=_MANY_ROWS,
        sections=[one for one in sections if one.lead or one.tables or one.figures.keys() & figures],
        figures={name: f"data:image/svg+xml;base64,{_base64(content)}" for name, content in figures.items()},
        style=Markup(style), script=Markup(script),  # noqa: S704 - this package's own files
        style_hash=_digest(style), script_hash=_digest(script), viewer=viewer, meta=embedded(json.dumps(meta)),
        index=embedded(json.dumps(viewer.index, separators=(",", ":"))), pages=map(embedded, viewer.pages),
    )  # fmt: skip


def _sections(results: Results) -> list[Section]:
    insight = results.insight
    summary = summary_table(summarise(results.rows, insight))
    losses = (
        statistics.diagnoses(insight.diagnoses), statistics.pools(insight.pools), statistics.steps(insight.steps),
        statistics.costs(insight.costs),
    )  # fmt: skip
    return [
        Section(
            "summary", "Summary", [summary.title], [replace(summary, title="")],
            notes(results.rows)[:_MAX_NOTES], {"gains": "gains over the baseline with intervals"},
            filled(statistics.values(insight.standings)),
        ),
        Section(
            "published", "Beside published figures", [ABOUT_PUBLISHED],
            tables=[replace(table, title="") for table in filled(published(results.comparisons))],
        ),
        Section(
            "curves", "Over k", [_OVER_K], figures={"curves": "value against k with intervals"},
            tables=[replace(table, is_folded=True) for table in by_place(statistics.curve_points(insight.points))],
        ),
        Section(
            "comparisons", "Comparisons", [_COMPARISONS], tables=by_place(statistics.comparisons(insight.comparisons)),
        ),
        Section(
            "losses", "Where rerankers lose", figures={"scores": "step scores of right and wrong candidates"},
            tables=filled(*losses),
        ),
    ]  # fmt: skip


def appendix(provenance: Sequence[Table], failures: Sequence[Failure], summary: str, *others: Table) -> list[Section]:
    """The chapters behind the viewer: how the values came about, what failed, and what the words mean.

    Args:
        provenance: The protocol and its like.
        failures: What failed, of which the page shows some.
        summary: That in one line.
        others: Tables beside these failures.
    """
    failed = filled(records.failures(failures, _MAX_FAILURES), *others)
    return [
        Section("protocol", "Protocol", tables=provenance),
        Section("failures", "Failures", [visible_name(summary)], tables=failed),
        Section("glossary", "Glossary", tables=[glossary()]),
    ]


def _cells(table: Table) -> Iterator[list[_Cell]]:
    """The rows of a table, of a group the first cell once."""
    before: object = None
    for row in table.rows:
        cells = [_cell(value, column.kind) for value, column in zip(row, table.columns, strict=True)]
        if table.is_grouped and row[0] == before:
            cells[0] = _Cell("name", "")
        yield cells
        before = row[0]


def _cell(value: object, kind: Kind) -> _Cell:
    """A value with the look of its cell."""
    if isinstance(value, Stacked):
        return _Cell("n", *map(visible_name, value))
    text = shown(value, kind)
    text = visible_text(text) if kind == "text" else visible_name(text)
    if kind in NUMBERS:
        return _Cell("n unclear" if isinstance(value, str) else "n", text)
    if kind == "words":
        moods = {"a gain": " up", "a loss": " down"}
        return _Cell("name" + moods.get(text, " unclear" if text.startswith(("no", "upper")) else ""), text)
    return _Cell("name" if kind == "name" and len(text) <= _LONG_NAME else "text", text)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _digest(text: str) -> str:
    return "sha256-" + _base64(hashlib.sha256(text.encode("utf-8")).digest())
