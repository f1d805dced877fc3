"""The sweep over the host's groups of benchmarks, on some of them, by the command line."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from visualprm_eval.cli import main
from visualprm_eval.run.process import EXIT_ERROR, EXIT_OK

NAMES = (
    "MMStar", "OCRBench", "MMVet", "ScreenSpot_Pro_Development", "ChartBench", "StareBench", "tdbench_grounding_rot0",
    "MMDU",
)  # fmt: skip
"""Options; a match of short answers; a judge; points in pictures, with indices of the class's own; a class without a
type; one that looks up its checksum, and pictures in the hub's cache; one whose ``model`` is a method; a dialogue."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sweep")
    assert main(["host", "sweep", *NAMES, "-o", str(place), "--keep", str(place / "kept"), "--jobs", "2"]) == EXIT_OK
    return place


def test_groups_are_graded_or_refused_with_a_reason(folder: Path) -> None:
    with (folder / "host-sweep.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["benchmark"]: row for row in csv.DictReader(file)}
    assert set(rows) == set(NAMES)
    refused = rows.pop("MMDU")
    assert (refused["outcome"], refused["right"]) == ("refused", "")
    assert "dialogue" in refused["reason"]
    assert {row["outcome"] for row in rows.values()} == {"graded"}
    right = {name: float(row["right"]) for name, row in rows.items()}
    assert right.pop("OCRBench") == 4
    assert set(right.values()) == {100}
    assert {float(row["wrong"]) for row in rows.values()} == {0}
    assert {name: row["judge"] for name, row in rows.items() if row["judge"] != "none"} == {"MMVet": "stub"}


def test_the_markdown_has_the_same_and_what_is_kept_has_logs(folder: Path) -> None:
    text = (folder / "host-sweep.md").read_text(encoding="utf-8")
    assert "8 groups of benchmarks: 7 graded and 1 refused" in text
    assert all(name in text for name in ("MMStar", "MMVet", "MMDU"))
    assert (folder / "kept" / "001" / "output.txt").is_file()


def test_an_unknown_name_is_an_error_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["host", "sweep", "MMSter"]) == EXIT_ERROR
    assert "MMStar" in capsys.readouterr().err
