"""What figures show beside the curves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from visualprm_eval.evaluate.result_rows import OVERALL
from visualprm_eval.evaluate.stats import CurvePoint, Insight, Standing
from visualprm_eval.evaluate.stats.best_of_k import ALL_SUBSETS, DRAWN_SUBSETS, MEAN, PASS_AT_K
from visualprm_eval.evaluate.stats.rows import PublishedPoint, StepScoreHistogram
from visualprm_eval.report.render.figures import _curves, _gains, _scores, draw_figures

PLACE = ("InternVL2_5-8B", "MathVista_MINI", "")
OVER_ALL = "lines: mean over all subsets of k of the N candidates"


@pytest.fixture
def insight() -> Insight:
    points = [
        CurvePoint(*PLACE, name, k, "accuracy", "exact over all subsets", 50.0 + k, 48.0, 60.0, 0.0, 50.5 + k)
        for name in ("first", "visualprm")
        for k in range(1, 9)
    ]
    elsewhere = [replace(point, benchmark="MathVision_MINI") for point in points]
    published = (
        PublishedPoint(*PLACE, "first", 1, 64.5, "a paper, table 2"),
        PublishedPoint(*PLACE, "visualprm", 8, 68.5, "a paper, table 2"),
    )
    return Insight((*points, *elsewhere), published=published)


def marks(axis) -> list[tuple[float, float, str]]:
    """Hollow marks with their colours."""
    return [
        (line.get_xdata()[0], line.get_ydata()[0], line.get_color())
        for line in axis.lines
        if line.get_markerfacecolor() == "white"
    ]


def test_published_points_are_hollow_marks_in_the_colour_of_their_curve(insight):
    figure = _curves(insight.points, insight.published)
    here, elsewhere = figure.axes[:2]
    colours = [line.get_color() for line in here.lines if len(line.get_xdata()) > 1]
    assert marks(here) == [(1, 64.5, colours[0]), (8, 68.5, colours[1])]
    assert marks(elsewhere) == []
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts[-1] == "published"
    assert figure.get_supxlabel() == f"{OVER_ALL}\npublished: of the whole benchmark, a paper, table 2"


def test_without_published_points_the_legend_says_nothing_of_them(insight):
    figure = _curves(insight.points)
    assert not any("published" in text.get_text() for text in figure.legends[0].get_texts())
    assert figure.get_supxlabel() == OVER_ALL


def test_below_stands_over_which_subsets_lines_are_means(insight):
    def said(*pairs):
        return _curves(
            [
                replace(insight.points[place], reranker=name, estimator=estimator)
                for place, (name, estimator) in enumerate(pairs)
            ]
        ).get_supxlabel()

    vote = [("self-consistency", ALL_SUBSETS), ("self-consistency", DRAWN_SUBSETS)]
    assert said(*vote) == f"{OVER_ALL}\nself-consistency: at some k over subsets drawn with a seed"
    first, same = ("first", MEAN), "the mean of all N candidates at any k, one line"
    assert said(first, ("oracle", PASS_AT_K)) == f"{OVER_ALL}\nfirst (pass@1): {same}"
    assert said(first, ("random", MEAN)) == f"first (pass@1), random (mean): {same}"
    assert {axis.get_xlabel() for axis in _curves(insight.points).axes if axis.axison} == {"k (of N candidates)"}


def test_with_too_many_panels_the_means_stay(insight):
    points = [replace(insight.points[0], benchmark=f"B{place}") for place in range(40)]
    figure = _curves([*points, replace(points[0], benchmark=OVERALL)])
    assert figure.axes[0].get_title("left").startswith(OVERALL)
    assert figure.axes[1].get_title("left").startswith("B0")
    assert figure.get_supxlabel().startswith("the first 36 of 41 panels\n")


def test_figures_of_published_points_are_files(insight):
    svg = draw_figures(insight)["curves"]["svg"].decode()
    assert svg != draw_figures(replace(insight, published=()))["curves"]["svg"].decode()


def drawn(figure):
    """Whether each text lies within the picture, by what it says."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure).draw()
    room = figure.bbox
    titles = [axis.title for axis in figure.axes] + [axis._right_title for axis in figure.axes]
    titles += [axis._left_title for axis in figure.axes] + [text for one in figure.legends for text in one.get_texts()]
    boxes = {text.get_text(): text.get_window_extent() for text in titles if text.get_text()}
    return {said: room.x0 <= box.x0 and box.x1 <= room.x1 and box.y1 <= room.y1 for said, box in boxes.items()}


LONG = "our-lab/InternVL2_5-8B-MPO-stage3-checkpoint-12000-merged-with-the-instruct-model"


def test_long_names_take_several_lines_within_the_picture(insight):
    points = [replace(point, policy=LONG, note="exact matching, 250 of 1,000 problems") for point in insight.points]
    gains = [
        Standing(policy, "MathVerse_MINI_Vision_Only", "", "visualprm", 8, 60.0, 55.0, 65.0, 5.0, 1.0, 9.0)
        for policy in (LONG, "P", f"{LONG} 2")
    ]
    histograms = [StepScoreHistogram("visualprm@a-long-name", LONG, "MathVista_MINI (250 of 1,000 problems)",
                                     (0.0, 0.5, 1.0), (1, 2), (3, 4))] * 4  # fmt: skip
    source = "arXiv:2503.10291v1, table 2 and a long word on what it is"
    published = [replace(point, policy=LONG, source=source) for point in insight.published]
    for figure in (_curves(points, published), _gains(gains), _scores(histograms)):
        found = drawn(figure)
        assert all(found.values()), found
        assert any("".join(said.split()).count(LONG[:60]) for said in found)


def test_bars_of_all_panels_are_equally_thick():
    rows = [Standing("P", f"B{place}", "", "visualprm", 8, 60.0, 55.0, 65.0, 5.0, 1.0, 9.0) for place in range(9)]
    figure = _gains([*rows, replace(rows[0], policy="Q")])
    assert {axis.get_ylim() for axis in figure.axes} == {(8.6, -0.6)}


def test_panels_that_are_left_out_are_counted():
    row = StepScoreHistogram("visualprm", "P", "B", (0.0, 0.5, 1.0), (1, 2), (3, 4))
    figure = _scores([row] * 40)
    assert figure.get_supxlabel() == "the first 36 of 40 panels"
    assert sum(axis.axison for axis in figure.axes) == 36
    assert _scores([row]).get_supxlabel() == ""


def test_with_many_k_lines_are_marked_at_the_ticks(insight):
    points = [replace(insight.points[0], reranker="visualprm", k=k, value=50.0 + k) for k in range(1, 33)]
    (axis,) = _curves(points).axes
    (line,) = axis.lines
    assert [int(line.get_xdata()[place]) for place in line.get_markevery()] == [1, 2, 4, 8, 16, 32]
