"""A line says that a heavy package is being imported, once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from visualprm_eval.core import loading as module
from visualprm_eval.core.loading import loading


@pytest.fixture
def heavy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "heavy_for_a_test.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "heavy_for_a_test", raising=False)
    return "heavy_for_a_test"


def test_the_first_import_is_told_and_no_other(heavy: str, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        with loading(heavy, "Heavy"):
            __import__(heavy)
    out, err = capsys.readouterr()
    assert (out, err) == ("", "loading Heavy ...\n")


def test_a_long_import_says_how_long(
    heavy: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([100.0, 132.4])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(times))
    with loading(heavy, "Heavy"):
        __import__(heavy)
    assert capsys.readouterr().err == "loading Heavy ...\nHeavy loaded after 32 s\n"


def test_an_import_that_fails_is_an_error_as_it_is(heavy: str) -> None:
    with pytest.raises(ModuleNotFoundError, match="nowhere"), loading(f"{heavy}.nowhere", "Nothing"):
        __import__("nowhere_to_be_found")
