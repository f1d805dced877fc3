"""The CSV file: tidy, exact, and harmless in a spreadsheet program."""

from __future__ import annotations

import csv
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visualprm_eval.core.visible import visible_text
from visualprm_eval.evaluate.stats import CurvePoint
from visualprm_eval.report.render.csv import csv_field, render
from visualprm_eval.report.tables.statistics import curve_values
from visualprm_eval.report.tables.values import all_values


@pytest.fixture
def read(tmp_path):
    def write_and_read(rows):
        (tmp_path / "r.csv").write_text(render(all_values(rows)), encoding="utf-8", newline="")
        with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    return write_and_read


def test_columns_are_exact(tmp_path, row):
    (tmp_path / "r.csv").write_text(render(all_values([row()])), encoding="utf-8", newline="")
    assert (tmp_path / "r.csv").read_bytes() == (
        b"policy,benchmark,split,reranker,k,metric,value,n_problems,n_failed,note,n_total,protocol\n"
        b"P,B,,first,1,accuracy,50.0,10,0,,,\n"
    )


@pytest.mark.parametrize("value", [100 / 3, 0.3, 1e-17, -5.0, np.float64(2 / 3)])
def test_values_keep_all_digits(read, row, value):
    (found,) = read([row(value=value)])
    assert float(found["value"]) == value


@pytest.mark.parametrize(("value", "text"), [(100 * 0.291, "29.1"), (0.1 + 0.2, "0.3"), (100 * (0.7 - 0.4), "30.0")])
def test_the_noise_of_a_percentage_is_no_digit(read, row, value, text):
    (found,) = read([row(value=value)])
    assert found["value"] == text


def test_withheld_values_are_empty(read, row, tmp_path):
    assert read([row(value=None)])[0]["value"] == ""
    assert pd.read_csv(tmp_path / "r.csv")["value"].isna().all()


def test_curves_have_both_kinds_of_values(tmp_path, hostile):
    point = CurvePoint(
        "P", "B", "test", "self-consistency", 4, "accuracy", "mean over drawn subsets", 100 / 3, 30.0, 36.5, 0.25, 34.0,
        "30 of 447 problems", 30,
    )  # fmt: skip
    gap = replace(point, reranker=hostile, low=None, high=None, prefix=math.nan)
    (tmp_path / "c.csv").write_text(render(curve_values([point, gap])), encoding="utf-8", newline="")
    with (tmp_path / "c.csv").open(encoding="utf-8", newline="") as stream:
        found, other = csv.DictReader(stream)
    assert found == {
        "policy": "P", "benchmark": "B", "split": "test", "metric": "accuracy", "reranker": "self-consistency",
        "k": "4", "estimated as": "mean over drawn subsets", "expected value": repr(100 / 3), "from": "30.0",
        "to": "36.5", "sampling error": "0.25", "first k candidates": "34.0", "n_problems": "30",
        "note": "30 of 447 problems",
    }  # fmt: skip
    assert other["from"] == other["to"] == other["first k candidates"] == ""
    assert other["reranker"].removeprefix("'") == visible_text(hostile)
    assert not other["reranker"].startswith(("=", "+", "-", "@", "\t", "\n", "\r"))


def test_pandas_reads_it(tmp_path, results):
    (tmp_path / "r.csv").write_text(render(all_values(results.rows)), encoding="utf-8", newline="")
    frame = pd.read_csv(tmp_path / "r.csv")
    assert len(frame) == len(results.rows)
    assert frame["value"].isna().sum() == 32
    assert frame["n_problems"].dtype == np.int64


@given(st.text(st.characters(exclude_categories=()), max_size=20))
def test_one_leading_apostrophe_gives_back_the_text(text):
    field = csv_field(text)
    assert field.removeprefix("'") == visible_text(text)
    assert field[:1] not in {"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"}


def test_negative_numbers_are_not_marked():
    assert csv_field(-1.5) == "-1.5"
    assert csv_field(np.int64(-2)) == "-2"
    assert csv_field("-1.5") == "'-1.5"
