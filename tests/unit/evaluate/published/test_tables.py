from __future__ import annotations

import dataclasses
import math
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from visualprm_eval.core.errors import UnknownNameError
from visualprm_eval.evaluate.published.tables import TABLES, published_rows

ROOT = Path(__file__).resolve().parents[4]
SEVEN = ("MMMU", "MathVista", "MathVision", "MathVerse-VO", "DynaMath", "WeMath", "LogicVista")


def test_every_file_is_a_table_and_the_other_way_round():
    assert {path.stem for path in (ROOT / "results/published").glob("*.csv")} == TABLES.keys()


@pytest.mark.parametrize("name", TABLES)
def test_rows_have_a_source_and_figures_in_percent(name):
    rows = published_rows(name)
    assert rows
    for row in rows:
        assert row.paper.startswith("arXiv:2")
        assert row.table.startswith("table")
        assert row.values
        assert all(0 < value < 100 for value in row.values.values())


def test_a_row_by_hand():
    [row] = [
        row
        for row in published_rows("table2_best_of_8")
        if (row.labels["policy"], row.labels["selector"]) == ("InternVL2.5-8B", "VisualPRM-8B")
    ]
    assert (row.paper, row.table, row.labels["n"]) == ("arXiv:2503.10291v1", "table 2", "8")
    assert row.values["DynaMath"] == 18.0
    assert row.values["Overall"] == 41.2
    with pytest.raises(dataclasses.FrozenInstanceError):
        row.table = "table 3"


def test_a_figure_that_the_paper_does_not_give_is_absent():
    first = published_rows("table4_critics_and_aggregation")[0]
    assert first.labels["critic"] == "Pass@1"
    assert "visualprocessbench" not in first.values


def test_rows_of_several_papers_name_their_own():
    papers = {(row.paper, row.table) for row in published_rows("internvl3_best_of_8")}
    assert papers == {("arXiv:2504.10479v3", "table 2"), ("arXiv:2508.18265", "table 3")}


@pytest.mark.parametrize("name", ["table2_best_of_8", "table6_7_best_of_n", "internvl3_best_of_8"])
def test_the_overall_is_the_plain_mean(name):
    """As far as rounding goes: a slip in a cell would be seen here."""
    for row in published_rows(name):
        assert math.isclose(sum(row.values[each] for each in SEVEN) / 7, row.values["Overall"], abs_tol=0.11), row


def test_an_unknown_table():
    with pytest.raises(UnknownNameError, match="table2_best_of_8"):
        published_rows("table2")


def test_they_are_in_the_wheel(tmp_path):
    source = tmp_path / "source"
    shutil.copytree(ROOT / "visualprm_eval", source / "visualprm_eval", symlinks=True,
                    ignore=shutil.ignore_patterns("assets", "__pycache__"))  # fmt: skip
    for name in ("tasks", "results"):
        shutil.copytree(ROOT / name, source / name)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    build = "import sys; from setuptools.build_meta import build_wheel; print(build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)], cwd=source, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
    assert {f"visualprm_eval/published_tables/{name}.csv" for name in TABLES} <= names
    assert "visualprm_eval/tasks/generic.py" in names
    assert "visualprm_eval/tasks/demo_world/assets/manifest.json" in names
