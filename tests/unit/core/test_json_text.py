"""JSON of other people: marks, depth, numbers."""

from __future__ import annotations

import pytest

from visualprm_eval.core.json_rows import RowError, parse_row
from visualprm_eval.core.json_text import MOST_LEVELS, parsed


@pytest.mark.parametrize("text", [b'\xef\xbb\xbf{"a": 1}', '\ufeff{"a": 1}', b'{"a": 1}'])
def test_a_byte_order_mark_says_nothing(text: str | bytes) -> None:
    assert parsed(text) == {"a": 1}


@pytest.mark.parametrize("begin_end", ["[]", ('{"a":', "}")])
def test_what_is_nested_too_deeply_is_refused_before_anybody_stumbles(begin_end: tuple[str, str]) -> None:
    begin, end = begin_end
    assert parsed(f"{begin * (MOST_LEVELS - 1)}1{end * (MOST_LEVELS - 1)}")
    for levels in (MOST_LEVELS + 1, 500, 950, 100_000):
        with pytest.raises(ValueError, match="more than 100 deep"):
            parsed(f"{begin * levels}1{end * levels}")
        with pytest.raises(RowError, match="more than 100 deep"):
            parse_row(b'{"a": %s1%s}' % (begin.encode() * levels, end.encode() * levels))


def test_many_lists_are_not_deep_ones() -> None:
    assert len(parsed(f"[{'[],' * 1000}1]")) == 1001


def test_numbers_of_any_length() -> None:
    assert parsed("9" * 400) == 10**400 - 1
    with pytest.raises(ValueError, match="digits"):
        parsed("9" * 5000)
