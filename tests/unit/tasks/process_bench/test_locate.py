from __future__ import annotations

import zipfile

import pytest

from tests.unit.evaluate.step_labels.material import row, write_set
from visualprm_eval.core.errors import BenchmarkError
from visualprm_eval.tasks.process_bench import locate


def test_the_data_folder_is_the_host_s(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("LMUData", str(tmp_path))
    write_set(tmp_path / "VisualProcessBench", [row()])
    assert len(locate.load_set("VisualProcessBench").samples) == 1
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("LMUData")
    write_set(tmp_path / "home" / "LMUData" / "VisualProcessBench", [row(), row()])
    assert len(locate.load_set("VisualProcessBench").samples) == 2


def test_a_data_folder_that_is_not_there_is_refused(tmp_path, monkeypatch) -> None:
    """As on the main path: the host would silently take another one."""
    monkeypatch.setenv("LMUData", str(tmp_path / "none"))
    with pytest.raises(BenchmarkError, match=r"LMUData names .*none, which is no folder"):
        locate.load_set("VisualProcessBench")


def test_a_named_folder_wins(tmp_path) -> None:
    write_set(tmp_path / "data" / "VisualProcessBench", [row()])
    assert len(locate.load_set("VisualProcessBench", data_dir=tmp_path / "data").samples) == 1
    assert len(locate.load_set("VisualProcessBench", write_set(tmp_path, [row(), row()])).samples) == 2


def test_what_is_not_there_is_fetched_at_the_pinned_revision(tmp_path, monkeypatch) -> None:
    import huggingface_hub

    there = write_set(tmp_path / "hub", [row()])
    with zipfile.ZipFile(there / "images.zip", "w") as archive:
        archive.write(there / "images" / "a.png", "images/a.png")
    asked = []

    def snapshot_download(repository, **options):
        asked.append((repository, options["repo_type"], options["revision"]))
        return str(there)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    monkeypatch.setenv("LMUData", str(tmp_path))
    for _ in range(2):
        assert locate.load_set("VisualProcessBench").bad == ()
    assert asked == [("OpenGVLab/VisualProcessBench", "dataset", locate.REVISION)]
    assert len(locate.REVISION) == 40


def test_without_a_network_the_message_says_what_to_do(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("LMUData", str(tmp_path))
    with pytest.raises(BenchmarkError, match=r"download test.jsonl and images.zip .* --vpb-dir"):
        locate.load_set("VisualProcessBench")


def test_an_archive_writes_nowhere_else(tmp_path) -> None:
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        archive.writestr("../evil.png", b"x")
    (tmp_path / "in").mkdir()
    with pytest.raises(BenchmarkError, match="leads out of the folder"):
        locate.unpack(tmp_path / "images.zip", tmp_path / "in")
    assert not (tmp_path / "evil.png").exists()
