"""Files are whole or not there, and what killed processes leave goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from visualprm_eval.core.atomic_file import DRAFT, atomic_draft, link_atomically, write_atomically

_HALF = """
import sys, time
from pathlib import Path
from visualprm_eval.core.atomic_file import atomic_draft
with atomic_draft(Path(sys.argv[1])) as draft:
    draft.write_text("half")
    print("written", flush=True)
    time.sleep(600)
"""
_NEXT = """
import sys
from pathlib import Path
from visualprm_eval.core.atomic_file import write_atomically
write_atomically(Path(sys.argv[1]), "whole")
"""


@pytest.fixture
def writer(tmp_path):
    """A process in the middle of a write."""
    process = subprocess.Popen([sys.executable, "-c", _HALF, str(tmp_path / "file")], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "written\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def drafts(folder):
    return [path for path in folder.iterdir() if path.name.startswith(DRAFT)]


def write_in_the_next_run(path):
    subprocess.run([sys.executable, "-c", _NEXT, str(path)], check=True)


def test_the_draft_of_a_killed_process_goes_with_the_next_run(tmp_path, writer):
    (tmp_path / "file").write_text("old")
    writer.send_signal(signal.SIGKILL)
    assert writer.wait() == -signal.SIGKILL
    assert len(drafts(tmp_path)) == 1
    assert (tmp_path / "file").read_text() == "old"
    write_in_the_next_run(tmp_path / "another file of the folder")
    assert drafts(tmp_path) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["another file of the folder", "file"]


def test_the_draft_of_a_living_process_stays(tmp_path, writer):
    write_in_the_next_run(tmp_path / "file")
    [draft] = drafts(tmp_path)
    assert draft.read_text() == "half"
    assert (tmp_path / "file").read_text() == "whole"


def test_an_abandoned_link_goes_and_a_new_one_stays(tmp_path):
    old, new = tmp_path / f"{DRAFT}1-link", tmp_path / f"{DRAFT}2-link"
    for link in (old, new):
        link.symlink_to(tmp_path / "nothing")
    os.utime(old, (time.time() - 3600,) * 2, follow_symlinks=False)
    link_atomically(tmp_path / "link", tmp_path / "target")
    assert drafts(tmp_path) == [new]
    assert (tmp_path / "link").readlink() == tmp_path / "target"
    link_atomically(tmp_path / "link", tmp_path / "another")
    assert (tmp_path / "link").readlink() == tmp_path / "another"


def test_a_draft_that_was_taken_for_abandoned_is_made_anew(tmp_path, monkeypatch):
    import fcntl

    taken = []

    def removed_before_it_is_locked(descriptor, how):
        if not taken:
            taken.extend(drafts(tmp_path))
            taken[0].unlink()

    monkeypatch.setattr(fcntl, "flock", removed_before_it_is_locked)
    write_atomically(tmp_path / "file", "whole")
    assert len(taken) == 1
    assert (tmp_path / "file").read_text() == "whole"


def test_a_file_system_without_locks_does_not_stop_a_write(tmp_path, monkeypatch):
    import fcntl

    def no_locks(descriptor, how):
        raise OSError(38, "Function not implemented")

    (tmp_path / f"{DRAFT}somebody's").write_text("living or dead")
    monkeypatch.setattr(fcntl, "flock", no_locks)
    write_atomically(tmp_path / "file", "whole")
    assert (tmp_path / "file").read_text() == "whole"
    assert len(drafts(tmp_path)) == 1


def test_an_error_keeps_the_old_file_and_leaves_nothing(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def write_half():
        with atomic_draft(path) as draft:
            draft.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", ["text\r\nß\n", b"\x00bytes"])
def test_content_and_mode_are_as_of_a_plain_file(tmp_path, content):
    write_atomically(tmp_path / "new folder" / "ours.txt", content, durable=False)
    path, plain = tmp_path / "new folder" / "ours.txt", tmp_path / "plain"
    plain.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert path.read_bytes() == plain.read_bytes()
    assert path.stat().st_mode == plain.stat().st_mode


def test_a_draft_ends_like_its_target(tmp_path):
    with atomic_draft(tmp_path / "table.tsv") as draft:
        assert draft.suffix == ".tsv"
        assert draft.parent == tmp_path
