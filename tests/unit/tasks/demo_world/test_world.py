from __future__ import annotations

import collections
import io
import itertools
import random
import re

import pytest
from PIL import Image

from visualprm_eval.tasks.demo_world import draw, world


@pytest.fixture(scope="module")
def bundled() -> list[world.WorldProblem]:
    return world.problems("test", world.TEST_PROBLEMS)


def test_equal_seeds_give_equal_problems_and_other_seeds_others():
    assert world.problems("prm", 40) == world.problems("prm", 40)
    assert world.problems("prm", 40) != world.problems("prm", 40, seed=1)
    assert world.problems("prm", 20) == world.problems("prm", 40)[:20]


def test_pictures_are_drawn_the_same_each_time(bundled):
    for problem in bundled[:8]:
        image = draw.picture(problem.scene)
        assert image.mode == "RGB"
        assert image.size == (world.PICTURE_SIZE, world.PICTURE_SIZE)
        assert image.tobytes() == draw.picture(problem.scene).tobytes()
        with Image.open(io.BytesIO(draw.png(problem.scene))) as stored:
            assert stored.tobytes() == image.tobytes()


def test_splits_share_no_picture_and_no_question_about_equal_content(bundled):
    pictures, problems = {}, {}
    for split in ("train", "spare", "prm", "test"):
        made = bundled if split == "test" else world.problems(split, 3000)
        drawn = [(draw.picture(problem.scene).tobytes(), problem.question) for problem in made]
        pictures[split], problems[split] = {shown for shown, _ in drawn}, set(drawn)
    for one, two in itertools.combinations(pictures, 2):
        assert not pictures[one] & pictures[two]
        assert not problems[one] & problems[two]


def test_scenes_within_a_split_are_distinct(bundled):
    assert len({problem.scene.id for problem in bundled}) == len(bundled) >= 320
    assert {problem.scene.split for problem in bundled} == {"test"}


def _read(scene: world.Scene, step: str) -> None:
    """Asserts that what a step says of the picture is true."""
    found = re.fullmatch(r"(Bars|Dice): (\w+) (\d)\.", step)
    assert found
    assert found[1].lower() == scene.family
    assert scene.values()[found[2]] == int(found[3])


_OPERATIONS = {"*": int.__mul__, "+": int.__add__}


@pytest.mark.parametrize("split", ["train", "spare", "prm", "test"])
def test_solutions_read_the_picture_right_and_calculate_right(split):
    for problem in world.problems(split, 400):
        first, product, second, total, last = problem.steps
        for step in (first, second):
            _read(problem.scene, step)
        for step in (product, total):
            left, sign, right, value = re.fullmatch(r"(\d+)([*+])(\d+)=(\d+)\.", step).groups()
            assert _OPERATIONS[sign](int(left), int(right)) == int(value)
        assert int(value) == int(problem.answer) >= 0
        assert last == rf"The answer is \boxed{{{problem.answer}}}."
        assert all(step and "\n" not in step for step in problem.steps)


def test_every_family_takes_its_turn(bundled):
    families = [problem.scene.family for problem in bundled]
    assert families[:4] == list(world.FAMILIES) * 2
    assert all(families.count(family) == len(families) // 2 for family in world.FAMILIES)


def test_the_four_colours_have_a_place_each():
    rng = random.Random(7)
    for scene in itertools.islice(world.scenes("train", seed=3), 400):
        assert {item.colour for item in scene.items} == set(world.COLOURS)
        assert len({item.place for item in scene.items}) == 4
        assert all(1 <= item.value <= (9 if scene.family == "bars" else 6) for item in scene.items)
        assert world.problem(scene, rng).scene is scene


def test_careless_readers_err_alike_about_the_values_alone(bundled):
    rng = world.stream("careless")
    wrong = collections.Counter()
    read = collections.defaultdict(set)
    for problem in bundled:
        scene = problem.scene
        seen = world.misread(scene, rng)
        assert [(item.colour, item.place) for item in seen.items] == [(item.colour, item.place) for item in scene.items]
        for item, other in zip(scene.items, seen.items, strict=True):
            assert 1 <= other.value <= world.MOST[scene.family]
            wrong[item != other] += 1
            read[scene.family, item.colour, item.value].add(other.value)
    assert 0.2 < wrong[True] / wrong.total() < 0.5
    assert all(len(values - {value}) <= 1 for (_, _, value), values in read.items()), "each is misread in one way"
