"""One run over one store: which facts each stage needs, and the results made from them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from visualprm_eval.config import DEFAULT_NUM_SAMPLES, RunConfig
from visualprm_eval.errors import CandidateFileError, ConfigError
from visualprm_eval.evaluate import ProblemFacts, picked_texts
from visualprm_eval.grade import grade_missing
from visualprm_eval.registry import needed_critics
from visualprm_eval.sample.policies import find_policy
from visualprm_eval.sample.stage import sample_missing
from visualprm_eval.score.critics import build_critics, scoring_of
from visualprm_eval.score.stage import score_missing
from visualprm_eval.types import Problem, Spec

if TYPE_CHECKING:
    from visualprm_eval.host.benchmarks import Benchmark
    from visualprm_eval.host.grading import Judge
    from visualprm_eval.rerankers import Reranker
    from visualprm_eval.sample.policies import Policy
    from visualprm_eval.score.critics import Critic
    from visualprm_eval.store import Store

Fact = TypeVar("Fact")

GRADE_ALL_UP_TO = 8
"""N up to which every distinct text is graded even when a judge has to be paid."""


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


class Session:
    """The stages of one run over one store.

    Args:
        config: What was asked for.
        store: Where facts are.
        rerankers: What selects.
    """

    def __init__(self, config: RunConfig, store: Store, rerankers: Sequence[Reranker]) -> None:
        self.config, self.store, self.rerankers = config, store, rerankers
        self.cells: list[Cell] = []
        self._policies: dict[str, Policy] = {}

    def gather(self) -> None:
        """Loads the benchmarks and learns whose candidates this run is about.

        Raises:
            BenchmarkError: When a benchmark's data is missing or malformed.
            ConfigError: When a policy is unknown.
            CandidateFileError: When the pack of candidates cannot be read.
        """
        from visualprm_eval.host.benchmarks import load_benchmark

        config = self.config
        benchmarks = [load_benchmark(name, limit=config.limit) for name in config.data]
        for benchmark in benchmarks:
            self.store.put_problems(benchmark.problems)
            if benchmark.task.note:
                print(f"note: {benchmark.task.note}", file=sys.stderr)
        if config.candidates is not None:
            self.cells = _import_cells(self.store, config, config.candidates, benchmarks)
            return
        for name in config.models:
            policy = find_policy(name, config)
            self._policies[policy.name] = policy
            sampling = Spec("sampling", policy.settings())
            n = config.num_samples or DEFAULT_NUM_SAMPLES
            self.cells += [Cell(policy.name, sampling, benchmark, n) for benchmark in benchmarks]

    def check(self) -> None:
        """Finds the critics' checkpoints before anything is paid for.

        Raises:
            CheckpointError: When scores are wanted and a checkpoint is missing.
        """
        if "score" in self.config.stages:
            _ = self.scorings

    @cached_property
    def critics(self) -> dict[str, Critic]:
        """The critics that the rerankers need, by label."""
        return build_critics(needed_critics(self.rerankers), self.config)

    @cached_property
    def scorings(self) -> dict[str, Spec]:
        """The key of each critic's scores, by label."""
        will_score, dry_run = "score" in self.config.stages, self.config.dry_run
        return {
            label: scoring_of(critic, self.store, will_score=will_score, dry_run=dry_run)
            for label, critic in self.critics.items()
        }

    @cached_property
    def judge(self) -> Judge:
        """How the host's judge is reached."""
        from visualprm_eval.host.grading import Judge

        options = self.config.judge
        return Judge(
            name=options.name, base_url=options.base_url, key=options.key, nproc=options.nproc, retry=options.retry,
            timeout_s=options.timeout_s,
        )  # fmt: skip

    def sample(self) -> None:
        """Draws the candidates that are missing, one policy after the other."""
        for cell in self.cells:
            if policy := self._policies.get(cell.policy):
                sample_missing(self.store, policy, cell.sampling, _by_id(cell), self._missing_candidates(cell))
        self._policies.clear()  # Frees the weights before the critics load theirs.

    def score(self) -> None:
        """Scores the candidates that a critic has not seen, one critic after the other."""
        for label, critic in self.critics.items():
            for cell in self.cells:
                work = self._missing_scores(cell, label)
                score_missing(
                    self.store, critic, self.scorings[label], _by_id(cell), work,
                    label=f"score {cell.policy} on {cell.benchmark.name} with {label}",
                )  # fmt: skip

    def grade(self) -> None:
        """Lets the host grade the texts that have no verdict yet."""
        directory = self.config.work_dir / "grading"
        for cell in self.cells:
            work = self._missing_verdicts(cell, retry_failed=self.config.retry_failed)
            while work:
                grade_missing(self.store, cell.benchmark, self.judge, self.grading(cell), work, directory=directory)
                # A text without a verdict leaves the pool, so that rerankers may now pick texts not yet graded.
                work = self._missing_verdicts(cell, retry_failed=False)

    def report(self) -> None:
        """Evaluates what the store holds, prints the tables and writes the result files."""
        from visualprm_eval.collect import collect
        from visualprm_eval.report import print_table, write_reports

        results = collect(self)
        paths = write_reports(self.config.work_dir, results)
        print_table(results, files=paths)

    def plan(self) -> None:
        """Prints what is missing: what a run would sample, score and grade."""
        for cell in self.cells:
            to_sample = len(self._missing_candidates(cell))
            print(f"{cell.policy} on {cell.benchmark.name}, {len(cell.benchmark.problems)} problems x {cell.n}:")
            print(f"  sample: {to_sample:,} candidates")
            for label in self.critics:
                known = len(self._missing_scores(cell, label))
                print(f"  score with {label}: {known:,} stored texts{_and_new(to_sample)}")
            ungraded = len(self._missing_verdicts(cell, retry_failed=self.config.retry_failed))
            print(f"  grade: {ungraded:,} stored texts{_and_new(to_sample)}")

    def facts(self, cell: Cell, *, with_scores: bool = True) -> list[ProblemFacts]:
        """Everything known of one policy on one benchmark, problem by problem."""
        ids = cell.problem_ids
        candidates = self.store.candidates(cell.sampling.id, ids)
        scorings = self.scorings if with_scores else {}
        scores = {
            label: _by_problem(self.store.scores(spec.id, ids, with_steps=False)) for label, spec in scorings.items()
        }
        verdicts = _by_problem(self.store.verdicts(self.grading(cell).id, ids))
        return [
            ProblemFacts(
                problem=problem,
                candidates=tuple(item for item in candidates.get(problem.id, ()) if item.rank < cell.n),
                scores={label: known.get(problem.id, {}) for label, known in scores.items()},
                verdicts=verdicts.get(problem.id, {}),
            )
            for problem in cell.benchmark.problems
        ]

    def grades_all(self, cell: Cell) -> bool:
        """Whether every distinct text of a cell is graded, or only what some reranker picks."""
        if self.config.grade == "auto":
            return not cell.benchmark.task.needs_judge or cell.n <= GRADE_ALL_UP_TO
        return self.config.grade == "all"

    def ks(self, cell: Cell) -> tuple[int, ...]:
        """The k of best-of-k to tabulate for a cell."""
        return self.config.resolve_ks(cell.n)

    def grading(self, cell: Cell) -> Spec:
        """The key of a cell's verdicts."""
        from visualprm_eval.host.bridge import load_host

        task = cell.benchmark.task
        settings = {
            "benchmark": cell.benchmark.name,
            "prediction": task.prediction,
            "host": load_host().version,
            **self.judge.resolve(task).spec(),
        }
        return Spec("grading", settings)

    def _missing_candidates(self, cell: Cell) -> list[tuple[str, int]]:
        return self.store.missing_candidates(
            cell.sampling.id, cell.problem_ids, cell.n, retry_failed=self.config.retry_failed
        )

    def _missing_scores(self, cell: Cell, label: str) -> list[tuple[str, str, str]]:
        return self.store.missing_scores(
            self.scorings[label].id, cell.sampling.id, cell.problem_ids, cell.n, retry_failed=self.config.retry_failed
        )

    def _missing_verdicts(self, cell: Cell, *, retry_failed: bool) -> list[tuple[str, str, str]]:
        """Texts that need a verdict and have none, ordered by problem, then by rank."""
        every = self.grades_all(cell)  # Then the critics' weights need not even be here.
        facts = self.facts(cell, with_scores=not every)
        wanted = None if every else picked_texts(facts, self.rerankers, self.ks(cell), cell.answer)
        work: dict[tuple[str, str], str] = {}
        for fact in facts:
            for candidate in fact.candidates:
                key = (fact.problem.id, candidate.text_id)
                verdict = fact.verdicts.get(candidate.text_id)
                lacking = verdict is None or (retry_failed and verdict.value is None)
                if candidate.error is None and lacking and (wanted is None or key in wanted):
                    work[key] = candidate.text
        return [(problem_id, text_id, text) for (problem_id, text_id), text in work.items()]


def _import_cells(store: Store, config: RunConfig, pack_path: Path, benchmarks: Sequence[Benchmark]) -> list[Cell]:
    """Puts a pack of candidates into the store and says where they are; warns of what does not fit."""
    from visualprm_eval.candidates import import_candidates, read_candidates

    pack = read_candidates(pack_path)
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


def _by_id(cell: Cell) -> dict[str, Problem]:
    return {problem.id: problem for problem in cell.benchmark.problems}


def _by_problem(facts: Mapping[tuple[str, str], Fact]) -> dict[str, dict[str, Fact]]:
    """Facts keyed by (problem id, text id) as one mapping of text ids per problem."""
    grouped: dict[str, dict[str, Fact]] = {}
    for (problem_id, text_id), fact in facts.items():
        grouped.setdefault(problem_id, {})[text_id] = fact
    return grouped


def _and_new(count: int) -> str:
    return f", and at most {count:,} new ones" if count else ""
