"""Whose candidates a run has that takes them from a pack."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from visualprm_eval.core.config import RunConfig
from visualprm_eval.core.errors import CandidateFileError, ConfigError
from visualprm_eval.stages.experiment import Samples

if TYPE_CHECKING:
    from visualprm_eval.host.data.benchmarks import Benchmark
    from visualprm_eval.store import Store
    from visualprm_eval.store.packs import CandidatePack, ImportedCell


def plan_pack(
    store: Store, config: RunConfig, pack_path: Path, benchmarks: Sequence[Benchmark], *, greedy: bool = False
) -> list[Samples]:
    """Puts a pack of candidates into the store and says where they are; warns of what does not fit.

    Args:
        store: Where facts go.
        config: The run.
        pack_path: The pack.
        benchmarks: The run's benchmarks.
        greedy: Whether samples at temperature 0 that the pack has beside others are wanted; they are left out if not.

    Raises:
        CandidateFileError: When the pack has nothing for a benchmark, or not the greedy samples that are wanted.
        ConfigError: When more candidates are asked for than there are.
    """
    from visualprm_eval.store.packs import import_candidates

    pack = _read_pack(config, pack_path)
    summary = import_candidates(store, pack, [problem for each in benchmarks for problem in each.problems])
    for warning in summary.warnings:
        print(f"{pack_path}: {warning}", file=sys.stderr)
    by_name = {benchmark.name: benchmark for benchmark in benchmarks}
    absent = sorted(by_name.keys() - {cell.benchmark for cell in summary.cells})
    if absent:
        raise CandidateFileError(f"{pack_path} has no candidates of {', '.join(absent)}; leave that out of --data")
    baselines = [cell for cell in summary.cells if _is_baseline(cell, summary.cells)]
    if greedy and {cell.benchmark for cell in baselines} != by_name.keys():
        raise CandidateFileError(
            f"{pack_path} has no samples at temperature 0 beside others; leave the reranker greedy out"
        )
    samples = [
        Samples(cell.policy, cell.sampling, by_name[cell.benchmark], 1, greedy=True) for cell in baselines if greedy
    ]
    others = [cell for cell in summary.cells if cell not in baselines]
    labels = Counter((cell.policy, cell.benchmark) for cell in others)
    for cell in others:
        n = config.sampling.num_samples or cell.n
        if n > cell.n:
            raise ConfigError(f"-n {n}: {pack_path} has at most {cell.n} candidates per problem of {cell.benchmark}")
        # One policy sampled in two ways stays two rows.
        twice = labels[cell.policy, cell.benchmark] > 1
        policy = f"{cell.policy} ({cell.sampling.id[:6]})" if twice else cell.policy
        samples.append(Samples(policy, cell.sampling, by_name[cell.benchmark], n))
    return samples


def _read_pack(config: RunConfig, pack_path: Path) -> CandidatePack:
    from visualprm_eval.store.packs import FieldMap, read_candidates

    if not config.candidate_fields:
        return read_candidates(pack_path)
    only = config.data[0] if len(config.data) == 1 else None
    return read_candidates(pack_path, FieldMap.parse(config.candidate_fields, benchmark=only, policy=pack_path.stem))


def _is_baseline(cell: ImportedCell, cells: Sequence[ImportedCell]) -> bool:
    """Whether it is one sample at temperature 0 beside a sampling of the same policy."""
    beside = any((each.policy, each.benchmark) == (cell.policy, cell.benchmark) and each is not cell for each in cells)
    return beside and cell.n == 1 and cell.sampling.settings.get("temperature") == 0
