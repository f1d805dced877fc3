"""Room for pictures, which benchmarks share alike."""

from __future__ import annotations

import base64
import io
import itertools
from types import SimpleNamespace

import pytest
from PIL import Image

from visualprm_eval.report.viewer.thumbnails import BUDGET, EACH, Thumbnails, allowances
from visualprm_eval.run.collect_results import viewer_of


def named(name: str, count: int) -> list[str]:
    return [f"{name}{number}" for number in range(count)]


def test_few_pictures_have_all_that_they_may_take():
    found = allowances({"A": named("a", 20), "B": [*named("b", 10), *named("b", 10)]})
    assert found == dict.fromkeys([*named("a", 20), *named("b", 10)], EACH)


def test_what_a_small_benchmark_does_not_need_goes_to_a_large_one():
    found = allowances({"large": named("l", 1_000), "small": named("s", 10)})
    assert {found[path] for path in named("s", 10)} == {EACH}
    assert {found[path] for path in named("l", 1_000)} == {(BUDGET - 10 * EACH) // 1_000}


def test_of_too_many_some_are_shown_the_late_ones_too():
    found = allowances({"large": named("l", 10_000), "other": named("o", 400)}, budget=6_400_000, least=8_000)
    assert {found[path] for path in named("o", 400)} == {8_000}
    shown = [number for number in range(10_000) if found[f"l{number}"]]
    assert len(shown) == 400
    assert {after - before for before, after in itertools.pairwise(shown)} == {25}
    assert sum(found.values()) <= 6_400_000
    assert allowances({}) == {}
    assert allowances({"none": []}) == {}


@pytest.fixture
def pictures(tmp_path) -> list[str]:
    paths = []
    for number in range(12):
        path = tmp_path / f"{number}.png"
        Image.effect_noise((640, 480), 20 + number).convert("RGB").save(path)
        paths.append(str(path))
    return paths


def sides(thumbnails: Thumbnails) -> list[int]:
    data = [base64.b64decode(url.partition(",")[2]) for url in thumbnails.urls]
    return [max(Image.open(io.BytesIO(each)).size) for each in data]


def test_with_many_pictures_each_is_smaller(pictures):
    budget = 12 * 10_000
    thumbnails = Thumbnails(budget, 60_000, allowances({"B": pictures}, budget, 60_000))
    assert None not in [thumbnails.place_of(path) for path in pictures]
    assert sum(map(len, thumbnails.urls)) <= budget
    assert max(sides(thumbnails)) < 640
    greedy = Thumbnails(budget, 60_000)
    assert [greedy.place_of(path) for path in pictures][-1] is None, "first come, first served leaves the last without"


def test_what_one_picture_leaves_goes_to_the_next(pictures, tmp_path):
    Image.new("RGB", (64, 64)).save(tmp_path / "plain.png")
    paths = [str(tmp_path / "plain.png"), *pictures[:2]]
    thumbnails = Thumbnails(30_000, 60_000, dict.fromkeys(paths, 10_000))
    alone = Thumbnails(30_000, 60_000, {pictures[0]: 10_000})
    for path in paths:
        thumbnails.place_of(path)
    alone.place_of(pictures[0])
    assert sides(thumbnails)[1] > sides(alone)[0]


def test_the_viewer_of_a_run_knows_all_its_pictures():
    def cell(policy: str, name: str, count: int) -> SimpleNamespace:
        problems = [SimpleNamespace(images=(path,)) for path in named(name, count)]
        return SimpleNamespace(policy=policy, benchmark=SimpleNamespace(name=name, problems=problems))

    viewer = viewer_of([cell("P", "A", 3_000), cell("Q", "A", 3_000), cell("P", "B", 100)])
    assert viewer.n_problems == 6_100
    assert viewer.thumbnails._allowed == allowances({"A": named("A", 3_000), "B": named("B", 100)})
