"""Files that the host reads through links: each content has its own folder, and what is written appears whole."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from pandas.io.formats.csvs import CSVFormatter
from PIL import Image

from tests.host.material import mcq_rows, picture, write_tsv
from tests.host.seven_tables import rows_of
from tests.host.test_files import snapshot
from visualprm_eval.core.atomic_file import DRAFT
from visualprm_eval.core.folders import cache_root
from visualprm_eval.host.data.benchmarks import load_benchmark
from visualprm_eval.host.data.linked_data import mirrored_root, whole_files


@pytest.fixture
def large(monkeypatch):
    """Every file counts as larger than the gigabyte from which the host keeps a copy without pictures."""
    import vlmeval.dataset.image_base as base

    monkeypatch.setattr(base, "file_size", lambda path, unit="GB": 2.0)


def test_a_large_file_that_was_replaced_is_read(lmu, large):
    rows = rows_of("MathVista_MINI")
    write_tsv(lmu / "MathVista_MINI.tsv", rows)
    before = snapshot(lmu)
    old = load_benchmark("MathVista_MINI")
    again = load_benchmark("MathVista_MINI")
    assert again.problems == old.problems
    assert snapshot(lmu) == before
    new_rows = [{**row, "question": f"NEW {row['question']}", "image": picture((1, 2, 3), (50, 50))} for row in rows]
    write_tsv(lmu / "MathVista_MINI.tsv", new_rows)
    new = load_benchmark("MathVista_MINI")
    assert [problem.question for problem in new.problems] == [row["question"] for row in new_rows]
    assert Image.open(new.problems[0].images[0]).size == (50, 50)
    assert old.file.md5 != new.file.md5
    assert {path.name for path in lmu.iterdir()} == {"MathVista_MINI.tsv"}


def test_a_kill_while_the_smaller_copy_is_written_leaves_none(lmu, large, monkeypatch):
    write_tsv(lmu / "MathVista_MINI.tsv", rows_of("MathVista_MINI"))

    class Killed(BaseException):
        pass

    def break_off(writer):
        Path(writer.filepath_or_buffer).write_text("index\tquestion\n1\t")
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(CSVFormatter, "save", break_off)
        load_benchmark("MathVista_MINI")
    assert not list(cache_root().rglob("*_local.tsv"))
    assert len(load_benchmark("MathVista_MINI").problems) == 4


def test_a_draft_is_seen_by_nobody(tmp_path):
    table, image, during = tmp_path / "t.tsv", tmp_path / "a.png", []
    table.write_text("old")

    class Cell:
        def __str__(self):
            during.append((table.read_text(), sorted(path.name for path in tmp_path.iterdir())))
            return "new"

    with whole_files():
        pd.DataFrame({"a": [Cell()]}).to_csv(str(table), sep="\t", index=False)
        Image.new("RGB", (3, 3)).save(image)
        assert pd.DataFrame({"a": [1]}).to_csv(index=False) == "a\n1\n"
    [(content, [draft, name])] = during[:1]
    assert (content, name) == ("old", "t.tsv")
    assert draft.startswith(DRAFT)
    assert table.read_text() == "a\nnew\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "t.tsv"]


def test_a_mirror_follows_its_folder(lmu):
    (lmu / "a.tsv").write_text("one")
    (lmu / "a_local.tsv").write_text("the host's copy")
    (lmu / "alone_local.tsv").write_text("all that is left")
    (lmu / "images" / "A").mkdir(parents=True)
    (lmu / "images" / "A" / "1.png").write_text("picture")
    (lmu / "loop").symlink_to(lmu)
    root = mirrored_root("X")
    names = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert names == {"a.tsv", "alone_local.tsv", "images/A/1.png"}
    (root / "a_local.tsv").write_text("made of a.tsv")
    (lmu / "b.tsv").write_text("more")
    assert mirrored_root("X") == root, "a new file changes nothing of the others"
    assert (root / "b.tsv").read_text() == "more"
    (lmu / "a.tsv").write_text("another")
    new = mirrored_root("X")
    assert new != root, "what was made of the old file is not seen any more"
    assert (new / "a.tsv").read_text() == "another"
    assert not (new / "a_local.tsv").exists()
    assert mirrored_root("X") == new
    assert mirrored_root("Y") != new
    assert Path(root).is_dir(), "another process may be reading it"


def test_a_benchmark_that_names_picture_files_finds_them(lmu, tmp_path):
    Image.new("RGB", (30, 20)).save(tmp_path / "x.png")
    rows = [{name: cell for name, cell in row.items() if name != "image"} for row in mcq_rows()]
    write_tsv(lmu / "MMStar.tsv", [{**row, "image_path": str(tmp_path / "x.png")} for row in rows])
    assert load_benchmark("MMStar").problems[0].images == (str(tmp_path / "x.png"),)
