"""What metrics and columns mean, for both tasks: one file that workbooks and pages show and the README leads to."""

from __future__ import annotations

from importlib.resources import files

from visualprm_eval.report.table import Column, Table


def glossary() -> Table:
    """Words, several of one meaning after commas, and what they mean."""
    text = (files("visualprm_eval.report") / "assets" / "glossary.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    columns = (Column("word", width=30), Column("meaning", "text", 110))
    return Table("", columns, rows[2:], name="glossary", frozen=1)
