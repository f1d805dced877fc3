"""Rerankers against the plain rule, on pools full of ties, abstentions and gaps, and what third parties may give."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.unit import plain_rule
from visualprm_eval.core.errors import ConfigError
from visualprm_eval.evaluate.candidate_grid import Grid, Pool
from visualprm_eval.evaluate.fact_columns import AGGREGATES
from visualprm_eval.evaluate.rerankers import (
    First,
    Oracle,
    Random,
    Reranker,
    SelfConsistency,
    StepAggregate,
    WeightedVote,
    pick,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from visualprm_eval.evaluate.fsum_arrays import FloatArray, IntArray

RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
BUILT_IN = [
    First("first"),
    *(StepAggregate(f"visualprm:{how}", "visualprm", how=how) for how in AGGREGATES),
    SelfConsistency("self-consistency"),
    WeightedVote("weighted-vote", "visualprm"),
    Oracle("oracle"),
]
FEW_SCORES = st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.5, 1.0])  # few values, so that ties are common


@dataclass(frozen=True)
class Longest(Reranker):
    """A third party's: the most characters."""

    pointwise: ClassVar[bool] = True

    def utilities(self, pool: Pool) -> FloatArray:
        return np.array([len(text) for text in pool.texts], dtype=np.float64)


@st.composite
def pools(draw: st.DrawFn, scores: st.SearchStrategy[float] = FEW_SCORES) -> Pool:
    ranks = sorted(draw(st.sets(st.integers(0, 12), min_size=1, max_size=9)))
    n = len(ranks)
    column = st.lists(st.lists(scores, min_size=1, max_size=4).map(tuple), min_size=n, max_size=n)
    return Pool(
        problem_id="p",
        ranks=tuple(ranks),
        texts=tuple(f"text {rank}" for rank in ranks),
        answers=tuple(draw(st.lists(st.sampled_from([None, "7", "8", "B"]), min_size=n, max_size=n))),
        scores={"visualprm": tuple(draw(column)), "visualorm": tuple(draw(column))},
        verdicts=tuple(draw(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=n, max_size=n))),
    )


def pool_of(answers: list[str | None], scores: list[float], verdicts: tuple[float, ...] | None = None) -> Pool:
    n = len(answers)
    steps = tuple((score,) for score in scores)
    return Pool("p", tuple(range(n)), tuple(map(str, range(n))), tuple(answers), {"visualprm": steps}, verdicts)


@given(pools(), st.sets(st.integers(0, 12), min_size=1))
@RELAXED
def test_every_reranker_follows_the_plain_rule(pool: Pool, ranks: set[int]) -> None:
    entries = plain_rule.entries_of(pool)
    subset = [entry for entry in entries if entry.rank in ranks]
    grid = Grid.of_pool(pool)
    drawn = np.array([sorted(rank for rank in ranks if rank < grid.n)], dtype=np.int64)
    for reranker in BUILT_IN:
        rule = plain_rule.rule_of(reranker)
        expected = plain_rule.choose(rule, entries).rank
        assert pick(reranker, pool) == pool.ranks.index(expected), reranker.name
        picked = reranker.in_subsets(grid, drawn)[0, 0] if drawn.size else -1
        assert picked == (plain_rule.choose(rule, subset).rank if subset else -1), reranker.name


@given(pools())
@RELAXED
def test_prefixes_are_subsets_and_later_candidates_change_no_earlier_pick(pool: Pool) -> None:
    grid = Grid.of_pool(pool)
    ks = range(1, grid.n + 1)
    for reranker in [*BUILT_IN, Longest("longest")]:
        ranks = reranker.in_prefixes(grid, ks)[0].tolist()
        assert ranks == [reranker.in_subsets(grid, np.arange(k)[None, :])[0, 0] for k in ks]
        heads = [pool.head(k) for k in ks]
        assert ranks == [head.ranks[pick(reranker, head) or 0] if head else -1 for head in heads]


@given(pools(), st.integers(1, 13))
@RELAXED
def test_later_candidates_do_not_change_an_earlier_head(pool: Pool, k: int) -> None:
    head = pool.head(k)
    assert head.ranks == tuple(rank for rank in pool.ranks if rank < k)
    assert head.texts == pool.texts[: len(head)]
    assert pool.head(13) == pool
    assert all(len(column) == len(head) for column in (head.answers, head.verdicts or (), *head.scores.values()))


@given(pools())
@RELAXED
def test_equals_go_to_the_lowest_rank(pool: Pool) -> None:
    same = replace(
        pool,
        answers=("7",) * len(pool),
        scores={"visualprm": ((0.25, 0.75),) * len(pool)},
        verdicts=(1.0,) * len(pool),
    )
    assert {pick(reranker, same) for reranker in BUILT_IN} == {0}


@given(pools(), st.floats(0.01, 1.0))
@RELAXED
def test_a_weighted_vote_with_equal_weights_is_self_consistency(pool: Pool, weight: float) -> None:
    equal = replace(pool, scores={"visualprm": ((weight,),) * len(pool)})
    assert pick(WeightedVote("weighted-vote", "visualprm"), equal) == pick(SelfConsistency("self-consistency"), equal)


@given(pools())
@RELAXED
def test_an_abstention_never_wins_against_an_answer(pool: Pool) -> None:
    assume(any(answer is not None for answer in pool.answers))
    for reranker in (SelfConsistency("self-consistency"), WeightedVote("weighted-vote", "visualprm")):
        place = pick(reranker, pool)
        assert place is not None
        assert pool.answers[place] is not None


@given(pools())
@RELAXED
def test_the_oracle_picks_none_better(pool: Pool) -> None:
    assert pool.verdicts is not None
    best = pool.verdicts[pick(Oracle("oracle"), pool) or 0]
    assert all(best >= pool.verdicts[pick(reranker, pool) or 0] for reranker in BUILT_IN)


@given(pools(st.floats(0, 1)), st.randoms())
@RELAXED
def test_the_order_of_steps_matters_to_last_alone(pool: Pool, random: object) -> None:
    shuffled = tuple(tuple(random.sample(each, len(each))) for each in pool.scores["visualprm"])  # type: ignore[attr-defined]
    grid, other = (Grid.of_pool(each) for each in (pool, replace(pool, scores={"visualprm": shuffled})))
    for how in AGGREGATES.keys() - {"last"}:
        np.testing.assert_array_equal(grid.responses("visualprm", how), other.responses("visualprm", how))


def test_votes_by_example() -> None:
    consistency, weighted = SelfConsistency("self-consistency"), WeightedVote("weighted-vote", "visualprm")
    split = pool_of(["7", "8", "8", "7", None], [0.1, 0.2, 0.4, 0.3, 1.0])
    assert pick(consistency, split) == 0  # two votes each: the answer with the lowest rank
    assert pick(weighted, split) == 2  # 0.6 against 0.4, and the better of its two
    tied = pool_of(["7", "8", "7"], [0.25, 0.5, 0.25])
    assert pick(weighted, tied) == 0
    heavy = pool_of(["7", "7", "8"], [0.1, 0.2, 0.9])
    assert pick(consistency, heavy) == 0
    assert pick(weighted, heavy) == 2
    silent = pool_of([None, None], [0.1, 0.9])
    assert pick(consistency, silent) == pick(weighted, silent) == 0


@pytest.mark.parametrize("is_pointwise", [False, True])
def test_nan_never_picks(is_pointwise: bool) -> None:
    class Given(Reranker):
        pointwise = is_pointwise

        def utilities(self, pool: Pool) -> FloatArray:
            return np.array([steps[0] for steps in pool.scores["visualprm"]])

    assert pick(Given("given"), pool_of(["7", "7", "7"], [math.nan, -math.inf, math.nan])) == 1
    with pytest.raises(ConfigError, match=r"given.*one number"):
        pick(Given("given"), pool_of(["7", "7"], [math.nan, math.nan]))


def test_random_is_an_expectation_without_a_pick() -> None:
    assert pick(Random("random"), pool_of(["7"], [0.5])) is None


def test_the_oracle_asks_for_verdicts() -> None:
    with pytest.raises(ConfigError, match="--grade all"):
        pick(Oracle("oracle"), pool_of(["7"], [0.5]))


def test_a_reranker_over_scores_asks_for_its_critic() -> None:
    with pytest.raises(ConfigError, match="no critic"):
        pick(StepAggregate("mine"), pool_of(["7"], [0.5]))


def test_who_needs_no_verdicts_sees_none() -> None:
    @dataclass(frozen=True)
    class Peeking(Reranker):
        def utilities(self, pool: Pool) -> FloatArray:
            assert pool.verdicts is None
            return np.arange(len(pool), dtype=np.float64)

    @dataclass(frozen=True)
    class Open(Peeking):
        needs: ClassVar[frozenset[str]] = frozenset({"verdicts"})

    graded = pool_of(["7", "8"], [0.1, 0.2], (1.0, 0.0))
    assert pick(Peeking("peeking"), graded) == 1
    with pytest.raises(ConfigError, match="AssertionError"):
        pick(Open("open"), graded)


@pytest.mark.parametrize(
    ("utilities", "cause"), [(lambda: 1 / 0, ZeroDivisionError), (lambda: ["high", "low"], ValueError)]
)
def test_a_reranker_that_raises_is_named_with_its_problem(utilities: Callable[[], object], cause: type) -> None:
    @dataclass(frozen=True)
    class Raising(Reranker):
        def utilities(self, pool: Pool) -> FloatArray:
            del pool
            return utilities()

    pool = pool_of(["7", "8"], [0.1, 0.2])
    with pytest.raises(ConfigError, match=f"'raising' failed on problem {pool.problem_id}: {cause.__name__}") as caught:
        pick(Raising("raising"), pool)
    assert isinstance(caught.value.__cause__, cause)


def test_a_third_party_may_select_on_arrays() -> None:
    @dataclass(frozen=True)
    class Last(Reranker):
        def in_subsets(self, grid: Grid, subsets: IntArray) -> IntArray:
            usable = grid.usable.take(subsets, axis=1)
            places = subsets.shape[1] - 1 - np.argmax(usable[:, :, ::-1], axis=2)
            return np.where(usable.any(axis=2), subsets[np.arange(len(subsets)), places], -1)

    @dataclass(frozen=True)
    class Failing(Last):
        def in_subsets(self, grid: Grid, subsets: IntArray) -> IntArray:
            raise KeyError("votes")

    pool = replace(pool_of(["7", "8", "9"], [0.1, 0.2, 0.3]), ranks=(0, 2, 5))
    assert pick(Last("last"), pool) == 2
    grid = Grid.of_pool(pool)
    assert Last("last").in_prefixes(grid, [1, 2, 3, 5, 6]).tolist() == [[0, 0, 2, 2, 5]]
    with pytest.raises(ConfigError, match="'failing' failed on 1 problem: KeyError"):
        Failing("failing").in_prefixes(grid, [6])


def test_who_gives_the_numbers_of_one_pool_means_them() -> None:
    @dataclass(frozen=True)
    class Least(StepAggregate):
        def utilities(self, pool: Pool) -> FloatArray:
            return np.array([-steps[0] for steps in pool.scores["visualprm"]])

    class Shyest(SelfConsistency):
        def utilities(self, pool: Pool) -> FloatArray:
            return np.array([answer is None for answer in pool.answers], dtype=np.float64)

    pool = pool_of(["7", "7", None], [0.2, 0.1, 0.3])
    assert pick(Least("least", "visualprm"), pool) == 1
    assert pick(Shyest("shyest"), pool) == 2
    with pytest.raises(ConfigError, match="neither utilities nor in_subsets"):
        pick(Reranker("nothing"), pool)


@pytest.mark.parametrize("utilities", [np.zeros(3), np.zeros((2, 1)), np.float64(1), np.full(2, np.nan)])
def test_a_reranker_that_breaks_its_contract_is_named(utilities: FloatArray) -> None:
    @dataclass(frozen=True)
    class Broken(Reranker):
        def utilities(self, pool: Pool) -> FloatArray:
            return utilities

    with pytest.raises(ConfigError, match="'broken'"):
        pick(Broken("broken"), pool_of(["7", "8"], [0.1, 0.2]))


@pytest.mark.parametrize(
    "change",
    [{"texts": ("a",)}, {"answers": ()}, {"scores": {"visualprm": ((0.1,),)}}, {"verdicts": (1.0,)}, {"ranks": (1, 0)},
     {"ranks": (1, 1)}],
)  # fmt: skip
def test_a_pool_is_a_table(change: dict[str, object]) -> None:
    good = pool_of(["7", "8"], [0.1, 0.2], (1.0, 0.0))
    with pytest.raises(ValueError, match="pool of problem p"):
        replace(good, **change)
