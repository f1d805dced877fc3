"""Problems as texts."""

from __future__ import annotations

import pytest

from visualprm_eval.core.types import Part, Problem
from visualprm_eval.engine.prompt import ImageSlot, question_content


def text(value: str) -> Part:
    return Part("text", value)


IMAGE = Part("image", "a.png")


@pytest.mark.parametrize(
    ("parts", "question"),
    [
        ((text("a"), text("b")), "a\nb"),
        ((text("no picture <image> <image>"),), "no picture <image> <image>"),
        ((IMAGE, text("a")), "a"),
        ((IMAGE, text("see <image> here")), "see <image> here"),
        ((IMAGE, text("a tag <image> and a tag <image>")), "<image>\na tag < image> and a tag < image>"),
        ((text("is "), IMAGE, text("like "), IMAGE), "is <image>\nlike <image>\n"),
        ((IMAGE, IMAGE, text("which <image>?")), "<image>\n<image>\nwhich < image>?"),
    ],
)
def test_a_question_has_a_tag_per_picture_or_none(parts: tuple[Part, ...], question: str) -> None:
    problem = Problem("B", "0", "", parts, "", "p")
    assert problem.question == question
    content = question_content(problem.question, [1] * len(problem.images))
    assert sum(isinstance(part, ImageSlot) for part in content) == len(problem.images)
