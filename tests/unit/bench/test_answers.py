"""The bench of votes: what it makes of a file, and what it says of one that is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from visualprm_eval.bench.__main__ import main
from visualprm_eval.bench.answers import ABSTAIN, EQUAL, WRONG, outcome

ROWS = [
    {"source": "a", "text": "The answer is 7 cm.", "answer": "7", "choices": {}},
    {"source": "a", "text": "The answer is 7 cm.", "answer": "7 m", "choices": {}},
    {"source": "b", "text": "The answer is 7\u2028.", "answer": "B", "choices": {"A": "7", "B": "8"}},
    {"source": "b", "text": "I cannot tell.", "answer": "8", "choices": {}},
]


def test_a_unit_is_ignored_where_the_answer_has_none() -> None:
    assert [outcome(row).what for row in ROWS] == [EQUAL, WRONG, WRONG, ABSTAIN]


def test_shares_are_told_in_percent_by_source_and_by_kind_of_mistake(tmp_path: Path, capsys) -> None:
    path, misses = tmp_path / "rows.jsonl", tmp_path / "misses.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS), encoding="utf-8")
    assert main(["answers", str(path), "--problems", "20", "--samples", "4", "--misses", str(misses)]) == 0
    said = capsys.readouterr().out
    assert "4 texts: equal 25.0%, wrong 50.0%, abstain 25.0%" in said
    assert "a: equal 50.0%, wrong 50.0%, abstain 0.0%" in said
    assert "no answer is found: 25.0%" in said
    assert "another number: 25.0%" in said
    assert "another option: 25.0%" in said
    assert "20 x 4 made-up votes in" in said
    assert len(misses.read_text("utf-8").strip().split("\n")) == 3


@pytest.mark.parametrize("content", ["no JSON", "[1]", '{"text": "a"}'])
def test_what_is_no_such_file_is_told_by_line(tmp_path: Path, capsys, content: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(content, encoding="utf-8")
    assert main(["answers", str(path)]) == 2
    assert f"{path}, line 1" in capsys.readouterr().err
    assert main(["answers", str(tmp_path / "none")]) == 2
