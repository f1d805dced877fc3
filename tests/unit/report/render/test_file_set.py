"""Files of one report are renewed together, a user's own are never lost, and what is left out is told."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from visualprm_eval.core.atomic_file import _remove_abandoned
from visualprm_eval.core.errors import ConfigError
from visualprm_eval.core.folders import check_folder
from visualprm_eval.report.render.file_set import FILE_LIST, Shown, renew

OLD = {"results.csv": "old table", "curves.csv": "old curves", "figures/curves.png": "old figure"}
NEW = {"results.csv": "new table", "results.png": "new picture"}
SHOWN = Shown({"rerankers": ["first", "oracle"]}, {"problems of B": 40})


def write(folder: Path, texts: dict[str, str], shows: Shown = SHOWN):
    return renew(folder, {name: lambda text=text: text for name, text in texts.items()}, shows)


def found(folder: Path) -> dict[str, str]:
    """All files but the list, by name."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != FILE_LIST]
    return {str(path.relative_to(folder)): path.read_text() for path in paths}


def is_complete(folder: Path) -> bool:
    return json.loads((folder / FILE_LIST).read_text())["complete"]


def test_what_a_former_report_wrote_goes_with_it_and_nothing_else_does(tmp_path):
    write(tmp_path, OLD)
    (tmp_path / "figures" / "mine.png").write_text("mine")
    (tmp_path / "notes.md").write_text("mine, too")
    renewal = write(tmp_path, NEW)
    assert found(tmp_path) == {**NEW, "figures/mine.png": "mine", "notes.md": "mine, too"}
    assert renewal.former == SHOWN
    assert renewal.notes == []
    (tmp_path / "figures" / "mine.png").unlink()
    write(tmp_path, OLD)
    write(tmp_path, NEW)
    assert not (tmp_path / "figures").exists()


def test_a_file_that_somebody_changed_or_put_there_is_kept(tmp_path):
    write(tmp_path, OLD)
    (tmp_path / "results.csv").write_text("with remarks")
    (tmp_path / "curves.csv").write_text("mine now")
    (tmp_path / "results.png").write_text("my picture")
    renewal = write(tmp_path, NEW)
    assert found(tmp_path) == {
        **NEW, "curves.csv": "mine now", "results.kept-1.csv": "with remarks", "results.kept-1.png": "my picture",
    }  # fmt: skip
    assert [note.rpartition(" ")[2] for note in renewal.notes] == ["results.kept-1.csv", "results.kept-1.png"]
    (tmp_path / "results.csv").write_text("with other remarks")
    write(tmp_path, NEW)
    assert (tmp_path / "results.kept-2.csv").read_text() == "with other remarks"


def test_a_users_file_in_a_folder_without_reports_is_kept(tmp_path):
    (tmp_path / "results.csv").write_text("of another tool")
    (tmp_path / "curves.csv").write_text("of another tool")
    write(tmp_path, NEW)
    assert found(tmp_path) == {**NEW, "results.kept-1.csv": "of another tool", "curves.csv": "of another tool"}


def test_files_of_versions_that_kept_no_list_are_replaced(tmp_path):
    for name in (*OLD, "report.html"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("of an earlier version")
    renewal = write(tmp_path, NEW)
    assert found(tmp_path) == NEW
    assert renewal.former is None


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "[]",
        "{}",
        '{"files": 3}',
        '{"files": {"a": 1}, "shows": {}}',
        "\x00",
        pytest.param("[" * 200_000, id="deep"),
    ],
)
def test_a_list_that_cannot_be_read_costs_no_file(tmp_path, broken):
    (tmp_path / FILE_LIST).write_text(broken)
    (tmp_path / "results.csv").write_text("whose?")
    write(tmp_path, NEW)
    assert found(tmp_path) == {**NEW, "results.kept-1.csv": "whose?"}
    assert is_complete(tmp_path)


_KILLED = """
import os, signal, sys
from pathlib import Path
from visualprm_eval.core.folders import check_folder
from visualprm_eval.report.render.file_set import Shown, renew

number, folder = int(sys.argv[1]), Path(sys.argv[2])
left = [number]

def counted(function):
    def call(*args, **named):
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        return function(*args, **named)
    return call

Path.replace, Path.unlink, Path.rename = map(counted, (Path.replace, Path.unlink, Path.rename))
renew(folder, {name: (lambda name=name: f"new {name}") for name in ("results.csv", "results.png", "a/b.svg")}, Shown())
"""


def test_a_kill_leaves_the_old_files_the_new_ones_or_a_list_that_tells(tmp_path):
    outcomes = []
    for number in range(30):
        folder = tmp_path / str(number)
        write(folder, OLD)
        script = [sys.executable, "-c", _KILLED, str(number), str(folder)]
        killed = subprocess.run(script, check=False).returncode == -signal.SIGKILL
        there = {name: text for name, text in found(folder).items() if ".draft-" not in name}
        new = {name: f"new {name}" for name in ("results.csv", "results.png", "a/b.svg")}
        assert not is_complete(folder) or there in (OLD, new), f"killed after {number} steps: {there}"
        outcomes.append(is_complete(folder))
        _remove_abandoned.cache_clear()  # As in the next process.
        renewal = write(folder, new)
        assert found(folder) == new, "nothing of either is left, and nothing was taken for a user's"
        assert renewal.was_torn == (not outcomes[-1])
        assert len(renewal.notes) == renewal.was_torn
        if not killed:
            break
    assert outcomes[0] and outcomes[-1] and not all(outcomes)
    assert not killed


def test_a_full_disk_leaves_the_former_files_as_they_were(tmp_path, monkeypatch):
    write(tmp_path, OLD)
    before = {**found(tmp_path), FILE_LIST: (tmp_path / FILE_LIST).read_text()}
    fsync, room = os.fsync, [0]

    def full(descriptor):
        room[0] -= 1
        if room[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    for writes in range(len(NEW) + 2):  # The files, the list as it will be, and the list meanwhile.
        room[0] = writes
        with pytest.raises(
            ConfigError, match=r"cannot write .*: No space left on device; free space, .*--work-dir.*-o"
        ):
            write(tmp_path, NEW)
        assert {**found(tmp_path), FILE_LIST: (tmp_path / FILE_LIST).read_text()} == before
    room[0] = 99
    write(tmp_path, NEW)
    assert found(tmp_path) == NEW


def test_a_file_that_cannot_be_made_for_want_of_room_is_named(tmp_path):
    def no_room():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write(tmp_path, OLD)
    with pytest.raises(ConfigError, match=r"cannot write .*results\.xlsx: No space left on device"):
        renew(tmp_path, {"results.csv": lambda: "new", "results.xlsx": no_room}, SHOWN)
    assert found(tmp_path) == OLD


def test_folders_that_files_cannot_go_to_are_known_before(tmp_path, monkeypatch):
    check_folder(tmp_path / "new" / "folder", "-o")
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"cannot write into .*file/x: .*file is no folder; .*-o"):
        check_folder(tmp_path / "file" / "x", "-o")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(ConfigError, match=r"no permission to write in .*-o"):
        check_folder(tmp_path / "new", "-o")


def test_a_name_that_tells_reward_models_apart_is_the_former_one():
    former = Shown({"rerankers": ["first", "visualprm", "oracle"]})
    now = Shown({"rerankers": ["first", "visualprm@v1", "visualprm@v2"]})
    assert now.missing_of(former) == {"rerankers": "oracle"}
    assert former.missing_of(now) == {"rerankers": "visualprm@v1, visualprm@v2"}
