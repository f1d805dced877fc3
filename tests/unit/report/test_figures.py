"""What figures show beside the curves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from visualprm_eval.insight import CurvePoint, Insight
from visualprm_eval.insight.facts import PublishedPoint
from visualprm_eval.report.figures import _curves, draw_figures

PLACE = ("InternVL2_5-8B", "MathVista_MINI", "")


@pytest.fixture
def insight() -> Insight:
    points = [
        CurvePoint(*PLACE, "accuracy", name, k, "exact over all subsets", 50.0 + k, 48.0, 60.0, 0.0, 50.5 + k)
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
    assert texts[-1] == "published, whole benchmark (a paper, table 2)"


def test_without_published_points_the_legend_says_nothing_of_them(insight):
    figure = _curves(insight.points)
    assert not any("published" in text.get_text() for text in figure.legends[0].get_texts())


def test_figures_of_published_points_are_files(insight):
    svg = draw_figures(insight)["curves"]["svg"].decode()
    assert "published, whole benchmark" in svg or svg.count("<use") > 0
    assert svg != draw_figures(replace(insight, published=()))["curves"]["svg"].decode()
