"""The sweep without the host: its made-up tables, its judge, and groups that hang or crash."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from dataclasses import asdict

import pytest

from visualprm_eval.cli import main
from visualprm_eval.host.sweep.made_tables import MARKS, made_rows, write_table
from visualprm_eval.host.sweep.one_group import Outcome
from visualprm_eval.host.sweep.shapes import Shape, shapes
from visualprm_eval.host.sweep.stub_judge import reply_to, stub_judge
from visualprm_eval.run.process import EXIT_ERROR
from visualprm_eval.run.sweep import former_outcomes, sweep_table, written

PATCHED = """
import os, time
from visualprm_eval.host.sweep import process
from visualprm_eval.host.sweep.one_group import Outcome

def sweep_group(group, name, folder):
    print("noise of a grader")
    if group == "Hangs":
        time.sleep(60)
    if group == "Crashes":
        os.abort()
    if group == "Raises":
        raise RuntimeError("a fault")
    return Outcome(group, name, outcome="graded", reference=1.0, wrong=0.0)

process.load_host = lambda: None
process.groups = lambda: [(name, name.lower()) for name in ("Hangs", "Crashes", "Raises", "Works")]
process.sweep_group = sweep_group
process.main()
"""


def run_process(tmp_path, *names):
    wanted = {"names": names, "jobs": 2, "limit_s": 1, "folder": str(tmp_path)}
    command = [sys.executable, "-c", PATCHED]
    ended = subprocess.run(command, input=json.dumps(wanted), capture_output=True, text=True, check=True, timeout=50)
    first, *outcomes = map(json.loads, ended.stdout.splitlines())
    return first, {outcome["group"]: outcome for outcome in outcomes}


def test_a_group_that_hangs_or_crashes_ends_alone(tmp_path):
    first, outcomes = run_process(tmp_path)
    assert first["count"] == 4
    assert {name: outcome["outcome"] for name, outcome in outcomes.items()} == {
        "Hangs": "ended", "Crashes": "ended", "Raises": "ended", "Works": "graded",
    }  # fmt: skip
    assert "more than 1 s" in outcomes["Hangs"]["reason"]
    assert "ended" in outcomes["Crashes"]["reason"]
    assert "noise" in (tmp_path / "004" / "output.txt").read_text()


def test_names_choose_groups_and_unknown_ones_are_told(tmp_path):
    first, outcomes = run_process(tmp_path, "works")
    assert (first["count"], list(outcomes)) == (1, ["Works"])
    first, outcomes = run_process(tmp_path / "none", "Works", "Wrks")
    assert first["unknown"] == ["Wrks"]
    assert not outcomes


def test_every_table_can_be_made_and_its_wrong_texts_are_others(tmp_path):
    for name, shape in shapes().items():
        rows = made_rows(shape, "VQA")
        assert len(rows) == shape.rows, name
        assert all(row.right.strip() and row.wrong.strip() and row.right != row.wrong for row in rows), name
        assert not any(mark in row.right for mark in MARKS for row in rows), name
        write_table(tmp_path / f"{name}.tsv", rows)


def test_columns_take_turns_and_may_be_left_out():
    shape = Shape("words", {"answer": "['$answer']", "level": (1, 2)}, without=("category",), right="a $plain", rows=3)
    rows = made_rows(shape, "VQA")
    assert [row.cells["level"] for row in rows] == [1, 2, 1]
    assert rows[0].cells["answer"] == "['heron']"
    assert (rows[0].right, rows[0].wrong) == ("a heron", "a zebra")
    assert "category" not in rows[0].cells


def test_a_slip_in_the_shapes_is_an_error():
    from pydantic import TypeAdapter, ValidationError

    with pytest.raises(ValidationError):
        TypeAdapter(Shape).validate_python({"colums": {}})


def test_the_judge_knows_right_from_wrong_by_the_prompt_alone():
    rows = made_rows(Shape("words"), "VQA")
    replies = [("Judge", "[[$answer]]", "no")]
    assert reply_to("Question 1: what? Answer: maple", rows, ()) == "maple"
    assert reply_to("Example. Question 0. Now Question 1: what? Answer: zebra", rows, ()) == "zebra"
    assert reply_to("Judge: maple", rows, replies) == "[[maple]]"
    assert reply_to("Judge: zebra", rows, replies) == "no"


def test_the_judge_speaks_the_protocol():
    rows = made_rows(Shape("number"), "VQA")
    with stub_judge(rows, ()) as address:
        asked = {"messages": [{"role": "user", "content": [{"type": "text", "text": "Question 2: how many?"}]}]}
        request = urllib.request.Request(f"{address}/chat/completions", json.dumps(asked).encode())
        with urllib.request.urlopen(request, timeout=10) as response:
            said = json.loads(response.read())
    assert said["choices"][0]["message"]["content"] == rows[2].right


ROWS = [
    Outcome("Zoo", "z", "MCQ", "none", "--metric acc", outcome="graded", metric="acc", reference=1.0, wrong=0.0),
    Outcome("ant", "a", "VQA", "stub", reason='- it needs a package, see"that"'),
]


def test_the_table_counts_and_sorts():
    table = sweep_table([asdict(row) for row in ROWS])
    assert "2 groups" in table.title
    assert "1 graded" in table.title
    assert [row[0] for row in table.rows] == ["ant", "Zoo"]


def test_a_table_is_read_as_it_was_written(tmp_path):
    assert former_outcomes(tmp_path / "host-sweep.csv") == []
    written(sweep_table([asdict(row) for row in ROWS]), tmp_path)
    read = {row["group"]: row for row in former_outcomes(tmp_path / "host-sweep.csv")}
    for row in ROWS:
        known = {name: value for name, value in asdict(row).items() if name != "seconds"}
        assert read[row.group] == known


def test_a_file_that_is_no_such_table_is_told_before_anything_is_tried(tmp_path, capsys):
    (tmp_path / "host-sweep.csv").write_text("name,value\na,1\n")
    assert main(["host", "sweep", "MMStar", "-o", str(tmp_path)]) == EXIT_ERROR
    assert "no table of a sweep" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--jobs", "--time-limit"])
def test_nothing_is_tried_by_nobody_or_in_no_time(option, capsys):
    assert main(["host", "sweep", "MMStar", option, "0"]) == EXIT_ERROR
    assert f"{option} 0" in capsys.readouterr().err
