"""Files that are none: what has an odd name, never ends, or never begins."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from visualprm_eval.core.errors import ConfigError
from visualprm_eval.core.folders import is_file, is_folder, user_path
from visualprm_eval.core.pictures import size_of, upright_copy
from visualprm_eval.report.viewer.thumbnails import Thumbnails


@pytest.mark.parametrize("name", ["x\0y", "n" * 5000, "\udcff", "/dev/zero", "pipe", "\x1b\u202e"])
def test_no_picture_is_looked_for_where_no_file_is(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    path = tmp_path / name
    assert not is_file(path)
    assert not is_folder(path)
    assert size_of(path) is None
    assert upright_copy(path, tmp_path) == (path, "")
    assert Thumbnails().place_of(str(path)) is None


def test_a_home_that_nobody_has() -> None:
    with pytest.raises(ConfigError, match=r"~nobody-of-that-name/x: nobody here has that home"):
        user_path("~nobody-of-that-name/x")
