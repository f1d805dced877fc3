"""Which host stands in a folder: a checkout may stand before a package, whose version says nothing of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from visualprm_eval.core.packages import installed
from visualprm_eval.host.load.host_names import host_folder
from visualprm_eval.host.load.identity import identity_of


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose commit nobody knows; nothing of it may be imported."""
    folder = tmp_path / "VLMEvalKit" / "vlmeval"
    (folder / "smp").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise AssertionError('imported')\n__version__ = '0.2rc1'\n")
    (folder / "smp" / "misc.py").write_text("x = 1\n")
    return folder


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, version: str, origin: object = None) -> None:
    """Makes the host in a folder an installed distribution."""
    info = folder.parent / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    if origin is not None:
        (info / "direct_url.json").write_text(json.dumps(origin))
    monkeypatch.syspath_prepend(folder.parent)


def test_a_released_package_has_its_version(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(checkout, monkeypatch, "ms-vlmeval", "0.9.9")
    found = identity_of(checkout)
    assert (found.kind, found.version, found.commit) == ("package", "0.9.9", "")
    assert str(found) == f"vlmeval 0.9.9 (package) in {checkout}"


def test_a_checkout_before_a_package_is_told_by_its_commit(checkout: Path) -> None:
    git = checkout.parent / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    assert identity_of(checkout).commit == "", "a branch without a commit"
    (git / "packed-refs").write_text("# pack-refs with: peeled\n" + "b" * 40 + " refs/heads/main\n")
    assert identity_of(checkout).version == f"0.2rc1+{'b' * 12}"
    (git / "refs" / "heads" / "main").write_text("c" * 40 + "\n")
    assert identity_of(checkout).version == f"0.2rc1+{'c' * 12}"
    (git / "HEAD").write_text("d" * 40 + "\n")
    found = identity_of(checkout)
    assert (found.kind, found.version, found.commit) == ("checkout", f"0.2rc1+{'d' * 12}", "d" * 12)
    assert str(found) == f"vlmeval 0.2rc1+{'d' * 12} (checkout, commit {'d' * 12}) in {checkout}"


def test_a_second_work_tree_has_a_commit_too(checkout: Path, tmp_path: Path) -> None:
    main, own = tmp_path / "main.git", tmp_path / "main.git" / "worktrees" / "second"
    (main / "refs" / "heads").mkdir(parents=True)
    own.mkdir(parents=True)
    (checkout.parent / ".git").write_text(f"gitdir: {own}\n")
    (own / "HEAD").write_text("ref: refs/heads/second\n")
    (own / "commondir").write_text("../..\n")
    (main / "refs" / "heads" / "second").write_text("e" * 40 + "\n")
    assert identity_of(checkout).commit == "e" * 12


def test_without_a_commit_its_code_tells_one_from_another(checkout: Path) -> None:
    first = identity_of(checkout)
    assert first.version.startswith("0.2rc1+files.") and first.commit == ""
    assert f"{first}" == f"vlmeval {first.version} (checkout, commit unknown) in {checkout}"
    (checkout / "smp" / "misc.py").touch()
    (checkout / "notes.txt").touch()
    assert identity_of(checkout) == first
    (checkout / "smp" / "misc.py").write_text("x = 2\n")
    assert identity_of(checkout).version != first.version


def test_what_pip_installed_from_the_repository(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All its commits call themselves 0.1.0."""
    install(checkout, monkeypatch, "vlmeval", "0.1.0", {"url": "x", "vcs_info": {"vcs": "git", "commit_id": "a" * 40}})
    found = identity_of(checkout)
    assert (found.kind, found.version) == ("checkout", f"0.2rc1+{'a' * 12}")


def test_a_package_that_is_not_used_is_said_to_be(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used = installed("ms-vlmeval")
    monkeypatch.delitem(sys.modules, "vlmeval", raising=False)
    monkeypatch.syspath_prepend(checkout.parent)
    assert host_folder() == checkout
    assert installed("ms-vlmeval") == f"{used.partition(' ')[0]} (not used: another vlmeval stands before it)"
