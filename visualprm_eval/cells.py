"""Cells of a run: one policy on one benchmark each."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from visualprm_eval.config import RunConfig
from visualprm_eval.errors import CandidateFileError, ConfigError
from visualprm_eval.types import Spec

if TYPE_CHECKING:
    from visualprm_eval.candidates import CandidatePack, ImportedCell
    from visualprm_eval.host.benchmarks import Benchmark
    from visualprm_eval.store import Store


@dataclass(frozen=True, slots=True)
class Cell:
    """One policy on one benchmark: where its facts are.

    Attributes:
        policy: The policy's name.
        sampling: The key of its candidates.
        benchmark: The benchmark with its problems.
        n: Candidates per problem.
        greedy: Whether it is the policy's one sample at temperature 0 beside its others.
    """

    policy: str
    sampling: Spec
    benchmark: Benchmark
    n: int
    greedy: bool = False

    @property
    def label(self) -> str:
        """Policy and benchmark, for messages."""
        return f"{self.policy} on {self.benchmark.name}" + (" (greedy)" if self.greedy else "")

    @property
    def problem_ids(self) -> list[str]:
        """Ids of the benchmark's problems in order."""
        return [problem.id for problem in self.benchmark.problems]

    @property
    def answer(self) -> Callable[[str, Mapping[str, str]], str | None]:
        """How the benchmark reads the answer of a text, for votes."""
        return self.benchmark.task.answer


def import_cells(
    store: Store, config: RunConfig, pack_path: Path, benchmarks: Sequence[Benchmark], *, greedy: bool = False
) -> list[Cell]:
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
    from visualprm_eval.candidates import import_candidates

    pack = _read_pack(config, pack_path)
    summary = import_candidates(store, pack, [problem for each in benchmarks for problem in each.problems])
    for warning in summary.warnings:
        print(f"{pack_path}: {warning}", file=sys.stderr)
    by_name = {benchmark.name: benchmark for benchmark in benchmarks}
    absent = sorted(by_name.keys() - {cell.benchmark for cell in summary.cells})
    if absent:
        raise CandidateFileError(f"{pack_path} has no candidates of {', '.join(absent)}; leave that out of --data")
    labels = Counter((cell.policy, cell.benchmark) for cell in summary.cells)
    baselines = [cell for cell in summary.cells if _is_baseline(cell, summary.cells)]
    cells = [Cell(cell.policy, cell.sampling, by_name[cell.benchmark], 1, greedy=True) for cell in baselines if greedy]
    labels.subtract((cell.policy, cell.benchmark) for cell in baselines)
    if greedy and {cell.benchmark for cell in baselines} != by_name.keys():
        raise CandidateFileError(
            f"{pack_path} has no samples at temperature 0 beside others; leave the reranker greedy out"
        )
    for cell in summary.cells:
        if cell in baselines:
            continue
        n = config.num_samples or cell.n
        if n > cell.n:
            raise ConfigError(f"-n {n}: {pack_path} has at most {cell.n} candidates per problem of {cell.benchmark}")
        # One policy sampled in two ways stays two rows.
        twice = labels[cell.policy, cell.benchmark] > 1
        policy = f"{cell.policy} ({cell.sampling.id[:6]})" if twice else cell.policy
        cells.append(Cell(policy, cell.sampling, by_name[cell.benchmark], n))
    for cell_n in {cell.n for cell in cells if not cell.greedy}:
        config.resolve_ks(cell_n)  # A k beyond N is told before anything is scored.
    return cells


def _read_pack(config: RunConfig, pack_path: Path) -> CandidatePack:
    from visualprm_eval.candidates import FieldMap, read_candidates

    if not config.candidate_fields:
        return read_candidates(pack_path)
    only = config.data[0] if len(config.data) == 1 else None
    return read_candidates(pack_path, FieldMap.parse(config.candidate_fields, benchmark=only, policy=pack_path.stem))


def _is_baseline(cell: ImportedCell, cells: Sequence[ImportedCell]) -> bool:
    """Whether it is one sample at temperature 0 beside a sampling of the same policy."""
    beside = any((each.policy, each.benchmark) == (cell.policy, cell.benchmark) and each is not cell for each in cells)
    return beside and cell.n == 1 and cell.sampling.settings.get("temperature") == 0
