"""The files of one report in a folder: renewed together, with a list of what was written and what it shows.

The list (``FILE_LIST``) tells our files from a user's own by their digests, and a set that is whole from one that a
killed process left half renewed.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from visualprm_eval.core.atomic_file import DraftSet, write_atomically
from visualprm_eval.core.errors import ConfigError
from visualprm_eval.core.json_text import parsed
from visualprm_eval.report.render.drawing import FORMATS

FILE_LIST = "report_files.json"
"""The name of the list, in the folder of the files."""
_FIRST_VERSIONS = ("results.csv", "report.html")
"""What reports always had of versions that kept no list; where both are, all of ``_UNLISTED`` are a report's."""
_UNLISTED = (
    "results.csv", "curves.csv", "results.png", "results.md", "report.html", "results.xlsx",
    *(f"figures/{name}.{kind}" for kind in FORMATS
      for name in ("curves", "gains", "scores", "f1-threshold", "reliability", "error-by-step")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """What a report shows, as far as another one may lack it.

    Attributes:
        names: Names by what they are of, such as ``{"rerankers": ["first", "oracle"]}``.
        counts: How many by what is counted, such as ``{"problems of MathVista_MINI": 500}``.
    """

    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)

    def missing_of(self, former: Shown) -> dict[str, str]:
        """What a former report showed and this one does not, in words, by kind."""
        found = {
            kind: ", ".join(left)
            for kind, names in former.names.items()
            if (left := [name for name in names if not _has(self.names.get(kind, ()), name)])
        }
        fewer = {what: n for what, n in former.counts.items() if self.counts.get(what, n) < n}
        return found | {what: f"{n:,}, not {self.counts[what]:,}" for what, n in fewer.items()}


def _has(names: Iterable[str], name: str) -> bool:
    """Whether a name is there, or one that tells its reward model apart, which there was only one of before."""
    return any(each == name or each.startswith(f"{name}@") for each in names)


@dataclass(frozen=True, slots=True)
class Renewal:
    """What was written.

    Attributes:
        paths: The files.
        former: What the former report in the folder showed; ``None`` where there was none, or none that told.
        kept: Files that no report wrote and that were in the way, to where they are now.
        was_torn: Whether the former files were half renewed.
    """

    paths: list[Path]
    former: Shown | None
    kept: Mapping[Path, Path]
    was_torn: bool

    @property
    def notes(self) -> list[str]:
        """What a user must know of the former files, in words."""
        folder = self.paths[0].parent
        torn = [f"somebody was stopped while renewing the files in {folder}; they are whole again"]
        kept = [f"{path} is not as a report wrote it; it is kept as {kept.name}" for path, kept in self.kept.items()]
        return [*(torn if self.was_torn else ()), *kept]


@dataclass(frozen=True, slots=True)
class _FileList:
    """The list of a folder.

    Attributes:
        files: Name to the SHA-256 digests, of which the file has one: two while it is being renewed.
        shows: What they show.
        complete: Whether all are of one report.
    """

    files: Mapping[str, Sequence[str]]
    shows: Shown
    complete: bool

    def content(self) -> str:
        return json.dumps(asdict(self), indent=1) + "\n"


def renew(folder: Path, contents: Mapping[str, Callable[[], bytes | str]], shows: Shown) -> Renewal:
    """Writes the files of a report, all or none, in place of those of the former one.

    What the former report wrote and this one does not is removed, if it is as it was written. A file in the way that no
    report wrote, or that somebody changed, is kept under another name. A kill leaves all former or all new files, or in
    the moment of renaming a mixture that the list of files tells of.

    Args:
        folder: Where they go; made when it is missing.
        contents: What makes each file, by name; each is called when the one before it is written.
        shows: What they show.

    Raises:
        ConfigError: A file cannot be written; those of the former report are still there.
    """
    digests: dict[str, list[str]] = {}
    with DraftSet() as drafts:
        for name, content in contents.items():
            with _told(folder / name):
                if (folder / name).is_dir():
                    raise IsADirectoryError(None, "it is a folder")
                made = content()
                drafts.write(folder / name, made)
            digests[name] = [hashlib.sha256(made.encode() if isinstance(made, str) else made).hexdigest()]
            del made
        with _told(folder / FILE_LIST), _alone(folder):
            former = _read(folder)
            old = dict(former.files) if former is not None else {}
            mixed = {name: [*old.get(name, ()), *digests.get(name, ())] for name in (*old, *digests)}
            ours = {name for name, known in old.items() if _is_one_of(folder / name, known)}
            there = [name for name in digests if (folder / name).is_file() and name not in ours]
            # The last thing that needs room on the disk; what follows renames and removes.
            drafts.write(folder / FILE_LIST, _FileList(digests, shows, complete=True).content())
            write_atomically(folder / FILE_LIST, _FileList(mixed, shows, complete=False).content())
            kept = {folder / name: _moved(folder / name) for name in there}
            for name in ours - digests.keys():
                (folder / name).unlink()
            drafts.publish()
            for parent in {(folder / name).parent for name in ours - digests.keys()} - {folder}:
                with suppress(OSError):  # Something else is in it.
                    parent.rmdir()
    shown = former.shows if former is not None and former.shows.names else None
    return Renewal([folder / name for name in digests], shown, kept, former is not None and not former.complete)


def _read(folder: Path) -> _FileList | None:
    """The list of a folder, or what can be known where none was kept; ``None`` where no report was written."""
    try:
        found: Any = parsed((folder / FILE_LIST).read_bytes())
        files = {str(name): [str(digest) for digest in digests] for name, digests in found["files"].items()}
        names = {str(kind): [str(name) for name in names] for kind, names in found["shows"]["names"].items()}
        counts = {str(what): int(count) for what, count in found["shows"]["counts"].items()}
        return _FileList(files, Shown(names, counts), complete=bool(found["complete"]))
    except FileNotFoundError:
        pass
    except (ValueError, TypeError, KeyError, AttributeError):
        pass  # Somebody wrote into it.
    if not all((folder / name).is_file() for name in _FIRST_VERSIONS):
        return None
    there = {name: [_digest(folder / name)] for name in _UNLISTED if (folder / name).is_file()}
    return _FileList(there, Shown(), complete=True)


def _is_one_of(path: Path, digests: Sequence[str]) -> bool:
    return path.is_file() and _digest(path) in digests


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _moved(path: Path) -> Path:
    """Gives a file another name beside it, which is returned."""
    number = 1
    while os.path.lexists(kept := path.with_name(f"{path.stem}.kept-{number}{path.suffix}")):
        number += 1
    return path.rename(kept)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Lets one process at a time put its files into a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # A file system without locks.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Makes an error of the file system one that names the file and says what to do."""
    try:
        yield
    except OSError as error:
        first = "free space" if error.errno in {errno.ENOSPC, errno.EDQUOT} else "close it where it is open"
        raise ConfigError(
            f"cannot write {path}: {error.strerror or error}; {first}, or choose a folder with room that may be "
            "written to (--work-dir; for a report also -o)"
        ) from error
