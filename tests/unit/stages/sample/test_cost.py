"""What sampling may cost, by who samples and by what the store has measured."""

from __future__ import annotations

from pathlib import Path

from visualprm_eval.core.config import SamplingOptions
from visualprm_eval.core.types import Candidate, Part, Problem, Spec, Usage
from visualprm_eval.stages.cost import Questions
from visualprm_eval.stages.sample.cost import measured_tokens, prompts_read, sampling_cost
from visualprm_eval.stages.sample.endpoint import EndpointOptions, EndpointPolicy
from visualprm_eval.stages.sample.endpoint.dispatch import MOST_CHOICES
from visualprm_eval.store import Store

PROBLEMS = {name: Problem("b", name, "", (Part("text", "q" * 400),), "", name) for name in ("p", "q")}
QUESTIONS = Questions(PROBLEMS, {})
ENDPOINT = EndpointPolicy("m", EndpointOptions(("http://127.0.0.1:9/v1",), "m"), {})


def test_one_request_brings_the_samples_of_a_problem() -> None:
    missing = [("p", rank) for rank in range(MOST_CHOICES + 1)] + [("q", 3)]
    assert prompts_read(ENDPOINT, QUESTIONS, missing, 64) == {"p": 2, "q": 1}
    cost = sampling_cost(ENDPOINT, QUESTIONS, missing, SamplingOptions(prompt="host", max_tokens=10), 4.0)
    assert (cost.requests, cost.reply_tokens, cost.most_reply_tokens) == (3, 4 * len(missing), 10 * len(missing))
    assert cost.prompt_tokens == 3 * (100 + 40)


def test_a_class_of_the_host_reads_the_prompt_for_each_sample() -> None:
    assert prompts_read(object(), QUESTIONS, [("p", 0), ("p", 1)], 64) == {"p": 2}  # type: ignore[arg-type]


def spec(policy: str, seed: int = 0) -> Spec:
    return Spec("sampling", {"policy": policy, "seed": seed})


def test_how_long_replies_are_is_measured_at_the_nearest(tmp_path: Path) -> None:
    elsewhere = Problem("other", "1", "", (), "", "o")
    with Store.open(tmp_path / "s.sqlite") as store:
        store.put_problems([*PROBLEMS.values(), elsewhere])
        assert measured_tokens(store, spec("m"), "b") is None

        def put(sampling: Spec, problem: str, *candidates: tuple[int | None, Usage | None]) -> None:
            store.put_spec(sampling)
            store.put_candidates(sampling.id, [
                Candidate(problem, rank, f"text {rank}", tokens=tokens, usage=usage)
                for rank, (tokens, usage) in enumerate(candidates)
            ])  # fmt: skip

        put(spec("stranger"), "p", (100, None))
        assert measured_tokens(store, spec("m"), "elsewhere") is None
        assert measured_tokens(store, spec("m"), "b") == 100, "another policy on the benchmark"
        put(spec("m"), "o", (60, None))
        assert measured_tokens(store, spec("m"), "b") == 60, "the policy on another benchmark"
        put(spec("m", 1), "p", (None, Usage(1000, 90)), (None, None), (None, None))
        assert measured_tokens(store, spec("m"), "b") == 30, "one reply of 90 tokens brought three"
        put(spec("m"), "p", (8, None), (12, Usage(5, 12)))
        assert measured_tokens(store, spec("m"), "b") == 10, "the same samples"
