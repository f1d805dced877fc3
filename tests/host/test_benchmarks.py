from __future__ import annotations

import errno
import logging
import time
import urllib.error
from pathlib import Path

import pytest

from tests.host.material import demo_rows, mcq_rows, picture, write_tsv
from visualprm_eval.core.errors import BenchmarkError, ConfigError, UnknownNameError
from visualprm_eval.host.data.benchmarks import load_benchmark
from visualprm_eval.host.data.known import benchmark_names
from visualprm_eval.tasks.demo_world.assets import MissingAssetError


def test_demo_benchmark(demo_world):
    benchmark = load_benchmark("DemoWorld")
    assert benchmark.name == benchmark.task.name == "DemoWorld"
    assert [problem.index for problem in benchmark.problems] == ["0", "1", "2", "3"]
    first = benchmark.problems[0]
    assert [part.kind for part in first.parts] == ["image", "text"]
    assert first.question == "What is 0 plus 1?"
    assert (first.answer, first.split, first.choices) == ("1", "", {})
    assert benchmark.broken == {}
    assert "image" not in benchmark.dataset.data


def test_multiple_choice_benchmark(mmstar):
    benchmark = load_benchmark("MMStar")
    last = benchmark.problems[-1]
    assert last.choices == {"A": "apple", "B": "banana", "C": "cherry", "D": "date"}
    assert (last.answer, last.split) == ("D", "validation")
    assert "A. apple" in last.question
    assert benchmark.task.shows(judged=False) == "final"
    assert not benchmark.task.needs_judge
    assert "no task of its own" in benchmark.task.note


def test_limit(mmstar):
    assert len(load_benchmark("MMStar", limit=3).problems) == 3
    with pytest.raises(ConfigError, match="at least 1"):
        load_benchmark("MMStar", limit=0)


def test_ids_are_stable_and_name_the_content(demo_world, tmp_path):
    ids = [problem.id for problem in load_benchmark("DemoWorld").problems]
    assert len(set(ids)) == len(ids)
    rows = demo_rows()
    rows[1]["image"] = picture((1, 2, 3))
    rows[2]["question"] += "!"
    rows[3]["answer"] = "77"
    write_tsv(demo_world, rows)
    changed = load_benchmark("DemoWorld")
    same = [new.id == old for new, old in zip(changed.problems, ids, strict=True)]
    assert same == [True, False, False, False]


def test_a_changed_file_gets_new_pictures(demo_world, mmstar):
    from PIL import Image

    for name, path, rows in (("DemoWorld", demo_world, demo_rows()), ("MMStar", mmstar, mcq_rows())):
        before = load_benchmark(name).problems[0].images[0]
        rows[0]["image"] = picture((250, 251, 252))
        write_tsv(path, rows)
        after = load_benchmark(name).problems[0].images[0]
        assert before != after
        assert Image.open(after).getpixel((0, 0)) == (250, 251, 252)


def test_a_picture_that_was_being_written_when_the_process_died_is_whole_next_time(mmstar, monkeypatch, tmp_path):
    from PIL import Image

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # Where no picture of this table is yet.

    at_work, place = [], Path.replace

    def dies(draft, target):
        if draft.suffix != ".png":
            return place(draft, target)
        content = draft.read_bytes()
        draft.write_bytes(content[: len(content) - 20])  # With a header that the host believes.
        at_work.append(draft)
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(Path, "replace", dies)
        dying.setattr(Path, "unlink", lambda *_, **__: None)  # Nobody tidies up after a kill.
        with pytest.raises(KeyboardInterrupt):
            load_benchmark("MMStar")
    assert at_work[0].is_file()
    benchmark = load_benchmark("MMStar", limit=2)
    for problem in benchmark.problems:
        with Image.open(problem.images[0]) as image:
            assert image.convert("RGB").getpixel((0, 0))[1:] == (20, 30)


def test_several_pictures_and_references_to_other_rows(lmu):
    rows = [
        {"index": 1, "image": str([picture((1, 1, 1)), picture((2, 2, 2))]), "question": "both?"},
        {"index": 2, "image": picture((3, 3, 3)), "question": "one?"},
        {"index": 3, "image": "2", "question": "that of row 2?"},
    ]
    write_tsv(lmu / "Own.tsv", rows)
    problems = load_benchmark("Own").problems
    assert [len(problem.images) for problem in problems] == [2, 1, 1]
    assert problems[0].question == "<image>\n<image>\nboth?"
    assert len({problem.id for problem in problems}) == 3


@pytest.mark.parametrize(
    "image",
    [
        picture()[:70],  # A truncated file.
        "bm90IGFuIGltYWdl" * 8,  # Base64 of something else.
        "%%%" * 30,  # Not base64.
        "99",  # A reference to a row that is not there.
        "",  # Nothing; the host's classes that read such a row as missing drop it.
    ],
)
def test_a_broken_picture_is_a_failure_of_its_row_only(demo_world, image, caplog):
    rows = demo_rows()
    rows[2]["image"] = image
    write_tsv(demo_world, rows)
    with caplog.at_level(logging.WARNING):
        benchmark = load_benchmark("DemoWorld")
    assert list(benchmark.broken) == ["2"]
    assert benchmark.broken["2"]
    assert "1 rows have a picture that cannot be used" in caplog.text
    assert len(benchmark.problems) == 4
    problem = benchmark.problems[2]
    assert problem.question == "What is 2 plus 1?"
    from PIL import Image

    with pytest.raises(OSError):
        Image.open(problem.images[0])


def test_a_missing_picture_file_is_a_failure_of_its_row_only(lmu, tmp_path):
    from PIL import Image

    Image.new("RGB", (5, 5)).save(tmp_path / "there.png")
    rows = [
        {"index": 0, "image_path": str(tmp_path / "there.png"), "question": "there?"},
        {"index": 1, "image_path": str(tmp_path / "gone.png"), "question": "gone?"},
    ]
    write_tsv(lmu / "Paths.tsv", rows)
    benchmark = load_benchmark("Paths")
    assert list(benchmark.broken) == ["1"]
    assert "gone.png is missing" in benchmark.broken["1"]


def test_a_full_disk_is_not_the_pictures_fault(demo_world, monkeypatch):
    from vlmeval.dataset import DemoWorld

    def full(self, line):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(DemoWorld, "dump_image", full)
    with pytest.raises(BenchmarkError, match=r"cannot write pictures to .*No space left"):
        load_benchmark("DemoWorld")


def test_rows_without_a_picture_are_left_out_as_the_host_does(mmstar, caplog):
    rows = mcq_rows()
    rows[1]["image"] = None
    write_tsv(mmstar, rows)
    with caplog.at_level(logging.WARNING):
        benchmark = load_benchmark("MMStar")
    assert [problem.index for problem in benchmark.problems] == ["0", "2", "3"]
    assert "1 row of the file cannot be used: left out (row 2, index 1: no picture)" in caplog.text
    assert benchmark.total == 4


@pytest.mark.parametrize(
    ("name", "dropped", "named"),
    [("MMStar", "question", "question"), ("MMStar", "image", "image"), ("MMStar", "index", "index")],
)
def test_missing_columns_are_named(mmstar, name, dropped, named):
    write_tsv(mmstar, [{key: value for key, value in row.items() if key != dropped} for row in mcq_rows()])
    with pytest.raises(BenchmarkError, match=rf"MMStar\.tsv lacks the columns {named}"):
        load_benchmark(name)


def test_missing_columns_of_the_demo_file_are_named(demo_world):
    write_tsv(demo_world, [{"index": 0, "question": "?"}])
    with pytest.raises(BenchmarkError, match="lacks the columns image, answer, category"):
        load_benchmark("DemoWorld")


def test_own_file_without_questions_is_refused(lmu):
    write_tsv(lmu / "Own.tsv", [{"index": 0, "image": picture()}])
    with pytest.raises(BenchmarkError, match="lacks the column question"):
        load_benchmark("Own")


def test_doubled_index_is_refused(mmstar):
    write_tsv(mmstar, [*mcq_rows(), *mcq_rows("A")])
    with pytest.raises(BenchmarkError, match="the index 0 stands in several rows"):
        load_benchmark("MMStar")


def test_empty_benchmark_is_refused(mmstar):
    mmstar.write_text("\t".join(mcq_rows()[0]) + "\n")
    with pytest.raises(BenchmarkError, match="has no rows"):
        load_benchmark("MMStar")


def test_unreadable_file_is_refused(mmstar):
    mmstar.write_bytes(b"\x00\xff\xfe nothing like a table")
    with pytest.raises(BenchmarkError, match="MMStar"):
        load_benchmark("MMStar")


def test_unknown_name_offers_the_nearest(lmu):
    with pytest.raises(UnknownNameError, match="'MMStar'"):
        load_benchmark("MMStarr")


@pytest.mark.parametrize("name", ["Video-MME", "Video-MME_8frame", "MMBench-Video", "MVBench"])
def test_videos_are_refused(lmu, name):
    with pytest.raises(BenchmarkError, match="videos"):
        load_benchmark(name)


def test_dialogues_are_refused(lmu):
    with pytest.raises(BenchmarkError, match="several turns"):
        load_benchmark("MMDU")


def test_names():
    names = benchmark_names()
    assert {"DemoWorld", "MMStar", "MathVista_MINI", "MMMU_DEV_VAL"} <= set(names)
    assert not {"MVBench", "MMDU"} & set(names)


def test_an_empty_name_is_nobodys(lmu):
    (lmu / ".tsv").write_text("index\tquestion\n")
    with pytest.raises(UnknownNameError, match=r"unknown benchmark '' .*/NAME\.tsv"):
        load_benchmark("")


def test_missing_demo_file_is_reported(lmu, monkeypatch):
    import visualprm_eval.host.data.demo_dataset as module

    def gone(name):
        raise MissingAssetError(f"{name} is gone")

    monkeypatch.setattr(module, "demo_path", gone)
    with pytest.raises(BenchmarkError, match=r"DemoWorld.tsv is gone"):
        load_benchmark("DemoWorld")


def test_missing_file_offline_fails_quickly_and_says_what_to_do(lmu, monkeypatch):
    def offline(url, timeout):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", offline)
    start = time.monotonic()
    with pytest.raises(BenchmarkError) as caught:
        load_benchmark("MathVista_MINI")
    assert time.monotonic() - start < 10
    message = str(caught.value)
    assert str(lmu / "MathVista_MINI.tsv") in message
    assert "https://opencompass.openxlab.space/utils/VLMEval/MathVista_MINI.tsv" in message
    assert "by hand" in message
    assert "LMUData" in message
    assert list(lmu.iterdir()) == []


def test_data_folder_that_is_not_there_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("LMUData", str(tmp_path / "nowhere"))
    with pytest.raises(BenchmarkError, match="LMUData names"):
        load_benchmark("MMStar")


def test_data_folder_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.delenv("LMUData", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    with pytest.raises(BenchmarkError, match="set the environment variable LMUData"):
        load_benchmark("MMStar")


def test_prompts_are_not_changed_by_asking_twice(mmstar):
    first, second = load_benchmark("MMStar"), load_benchmark("MMStar")
    assert first.problems == second.problems
