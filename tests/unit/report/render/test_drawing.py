"""The drawing kit, and results.png: what is drawn, not how it looks."""

from __future__ import annotations

import math
import subprocess
import sys
import warnings

import pytest
from PIL import Image

from visualprm_eval.report import Results
from visualprm_eval.report.render.drawing import looks
from visualprm_eval.report.render.figures import _values, draw_values
from visualprm_eval.report.tables.summary import curves


def visible(figure):
    return [axis for axis in figure.axes if axis.axison]


def test_one_panel_per_policy_and_benchmark(results):
    figure = _values(curves(results.rows))
    panels = visible(figure)
    assert [axis.get_title(loc="left") for axis in panels][:2] == [
        "MathVista_MINI\nInternVL2_5-8B", "MathVision_MINI\nInternVL2_5-8B",
    ]  # fmt: skip
    assert len(panels) == 6
    assert {len(axis.lines) for axis in panels} == {8}
    assert panels[0].get_xscale() == "log"
    assert [tick.get_text() for tick in panels[0].get_xticklabels()] == ["1", "2", "4", "8"]
    assert len(figure.legends[0].get_texts()) == 8
    assert "all values withheld" in [text.get_text() for text in panels[-1].texts]


def test_lines_hold_the_values_and_withheld_ones_leave_gaps(row):
    rows = [row(k=1, value=40.0), row(k=2, value=None), row(k=4, value=60.0)]
    (axis,) = visible(_values(curves(rows)))
    xs, ys = axis.lines[0].get_data()
    assert list(xs) == [1, 2, 4]
    assert ys[0] == 40.0
    assert math.isnan(ys[1])
    assert ys[2] == 60.0


def test_a_single_panel_has_a_legend_too(row):
    rows = [row(reranker=name, k=k, value=50.0 + k) for name in ("first", "visualprm") for k in (1, 8)]
    figure = _values(curves(rows))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["first (pass@1)", "visualprm"]
    assert len(figure.axes) == 1


def test_more_benchmarks_than_columns_start_a_new_row(row):
    rows = [row(policy=policy, benchmark=f"B{place}") for policy in "PQ" for place in range(5)]
    figure = _values(curves(rows))
    assert len(figure.axes) == 12
    assert len(visible(figure)) == 10


def test_a_policy_without_some_benchmarks_leaves_no_gaps(row):
    rows = [row(policy="P", benchmark=f"B{place}") for place in range(5)] + [row(policy="Q", benchmark="B4")]
    figure = _values(curves(rows))
    assert len(figure.axes) == 6
    shown = [axis.get_title(loc="left") for axis in visible(figure)]
    assert shown == ["B0\nP", "B1\nP", "B2\nP", "B3\nP", "B4\nP", "B4\nQ"]


def test_a_mean_over_benchmarks_is_called_so(row):
    figure = _values(curves([row(benchmark="overall", metric="accuracy and strict score and F1")]))
    assert [axis.get_ylabel() for axis in visible(figure)] == ["mean (%)"]


def test_every_reranker_has_its_own_look():
    names = ["first", "random", "oracle", *(f"r{place}" for place in range(10))]
    table = looks(names)
    assert len({(look.color, look.marker, look.linestyle) for look in table.values()}) == len(names)


def test_a_name_is_drawn_alike_whatever_else_is_drawn():
    known = ["visualprm", "visualprm:min", "self-consistency", "weighted-vote", "visualorm", "greedy", "all-correct"]
    names = [*known, "judge:org/m", "visualprm@A", "\ud800"]
    together = looks(names)
    assert list(together) == names
    assert all(looks([name]) == {name: look} for name, look in together.items())
    assert len({look.color for look in looks(known[:6]).values()}) == 6


def test_of_unknown_names_no_two_are_alike_in_one_figure_as_long_as_there_are_looks():
    names = [f"r{place}" for place in range(50)]
    table = looks(names)
    assert len(set(table.values())) == 40
    assert table == looks(reversed(names))


@pytest.mark.filterwarnings("error")
def test_hostile_names_are_drawn(tmp_path, row, hostile):
    names = dict.fromkeys(("policy", "benchmark", "metric", "reranker"), hostile)
    (tmp_path / "one.png").write_bytes(draw_values(Results([row(**names, k=k) for k in (1, 2)], [])))
    names["benchmark"] += " 2"
    (tmp_path / "two.png").write_bytes(
        draw_values(Results([row(**names), row(**(names | {"reranker": "_x $\\frac$"}))], []))
    )
    for name in ("one.png", "two.png"):
        with Image.open(tmp_path / name) as image:
            assert len(image.convert("RGB").getcolors(image.width * image.height)) > 2, "more than an empty page"


def test_a_sound_picture_is_written(tmp_path, results):
    (tmp_path / "r.png").write_bytes(draw_values(results))
    with Image.open(tmp_path / "r.png") as image:
        assert image.format == "PNG"
        assert min(image.size) > 500


def test_panels_beyond_those_that_can_be_drawn_are_counted(row):
    figure = _values(curves([row(policy=f"P{place}") for place in range(40)]))
    assert len(visible(figure)) == 36
    assert figure.get_supxlabel() == "the first 36 of 40 panels"


@pytest.mark.parametrize("rows", [[], [{"k": 8}], [{"value": None}]])
def test_little_to_draw_is_no_error(tmp_path, row, rows):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (tmp_path / "r.png").write_bytes(draw_values(Results([row(**changes) for changes in rows], [])))
    assert (tmp_path / "r.png").stat().st_size > 1000


def test_nothing_heavy_is_imported_before_files_are_written():
    code = (
        "import sys, visualprm_eval.report\n"
        "print(*{'torch', 'vlmeval', 'pandas', 'openpyxl', 'matplotlib', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
