"""One run over one store: which facts each stage needs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from visualprm_eval.core.config import DEFAULT_NUM_SAMPLES, RunConfig
from visualprm_eval.core.errors import (
    ConfigError,
    HostError,
    UnknownNameError,
    UnreadableJudgeError,
)
from visualprm_eval.core.thoughts import is_empty_reply
from visualprm_eval.core.types import JSONValue, Problem, Spec
from visualprm_eval.evaluate.reranker_registry import needed_critics
from visualprm_eval.evaluate.rerankers import Greedy
from visualprm_eval.evaluate.study import picked_texts
from visualprm_eval.run.export_problems import load_benchmarks, origin_of, stored_grading
from visualprm_eval.run.plan_pack import import_cells
from visualprm_eval.run.stored_critics import known_prm
from visualprm_eval.run.stored_policies import known_policy, of_this_policy, stored_sampling
from visualprm_eval.stages.cell_values import study_of
from visualprm_eval.stages.checkpoint_source import spec_of
from visualprm_eval.stages.experiment import Cell
from visualprm_eval.stages.grade.metric_notes import has_verdicts, is_whole
from visualprm_eval.stages.sample.find_policy import find_policy, greedy_twin
from visualprm_eval.stages.sample.policy import PolicyOptions, notes_of
from visualprm_eval.stages.sample.stage import sample_missing
from visualprm_eval.stages.score.critics import build_critics, named_scoring, ranged_scoring, release
from visualprm_eval.stages.score.judge_critic import PromptedJudges
from visualprm_eval.stages.score.stage import score_missing
from visualprm_eval.store.scopes import Scope, put_scope, scopes

if TYPE_CHECKING:
    from visualprm_eval.core.answers.asking import Equalities
    from visualprm_eval.core.config import JudgeOptions, ModelSource
    from visualprm_eval.evaluate.fact_columns import Columns
    from visualprm_eval.evaluate.rerankers import Reranker
    from visualprm_eval.host.data.benchmarks import Benchmark
    from visualprm_eval.host.grading.judge_replies import Asked
    from visualprm_eval.stages.sample.policy import Policy
    from visualprm_eval.stages.score.critics import Critic
    from visualprm_eval.store import Store

GRADE_ALL_UP_TO = 8
"""N up to which every distinct text is graded even when a judge has to be paid."""


class Session:
    """The stages of one run over one store.

    Args:
        config: What was asked for.
        store: Where facts are.
        rerankers: What selects.

    Attributes:
        cells: What the run is about: one per policy and benchmark.
        policies: Who is still to sample, by name.
        notes: What a reader must know of each policy beside its settings, by name.
        greedy: The rerankers that stand for a sample of their own at temperature 0.
        unconfirmed: Cells for which the host has another figure than ours, or none where it should.
        ungraded: Benchmarks that could not be graded.
        unread: Judges of steps of whose replies none could be read.
    """

    def __init__(self, config: RunConfig, store: Store, rerankers: Sequence[Reranker]) -> None:
        prms = tuple(known_prm(store, prm) for prm in config.scoring.prms)
        self.config = replace(config, scoring=replace(config.scoring, prms=prms))
        self.store = store
        self.rerankers = [reranker for reranker in rerankers if not isinstance(reranker, Greedy)]
        self.greedy = [reranker for reranker in rerankers if isinstance(reranker, Greedy)]
        self.cells: list[Cell] = []
        self.notes: dict[str, Mapping[str, JSONValue]] = {}
        self.policies: dict[str, Policy] = {}
        self._twins: dict[str, Policy] = {}
        self.unconfirmed: list[str] = []
        self.ungraded: list[str] = []
        self.unread: list[str] = []

    def gather(self) -> None:
        """Loads the benchmarks and learns whose candidates this run is about.

        Raises:
            BenchmarkError: When a benchmark's data is missing or malformed.
            ConfigError: When a policy is unknown.
            CandidateFileError: When the pack of candidates cannot be read.
        """
        config = self.config
        benchmarks = load_benchmarks(config, self.store)
        if not benchmarks:  # A dry run without the files.
            return
        if config.candidates is not None:
            self.cells = import_cells(self.store, config, config.candidates, benchmarks, greedy=bool(self.greedy))
            return
        self.find_policies(benchmarks)

    def find_policies(self, benchmarks: Sequence[Benchmark]) -> None:
        """Learns which policies this run is about, and where their candidates are.

        Raises:
            ConfigError: When a policy is unknown.
            HostError: When samples are wanted of a model class of the host, and there is no host.
        """
        config = self.config
        n = config.sampling.num_samples or DEFAULT_NUM_SAMPLES
        for model in config.models:
            name, policy, twin, greedy = model, None, None, None
            try:
                policy, text = self._policy(model)
                name = policy.name
                if name in self.policies:
                    raise ConfigError(f"two --model are called {name}; tell them apart with NAME=PATH_OR_ID")
                sampling = self._spec("sampling", policy, "sample")
                if self.greedy:
                    twin = greedy_twin(policy, text, PolicyOptions.of(config))
                    greedy = self._spec("sampling", twin, "sample")
            except HostError:
                if "sample" in config.stages:
                    raise
                sampling = stored_sampling(self.store, name, config.sampling)
                if self.greedy:
                    greedy = stored_sampling(self.store, name, config.sampling.greedy())
            if policy is not None:
                self.policies[name], self.notes[name] = policy, notes_of(policy)
            if twin is not None:
                self._twins[name] = twin
            if greedy is not None:
                self.cells += [Cell(name, greedy, benchmark, 1, greedy=True) for benchmark in benchmarks]
            self.cells += [Cell(name, sampling, benchmark, n) for benchmark in benchmarks]

    def _policy(self, text: str) -> tuple[Policy, str]:
        """The policy that ``--model`` names, and the option's value with its path where a former run told that."""
        try:
            return find_policy(text, PolicyOptions.of(self.config)), text
        except UnknownNameError:
            known = known_policy(self.store, text)
            if known is None:
                raise
            return find_policy(known, PolicyOptions.of(self.config)), known

    @cached_property
    def critics(self) -> dict[str, Critic]:
        """The critics that the rerankers need, by label."""
        return build_critics(
            needed_critics(self.rerankers), self.config.scoring, self.config.compute, PromptedJudges.of(self.config)
        )

    @cached_property
    def scorings(self) -> dict[str, Spec]:
        """The key of each critic's scores, by label."""
        return {
            label: named_scoring(
                label,
                ranged_scoring(self._spec("scoring", critic, "score"), critic),
                thoughts=self.config.scoring.thoughts,
            )
            for label, critic in self.critics.items()
        }

    def _spec(self, kind: str, maker: object, stage: str) -> Spec:
        will_make = stage in self.config.stages
        spec = spec_of(kind, maker, self.store, will_make=will_make, dry_run=self.config.dry_run)
        return spec if will_make else of_this_policy(spec, self.store)

    @property
    def prms(self) -> tuple[ModelSource, ...]:
        """The process reward models."""
        return self.config.scoring.prms

    @property
    def judge(self) -> JudgeOptions:
        """How the host's judge is reached."""
        return self.config.judge

    @cached_property
    def asked(self) -> Asked:
        """What became of the requests to judges."""
        from visualprm_eval.host.grading.judge_replies import Asked

        return Asked()

    def note_scopes(self) -> None:
        """Keeps what this run has of each policy on each benchmark."""
        wanted = {"grade", "report"} & set(self.config.stages)
        for cell in self.cells:
            name = cell.benchmark.name
            former = scopes(self.store, cell.sampling, name).get((cell.sampling.id, name))
            grading = self.grading(cell).settings if wanted else None if former is None else former.grading
            scope = Scope(
                cell.policy, cell.greedy, cell.problem_ids, cell.n, self.ks(cell), self.config.grade, grading,
                origin_of(cell.benchmark),
            )  # fmt: skip
            put_scope(self.store, cell.sampling, name, scope)

    @cached_property
    def equalities(self) -> Equalities:
        """Which formulas are one answer: what the store knows of this machine's math-verify, and what that says."""
        from visualprm_eval.core.answers.asking import Equalities, MathVerify

        ask = MathVerify()
        return Equalities(self.store.equalities(ask.version), ask)

    def keep_equalities(self) -> None:
        """Keeps what was found out of formulas, so that a report from the store alone comes to the same votes."""
        from visualprm_eval.core.answers.asking import MathVerify

        new = self.equalities.taken()
        if new:
            self.store.put_equalities(MathVerify().version, new)

    def sample(self) -> None:
        """Draws the candidates that are missing, one policy after the other."""
        for name in list(self.policies):
            policy, twin = self.policies.pop(name), self._twins.pop(name, None)  # The next policy needs the memory.
            for cell in self.cells:
                if cell.policy == name and (missing := self.missing_candidates(cell)):
                    writer = twin if cell.greedy and twin is not None else policy
                    sample_missing(self.store, writer, cell.sampling, self._put(cell, writer, missing), missing)
            self.notes[name] = notes_of(policy)  # Sampling showed more.

    def _put(self, cell: Cell, policy: Policy, missing: Sequence[tuple[str, int]]) -> dict[str, Problem]:
        """The problems of missing candidates as the policy is shown them, by id."""
        wanted = {problem_id for problem_id, _ in missing}
        problems = [problem for problem in cell.benchmark.problems if problem.id in wanted]
        source = PolicyOptions.of(self.config).prompts
        return {problem.id: problem for problem in source.put(cell.benchmark, problems, policy)}

    def score(self) -> None:
        """Scores the candidates that a critic has not seen, one checkpoint after the other."""
        last = None
        for label, critic in self.critics.items():
            if last is not None and getattr(critic, "weights", None) is not getattr(last, "weights", None):
                release(last)
            last = critic
            try:
                for cell in self.scored_cells:
                    score_missing(
                        self.store, critic, self.scorings[label], _by_id(cell), self.missing_scores(cell, label),
                        label=f"score {cell.label} with {label}", thoughts=self.config.scoring.thoughts,
                    )  # fmt: skip
            except UnreadableJudgeError as error:  # It costs its own rows and nobody else's.
                print(f"error: {error}", file=sys.stderr)
                self.unread.append(label)
        if last is not None:
            release(last)

    @property
    def scored_cells(self) -> list[Cell]:
        """Those whose candidates critics look at: all but the greedy ones, which nobody picks from."""
        return [cell for cell in self.cells if not cell.greedy]

    def rerankers_of(self, cell: Cell) -> list[Reranker]:
        """The rerankers that a cell has values for."""
        return [*self.greedy] if cell.greedy else self.rerankers

    def check_sound(self) -> None:
        """Raises if the store turned out to be damaged; a run looked at it before it began."""

    def facts(self, cell: Cell, *, with_scores: bool = True) -> Columns:
        """Everything known of one policy on one benchmark."""
        scorings = self.scorings if with_scores and not cell.greedy else {}
        keys = {label: spec.id for label, spec in scorings.items()}
        grading_id = self.grading(cell).id
        return self.store.columns(
            cell.benchmark.problems, cell.sampling.id, cell.n, keys, grading_id=grading_id,
            formulas_equal=self.equalities,
        )  # fmt: skip

    def wanted_texts(self, cell: Cell, facts: Columns) -> set[tuple[str, str]] | None:
        """Problem and text ids whose verdicts decide a cell's results; ``None`` for all."""
        if self.grades_all(cell):
            return None
        picked = picked_texts(study_of(self, cell, facts), self.ks(cell))
        self.keep_equalities()
        return picked

    def is_judged(self, cell: Cell) -> bool:
        """Whether a language model helps to grade a cell."""
        return cell.benchmark.task.judged_by(self.judge).used

    def grades_all(self, cell: Cell) -> bool:
        """Whether every distinct text of a cell is graded, or only what some reranker picks."""
        if is_whole(self, cell):
            return False
        if self.config.grade == "auto":
            return not self.is_judged(cell) or cell.n <= GRADE_ALL_UP_TO
        return self.config.grade == "all"

    def ks(self, cell: Cell) -> tuple[int, ...]:
        """The k of best-of-k to tabulate for a cell."""
        return (1,) if cell.greedy else self.config.resolve_ks(cell.n)

    def grading(self, cell: Cell) -> Spec:
        """The key of a cell's verdicts."""
        from visualprm_eval.host.grading.judge import judge_spec
        from visualprm_eval.host.load.bridge import load_host

        judge = cell.benchmark.task.judged_by(self.judge)
        if cell.benchmark.dataset is None:  # There is no host here.
            return stored_grading(self.store, cell.benchmark, self.judge)
        settings = {
            "benchmark": cell.benchmark.name,
            "prediction": judge.prediction,
            "host": load_host().version,
            **judge_spec(judge),
        }
        return Spec("grading", settings)

    def missing_candidates(self, cell: Cell) -> list[tuple[str, int]]:
        """Problem ids and ranks of the candidates of a cell that are still to be drawn."""
        return self.store.missing_candidates(
            cell.sampling.id, cell.problem_ids, cell.n, retry_failed=self.config.retry_failed
        )

    def missing_scores(self, cell: Cell, label: str) -> list[tuple[str, str, str]]:
        """Problem ids, text ids and texts of a cell that a critic has still to score.

        Nothing is left of an empty reply, whatever stands in its thoughts: it is one step, which is empty; but for
        critics that read thoughts.
        """
        missing = self.store.missing_scores(
            self.scorings[label].id, cell.sampling.id, cell.problem_ids, cell.n, retry_failed=self.config.retry_failed
        )
        skip = self.config.scoring.thoughts == "skip"
        return [(*item[:2], "" if skip and is_empty_reply(item[2]) else item[2]) for item in missing]

    def missing_verdicts(self, cell: Cell, *, retry_failed: bool) -> list[tuple[str, str, str]]:
        """Problem ids, text ids and texts that need a verdict and have none, ordered by problem, then by rank."""
        if not has_verdicts(self, cell):
            return []
        # Where all texts are graded, the critics' weights need not even be here.
        facts = self.facts(cell, with_scores=not self.grades_all(cell))
        wanted = self.wanted_texts(cell, facts)
        lacking = ~facts.graded.known | (facts.graded.failed if retry_failed else False)
        work = {facts.key(text): facts.values[text] for text in np.flatnonzero(lacking).tolist()}
        return [(*key, text) for key, text in work.items() if wanted is None or key in wanted]


def _by_id(cell: Cell) -> dict[str, Problem]:
    return {problem.id: problem for problem in cell.benchmark.problems}
