"""The report of a work dir from its store alone: no model, no judge, no host.

What was run is read off the facts: every sampling that has candidates is a policy, every scoring that looked at them a
critic. ``run.py`` reports on what it was asked for; this reports on everything that is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from visualprm_eval.core.config import GIVEN, JudgeOptions, RunConfig
from visualprm_eval.core.errors import ConfigError, StoreError, UnknownNameError
from visualprm_eval.core.folders import check_folder
from visualprm_eval.core.types import Spec
from visualprm_eval.core.visible import say, tell
from visualprm_eval.core.words import counted
from visualprm_eval.evaluate.rerankers import Greedy
from visualprm_eval.run.export_problems import stored_benchmark, stored_grading
from visualprm_eval.run.last_run import choose
from visualprm_eval.run.plan_run import Plan, resolved
from visualprm_eval.run.stored_policies import named_apart, with_greedy
from visualprm_eval.run.write_report import write_report
from visualprm_eval.stages.experiment import Samples
from visualprm_eval.store import STORE_FILE, Store
from visualprm_eval.store.merge import rank_paths
from visualprm_eval.store.scopes import Scope, finished_part, scopes
from visualprm_eval.store.soundness import audit, refuse_damage, up_to_date
from visualprm_eval.tasks import EXACT_MATCHING

if TYPE_CHECKING:
    from pathlib import Path

    from visualprm_eval.host.benchmark import Benchmark
    from visualprm_eval.run.last_run import Choice


def report(config: RunConfig, rerankers: Sequence[str], output: Path | None = None) -> None:
    """Reports on everything that a work dir's store holds.

    Args:
        config: The work dir, and what to leave out: benchmarks, policies, problems.
        rerankers: Names of rerankers; none for those of the last run, or all that the stored scores serve.
        output: Where the files go; ``None`` for the work dir.

    Raises:
        StoreDamagedError: The store is not sound; the message names the damage.
        StoreError: There is no store, or nothing in it to report on.
        ConfigError: A benchmark, policy or reranker that it knows nothing of, or a folder that files cannot go to.
    """
    path = up_to_date(config.work_dir / STORE_FILE)
    if output is not None and (output / STORE_FILE).exists() and not output.samefile(config.work_dir):
        raise ConfigError(
            f"-o {output} is another work dir, whose files this report would replace; choose another folder"
        )
    if path.exists():
        check_folder(output or config.work_dir, "-o")
    with Store.open(path, write=False) as store, audit(store) as findings:
        try:
            plan = plan_report(config, store, rerankers)
            check = partial(refuse_damage, path, findings)
            write_report(store, plan, config.work_dir, check=check, folder=output)
        except Exception:
            refuse_damage(path, findings)  # It explains whatever reading stumbled over.
            raise
    if left := rank_paths(config.work_dir):
        say(
            f"note: without {counted(len(left), 'store')} that ranks left in {config.work_dir}; any run there takes "
            "them over"
        )


def plan_report(config: RunConfig, store: Store, names: Sequence[str] = ()) -> Plan:
    """Learns from a store whose candidates it holds, and how runs scored and graded them; nobody makes more.

    Args:
        config: What to leave out.
        store: Where facts are, open for reading.
        names: Names of rerankers; none for those of the last run, or all that the stored scores serve.

    Raises:
        StoreError: There are no candidates.
        UnknownNameError: A benchmark or policy that it has no candidates of, or a judge that it has no verdicts of.
        ConfigError: The store has no scores for a reranker.
    """
    from visualprm_eval.core.answers.asking import Equalities

    choice = choose(store, names)
    noted = scopes(store)
    samples = named_apart(with_greedy([*_sampled(config, store, choice, noted)], noted), list(noted))
    if not samples:
        raise StoreError(f"{store.path} has no candidates to report on; sample some with run.py first")
    called = [{str(each.sampling.settings.get("policy")), each.policy} for each in samples]
    _check_known("policy", config.models, [name for own in called for name in own])
    wanted = set(config.models)
    chosen = [each for each, own in zip(samples, called, strict=True) if not wanted or wanted & own]
    shown = [each for each in chosen if not each.greedy or choice.greedy is not False]
    if len(shown) < len(chosen):
        tell("note: as in the last run, without greedy; --reranker shows what it names")
    greedy = [Greedy("greedy")] if any(each.greedy for each in shown) else []
    if "greedy" in names and not greedy:
        raise ConfigError(
            f"{store.path} has no samples at temperature 0 beside others; leave the reranker greedy out, or "
            "sample them with run.py --reranker greedy"
        )
    rerankers = [*greedy, *choice.rerankers]
    experiments = []
    for each in shown:
        scope = noted.get((each.sampling.id, each.benchmark.name))
        grading = _grading(config, store, each.benchmark, scope)
        grade = scope.grade if scope is not None and config.grade == "auto" else config.grade
        if scope is None and grade == "auto" and not store.any_ungraded(grading.id, each.sampling.id, each.problems):
            grade = "all"
        ks = () if scope is None or config.ks else scope.ks
        silent = {
            label for label, spec in choice.scorings.items()
            if not names and not store.any_scores(spec.id, each.sampling.id, each.problems)
        }  # fmt: skip
        heard = [reranker for reranker in rerankers if reranker.critic not in silent]
        judge = _judge(config, each.benchmark, grading)
        experiments.append(
            resolved(config, each, heard, choice.scorings, judge=judge, grading=grading, grade=grade, ks=ks)
        )
    return Plan(
        rerankers, choice.scorings, choice.prms, bool(greedy), config.baseline or choice.baseline, choice.called,
        experiments=experiments, equalities=Equalities(store.equalities()),
    )  # fmt: skip


def _sampled(
    config: RunConfig, store: Store, choice: Choice, noted: Mapping[tuple[str, str], Scope]
) -> Iterator[Samples]:  # fmt: skip
    """Whose candidates there are, each on each benchmark; solutions that came with labels are nobody's."""
    given, specs = list[Spec](), list[Spec]()
    for spec in store.specs("sampling"):
        (given if spec.settings.get("engine") == GIVEN else specs).append(spec)
    labelled = {spec.settings.get("benchmark") for spec in given}
    known = [name for name in store.benchmarks() if name not in labelled]
    _check_known("benchmark", config.data, known)
    ids = {name: [problem.id for problem in store.problems(name)] for name in config.data or known}
    if config.judge.name is not None:
        gradings = [spec.settings for spec in store.specs("grading") if spec.settings.get("benchmark") in ids]
        _check_known("judge", [config.judge.name], list(dict.fromkeys(str(one.get("judge")) for one in gradings)))
    for spec in specs:
        for name, own in ids.items():
            if not store.sampled(spec.id, own):
                continue
            scope = noted.get((spec.id, name))
            benchmark = stored_benchmark(store, name, config, scope)
            n = store.sampled(spec.id, [problem.id for problem in benchmark.problems])
            asked = min(n, max(config.ks, default=0))
            if n and scope is not None:
                yield Samples(scope.policy, spec, benchmark, max(scope.n, asked))
            elif n:
                samples = Samples(str(spec.settings.get("policy")), spec, benchmark, n)
                yield _finished(samples, store, _grading(config, store, benchmark, None), choice.scorings, asked)


def _finished(
    samples: Samples, store: Store, grading: Spec, scorings: Mapping[str, Spec], asked: int
) -> Samples:  # fmt: skip
    """The part that is finished of samples of which some are not, with at least ``asked`` candidates per problem."""
    benchmark, ids = samples.benchmark, (samples.sampling.id, samples.problems)
    if not store.any_ungraded(grading.id, *ids) and not store.missing_candidates(*ids, samples.n):
        return samples
    keys = {label: spec.id for label, spec in scorings.items()}
    facts = store.columns(benchmark.problems, samples.sampling.id, samples.n, keys, grading_id=grading.id)
    part = finished_part(facts, samples.n)
    if part is None:
        return samples
    rows, columns = part
    total = benchmark.total or len(benchmark.problems)
    finished = replace(benchmark, problems=benchmark.problems[:rows], total=total)
    return replace(samples, benchmark=finished, n=max(columns, asked))


def _grading(config: RunConfig, store: Store, benchmark: Benchmark, scope: Scope | None) -> Spec:
    """The key of the verdicts of the last run that had the benchmark, else of the last ones; of one judge if named."""
    graded = None if scope is None else scope.graded
    if graded is not None and config.judge.name in {None, graded.settings.get("judge")}:
        return graded
    return stored_grading(store, benchmark, config.judge)


def _judge(config: RunConfig, benchmark: Benchmark, grading: Spec) -> JudgeOptions:
    """Who gave the verdicts that the store has."""
    name = grading.settings.get("judge")
    if name is None:
        return benchmark.task.judged_by(config.judge)
    return replace(config.judge, name=EXACT_MATCHING if name == "default" else str(name))


def _check_known(kind: str, names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise UnknownNameError(kind, name, known, where="in this store")
