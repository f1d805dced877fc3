"""The report of a work dir from its store alone: no model, no judge, no host.

What was run is read off the facts: every sampling that has candidates is a policy, every scoring that looked at them a
critic. ``run.py`` reports on what it was asked for; this reports on everything that is there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from visualprm_eval.core.config import GIVEN, JudgeOptions, ModelSource, RunConfig, SamplingOptions
from visualprm_eval.core.errors import ConfigError, StoreError, UnknownNameError
from visualprm_eval.core.types import Spec
from visualprm_eval.evaluate.rerankers import Greedy, Reranker
from visualprm_eval.run.export_problems import stored_benchmark, stored_grading
from visualprm_eval.run.last_run import choose
from visualprm_eval.run.plan_run import GRADE_ALL_UP_TO, Session
from visualprm_eval.run.stored_policies import named_apart, policy_names, with_greedy
from visualprm_eval.run.write_report import write_report
from visualprm_eval.stages.experiment import Cell
from visualprm_eval.stages.grade.metric_notes import is_whole
from visualprm_eval.store import STORE_FILE, Store
from visualprm_eval.store.merge import rank_paths
from visualprm_eval.store.scopes import Scope, finished_part, scopes
from visualprm_eval.store.soundness import audit, refuse_damage
from visualprm_eval.tasks import EXACT_MATCHING

if TYPE_CHECKING:
    from visualprm_eval.core.answers.asking import Equalities

__all__ = ["StoredSession", "report"]


def report(config: RunConfig, rerankers: Sequence[str]) -> None:
    """Reports on everything that a work dir's store holds.

    Args:
        config: The work dir, and what to leave out: benchmarks, policies, problems.
        rerankers: Names of rerankers; none for those of the last run, or all that the stored scores serve.

    Raises:
        StoreDamagedError: The store is not sound; the message names the damage.
        StoreError: There is no store, or nothing in it to report on.
        ConfigError: A benchmark, policy or reranker that it knows nothing of.
    """
    path = config.work_dir / STORE_FILE
    with Store.open(path, write=False) as store, audit(store) as findings:
        try:
            session = StoredSession(config, store, rerankers, check=lambda: refuse_damage(path, findings))
            session.gather()
            write_report(session)
        except Exception:
            refuse_damage(path, findings)  # It explains whatever reading stumbled over.
            raise
    if left := rank_paths(config.work_dir):
        print(f"note: without {len(left)} stores that ranks left in {config.work_dir}; any run there takes them over")


class StoredSession(Session):
    """A session over what a store holds, which samples, scores and grades nothing.

    Args:
        config: The work dir, and what to leave out.
        store: Where facts are, open for reading.
        names: Names of rerankers; none for those of the last run, or all that the stored scores serve.
        check: Raises if the store turned out to be damaged; asked before any result is shown.
    """

    def __init__(
        self, config: RunConfig, store: Store, names: Sequence[str] = (), check: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(config, store, ())
        self._check = check
        self._names = tuple(names)
        self._choice = choose(store, names)
        self.config = replace(self.config, baseline=config.baseline or self._choice.baseline)
        self.rerankers = list(self._choice.rerankers)
        self._scopes: dict[tuple[str, str], Scope] = {}

    @cached_property
    def equalities(self) -> Equalities:
        """Which formulas are one answer, as far as runs found out; nobody is asked."""
        from visualprm_eval.core.answers.asking import Equalities

        return Equalities(self.store.equalities())

    def gather(self) -> None:
        """Learns from the store whose candidates it holds.

        Raises:
            StoreError: There are none.
            UnknownNameError: A benchmark or policy that it has no candidates of, or a judge that it has no verdicts of.
        """
        samplings, known = self._samplings()
        _check_known("benchmark", self.config.data, known)
        if self.judge.name is not None:
            _check_known("judge", [self.judge.name], self._judges(self.config.data or known))
        self._scopes = scopes(self.store)
        ids = {name: [problem.id for problem in self.store.problems(name)] for name in self.config.data or known}
        pairs = [(spec, name) for spec in samplings for name, own in ids.items() if self.store.sampled(spec.id, own)]
        found = [cell for spec, name in pairs if (cell := self._cell(spec, name)) is not None]
        if not found:
            raise StoreError(f"{self.store.path} has no candidates to report on; sample some with run.py first")
        cells = named_apart(with_greedy(found, self._scopes), list(self._scopes))
        names = {id(cell): policy_names(cell.sampling, cell.policy) for cell in cells}
        _check_known("policy", self.config.models, [name for own in names.values() for name in own])
        wanted = set(self.config.models)
        chosen = [cell for cell in cells if not wanted or wanted & names[id(cell)]]
        self.cells = [cell for cell in chosen if not cell.greedy or self._choice.greedy is not False]
        if len(self.cells) < len(chosen):
            print("note: as in the last run, without greedy; --reranker shows what it names", file=sys.stderr)
        self.greedy = [Greedy("greedy")] if any(cell.greedy for cell in self.cells) else []
        if "greedy" in self._names and not self.greedy:
            raise ConfigError(
                f"{self.store.path} has no samples at temperature 0 beside others; leave the reranker greedy out, or "
                "sample them with run.py --reranker greedy"
            )

    def _cell(self, sampling: Spec, name: str) -> Cell | None:
        """A policy on a benchmark as the last run had it that had it; ``None`` where it has no candidates."""
        scope = self._scopes.get((sampling.id, name))
        benchmark = stored_benchmark(self.store, name, self.config, scope)
        policy = str(sampling.settings.get("policy")) if scope is None else scope.policy
        cell = Cell(policy, sampling, benchmark, 0)
        n = self.store.sampled(sampling.id, cell.problem_ids)
        if not n:
            return None
        asked = min(n, max(self.config.ks, default=0))
        if scope is not None:
            return replace(cell, n=max(scope.n, asked))
        if part := self._finished_part(replace(cell, n=n)):
            rows, columns = part
            total = benchmark.total or len(benchmark.problems)
            benchmark = replace(benchmark, problems=benchmark.problems[:rows], total=total)
            n = max(columns, asked)
        return replace(cell, benchmark=benchmark, n=n)

    def _finished_part(self, cell: Cell) -> tuple[int, int] | None:
        """Problems and candidates of the part of a cell that is finished, where some of it is not."""
        ids, graded = (cell.sampling.id, cell.problem_ids), self.grading(cell).id
        if not self.store.any_ungraded(graded, *ids) and not self.store.missing_candidates(*ids, cell.n):
            return None
        return finished_part(self.facts(cell), cell.n)

    def check_sound(self) -> None:
        """Raises if the store turned out to be damaged."""
        self._check()

    def _samplings(self) -> tuple[list[Spec], list[str]]:
        """Whose candidates there are, and of which benchmarks; solutions that came with labels are nobody's."""
        specs = self.store.specs("sampling")
        given = [spec.settings for spec in specs if spec.settings.get("engine") == GIVEN]
        labelled = {settings.get("benchmark") for settings in given}
        known = [name for name in self.store.benchmarks() if name not in labelled]
        return [spec for spec in specs if spec.settings not in given], known

    def _judges(self, benchmarks: Sequence[str]) -> list[str]:
        """Who graded any of the benchmarks."""
        gradings = [spec.settings for spec in self.store.specs("grading")]
        return list(dict.fromkeys(str(one.get("judge")) for one in gradings if one.get("benchmark") in benchmarks))

    @cached_property
    def scorings(self) -> dict[str, Spec]:
        """The key of each critic's scores, by label."""
        return dict(self._choice.scorings)

    @property
    def prms(self) -> tuple[ModelSource, ...]:
        """The reward models whose scores are shown."""
        return self._choice.prms

    def called(self, name: str) -> str:
        """A reranker that was asked for, by the name that it has here."""
        return self._choice.called.get(name, name)

    def rerankers_of(self, cell: Cell) -> list[Reranker]:
        """Those whose critics looked at the cell's candidates at all."""
        if cell.greedy:
            return [*self.greedy]
        silent = {
            label for label, spec in self.scorings.items()
            if not self.store.any_scores(spec.id, cell.sampling.id, cell.problem_ids)
        }  # fmt: skip
        return [one for one in self.rerankers if one.critic not in silent or self._names]

    def ks(self, cell: Cell) -> tuple[int, ...]:
        """Those asked for, else those of the last run that had the cell."""
        scope = self._scope(cell)
        return super().ks(cell) if scope is None or self.config.ks else tuple(scope.ks)

    def grading(self, cell: Cell) -> Spec:
        """The key of the verdicts of the last run that had the cell, else of the last ones; of one judge if named."""
        scope = self._scope(cell)
        graded = None if scope is None else scope.graded
        if graded is not None and self.judge.name in {None, graded.settings.get("judge")}:
            return graded
        return stored_grading(self.store, cell.benchmark, self.judge)

    def is_judged(self, cell: Cell) -> bool:
        """Whether the verdicts that the store has are those of a language model."""
        judge = self.grading(cell).settings.get("judge")
        return super().is_judged(cell) if judge is None else judge not in {EXACT_MATCHING, "default"}

    def grades_all(self, cell: Cell) -> bool:
        """As for the last run that had the cell.

        Where that is not known, with a judge and many candidates, it is whether every text has a verdict.
        """
        if is_whole(self, cell):
            return False
        scope = self._scope(cell)
        grade = self.config.grade if scope is None or self.config.grade != "auto" else scope.grade
        if grade != "auto":
            return grade == "all"
        if not self.is_judged(cell) or cell.n <= GRADE_ALL_UP_TO:
            return True
        return scope is None and not self.store.any_ungraded(self.grading(cell).id, cell.sampling.id, cell.problem_ids)

    def _scope(self, cell: Cell) -> Scope | None:
        return self._scopes.get((cell.sampling.id, cell.benchmark.name))


def _check_known(kind: str, names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise UnknownNameError(kind, name, known, where="in this store")


def config_of(
    work_dir: Path, *, data: Sequence[str], models: Sequence[str], ks: Sequence[int], limit: int | None, grade: str,
    judge: str | None, baseline: str | None = None,
) -> RunConfig:  # fmt: skip
    """The configuration of a report, which has few options of a run.

    Raises:
        ConfigError: A number is out of range.
    """
    if limit is not None and limit < 1:
        raise ConfigError(f"--limit {limit}: expected a whole number of at least 1")
    return RunConfig(
        models=tuple(models), data=tuple(data), ks=tuple(ks), limit=limit, grade=grade, work_dir=work_dir,
        stages=("report",), baseline=baseline, judge=JudgeOptions(name=judge),
        sampling=SamplingOptions(num_samples=None),
    )  # fmt: skip
