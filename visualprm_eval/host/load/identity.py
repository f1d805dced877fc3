"""Which host an import would find, without importing it: a released package, or code of VLMEvalKit's repository."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from visualprm_eval.core.types import digest
from visualprm_eval.host.load.host_names import HOST

PACKAGE, CHECKOUT = "package", "checkout"
RELEASED = "ms-vlmeval"
"""The host on the package index; one of its versions is always the same code."""
_SHORT = 12
_VERSION = re.compile(r"^__version__ = ['\"]([^'\"]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Identity:
    """A host, as its files tell.

    Attributes:
        folder: The package ``vlmeval``.
        kind: ``"package"`` where it was released as one, ``"checkout"`` for code of the repository, installed or not.
        version: What its verdicts are noted under: of a checkout its own version and its commit, or where nobody knows
            the commit a digest of its code, since all of them call themselves the same.
        commit: Of a checkout, shortened; ``""`` where it cannot be told.
    """

    folder: Path
    kind: str
    version: str
    commit: str

    def __str__(self) -> str:
        of = f", commit {self.commit or 'unknown'}" if self.kind == CHECKOUT else ""
        return f"{HOST} {self.version} ({self.kind}{of}) in {self.folder}"


def identity_of(folder: Path) -> Identity:
    """Identifies the host in a folder.

    Args:
        folder: The package ``vlmeval``, see :func:`~visualprm_eval.host.load.host_names.host_folder`.
    """
    folder = folder.resolve()
    owner = next(filter(None, (_owner(name, folder) for name in (RELEASED, HOST))), None)
    if owner is not None and owner.name == RELEASED:
        return Identity(folder, PACKAGE, owner.version, "")
    own = _VERSION.search((folder / "__init__.py").read_text(encoding="utf-8", errors="replace"))
    commit = _installed_commit(owner) if owner is not None else _commit(folder.parent)
    version = f"{own[1] if own else 'unknown'}+{commit or _of_files(folder)}"
    return Identity(folder, CHECKOUT, version, commit)


def _owner(name: str, folder: Path) -> Distribution | None:
    """The installed distribution that a folder belongs to; one that stands behind it on the path says nothing of it."""
    with suppress(PackageNotFoundError):
        found = distribution(name)
        if Path(str(found.locate_file(HOST))).resolve() == folder:
            return found
    return None


def _installed_commit(owner: Distribution) -> str:
    """The commit that pip installed."""
    with suppress(ValueError, LookupError, TypeError):
        return str(json.loads(owner.read_text("direct_url.json") or "")["vcs_info"]["commit_id"])[:_SHORT]
    return ""


def _commit(folder: Path) -> str:
    """The commit of a git checkout; ``""`` where there is none or it cannot be told."""
    git = folder / ".git"
    with suppress(OSError, ValueError):
        if git.is_file():  # A second work tree, or a submodule.
            git = folder / git.read_text(encoding="utf-8").strip().removeprefix("gitdir: ")
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        name = head.removeprefix("ref: ")
        if name == head:
            return head[:_SHORT]
        if (git / "commondir").is_file():  # Only HEAD is a work tree's own.
            git /= (git / "commondir").read_text(encoding="utf-8").strip()
        if (git / name).is_file():
            return (git / name).read_text(encoding="utf-8").strip()[:_SHORT]
        packed = (line.split() for line in (git / "packed-refs").read_text(encoding="utf-8").splitlines())
        return next((words[0][:_SHORT] for words in packed if words[1:] == [name]), "")
    return ""


def _of_files(folder: Path) -> str:
    facts: list[str] = []
    for path in sorted(folder.rglob("*.py")):
        with suppress(OSError):  # A link that leads nowhere.
            facts += [str(path.relative_to(folder)), path.read_text(encoding="utf-8", errors="surrogateescape")]
    return f"files.{digest(facts)[:_SHORT]}"
