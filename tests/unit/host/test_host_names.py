"""Names of the host that a former import left: believed of the very same host only."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from visualprm_eval.core.folders import cache_root, passing_cache
from visualprm_eval.host.data.entries import DatasetEntry
from visualprm_eval.host.load import host_names
from visualprm_eval.host.load.host_names import HostNames, has_settings_file, host_stamp, keep_names, kept_names


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of a host of two files, which nobody imports, and an empty cache."""
    folder = tmp_path / "checkout" / "vlmeval"
    (folder / "dataset").mkdir(parents=True)
    for name in ("__init__.py", "dataset/__init__.py"):
        (folder / name).write_text("raise AssertionError('imported')")
    monkeypatch.syspath_prepend(folder.parent)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in [name for name in sys.modules if name.partition(".")[0] == "vlmeval"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(host_names, "read_tables", lambda: names_of(host_stamp()))
    return folder


def names_of(stamp: str) -> HostNames:
    video = DatasetEntry("is made of videos")
    return HostNames(stamp, ("A", "B"), {"Y": DatasetEntry("", "http://x/y.tsv", "0" * 32, one_file=True), "V": video})


def test_they_come_back_as_they_were(host: Path) -> None:
    assert kept_names() is None
    keep_names()
    names = kept_names()
    assert names == names_of(host_stamp())
    assert names is not None
    assert names.benchmarks == ["Y"]


@pytest.mark.parametrize("change", ["content", "time", "new file", "place", "gone"])
def test_of_another_host_they_are_not_believed(
    host: Path, change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_names()
    file = host / "dataset" / "__init__.py"
    if change == "content":
        file.write_text("raise AssertionError('another one')")
    elif change == "time":
        os.utime(file, (1, 1))
    elif change == "new file":
        (host / "dataset" / "new.py").touch()
    elif change == "place":
        host.parent.rename(tmp_path / "elsewhere")
        monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    else:
        monkeypatch.setattr(host_names, "find_spec", lambda _: None)
    importlib.invalidate_caches()
    assert kept_names() is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"host": 1}', b"\xff"])
def test_a_damaged_file_counts_as_none(host: Path, content: bytes) -> None:
    keep_names()
    (cache_root() / "host-names.json").write_bytes(content)
    assert kept_names() is None


def test_an_older_form_of_the_file_counts_as_none(host: Path) -> None:
    keep_names()
    path = cache_root() / "host-names.json"
    path.write_bytes(path.read_bytes().replace(b'"refusal"', b'"reason"').replace(b'"datasets"', b'"sets"'))
    assert kept_names() is None


def test_a_cache_that_cannot_be_written_is_no_error(host: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    keep_names()
    assert kept_names() is None


def test_a_dry_run_reads_them_and_leaves_none(host: Path) -> None:
    with passing_cache():
        keep_names()
        assert kept_names() is None
    assert not cache_root().exists()
    keep_names()
    with passing_cache():
        assert kept_names() is not None


def test_the_file_is_json_of_the_names(host: Path) -> None:
    keep_names()
    content = (cache_root() / "host-names.json").read_bytes()
    assert TypeAdapter(HostNames).validate_json(content) == names_of(host_stamp())


def test_the_settings_file_of_a_checkout_is_seen(host: Path) -> None:
    assert not has_settings_file()
    (host.parent / ".env").touch()
    assert has_settings_file()
