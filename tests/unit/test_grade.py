"""How texts are dealt to the host's tables."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from visualprm_eval.grade import tables

WORK = st.lists(st.tuples(st.sampled_from("abcd"), st.uuids().map(str), st.just("text")), max_size=30)


@given(WORK, st.integers(1, 10))
def test_every_text_is_dealt_once_and_no_table_has_a_problem_twice(work, most_rows: int) -> None:
    dealt = tables(work, most_rows)
    assert sorted(item for table in dealt for item in table) == sorted(work)
    for table in dealt:
        assert 1 <= len(table) <= most_rows
        assert len({problem_id for problem_id, _, _ in table}) == len(table)


def test_as_few_tables_as_possible() -> None:
    work = [("a", "1", ""), ("a", "2", ""), ("b", "3", ""), ("a", "4", ""), ("c", "5", "")]
    assert [[text for _, text, _ in table] for table in tables(work, 9)] == [["1", "3", "5"], ["2"], ["4"]]
    assert [len(table) for table in tables(work, 2)] == [2, 1, 1, 1]
