"""The main path: sample, score, grade, evaluate, report.

The stages meet only in the store. Each asks it what is missing, does that, and stores it; the evaluation is
arithmetic on what the store holds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from visualprm_eval import evaluate
from visualprm_eval.config import RunConfig
from visualprm_eval.errors import StoreError
from visualprm_eval.registry import build_rerankers, needed_critics
from visualprm_eval.store import Store
from visualprm_eval.types import Candidate, JSONValue, Problem, Spec

if TYPE_CHECKING:
    from visualprm_eval.host.benchmarks import Benchmark
    from visualprm_eval.host.grading import Judge
    from visualprm_eval.sample.policies import Policy
    from visualprm_eval.score.critics import Critic

STORE_NAME = "store.sqlite"


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


def run(config: RunConfig) -> None:
    """Does what the configuration asks for and prints the results.

    Raises:
        VisualPRMEvalError: Whatever a user can mend; everything done until then is stored.
    """
    from visualprm_eval.host.bridge import load_host

    rerankers = build_rerankers(("first", *config.rerankers), [prm.name for prm in config.prms])
    load_host()
    with _open_store(config) as store:
        session = _Session(config, store, rerankers)
        if config.dry_run:
            session.print_plan()
            return
        for stage in config.stages:
            getattr(session, stage)()


def export(work_dir: Path, output: Path, *, benchmarks: Sequence[str] | None, policies: Sequence[str] | None) -> None:
    """Writes the stored candidates of a work dir as a pack.

    Raises:
        StoreError: When there is no store, or nothing in it fits the filters.
    """
    from visualprm_eval.candidates import export_candidates

    with Store.open(work_dir / STORE_NAME, write=False) as store:
        summary = export_candidates(store, output, benchmarks=benchmarks, policies=policies)
    print(summary)


@contextmanager
def _open_store(config: RunConfig) -> Iterator[Store]:
    path = config.work_dir / STORE_NAME
    if not config.dry_run:
        with Store.open(path) as store:
            yield store
    elif path.exists():
        with Store.open(path, write=False) as store:
            yield store
    else:  # A dry run leaves nothing behind.
        with tempfile.TemporaryDirectory() as scratch, Store.open(Path(scratch) / STORE_NAME) as store:
            yield store
