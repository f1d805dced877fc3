"""What is said of a host that cannot be imported: which host, what it lacks, and the command that mends it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from visualprm_eval.host.load.host_names import host_folder
from visualprm_eval.host.load.lacks import host_error
from visualprm_eval.host.load.runner import runner_file


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The ``__init__.py`` of a checkout that stands before every other host."""
    file = tmp_path / "VLMEvalKit" / "vlmeval" / "__init__.py"
    file.parent.mkdir(parents=True)
    for name in [name for name in sys.modules if name.partition(".")[0] == "vlmeval"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(file.parents[1])
    return file


def said(code: Path, text: str) -> str:
    """What is said of a checkout with this code."""
    code.write_text(text)
    importlib.invalidate_caches()
    with pytest.raises((ImportError, RuntimeError, ArithmeticError)) as raised:
        importlib.import_module("vlmeval")
    sys.modules.pop("vlmeval", None)
    return str(host_error(raised.value))


@pytest.mark.parametrize(
    ("module", "package"),
    [("no_such_module", "no-such-module"), ("no_such_module.part", "no-such-module"), ("fitz", "pymupdf")],
)
def test_a_missing_module_is_named_with_its_package(code: Path, module: str, package: str) -> None:
    text = said(code, f"__version__ = '0.2rc1'\nimport {module}\n")
    assert text.startswith("vlmeval 0.2rc1+files.") and f"(checkout, commit unknown) in {code.parent} needs" in text
    assert f"the module {module.partition('.')[0]}, which is not installed here" in text
    assert f"`{sys.executable} -m pip install {package}`" in text
    assert "ms-vlmeval" not in text


def test_what_another_error_hid_is_found(code: Path) -> None:
    text = said(code, "try:\n    import no_such_module\nexcept ImportError as error:\n    raise RuntimeError('x')\n")
    assert "the module no_such_module, which" in text


def test_another_version_of_a_package_is_asked_for(code: Path) -> None:
    missing_name = said(code, "from numpy import no_such_name\n")
    missing_module = said(code, "import numpy.no_such_module\n")
    for text in (missing_name, missing_module):
        assert "needs another version of numpy than" in text and "-m pip install numpy`" in text
    assert "cannot import name 'no_such_name'" in missing_name


@pytest.mark.parametrize("text", ["import vlmeval.dataset\n", "1 / 0\n"])
def test_a_checkout_that_is_not_whole(code: Path, text: str) -> None:
    found = said(code, text)
    assert f"in {code.parent}" in found and "take the whole repository, at a commit" in found
    assert ("is incomplete" in found) == ("dataset" in text)


def test_no_host_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visualprm_eval.host.load.lacks.host_folder", lambda: None)
    error = host_error(ModuleNotFoundError("No module named 'vlmeval'", name="vlmeval"))
    assert f"`{sys.executable} -m pip install ms-vlmeval`" in str(error)


def test_what_pip_installed_from_the_repository_has_no_runner(code: Path) -> None:
    code.touch()
    assert host_folder() == code.parent
    with pytest.raises(Exception, match=r"has no run\.py, neither in it nor beside it"):
        runner_file()
    (code.parents[1] / "run.py").touch()
    assert runner_file() == code.parents[1] / "run.py"
