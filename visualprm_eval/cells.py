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
    """

    policy: str
    sampling: Spec
    benchmark: Benchmark
    n: int

    @property
    def problem_ids(self) -> list[str]:
        """Ids of the benchmark's problems in order."""
        return [problem.id for problem in self.benchmark.problems]

    @property
    def answer(self) -> Callable[[str, Mapping[str, str]], str | None]:
        """How the benchmark reads the answer of a text, for votes."""
        return self.benchmark.task.answer


def import_cells(store: Store, config: RunConfig, pack_path: Path, benchmarks: Sequence[Benchmark]) -> list[Cell]:
    """Puts a pack of candidates into the store and says where they are; warns of what does not fit."""
    from visualprm_eval.candidates import FieldMap, import_candidates, read_candidates

    fields = None
    if config.candidate_fields:
        only = config.data[0] if len(config.data) == 1 else None
        fields = FieldMap.parse(config.candidate_fields, benchmark=only, policy=pack_path.stem)
    pack = read_candidates(pack_path, fields)
    summary = import_candidates(store, pack, [problem for each in benchmarks for problem in each.problems])
    for warning in summary.warnings:
        print(f"{pack_path}: {warning}", file=sys.stderr)
    by_name = {benchmark.name: benchmark for benchmark in benchmarks}
    absent = sorted(by_name.keys() - {cell.benchmark for cell in summary.cells})
    if absent:
        raise CandidateFileError(f"{pack_path} has no candidates of {', '.join(absent)}; leave that out of --data")
    labels = Counter((cell.policy, cell.benchmark) for cell in summary.cells)
    cells: list[Cell] = []
    for cell in summary.cells:
        n = config.num_samples or cell.n
        if n > cell.n:
            raise ConfigError(f"-n {n}: {pack_path} has at most {cell.n} candidates per problem of {cell.benchmark}")
        # One policy sampled in two ways stays two rows.
        twice = labels[cell.policy, cell.benchmark] > 1
        policy = f"{cell.policy} ({cell.sampling.id[:6]})" if twice else cell.policy
        cells.append(Cell(policy, cell.sampling, by_name[cell.benchmark], n))
    for cell_n in {cell.n for cell in cells}:
        config.resolve_ks(cell_n)  # A k beyond N is told before anything is scored.
    return cells
