"""``report.html``: one file with tables, figures and the viewer, which asks nothing of any network.

Names and texts reach the page in two ways only: through the template, which escapes them, and as JSON that the script
shows with ``textContent``. The page's own policy (CSP) allows the one script and the one style sheet, by their digests.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING

from visualprm_eval.report.render.sections import appendix, sections, subtitle
from visualprm_eval.report.render.text import visible_text
from visualprm_eval.report.tables.glossary import GLOSSARY

if TYPE_CHECKING:
    from pathlib import Path

    from visualprm_eval.report.results import Results

__all__ = ["render", "script_json", "write_html"]


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
        subtitle=subtitle(results),
        sections=sections(results, figures),
        appendix=list(appendix(results)),
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
    from visualprm_eval.report.viewer.viewer import PAGE

    return PAGE


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
