"""The report of a work dir from its store alone: no model, no judge, no host.

What was run is read off the facts: every sampling that has candidates is a policy, every scoring that looked at them a
critic. ``run.py`` reports on what it was asked for; this reports on everything that is there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from visualprm_eval.asked import last_asked
from visualprm_eval.cells import Cell
from visualprm_eval.config import GIVEN, JudgeOptions, ModelSource, RunConfig
from visualprm_eval.errors import ConfigError, StoreError, UnknownNameError
from visualprm_eval.merge import rank_paths
from visualprm_eval.registry import BUILTIN_CRITICS, build_rerankers
from visualprm_eval.rerankers import Greedy, Reranker, StepAggregate
from visualprm_eval.session import GRADE_ALL_UP_TO, Session
from visualprm_eval.soundness import audit, refuse_damage
from visualprm_eval.store import STORE_FILE, Store
from visualprm_eval.stored import stored_benchmark, stored_grading
from visualprm_eval.stored_critics import StoredCritics, stored_critics
from visualprm_eval.tasks import EXACT_MATCHING
from visualprm_eval.types import Spec
from visualprm_eval.whole_tables import is_whole

if TYPE_CHECKING:
    from visualprm_eval.report.results import Results

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
            session.report()
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
        self._names = tuple(dict.fromkeys(("first", *names))) if names else ()
        # A greedy row is of samples of its own: the first of N at another temperature must not bear the name.
        self.rerankers = [one for one in self._rerankers() if not isinstance(one, Greedy)]

    def gather(self) -> None:
        """Learns from the store whose candidates it holds.

        Raises:
            StoreError: There are none.
            UnknownNameError: A benchmark or policy that it has no candidates of.
        """
        samplings, known = self._samplings()
        _check_known("benchmark", self.config.data, known)
        found = [
            (spec, name) for spec in samplings for name in known if not self.config.data or name in self.config.data
        ]
        benchmarks = {name: stored_benchmark(self.store, name, self.config) for _, name in found}
        cells = []
        for spec, name in found:
            cell = Cell(str(spec.settings.get("policy")), spec, benchmarks[name], 0)
            n = self.store.sampled(spec.id, cell.problem_ids)
            if n:
                cells.append(Cell(cell.policy, spec, benchmarks[name], n))
        if not cells:
            raise StoreError(f"{self.store.path} has no candidates to report on; sample some with run.py first")
        _check_known("policy", self.config.models, [cell.policy for cell in cells])
        self.cells = _told_apart([cell for cell in cells if cell.policy in (self.config.models or (cell.policy,))])
        self.greedy = [Greedy("greedy")] if any(cell.greedy for cell in self.cells) else []
        if "greedy" in self._names and not self.greedy:
            raise ConfigError(
                f"{self.store.path} has no samples at temperature 0 beside others; leave the reranker greedy out, or "
                "sample them with run.py --reranker greedy"
            )

    def results(self) -> Results:
        """As for a run, from a store without damage."""
        results = super().results()
        self._check()
        return results

    def _samplings(self) -> tuple[list[Spec], list[str]]:
        """Whose candidates there are, and of which benchmarks; solutions that came with labels are nobody's."""
        specs = self.store.specs("sampling")
        given = [spec.settings for spec in specs if spec.settings.get("engine") == GIVEN]
        labelled = {settings.get("benchmark") for settings in given}
        known = [name for name in self.store.benchmarks() if name not in labelled]
        return [spec for spec in specs if spec.settings not in given], known

    @cached_property
    def _critics(self) -> StoredCritics:
        return stored_critics(self.store)

    @cached_property
    def scorings(self) -> dict[str, Spec]:
        """The key of each critic's scores, by label; labels that would be equal carry their checkpoint or their key."""
        return dict(self._critics.scorings)

    @property
    def prms(self) -> tuple[ModelSource, ...]:
        """The reward models whose scores the store has."""
        return self._critics.prms

    def _rerankers(self) -> list[Reranker]:
        """Those asked for, else those that the last run showed, else all that what is stored can serve."""
        labels = list(self.scorings)
        own = [label for label in labels if label.partition("@")[0] in BUILTIN_CRITICS]
        prms = list(dict.fromkeys(label.partition("@")[2] or "prm" for label in own))
        if self._names:
            known = self._critics.also_called
            asked = [name if name in labels else known.get(name, name) for name in self._names]
            chosen = build_rerankers(asked, prms)
            lacking = [one.name for one in chosen if one.critic is not None and one.critic not in labels]
            if lacking:
                raise ConfigError(
                    f"{self.store.path} has no scores for {', '.join(lacking)}; it has those of "
                    f"{', '.join(labels) or 'no critic'}"
                )
            return chosen
        if (shown := self._shown(prms)) is not None:
            return shown
        votes = [f"weighted-vote{label.removeprefix('visualprm')}" for label in own if label.startswith("visualprm")]
        others = [StepAggregate(label, label) for label in labels if label not in own]
        return [
            *build_rerankers(["first", "random", "self-consistency", *own, *votes], prms), *others,
            *build_rerankers(["oracle"], prms),
        ]  # fmt: skip

    def _shown(self, prms: Sequence[str]) -> list[Reranker] | None:
        """What the last run showed; ``None`` where that is not known, or cannot be shown any more."""
        names = last_asked(self.store, self.scorings)
        if names is None:
            return None
        try:
            shown = build_rerankers(names, prms)
        except (ConfigError, UnknownNameError):  # A third party's that is not installed here.
            return None
        read = {one.critic for one in shown}
        if not read <= {None, *self.scorings}:
            return None
        if others := [label for label in self.scorings if label not in read]:
            print(
                f"note: as in the last run, without {', '.join(others)}; --reranker shows what it names",
                file=sys.stderr,
            )
        return shown

    def rerankers_of(self, cell: Cell) -> list[Reranker]:
        """Those whose critics looked at the cell's candidates at all."""
        if cell.greedy:
            return [*self.greedy]
        silent = {
            label for label, spec in self.scorings.items()
            if not self.store.any_scores(spec.id, cell.sampling.id, cell.problem_ids)
        }  # fmt: skip
        return [one for one in self.rerankers if one.critic not in silent or self._names]

    def grading(self, cell: Cell) -> Spec:
        """The key of the verdicts that the store has last; those of one judge where one is named."""
        return stored_grading(self.store, cell.benchmark, self.judge)

    def is_judged(self, cell: Cell) -> bool:
        """Whether the verdicts that the store has are those of a language model."""
        judge = self.grading(cell).settings.get("judge")
        return super().is_judged(cell) if judge is None else judge not in {EXACT_MATCHING, "default"}

    def grades_all(self, cell: Cell) -> bool:
        """As for a run; with a judge and many candidates, whether every text has a verdict."""
        if is_whole(self, cell):
            return False
        if self.config.grade != "auto":
            return self.config.grade == "all"
        spec = self.grading(cell)
        if spec.settings.get("judge", EXACT_MATCHING) == EXACT_MATCHING or cell.n <= GRADE_ALL_UP_TO:
            return True
        return not self.store.any_ungraded(spec.id, cell.sampling.id, cell.problem_ids)


def _told_apart(cells: Sequence[Cell]) -> list[Cell]:
    """Cells in which one sample at temperature 0 beside others is the greedy one, and policies' names differ."""
    told: list[Cell] = []
    for cell in cells:
        beside = [one for one in cells if one is not cell and _place(one) == _place(cell)]
        sampled = [one for one in [cell, *beside] if not _is_greedy(one)]
        if sampled and _is_greedy(cell):
            told.append(Cell(cell.policy, cell.sampling, cell.benchmark, 1, greedy=True))
            continue
        twice = len(sampled or beside) > 1
        policy = f"{cell.policy} ({cell.sampling.id[:6]})" if twice else cell.policy
        told.append(Cell(policy, cell.sampling, cell.benchmark, cell.n))
    return told


def _place(cell: Cell) -> tuple[str, str]:
    return cell.policy, cell.benchmark.name


def _is_greedy(cell: Cell) -> bool:
    return cell.n == 1 and cell.sampling.settings.get("temperature") == 0


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
        stages=("report",), baseline=baseline, judge=JudgeOptions(name=judge), num_samples=None,
    )  # fmt: skip
