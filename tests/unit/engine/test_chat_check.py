"""Whether samples of one batch see each other, family by family; and what is done about it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from PIL import Image

from tests.unit.engine.tiny_families import FAMILIES, family_inputs, make_family
from visualprm_eval.core.errors import PolicyError
from visualprm_eval.core.types import Part, Problem
from visualprm_eval.engine.chat_check import TOLERANCE, batch_obstacle, difference
from visualprm_eval.engine.chat_model import ChatModel

torch.set_num_threads(1)
MIXED = {"glm46v", "glm4v", "glm4v_moe", "glm_ocr"}
"""Families whose rows of a batch take the positions of several pictures of different sizes from each other."""
ONE_ROW = {"llama4"}
"""Families that cannot repeat a prompt with a picture."""
OWN_SAMPLER = {"janus"}
"""Families that do not ask our sampler."""


@pytest.mark.parametrize("name", sorted(FAMILIES.keys() - ONE_ROW - OWN_SAMPLER))
@pytest.mark.parametrize("count", [1, 2])
def test_rows_of_a_batch_are_samples_alone(name, count):
    chat = make_family(name)
    found = difference(chat, family_inputs(name, chat, count), rows=3)
    if name in MIXED and count == 2:
        assert min(found.share, found.among) > 3 * TOLERANCE[torch.bfloat16]
    else:
        assert found.largest < 1e-5
        assert found.share < TOLERANCE[torch.float32] / 100


@pytest.mark.parametrize("name", sorted(ONE_ROW))
def test_what_cannot_be_repeated_goes_alone(name):
    chat = make_family(name)
    inputs = family_inputs(name, chat, 1)
    assert difference(chat, inputs, rows=1).largest < 1e-5
    with pytest.raises(ValueError, match="do not match"):
        difference(chat, inputs, rows=3)


@pytest.mark.parametrize("name", sorted(OWN_SAMPLER))
def test_what_does_not_ask_our_sampler_is_refused(name):
    chat = make_family(name)
    with pytest.raises(
        PolicyError, match=r"class JanusForConditionalGeneration does not ask our sampler.*--engine host"
    ):
        difference(chat, family_inputs(name, chat, 1), rows=1)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_precisions_are_told_apart_from_faults(dtype):
    """The same picture twice shows nothing, two sizes do, in any precision."""
    for name, faulty in (("glm4v", True), ("qwen2_5_vl", False)):
        chat = make_family(name)
        chat = replace(chat, model=chat.model.to(dtype))
        inputs = family_inputs(name, chat, 2)
        inputs["pixel_values"] = inputs["pixel_values"].to(dtype)
        assert (difference(chat, inputs, rows=2).among > TOLERANCE[dtype]) == faulty


def test_the_problem_that_shows_most_is_tried(monkeypatch, tmp_path):
    """Most pictures of different sizes; what cannot be shown is passed over."""
    pictures = {}
    for name, size in (("a", (9, 9)), ("b", (9, 9)), ("c", (9, 18))):
        pictures[name] = str(tmp_path / f"{name}.png")
        Image.new("L", size).save(pictures[name])
    pictures["gone"] = str(tmp_path / "gone.png")
    problems = [
        Problem("bench", "0", "", tuple(Part("image", pictures[each]) for each in names), "", "+".join(names))
        for names in (("a",), ("a", "b", "a"), ("a", "c"), ("a", "c", "gone"), ())
    ]
    tried = []

    def prepare(_chat: ChatModel, problem: Problem, _tokens: int):
        tried.append(problem.id)
        raise ValueError("no")

    monkeypatch.setattr("visualprm_eval.engine.chat_check.prepare", prepare)
    assert batch_obstacle(make_family("llava"), problems, 3) == ""
    assert tried == ["a+c+gone", "a+c", "a+b+a", "a", ""]
