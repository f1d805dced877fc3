"""Result files are whole or not there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from visualprm_eval.core.errors import ConfigError
from visualprm_eval.evaluate.stats import CurvePoint, Insight
from visualprm_eval.report import write_reports


def test_all_files_are_written_into_a_new_work_dir(tmp_path, results):
    paths = write_reports(tmp_path / "deep" / "er", results)
    assert [path.name for path in paths] == ["results.csv", "results.png", "results.md", "report.html", "results.xlsx"]
    assert sorted(path.name for path in (tmp_path / "deep" / "er").iterdir()) == sorted(path.name for path in paths)
    assert all(path.stat().st_size > 1000 for path in paths)


def test_writing_again_replaces(tmp_path, results):
    write_reports(tmp_path, results)
    before = (tmp_path / "results.csv").read_bytes()
    write_reports(tmp_path, results)
    assert (tmp_path / "results.csv").read_bytes() == before


def test_a_work_dir_that_is_a_file_is_a_clear_error(tmp_path, results):
    (tmp_path / "work").write_text("")
    with pytest.raises(ConfigError, match=r"cannot write .*work/results\.csv: .*--work-dir"):
        write_reports(tmp_path / "work", results)


def test_a_folder_in_the_way_is_a_clear_error(tmp_path, results):
    (tmp_path / "results.xlsx").mkdir()
    with pytest.raises(ConfigError, match=r"cannot write .*results\.xlsx"):
        write_reports(tmp_path, results)
    assert not list(tmp_path.glob(".*"))


def test_figures_that_are_out_of_date_go(tmp_path, results):
    point = CurvePoint("P", "B", "", "visualprm", 1, "accuracy", "exact over all subsets", 50.0, 40.0, 60.0, 0.0, 50.0)
    drawn = write_reports(tmp_path, replace(results, insight=Insight(points=(point,))))
    assert tmp_path / "figures" / "curves.svg" in drawn
    (tmp_path / "figures" / "mine.png").write_text("x")
    assert tmp_path / "curves.csv" in drawn
    write_reports(tmp_path, replace(results, insight=Insight(missing=("3 of 9 texts are not graded",))))
    assert not (tmp_path / "curves.csv").exists()
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["mine.png"]
