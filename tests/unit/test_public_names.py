from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import visualprm_eval

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.mark.parametrize("name", visualprm_eval.__all__)
def test_every_public_name_is_there_and_in_the_readme(name: str) -> None:
    assert getattr(visualprm_eval, name) is not None
    assert name == "__version__" or re.search(rf"`{name}\b", README.read_text(encoding="utf-8"))


def test_no_name_is_imported_before_it_is_asked_for() -> None:
    code = "import sys, visualprm_eval; print({'numpy', 'torch'} & set(sys.modules) or dir(visualprm_eval))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "'VisualPRM'" in said


def test_other_names_are_unknown() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nobody'"):
        _ = visualprm_eval.Nobody
