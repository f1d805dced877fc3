"""Of a policy that cannot work at all nothing is stored; a problem's own fault is no policy's."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from visualprm_eval.core.errors import PolicyError
from visualprm_eval.core.types import Candidate, Part, Problem, Spec
from visualprm_eval.stages.sample.stage import sample_missing
from visualprm_eval.store import Store

SAMPLING = Spec("sampling", {"policy": "P", "temperature": 0.7})


def problem(number: int, *pictures: Path) -> Problem:
    parts = (*(Part("image", str(picture)) for picture in pictures), Part("text", "?"))
    return Problem("B", str(number), "", parts, "", f"p{number}")


class Failing:
    """Fails as it is told, one request at a time; notes what it was asked for."""

    name = "P"

    def __init__(self, error):
        self.error, self.asked = error, []

    def sample(self, requests):
        for one, rank in requests:
            self.asked.append((one.id, rank))
            error = self.error(one.id, rank)
            yield [Candidate(one.id, rank, "" if error else f"text {rank}", error)]


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "store.sqlite") as store:
        yield store


def draw(store, policy, problems, n=2, **options):
    """The candidates that are stored then, by problem."""
    by_id = {one.id: one for one in problems}
    store.put_problems(problems)
    missing = store.missing_candidates(SAMPLING.id, by_id, n)
    sample_missing(store, policy, SAMPLING, by_id, missing, **options)
    return store.candidates(SAMPLING.id, by_id)


@pytest.mark.parametrize("problems", [1, 2, 20])
def test_a_policy_that_never_works_is_an_error_and_leaves_nothing(store, problems):
    policy, wanted = Failing(lambda *_: "HTTP 400: no such model"), [problem(number) for number in range(problems)]
    with pytest.raises(PolicyError, match=r"P: no sample came of .*: HTTP 400: no such model\. Nothing"):
        draw(store, policy, wanted)
    assert len(policy.asked) == min(2 * problems, 5), "the third problem is enough"
    assert len(store.missing_candidates(SAMPLING.id, [one.id for one in wanted], 2)) == 2 * problems
    again = draw(store, Failing(lambda *_: None), wanted)
    assert all(one.error is None for found in again.values() for one in found)


def test_messages_of_their_own_need_more_problems(store):
    policy = Failing(lambda name, rank: f"HTTP 500: request {name}{rank}")
    with pytest.raises(PolicyError, match=r"request p0\d, and 14 other reasons"):
        draw(store, policy, [problem(number) for number in range(20)])
    assert len(policy.asked) == 15


def test_failures_before_the_first_success_are_kept(store):
    found = draw(store, Failing(lambda name, _: None if name == "p2" else "busy"), [problem(at) for at in range(9)])
    assert [mine[1].error for mine in found.values()] == ["busy"] * 2 + [None] + ["busy"] * 6


def test_who_ever_succeeded_is_not_to_blame(store):
    draw(store, Failing(lambda *_: None), [problem(0)])
    found = draw(store, Failing(lambda *_: "busy"), [problem(number) for number in range(1, 9)])
    assert sum(one.error == "busy" for mine in found.values() for one in mine) == 16


def test_stored_failures_prove_nothing(store):
    store.put_spec(SAMPLING)
    store.put_problems([problem(0)])
    store.put_candidates(SAMPLING.id, [Candidate("p0", 0, "", "an older version stored this")])
    with pytest.raises(PolicyError):
        draw(store, Failing(lambda *_: "still wrong"), [problem(0)])
    assert [one.error for one in store.candidates(SAMPLING.id, ["p0"])["p0"]] == ["an older version stored this"]


def test_pictures_that_cannot_be_read_are_their_problems_fault(store, tmp_path):
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    Image.new("RGB", (9, 9)).save(good)
    bad.write_bytes(good.read_bytes()[:40])
    problems = [problem(0, bad), problem(1, tmp_path / "missing.png"), problem(2, good, bad), problem(3, bad)]
    found = draw(store, Failing(lambda *_: "cannot read the picture"), problems)
    assert [one.error for mine in found.values() for one in mine] == ["cannot read the picture"] * 8
    with pytest.raises(PolicyError, match="no sample came"):
        draw(store, Failing(lambda *_: "HTTP 400: no"), [*problems, problem(4, good)])


def test_one_of_many_ranks_judges_no_small_share(store):
    found = draw(store, Failing(lambda *_: "busy"), [problem(0), problem(1)], lone=False)
    assert sum(one.error == "busy" for mine in found.values() for one in mine) == 4
    with pytest.raises(PolicyError):
        draw(store, Failing(lambda *_: "busy"), [problem(number) for number in range(2, 9)], lone=False)
