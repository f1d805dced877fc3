"""Whose candidates a run has that takes them from a pack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from visualprm_eval.core.config import RunConfig
from visualprm_eval.core.errors import CandidateFileError, ConfigError
from visualprm_eval.core.visible import tell
from visualprm_eval.run.stored_policies import named_apart, with_greedy
from visualprm_eval.stages.experiment import Samples

if TYPE_CHECKING:
    from visualprm_eval.host.benchmark import Benchmark
    from visualprm_eval.store import Store
    from visualprm_eval.store.packs import CandidatePack


def plan_pack(
    store: Store, config: RunConfig, pack: CandidatePack, benchmarks: Sequence[Benchmark], *, greedy: bool = False
) -> list[Samples]:
    """Puts a pack of candidates into the store and says where they are; warns of what does not fit.

    Args:
        store: Where facts go.
        config: The run.
        pack: The pack.
        benchmarks: The run's benchmarks.
        greedy: Whether samples at temperature 0 that the pack has beside others are wanted; they are left out if not.

    Raises:
        CandidateFileError: When the pack has nothing for a benchmark, or not the greedy samples that are wanted.
        ConfigError: When more candidates are asked for than there are.
    """
    from visualprm_eval.store.packs import import_candidates

    pack_path = pack.path
    summary = import_candidates(store, pack, [problem for each in benchmarks for problem in each.problems])
    for warning in summary.warnings:
        tell(f"{pack_path}: {warning}")
    by_name = {benchmark.name: benchmark for benchmark in benchmarks}
    absent = sorted(by_name.keys() - {cell.benchmark for cell in summary.cells})
    if absent:
        raise CandidateFileError(f"{pack_path} has no candidates of {', '.join(absent)}; leave that out of --data")
    samples = [Samples(cell.policy, cell.sampling, by_name[cell.benchmark], cell.n) for cell in summary.cells]
    samples = named_apart(with_greedy(samples, {}), ())
    if greedy and {each.benchmark.name for each in samples if each.greedy} != by_name.keys():
        raise CandidateFileError(
            f"{pack_path} has no samples at temperature 0 beside others; leave the reranker greedy out"
        )
    chosen = []
    for each in sorted(samples, key=lambda each: not each.greedy):
        n = 1 if each.greedy else config.sampling.num_samples or each.n
        if n > each.n:
            raise ConfigError(
                f"-n {n}: {pack_path} has at most {each.n} candidates per problem of {each.benchmark.name}"
            )
        if greedy or not each.greedy:
            chosen.append(replace(each, n=n))
    return chosen
