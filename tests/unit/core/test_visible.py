"""What nobody can see in a name becomes visible; prose of any script stays as it is."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visualprm_eval.core.progress import track
from visualprm_eval.core.visible import one_line, say, tell, visible_name, visible_text

ROOT = Path(__file__).resolve().parents[3]
_FORMATS = {chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in {"Cf", "Cc", "Cs", "Zl", "Zp"}}


@given(st.text(st.characters() | st.sampled_from(sorted(_FORMATS)).filter(lambda sign: sign not in "\t\n")))
def test_no_name_holds_what_nobody_sees(text: str) -> None:
    seen = {sign for sign in visible_name(text) if unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert {sign for sign in seen if sign not in "\t\n" and not _is_a_sign_of_prose(sign)} == set()
    assert "\n" not in one_line(text)
    one_line(text).encode()  # Which a lone surrogate would not let it.


def _is_a_sign_of_prose(sign: str) -> bool:
    """Formats with a look of their own: Arabic's signs of numbers, Kaithi's, Egyptian's joiners of hieroglyphs."""
    return unicodedata.name(sign, "").startswith(("ARABIC", "KAITHI", "SYRIAC", "EGYPTIAN")) and sign != "\u061c"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\x1b[2Jb", "a␛[2Jb"),
        ("gpt\u202e4", "gpt\\u202e4"),
        ("visual\u200bprm", "visual\\u200bprm"),
        ("x\u2066y\u2069", "x\\u2066y\\u2069"),
        ("t\U000e0041g", "t\\U000e0041g"),
        ("no\ufeffbom", "no\\ufeffbom"),
        ("\udcff", "\\udcff"),
        ("الجواب", "الجواب"),
    ],
)
def test_signs_of_names_are_escaped(name: str, shown: str) -> None:
    assert visible_name(name) == shown


def test_prose_keeps_what_its_script_needs() -> None:
    answer = "الجواب\u200f 5 می\u200cخواهم 👩\u200d🔬"
    assert visible_text(answer) == answer
    assert visible_text("\u202e5") == "\\u202e5"


def test_lines_for_users_are_visible(capsys: pytest.CaptureFixture[str]) -> None:
    say("of \x1b[31m\u202e")
    tell("error: \x07\u200b")
    with track("sample \x1b]0;x\x07", 1):
        pass
    printed = capsys.readouterr()
    assert printed.out == "of ␛[31m\\u202e\n"
    assert printed.err.startswith("error: ␇\\u200b\n")
    assert "sample ␛]0;x␇: 0/1" in printed.err


def test_every_line_goes_through_them() -> None:
    """A plain print would hand a terminal whatever a name holds."""
    own = {"core/visible.py", "core/progress.py", "host/grading/grade_table.py"}
    package = ROOT / "visualprm_eval"
    for file in [*package.rglob("*.py"), *(ROOT / "tasks").rglob("*.py")]:
        name = str(file.relative_to(package if file.is_relative_to(package) else ROOT))
        if name not in own and not name.startswith(("bench/", "demo/")):
            assert not [line for line in file.read_text().splitlines() if line.lstrip().startswith("print(")], name
