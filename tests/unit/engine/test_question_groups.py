"""Who shares what, and what fits into a batch."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visualprm_eval.engine.prefetch import one_ahead
from visualprm_eval.engine.prompt import Prompt
from visualprm_eval.engine.question_groups import Question, Work, batches, by_question


def work(*ids: int, positions: tuple[int, ...] | None = None) -> Work:
    return Work((0,), Prompt(ids, positions or (len(ids) - 1,)))


@given(st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=9).map(tuple), min_size=1, max_size=4))
def test_the_longest_common_beginning(sequences):
    shared = Question((), tuple(work(*ids) for ids in sequences)).shared
    assert len({ids[:shared] for ids in sequences}) == 1
    ends = shared == min(map(len, sequences))
    assert ends or len({ids[: shared + 1] for ids in sequences}) > 1


def test_what_follows_the_last_scored_position_is_not_shared():
    question = Question((), (work(1, 2, 3, 4, positions=(1,)), work(1, 2, 3, 5, positions=(0, 3))))
    assert question.shared == 2
    assert question.shared_positions == (0, 1)


def test_questions_are_gathered_wherever_they_stand():
    items = [("q", ["a"], ["x.png"]), ("r", ["a"], ["x.png"]), ("q", ["b"], ["x.png"]), ("q", ["a"], [])]
    assert by_question(items) == [[0, 2], [1], [3]]


@given(st.lists(st.integers(1, 500), max_size=30), st.integers(1, 1000))
def test_batches_hold_every_part_once_and_stay_in_the_budget(sizes, budget):
    made = list(batches(sizes, lambda size: size, lambda: budget))
    assert [size for batch in made for size in batch] == sizes
    assert all(batch for batch in made)
    assert all(len(batch) == 1 or sum(batch) <= budget for batch in made)
    for batch, following in pairwise(made):
        assert sum(batch) + following[0] > budget


def test_the_next_element_is_made_while_one_is_used():
    made = threading.Semaphore(0)

    def source():
        for number in range(3):
            yield number
            made.release()

    elements = one_ahead(source())
    assert next(elements) == 0
    assert made.acquire(timeout=10)  # The thread has gone on although nobody asked for more.
    assert list(elements) == [1, 2]


def test_trouble_comes_where_its_element_would_have_come():
    def source():
        yield 1
        raise ValueError("two")

    elements = one_ahead(source())
    assert next(elements) == 1
    with pytest.raises(ValueError, match="two"):
        next(elements)
    assert list(one_ahead(iter([]))) == []
