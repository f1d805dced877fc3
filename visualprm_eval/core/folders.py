"""Where benchmarks, links and pictures are on this machine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from visualprm_eval.core.errors import BenchmarkError, ConfigError

_chosen: list[Path] = []
"""The data folder that somebody named, if anybody did."""
_passing: list[Path] = []
"""The cache folder of a dry run, while there is one."""


def use_data_dir(path: Path | None) -> None:
    """Makes a folder the data folder of this process, or the host's again (``None``).

    Raises:
        BenchmarkError: It is no folder.
    """
    if path is not None and not path.is_dir():
        raise BenchmarkError(f"--data-dir {path} is no folder: name the one that holds the benchmarks' TSV files")
    _chosen[:] = [] if path is None else [path.resolve()]


def folders_in_use() -> tuple[Path | None, Path | None]:
    """The data folder that somebody named, and the cache folder of a dry run; for :func:`use_folders` elsewhere."""
    return (_chosen[0] if _chosen else None), (_passing[-1] if _passing else None)


def use_folders(data: Path | None, cache: Path | None) -> None:
    """Makes the folders of another process, see :func:`folders_in_use`, those of this one."""
    _chosen[:] = [] if data is None else [data]
    _passing[:] = [] if cache is None else [cache]


def data_root() -> Path:
    """The folder that holds benchmarks: the one that was named, else the host's: ``$LMUData``, else ``~/LMUData``.

    Nothing is made: the last one need not be there.

    Raises:
        BenchmarkError: When ``$LMUData`` names a folder that is not there (the host would silently take the other).
    """
    if _chosen:
        return _chosen[0]
    named = os.environ.get("LMUData")  # noqa: SIM112 - the host spells it so
    if named is not None and not Path(named).is_dir():
        raise BenchmarkError(
            f"the environment variable LMUData names {named}, which is no folder: make it, or unset LMUData"
        )
    return Path(named) if named is not None else Path.home() / "LMUData"


def cache_root() -> Path:
    """The folder for links and pictures: ``$XDG_CACHE_HOME/visualprm_eval``, else ``~/.cache/visualprm_eval``."""
    return _passing[-1] if _passing else lasting_cache_root()


def lasting_cache_root() -> Path:
    """The same, whatever :func:`passing_cache` says: what is there may be read at any time."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "visualprm_eval"


def check_folder(folder: Path, option: str) -> None:
    """Finds out before any work is done whether files can be made in a folder, which need not be there yet.

    Args:
        folder: The folder.
        option: The option that names it.

    Raises:
        ConfigError: They cannot.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    if not there.is_dir():
        raise ConfigError(f"cannot write into {folder}: {there} is no folder; choose another one with {option}")
    if not os.access(there, os.W_OK | os.X_OK):
        raise ConfigError(
            f"cannot write into {folder}: no permission to write in {there}; choose another one with {option}"
        )


def check_output(file: Path, option: str) -> None:
    """Refuses a file that cannot be written, before there is anything to write.

    Args:
        file: The file. Its folder is not made: one that is not there may be a slip.
        option: Who names it, for the message.

    Raises:
        ConfigError: It is a folder, its folder is not there, or the permissions do not allow it.
    """
    if file.is_dir():
        raise ConfigError(f"{option} {file} is a folder; name the file to write")
    if not file.parent.is_dir():
        raise ConfigError(f"{option} {file}: there is no folder {file.parent}; make it, or choose another place")
    check_folder(file.parent, option)


@contextmanager
def passing_cache() -> Iterator[Path]:
    """While it lasts, what belongs into the cache goes to a folder that is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="visualprm_eval-") as folder:
        _passing.append(Path(folder).resolve())
        try:
            yield _passing[-1]
        finally:
            _passing.pop()


PICTURES = "pictures"
"""Folder of a work dir with the pictures of its problems, named by their content."""


def picture_here(work_dir: Path, value: str) -> str:
    """Where this work dir has a picture; as it is named when it has none."""
    here = work_dir / PICTURES / Path(value).name
    return str(here.absolute()) if here.is_file() else value


def user_path(text: str) -> Path:
    """A path as somebody wrote it, with ``~`` for a home, which a shell leaves alone in ``--option=~/folder``.

    Raises:
        ConfigError: It names the home of nobody.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ConfigError(f"{text}: nobody here has that home; write the path in full, or ./{text}") from None


def is_folder(path: Path | str) -> bool:
    """Whether it is a folder; ``False`` also for what no file can be called: names too long, or with NUL."""
    return os.path.isdir(path)  # noqa: PTH112 - pathlib's raises for these


def is_file(path: Path | str) -> bool:
    """Whether it is a regular file, no device and no pipe; ``False`` also for what no file can be called."""
    return os.path.isfile(path)  # noqa: PTH113 - pathlib's raises for these
