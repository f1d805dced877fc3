from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.evaluate.step_labels.material import row, write_set
from visualprm_eval.core.errors import BenchmarkError
from visualprm_eval.tasks.process_bench.data import ProcessSample, ProcessSet, read_set, steps_of, text_of
from visualprm_eval.tasks.process_bench.released import NAME, RELEASED, RELEASED_LABELS, differences


def test_a_line_becomes_a_sample_as_it_stands(tmp_path) -> None:
    found = read_set(write_set(tmp_path, [row(image=["images/a.png", "b.png"])]), "S")
    (sample,) = found.samples
    assert found.bad == ()
    assert sample.steps == ("one\n\nstill one", "", "three")
    assert sample.labels == (1, 0, -1)
    assert (sample.line, sample.policy, sample.source) == (1, "gpt", "MMMU")
    assert sample.problem.parts[-1].value == "Which? <image 1> A. one B. two"
    assert [path.rsplit("/", 1)[1] for path in sample.problem.images] == ["a.png", "b.png"]


@given(st.lists(st.text(), min_size=1).map(tuple))
def test_steps_survive_as_one_text(steps: tuple[str, ...]) -> None:
    assert tuple(steps_of(text_of(steps))) == steps


def test_cuts_that_a_join_would_confuse_are_told_apart() -> None:
    assert text_of(("a\n\nb", "c")) != text_of(("a", "b\n\nc"))


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("{", "not JSON"),
        ("[1]", r"it is \[1\]; expected an object"),
        (row(image=["images/none.png"]), "the picture images/none.png is missing"),
        (row(image=["../a.png"]), "outside of the set's folder"),
        (row(image=["/etc/passwd"]), "outside of the set's folder"),
        (row(image=[]), r"'image' is \[\]; expected a list that is not empty"),
        (row(question=None), "missing field 'question'; it has image, "),
        (row(policy_model=3), "'policy_model' is 3; expected a valid string"),
        (row(response="x"), "'response' is 'x'; expected an object"),
        (row(response={"steps": ["a", "b"], "process_correctness": [1]}), "2 steps and 1 labels"),
        (
            row(response={"steps": ["a"], "process_correctness": [2]}),
            "'response.process_correctness.0' is 2; expected less than or equal to 1",
        ),
        (
            row(response={"steps": ["a"], "process_correctness": [True]}),
            "process_correctness.0' is True; expected a valid integer",
        ),
        (
            row(response={"steps": ["a"], "process_correctness": [1.0]}),
            "process_correctness.0' is 1.0; expected a valid integer",
        ),
        (row(response={"steps": [], "process_correctness": []}), r"'response.steps' is \[\]; "),
        (row(response={"steps": [1], "process_correctness": [1]}), "'response.steps.0' is 1; expected a valid string"),
        (row(response={"steps": ["a"]}), "missing field 'response.process_correctness'; it has steps"),
    ],
)
def test_bad_lines_are_named_and_left_out(tmp_path, bad, said) -> None:
    found = read_set(write_set(tmp_path, [row(), bad, row(policy_model="claude")]), "S")
    assert [sample.line for sample in found.samples] == [1, 3]
    ((line, reason),) = [(each.line, each.reason) for each in found.bad]
    assert line == 2
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(reason)


def test_blank_lines_do_not_shift_the_numbers(tmp_path) -> None:
    found = read_set(write_set(tmp_path, [row(), "", row(question="Other?")]), "S")
    assert [sample.line for sample in found.samples] == [1, 3]


def test_a_separator_inside_a_text_ends_no_line(tmp_path) -> None:
    line = json.dumps(row(question="a\u2028b\x85c"), ensure_ascii=False)
    assert read_set(write_set(tmp_path, [line]), "S").samples[0].problem.question == "a\u2028b\x85c"


def test_solutions_to_one_question_share_it_wherever_they_stand(tmp_path) -> None:
    rows = [row(), row(policy_model="claude"), row(image=["images/b.png"]), row(data_source="WeMath")]
    found = read_set(write_set(tmp_path, rows), "S")
    assert len(found.problems) == 3
    assert found.samples[0].key == found.samples[1].key
    again = read_set(write_set(tmp_path, rows[::-1]), "S")
    assert again.problems.keys() == found.problems.keys()
    assert again.file_digest != found.file_digest


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot read .*test.jsonl"),
        (b"\xff\xfe", "is no UTF-8 text"),
        (b"{}\n", "no line that can be used; line 1"),
    ],
)
def test_files_that_are_none(tmp_path, content, said) -> None:
    if content is not None:
        (tmp_path / "test.jsonl").write_bytes(content)
    with pytest.raises(BenchmarkError, match=said):
        read_set(tmp_path, "S")


def whole(tmp_path, sample: ProcessSample) -> ProcessSet:
    """Samples that have the released counts: all steps of a source in its first sample."""
    samples = []
    neutral = RELEASED_LABELS[0]
    for source, counts in RELEASED.items():
        problem = replace(sample.problem, split=source)
        labels = (1,) * counts.correct + (-1,) * counts.incorrect + (0,) * neutral
        neutral = 0
        samples.append(replace(sample, problem=problem, labels=labels, steps=("s",) * len(labels)))
        samples += [replace(sample, problem=problem, labels=(), steps=())] * (counts.samples - 1)
    return ProcessSet(NAME, tmp_path, tuple(samples), (), "")


def test_the_released_counts_are_told_from_others(tmp_path) -> None:
    (sample,) = read_set(write_set(tmp_path, [row()]), NAME).samples
    complete = whole(tmp_path, sample)
    labels = Counter(label for each in complete.samples for label in each.labels)
    assert (len(complete.samples), sum(labels.values())) == (2866, 26950)
    assert differences(complete) == []
    assert differences(replace(complete, name="Other")) == []
    less = replace(complete, samples=complete.samples[:-1])
    assert differences(less) == [
        "2,865 of 2,866 samples",
        "WeMath: 290 of 291 samples, 1,776 of 1,776 correct and 582 of 582 incorrect steps",
    ]
    flipped = replace(complete.samples[0], labels=(-1, *complete.samples[0].labels[1:]))
    assert any(
        "16,584 correct" in said for said in differences(replace(complete, samples=(flipped, *complete.samples[1:])))
    )


def test_pictures_of_a_set_are_shown_upright(tmp_path, monkeypatch) -> None:
    from PIL import Image

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = write_set(tmp_path / "set", [row(), row(image=["b.png"])])
    plain = read_set(folder, "S")
    assert plain.shown == ""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 40), "red").save(folder / "images" / "a.png", exif=exif)
    before = (folder / "images" / "a.png").read_bytes()
    raw, upright = read_set(folder, "S", "raw"), read_set(folder, "S")
    assert upright.shown == "1 line with pictures that were turned upright: 1"
    assert "as their files are" in raw.shown
    same = [one.problem.id == other.problem.id for one, other in zip(raw.samples, upright.samples, strict=True)]
    assert same == [False, True]
    assert upright.samples[1].problem == plain.samples[1].problem, "others keep their ids"
    (copy,) = upright.samples[0].problem.images
    assert Image.open(copy).size == (40, 30)
    assert (folder / "images" / "a.png").read_bytes() == before


@pytest.fixture
def odd_names(tmp_path) -> dict[str, str]:
    """What a picture may be called that is no picture of the set, and what is said of it."""
    folder = write_set(tmp_path / "set", [row()])
    (tmp_path / "elsewhere.png").write_bytes((folder / "images" / "b.png").read_bytes())
    (folder / "out.png").symlink_to(tmp_path / "elsewhere.png")
    (folder / "zero").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe")
    return {
        "out.png": "out.png is a link that leads out of the set's folder; copy the file there",
        "zero": "zero is missing", "pipe": "pipe is missing", "x\0y": "is missing", "a/../../b": "outside of the set's",
        "n" * 5000: "…", "~/b.png": "is missing", "x\x1b\u202e": "the picture x␛\\u202e is missing",
    }  # fmt: skip


def test_a_picture_that_is_none_of_the_set(tmp_path, odd_names) -> None:
    good = row(image=["b.png"])
    for name, said in odd_names.items():
        found = read_set(write_set(tmp_path / "set", [good, row(image=[name])]), "S")
        (bad,) = found.bad
        assert said in bad.reason
        assert len(bad.reason) < 300


def test_a_folder_of_pictures_may_be_a_link(tmp_path) -> None:
    folder = write_set(tmp_path / "set", [row(image=["images/a.png"])])
    (folder / "images").rename(tmp_path / "pictures")
    (folder / "images").symlink_to(tmp_path / "pictures")
    for name in ("images/a.png", "a.png"):
        (folder / "test.jsonl").write_text(json.dumps(row(image=[name])) + "\n")
        assert len(read_set(folder, "S").samples) == 1


def test_a_file_of_labels_that_never_ends(tmp_path) -> None:
    (tmp_path / "test.jsonl").symlink_to("/dev/zero")
    with pytest.raises(BenchmarkError, match="a device, a pipe or a folder"):
        read_set(tmp_path, "S")
