"""Result files are whole or not there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from visualprm_eval.core.errors import ConfigError
from visualprm_eval.evaluate.stats import CurvePoint, Insight
from visualprm_eval.report import write_reports
from visualprm_eval.report.render.file_set import FILE_LIST
from visualprm_eval.report.render.files import renew_reports, shown_by


def test_all_files_are_written_into_a_new_work_dir(tmp_path, results):
    paths = write_reports(tmp_path / "deep" / "er", results)
    assert [path.name for path in paths] == ["results.csv", "results.png", "results.md", "report.html", "results.xlsx"]
    there = {path.name for path in (tmp_path / "deep" / "er").iterdir()}
    assert there == {FILE_LIST, *(path.name for path in paths)}
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


def test_a_narrower_report_says_what_the_former_one_showed(tmp_path, results):
    assert renew_reports(tmp_path, results).former is None
    narrow = [row for row in results.rows if row.reranker in {"first", "oracle"} and row.k == 8]
    narrow = [row for row in narrow if row.benchmark == "MathVista_MINI" and row.policy == "InternVL2_5-8B"]
    fewer = replace(results, rows=[replace(row, n_problems=20) for row in narrow])
    former = renew_reports(tmp_path, fewer).former
    assert shown_by(fewer).missing_of(former) == {
        "policies": "Qwen2.5-VL-7B-Instruct",
        "benchmarks": "MathVision_MINI, LogicVista",
        "rerankers": "visualprm, random, self-consistency, visualprm:min, visualorm, weighted-vote",
        "k": "1, 2, 4",
        "problems of MathVista_MINI": "300, not 20",
    }
    assert shown_by(results).missing_of(shown_by(fewer)) == {}
