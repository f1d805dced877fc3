"""Errors of other people never fill the screen or the store."""

from __future__ import annotations

import base64

import pytest

from visualprm_eval.core.error_text import LONGEST, error_text, in_short, without_data

PICTURE = base64.b64encode(bytes(range(256)) * 400).decode()


def test_a_data_url_is_cut_to_its_head() -> None:
    url = f"data:image/png;base64,{PICTURE}"
    said = in_short(f"400: cannot take {{'url': '{url}'}}, nor <{url}>.")
    head = f"data:image/png;base64,... ({len(url):,} characters)"
    assert said == f"400: cannot take {{'url': '{head}'}}, nor <{head}>."
    assert in_short(said) == said


def test_a_picture_without_a_head_is_cut_too() -> None:
    assert in_short(f'{{"data": "{PICTURE}"}}') == f'{{"data": "{PICTURE[:16]}... ({len(PICTURE):,} characters)"}}'


@pytest.mark.parametrize(
    "text",
    [
        "data: 3, 4",
        "data:image/png;base64,iVBO",
        "",
        "see https://h/a/very/long/path?" + "x" * 150,
        "word " * 390,
        "y" * 900,
    ],
)
def test_other_texts_stay(text: str) -> None:
    assert in_short(text) == text


def test_the_beginning_and_the_end_of_a_long_text_are_told() -> None:
    said = in_short("begin " + "more " * 100_000 + "end")
    assert len(said) == LONGEST
    assert said.startswith("begin more") and said.endswith("more end") and "... (500,009 characters) ..." in said
    assert len(without_data("more " * 100_000)) == 500_000, "our own lists are as long as they are"


def test_a_key_is_blanked_before_anything_is_cut() -> None:
    key = "sk-0123456789-abcdef"
    for pad in range(1480, 1500):
        said = error_text(ValueError("x " * (pad // 2) + key + " y" * 3000), [key])
        assert "sk-0" not in said and "cdef" not in said
    assert error_text(ValueError("bad " + key), [key]) == "ValueError: bad [secret]"
    assert error_text(KeyError()) == "KeyError"


def test_it_takes_no_time_over_a_huge_text() -> None:
    said = in_short("data:" * 200_000 + "A/" * 5_000_000 + ",;" * 500_000)  # Would not end in quadratic time.
    assert len(said) == LONGEST and said.startswith("data:data:") and said.endswith(",;,;")
