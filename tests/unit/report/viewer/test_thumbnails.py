"""Room for pictures, which benchmarks share alike."""

from __future__ import annotations

import base64
import io
import itertools
import os
import shutil
from types import SimpleNamespace

import pytest
from PIL import Image, ImageDraw

from visualprm_eval.report.viewer import thumbnails as thumbnails_module
from visualprm_eval.report.viewer.thumbnail_cache import _check, keep_copies, prune, read_copies
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


@pytest.fixture
def encodings(monkeypatch) -> list[str]:
    """The kinds of all encodings that are made."""
    made: list[str] = []

    def counted(picture, kind, **options):
        made.append(kind)
        return encode(picture, kind, **options)

    encode = thumbnails_module._url
    monkeypatch.setattr(thumbnails_module, "_url", counted)
    return made


def drawing(path) -> str:
    image = Image.new("RGB", (1000, 800), "white")
    for offset in range(0, 700, 90):
        ImageDraw.Draw(image).line((offset, 20, 900 - offset, 780), fill="navy", width=3)
    image.save(path)
    return str(path)


def shown(paths, allowed, folder) -> list[str]:
    thumbnails = Thumbnails(allowed=dict.fromkeys(paths, allowed), folder=folder)
    for path in paths:
        assert thumbnails.place_of(path) is not None
    return thumbnails.urls


def test_the_next_report_encodes_nothing(pictures, encodings, tmp_path):
    paths = [*pictures[:3], drawing(tmp_path / "drawing.png")]
    first = shown(paths, 20_000, tmp_path / "kept")
    assert "png" in encodings
    encodings.clear()
    assert shown(paths, 20_000, tmp_path / "kept") == first
    assert encodings == []
    assert all(len(url) <= 9_000 for url in shown(paths, 9_000, tmp_path / "kept")[:1])
    before = len(encodings)
    larger = shown(paths, 120_000, tmp_path / "kept")
    assert len(encodings) > before, "with more room larger copies are made"
    assert [size_of(url) for url in larger] == [size_of(url) for url in shown(paths, 120_000, None)]


def size_of(url: str) -> tuple[int, int]:
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).size


def test_a_picture_in_two_files_is_shown_once(pictures, encodings, tmp_path):
    again = tmp_path / "again.png"
    shutil.copy(pictures[0], again)
    thumbnails = Thumbnails(allowed=dict.fromkeys([pictures[0], str(again), pictures[1]], 20_000))
    assert thumbnails.place_of(pictures[0]) == thumbnails.place_of(str(again)) == 0
    assert thumbnails.place_of(pictures[1]) == 1
    assert len(thumbnails.urls) == 2
    assert thumbnails.left_out == 0


def test_photographs_are_not_tried_as_png(encodings, tmp_path):
    bands = [Image.effect_noise((640, 480), 40) for _ in range(3)]
    Image.merge("RGB", bands).save(tmp_path / "colours.png")
    shown([str(tmp_path / "colours.png")], 20_000, None)
    assert set(encodings) == {"jpeg"}


@pytest.mark.parametrize("harm", [
    lambda path: path.write_bytes(b""), lambda path: path.write_bytes(path.read_bytes()[:-9]),
    lambda path: path.write_bytes(path.read_bytes().replace(b"A", b"B", 1)),
    lambda path: path.write_text(f"{_check(EVIL)}\n{EVIL}"), lambda path: path.write_text(f"{_check('[]')}\n[]"),
    lambda path: path.write_bytes(b"\xff" * 99), lambda path: path.unlink(),
])  # fmt: skip
def test_damaged_copies_are_made_again(pictures, encodings, tmp_path, harm):
    first = shown(pictures[:2], 20_000, tmp_path / "kept")
    (_, path) = sorted((tmp_path / "kept").iterdir())
    harm(path)
    encodings.clear()
    assert shown(pictures[:2], 20_000, tmp_path / "kept") == first
    assert len(encodings) > 0
    encodings.clear()
    assert shown(pictures[:2], 20_000, tmp_path / "kept") == first
    assert encodings == []


EVIL = '{"jpeg-448": "javascript:alert(1)"}'


def test_a_folder_that_cannot_be_written_to_costs_the_next_report_its_time_only(pictures, tmp_path):
    (tmp_path / "kept").write_text("a file")
    assert shown(pictures[:2], 20_000, tmp_path / "kept") == shown(pictures[:2], 20_000, None)


def test_copies_that_were_not_used_for_longest_go(tmp_path):
    for number in range(10):
        keep_copies(tmp_path, f"{number:064d}"[::-1], {"jpeg-448": "data:image/jpeg;base64," + "A" * 1000})
    for age, path in enumerate(sorted(tmp_path.iterdir())):
        os.utime(path, (1e9 - age, 1e9 - age))
    (oldest,) = [path for path in tmp_path.iterdir() if path.stat().st_mtime == 1e9 - 9]
    assert read_copies(tmp_path, oldest.name.partition("-")[0]), "which makes it the newest"
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    prune(tmp_path, bound=size)
    assert len(list(tmp_path.iterdir())) == 10
    prune(tmp_path, bound=size // 2)
    assert len(list(tmp_path.iterdir())) == 4
    assert oldest.exists()
    prune(tmp_path / "none")


def test_pictures_that_cannot_be_read_are_left_out(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    paths = [str(tmp_path / "broken.png"), str(tmp_path / "none.png")]
    thumbnails = Thumbnails(allowed={paths[0]: 0, paths[1]: 20_000}, folder=tmp_path / "kept")
    assert [thumbnails.place_of(path) for path in paths] == [None, None]
    assert thumbnails.left_out == 2
