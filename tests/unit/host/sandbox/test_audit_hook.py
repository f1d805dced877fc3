from __future__ import annotations

import json
import multiprocessing
import os
import pty
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from ctypes.util import find_library
from pathlib import Path
from threading import Thread

import pytest

from visualprm_eval.core.errors import GradingError
from visualprm_eval.host.sandbox.audit_hook import RefusedError, watched


@pytest.fixture
def places(tmp_path):
    """A folder that may be written, one that must be kept, and one that nobody may write."""
    folders = [tmp_path / name for name in ("work", "data", "home")]
    for folder in folders:
        folder.mkdir()
        (folder / "old").write_text("old")
    return folders


PROGRAMS = {
    "run": lambda: subprocess.run(["true"], check=False),
    "shell": lambda: subprocess.run("true", shell=True, check=False),
    "popen": lambda: os.popen("true").read(),
    "system": lambda: os.system("true"),
    "spawnv": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "pty": lambda: pty.spawn(["true"]),
    "forkpty": os.forkpty,
    "interpreter": lambda: multiprocessing.get_context("spawn").Process(target=print).start(),
}


@pytest.mark.parametrize("way", PROGRAMS)
def test_no_program_starts(way, places):
    with watched([places[0]]) as refusals:
        with pytest.raises(RefusedError):
            PROGRAMS[way]()
        assert refusals.notes
        assert all(note.startswith("start a program") for note in refusals.notes)
        with pytest.raises(
            GradingError, match=r"^X: the host's grader wants to start a program.*: such benchmarks cannot be"
        ):
            refusals.check("X")


def test_programs_start_afterwards(places):
    with watched([places[0]]):
        pass
    assert subprocess.run(["true"], check=False).returncode == 0
    assert not sys.dont_write_bytecode or os.environ.get("PYTHONDONTWRITEBYTECODE")


WRITES = {
    "open": lambda place: (place / "new").open("w"),
    "append": lambda place: (place / "old").open("a"),
    "bytes": lambda place: os.close(os.open(os.fsencode(place / "new"), os.O_CREAT)),
    "os.open": lambda place: os.open(place / "old", os.O_WRONLY),
    "truncate": lambda place: os.truncate(place / "old", 0),
    "remove": lambda place: (place / "old").unlink(),
    "rename": lambda place: (place / "old").rename(place / "other"),
    "replace": lambda place: (place / "old").replace(place / "other"),
    "move out": lambda place: shutil.move(place / "old", place.parent / "work" / "there"),
    "mkdir": lambda place: (place / "folder").mkdir(),
    "rmtree": shutil.rmtree,
    "rmdir": lambda place: place.rmdir(),
    "symlink": lambda place: (place / "link").symlink_to("old"),
    "link": lambda place: os.link(place / "old", place / "link"),
    "chmod": lambda place: (place / "old").chmod(0o600),
    "copy": lambda place: shutil.copy(place / "old", place / "copy"),
    "by descriptor": lambda place: os.unlink("old", dir_fd=os.open(place, os.O_RDONLY)),
    "dots": lambda place: (place.parent / "work" / ".." / place.name / "new").open("w"),
    "through a link": lambda place: (place.parent / "work" / "way" / "new").open("w"),
}


@pytest.mark.parametrize("way", WRITES)
def test_nothing_is_written_elsewhere(way, places):
    work, data, home = places
    (work / "way").symlink_to(home)
    before = sorted(home.iterdir()), (home / "old").read_text(), (home / "old").stat()
    with watched([work], [data]) as refusals:
        with pytest.raises(RefusedError):
            WRITES[way](home)
        assert refusals.notes[0].startswith("write outside of its folder (")
    after = sorted(home.iterdir()), (home / "old").read_text(), (home / "old").stat()
    assert before[:2] == after[:2]
    assert before[2].st_mode == after[2].st_mode


@pytest.mark.parametrize("way", [way for way in WRITES if way not in {"rmtree", "rmdir", "through a link"}])
def test_the_own_folder_is_free(way, places):
    with watched([places[0]]) as refusals:
        WRITES[way](places[0])
        assert refusals.notes == ()


def test_what_graders_do_and_may(places):
    work, data, home = places
    with watched([work, Path(tempfile.gettempdir())]) as refusals:
        assert (home / "old").read_text() == "old"
        home.mkdir(exist_ok=True)
        with pytest.raises(FileExistsError):
            data.mkdir()
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "x").write_text("x")
        with Path(os.devnull).open("w") as nowhere:
            nowhere.write("x")
        sqlite3.connect(work / "x.sqlite").close()
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
            pass
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert pool.map(abs, [-1, -2]) == [1, 2]
        assert find_library("nothing-of-this-name") is None
        assert refusals.notes == ()
        refusals.check("X")


def test_kept_folders_get_new_files_only(places):
    work, data, _ = places
    with watched([work], [data]) as refusals:
        (data / "models").mkdir()
        (data / "models" / "part").write_text("new")
        (data / "models" / "part").rename(data / "models" / "whole")
        (data / "models" / "whole").write_text("newer")
        assert refusals.notes == ()
        for change in (
            lambda: (data / "old").write_text("x"),
            (data / "old").unlink,
            lambda: shutil.rmtree(data),
        ):
            with pytest.raises(RefusedError):
                change()
    assert (data / "old").read_text() == "old"


def test_threads_and_forked_children_too(places):
    work, _, home = places

    def hostile(name):
        for attempt in (lambda: os.system(f"true {name}"), lambda: (home / name).write_text(name)):
            try:
                attempt()
            except OSError:
                continue

    with watched([work]) as refusals:
        thread = Thread(target=hostile, args=["thread"])
        thread.start()
        thread.join()
        child = multiprocessing.get_context("fork").Process(target=hostile, args=["child"])
        child.start()
        child.join()
        assert [note.split("(")[0].strip() for note in refusals.notes] == [
            "start a program", "write outside of its folder",
        ] * 2  # fmt: skip
        with pytest.raises(GradingError, match="and 3 more of the kind"):
            refusals.check("X")
    assert [path.name for path in home.iterdir()] == ["old"]


def test_notes_show_little_of_what_a_model_wrote(places):
    with watched([places[0]]) as refusals:
        for _ in range(50):
            with pytest.raises(RefusedError):
                subprocess.run(["python3", "-c", "\x1b[31m<script>\n" + "é" * 500], check=False)
        [note] = refusals.notes
        assert len(note) < 100
        assert json.dumps(note).isascii()
        assert note.isprintable()
        for number in range(50):
            refusals.note("x", str(number))
        assert len(refusals.notes) == 20


def test_one_inside_another(places):
    work, data, home = places
    with watched([work]) as outer:
        with watched([data]) as inner:
            (data / "x").write_text("x")
            with pytest.raises(RefusedError):
                (home / "x").write_text("x")
            assert inner.notes
            assert outer.notes == ()
        (work / "x").write_text("x")
        with pytest.raises(RefusedError):
            (data / "x").write_text("x")
    (home / "x").write_text("x")
