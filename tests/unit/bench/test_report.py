"""The bench of reports runs and says what it measured; how fast anything is, no test says."""

from __future__ import annotations

import re

import pytest

from visualprm_eval.bench.__main__ import main


def test_a_report_is_measured_part_by_part(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["report", "--problems", "6", "--samples", "3", "--work-dir", str(tmp_path)]
    assert main(options) == 0
    said = capsys.readouterr().out.partition("report of 7 rerankers, 6 problems x 3 candidates, a store of ")[2]
    parts = dict(re.findall(r"^  ([\w.,:' ]+): (\d+\.\d\d) s", said, re.MULTILINE))
    assert {"reading", "table", "report.html", "all else"} <= parts.keys()
    assert sum(map(float, parts.values())) > 0
    made = (tmp_path / "store.sqlite").stat().st_mtime_ns
    assert main(options) == 0
    assert (tmp_path / "store.sqlite").stat().st_mtime_ns == made, "the store is used again"


def test_a_report_with_pictures_is_measured_twice(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["report", "--problems", "6", "--samples", "2", "--pictures", "4", "--work-dir", str(tmp_path)]
    assert main(options) == 0
    said = capsys.readouterr().out
    assert re.findall(r"^(\w+) report of .* 6 problems x 2 candidates, 4 pictures, ", said, re.MULTILINE) == [
        "first", "second",
    ]  # fmt: skip
    assert said.count("  viewer's pictures: ") == 2
    assert len(list((tmp_path / "pictures").iterdir())) == 4
    assert (tmp_path / "report.html").read_text().count("data:image/") >= 4
