"""Candidates are stored as they come, and a policy that does not sample is stopped."""

from __future__ import annotations

import pytest

from visualprm_eval.core.errors import PolicyError
from visualprm_eval.core.repeat_guard import Watch
from visualprm_eval.core.types import Candidate, Part, Problem, Spec
from visualprm_eval.stages.sample.stage import sample_missing
from visualprm_eval.store import Store

SAME = "The answer is certainly, and without any doubt, 42."
PROBLEMS = {f"p{place}": Problem("B", str(place), "", (Part("text", "?"),), "", f"p{place}") for place in range(9)}


class Parrot:
    """Answers with what it is told, some requests at a time."""

    name = "parrot"

    def __init__(self, write, size):
        self.write, self.size = write, size

    def sample(self, requests):
        for start in range(0, len(requests), self.size):
            yield [
                Candidate(problem.id, rank, *self.write(problem, rank))
                for problem, rank in requests[start : start + self.size]
            ]


def sampled(tmp_path, write, *, temperature=0.7, size=4, engine="endpoint", problems=9, n=4):
    """How many candidates are stored of ``n`` for each problem, and the error that came."""
    sampling = Spec("sampling", {"policy": "parrot", "engine": engine, "temperature": temperature})
    missing = [(problem_id, rank) for problem_id in list(PROBLEMS)[:problems] for rank in range(n)]
    with Store.open(tmp_path / "store.sqlite") as store:
        store.put_problems(list(PROBLEMS.values()))
        error = ""
        try:
            sample_missing(store, Parrot(write, size), sampling, PROBLEMS, missing)
        except PolicyError as caught:
            error = str(caught)
        return sum(map(len, store.candidates(sampling.id, list(PROBLEMS)).values())), error


@pytest.mark.parametrize(("size", "stored"), [(4, 12), (1, 11)])
def test_a_policy_that_does_not_sample_is_stopped_and_its_samples_are_kept(tmp_path, size, stored):
    kept, error = sampled(tmp_path, lambda problem, rank: (SAME,), size=size)
    assert kept == stored
    assert "samples repeat an earlier one word by word" in error
    assert "ignores the temperature" in error


@pytest.mark.parametrize(
    ("temperature", "write"),
    [
        (0.0, lambda problem, rank: (SAME,)),  # As it is meant.
        (0.7, lambda problem, rank: ("B",)),  # A letter repeats itself honestly.
        (0.7, lambda problem, rank: (f"{SAME} {rank}",)),
        (0.7, lambda problem, rank: (SAME if rank < 3 else "5",)),  # One pair that differs ends the watch.
        (0.7, lambda problem, rank: ("", "no reply") if rank else (SAME,)),
    ],
)
def test_honest_repetition_passes(tmp_path, temperature, write):
    assert sampled(tmp_path, write, temperature=temperature) == (36, "")


@pytest.mark.parametrize("engine", ["native", "transformers"])
@pytest.mark.parametrize(("temperature", "problems", "n", "stored"), [
    (0.7, 1, 16, 16), (0.7, 2, 16, 32), (0.0, 9, 4, 36),
    (0.7, 9, 4, 12), (0.7, 9, 16, 36),  # Stopped at the third problem.
])  # fmt: skip
def test_our_own_sampler_is_stopped_only_after_several_problems(tmp_path, engine, temperature, problems, n, stored):
    kept, error = sampled(
        tmp_path, lambda problem, rank: (SAME,), temperature=temperature, engine=engine, problems=problems, n=n
    )
    assert kept == stored
    assert bool(error) == (stored < problems * n)


def test_of_a_server_one_problem_is_enough(tmp_path):
    kept, error = sampled(tmp_path, lambda problem, rank: (SAME,), problems=1, n=16)
    assert kept == 12
    assert "11 samples repeat an earlier one" in error


def test_samples_that_differ_on_one_benchmark_end_the_watch_for_the_next():
    watch = Watch("parrot", {"engine": "endpoint", "temperature": 0.7})
    watch.see([Candidate("a", 0, SAME), Candidate("a", 1, f"{SAME} Yes.")])
    repeats = [Candidate("b", rank, SAME) for rank in range(16)]
    watch.see(repeats)
    with pytest.raises(PolicyError, match="15 samples repeat"):  # But for the pair that differs.
        Watch("parrot", {"engine": "endpoint", "temperature": 0.7}).see(repeats)
