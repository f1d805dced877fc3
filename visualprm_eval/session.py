"""One run over one store: which facts each stage needs, and the results made from them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from visualprm_eval.cells import Cell, import_cells
from visualprm_eval.checkpoints import CheckpointUser, spec_of
from visualprm_eval.config import DEFAULT_NUM_SAMPLES, RunConfig
from visualprm_eval.errors import ConfigError, GradingError, HostError
from visualprm_eval.evaluate import ProblemFacts, picked_texts
from visualprm_eval.grade import grade_missing
from visualprm_eval.registry import needed_critics
from visualprm_eval.sample.policies import find_policy
from visualprm_eval.sample.stage import sample_missing
from visualprm_eval.score.critics import build_critics, release
from visualprm_eval.score.stage import score_missing
from visualprm_eval.stored import load_benchmarks, of_this_policy, stored_grading, stored_sampling
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
        self._ungraded: list[str] = []

    def gather(self) -> None:
        """Loads the benchmarks and learns whose candidates this run is about.

        Raises:
            BenchmarkError: When a benchmark's data is missing or malformed.
            ConfigError: When a policy is unknown.
            CandidateFileError: When the pack of candidates cannot be read.
        """
        config = self.config
        benchmarks = load_benchmarks(config, self.store)
        if config.candidates is not None:
            self.cells = import_cells(self.store, config, config.candidates, benchmarks)
            return
        self.find_policies(benchmarks)

    def find_policies(self, benchmarks: Sequence[Benchmark]) -> None:
        """Learns which policies this run is about, and where their candidates are.

        Raises:
            ConfigError: When a policy is unknown.
            HostError: When samples are wanted of a model class of the host, and there is no host.
        """
        config = self.config
        n = config.num_samples or DEFAULT_NUM_SAMPLES
        for name in config.models:
            try:
                policy = find_policy(name, config)
            except HostError:
                if "sample" in config.stages:
                    raise
                sampling = stored_sampling(self.store, name, config)
                self.cells += [Cell(name, sampling, benchmark, n) for benchmark in benchmarks]
                continue
            if policy.name in self._policies:
                raise ConfigError(f"two --model are called {policy.name}; tell them apart with NAME=PATH_OR_ID")
            self._policies[policy.name] = policy
            sampling = self._spec("sampling", policy, "sample")
            self.cells += [Cell(policy.name, sampling, benchmark, n) for benchmark in benchmarks]

    def check(self) -> None:
        """Finds checkpoints and graders before anything is paid for.

        Raises:
            CheckpointError: When scores are wanted and a checkpoint is missing.
            GradingError: When verdicts are wanted and the host or its judge cannot give them.
        """
        stages = self.config.stages
        if "grade" in stages:
            from visualprm_eval.host.grading import check_gradable

            for benchmark in {cell.benchmark.name: cell.benchmark for cell in self.cells}.values():
                check_gradable(benchmark, self.judge)
        made: list[object] = [*self._policies.values()] if "sample" in stages else []
        if "score" in stages:
            _ = self.scorings
            made += self.critics.values()
        for maker in made:
            if isinstance(maker, CheckpointUser):
                maker.checkpoint.record(self.store)

    def problems_with_work(self) -> list[str]:
        """Ids of the problems, in order, that lack a candidate or a score that this run is to make."""
        ids: dict[str, None] = {}
        stages = self.config.stages
        for cell in self.cells:
            if "sample" in stages:
                ids |= dict.fromkeys(problem_id for problem_id, _ in self._missing_candidates(cell))
            for label in self.critics if "score" in stages else ():
                ids |= dict.fromkeys(problem_id for problem_id, _, _ in self._missing_scores(cell, label))
        return list(ids)

    @cached_property
    def critics(self) -> dict[str, Critic]:
        """The critics that the rerankers need, by label."""
        return build_critics(needed_critics(self.rerankers), self.config)

    @cached_property
    def scorings(self) -> dict[str, Spec]:
        """The key of each critic's scores, by label."""
        return {label: self._spec("scoring", critic, "score") for label, critic in self.critics.items()}

    def _spec(self, kind: str, maker: object, stage: str) -> Spec:
        will_make = stage in self.config.stages
        spec = spec_of(kind, maker, self.store, will_make=will_make, dry_run=self.config.dry_run)
        return spec if will_make else of_this_policy(spec, self.store)

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
        for name in list(self._policies):
            policy = self._policies.pop(name)  # The next policy needs the memory.
            for cell in self.cells:
                if cell.policy == name:
                    sample_missing(self.store, policy, cell.sampling, _by_id(cell), self._missing_candidates(cell))

    def score(self) -> None:
        """Scores the candidates that a critic has not seen, one checkpoint after the other."""
        last = None
        for label, critic in self.critics.items():
            if last is not None and getattr(critic, "weights", None) is not getattr(last, "weights", None):
                release(last)
            last = critic
            for cell in self.cells:
                score_missing(
                    self.store,
                    critic,
                    self.scorings[label],
                    _by_id(cell),
                    self._missing_scores(cell, label),
                    label=f"score {cell.policy} on {cell.benchmark.name} with {label}",
                )
        if last is not None:
            release(last)

    def grade(self) -> None:
        """Lets the host grade the texts that have no verdict yet; a benchmark that cannot be graded stops no other."""
        directory = self.config.work_dir / "grading"
        for cell in self.cells:
            try:
                work = self._missing_verdicts(cell, retry_failed=self.config.retry_failed)
                while work:
                    grade_missing(self.store, cell.benchmark, self.judge, self.grading(cell), work, directory=directory)
                    # A text without a verdict leaves the pool, so that rerankers may now pick texts not yet graded.
                    work = self._missing_verdicts(cell, retry_failed=False)
            except GradingError as error:
                print(f"error: {error}", file=sys.stderr)
                self._ungraded.append(cell.benchmark.name)

    def finish(self) -> None:
        """Tells at the end what a stage could not do.

        Raises:
            GradingError: When a benchmark could not be graded; the others were.
        """
        if self._ungraded:
            raise GradingError(f"not graded: {', '.join(dict.fromkeys(self._ungraded))} (the reasons stand above)")

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
            stages = self.config.stages
            print(f"{cell.policy} on {cell.benchmark.name}, {len(cell.benchmark.problems)} problems x {cell.n}:")
            new = len(self._missing_candidates(cell)) if "sample" in stages else 0
            if "sample" in stages:
                print(f"  sample: {new:,} candidates")
            unscored = 0
            for label in self.critics if "score" in stages else ():
                known = len(self._missing_scores(cell, label))
                unscored = max(unscored, known)
                print(f"  score with {label}: {known:,} stored texts{_and_new(new)}")
            if "grade" in stages:
                known = len(self._missing_verdicts(cell, retry_failed=self.config.retry_failed))
                # Which texts rerankers pick is known only when they are scored.
                print(f"  grade: {known:,} stored texts{_and_new(new if self.grades_all(cell) else new + unscored)}")

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

    def wanted_texts(self, cell: Cell, facts: Sequence[ProblemFacts]) -> set[tuple[str, str]] | None:
        """Problem and text ids whose verdicts decide a cell's results; ``None`` for all."""
        return None if self.grades_all(cell) else picked_texts(facts, self.rerankers, self.ks(cell), cell.answer)

    def grades_all(self, cell: Cell) -> bool:
        """Whether every distinct text of a cell is graded, or only what some reranker picks."""
        if self.config.grade == "auto":
            return not self.judge.resolve(cell.benchmark.task).used or cell.n <= GRADE_ALL_UP_TO
        return self.config.grade == "all"

    def ks(self, cell: Cell) -> tuple[int, ...]:
        """The k of best-of-k to tabulate for a cell."""
        return self.config.resolve_ks(cell.n)

    def grading(self, cell: Cell) -> Spec:
        """The key of a cell's verdicts."""
        from visualprm_eval.host.bridge import load_host

        task = cell.benchmark.task
        if cell.benchmark.dataset is None:  # There is no host here.
            return stored_grading(self.store, cell.benchmark, self.judge)
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
        # Where all texts are graded, the critics' weights need not even be here.
        facts = self.facts(cell, with_scores=not self.grades_all(cell))
        wanted = self.wanted_texts(cell, facts)
        work: dict[tuple[str, str], str] = {}
        for fact in facts:
            for candidate in fact.candidates:
                key = (fact.problem.id, candidate.text_id)
                verdict = fact.verdicts.get(candidate.text_id)
                lacking = verdict is None or (retry_failed and verdict.value is None)
                if candidate.error is None and lacking and (wanted is None or key in wanted):
                    work[key] = candidate.text
        return [(problem_id, text_id, text) for (problem_id, text_id), text in work.items()]


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
