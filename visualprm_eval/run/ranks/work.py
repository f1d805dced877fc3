"""What ranks do: rank 0 deals the problems that lack something, each samples and scores its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.errors import RanksError
from visualprm_eval.core.types import Spec
from visualprm_eval.run.export_problems import load_part
from visualprm_eval.run.plan_run import Plan, plan_run
from visualprm_eval.run.ranks.team import Team, remove_traces, told_apart
from visualprm_eval.stages.experiment import Experiment, Samples, missing_candidates, missing_scores
from visualprm_eval.stages.sample.policy import PolicyOptions
from visualprm_eval.stages.sample.stage import sample
from visualprm_eval.stages.score.stage import score
from visualprm_eval.store import STORE_FILE, Store
from visualprm_eval.store.merge import absorb_leftovers

if TYPE_CHECKING:
    from visualprm_eval.core.config import RunConfig
    from visualprm_eval.evaluate.rerankers import Reranker

SHARED = ("sample", "score")
"""The stages that ranks share; the others take no GPU, and are rank 0's."""


def lead(
    config: RunConfig, store: Store, rerankers: Sequence[Reranker], experiments: Sequence[Experiment], team: Team
) -> None:
    """Rank 0: deals the work, does its own part, and takes over what all ranks stored.

    Args:
        config: What was asked for.
        store: The whole run's.
        rerankers: What selects, as every rank builds it.
        experiments: The whole run's.
        team: This rank among the others.

    Raises:
        RanksError: A rank died, or hangs; what it had stored is kept.
    """
    ids = _problems_with_work(config, store, experiments)
    samples = [
        {
            "policy": each.policy, "sampling": dict(each.sampling.settings), "benchmark": each.benchmark.name,
            "n": each.n, "greedy": each.greedy,
        }
        for each in experiments
    ]  # fmt: skip
    team.publish({"samples": samples, "problems": [ids[rank :: team.size] for rank in range(team.size)]})
    follow(config, rerankers, team)
    dead = team.wait_for_others(lambda rank: _last_stored(config.work_dir, rank))
    absorb_leftovers(store, config.work_dir, quiet=True)
    if dead:
        raise RanksError(
            f"rank {', '.join(map(str, dead))} of {team.size} ended early (its own message, or the system's log, says "
            "why); what it had stored is kept: run the same command again, with torchrun or without, to go on"
        )
    remove_traces(config.work_dir)


def follow(config: RunConfig, rerankers: Sequence[Reranker], team: Team) -> None:
    """Every rank: samples and scores its problems, once they are dealt, in a store of its own.

    Raises:
        RanksError: Rank 0 ended before it dealt them.
    """
    dealt = team.plan()
    mine = dealt["problems"][team.rank]
    if mine:
        config = replace(config, stages=tuple(stage for stage in SHARED if stage in config.stages))
        with told_apart(team.rank), Store.open(_rank_file(config.work_dir, team.rank)) as store:
            with Store.open(config.work_dir / STORE_FILE, write=False) as main:
                store.absorb([main], problem_ids=mine)
            plan = _plan(config, store, rerankers, dealt["samples"])
            if "sample" in config.stages:
                prompts = PolicyOptions.of(config).prompts
                sample(store, plan.experiments, plan.policies, prompts, retry_failed=config.retry_failed, lone=False)
            if "score" in config.stages:
                score(store, plan.experiments, plan.critics, retry_failed=config.retry_failed)
    team.done()


def _problems_with_work(config: RunConfig, store: Store, experiments: Sequence[Experiment]) -> list[str]:
    """Ids of the problems, in order, that lack a candidate or a score that this run is to make."""
    ids: dict[str, None] = {}
    for each in experiments if "sample" in config.stages else ():
        missing = missing_candidates(store, each, retry_failed=config.retry_failed)
        ids |= dict.fromkeys(problem_id for problem_id, _ in missing)
    for each in experiments if "score" in config.stages else ():
        for label in each.scorings:
            unscored = missing_scores(store, each, label, retry_failed=config.retry_failed)
            ids |= dict.fromkeys(problem_id for problem_id, _, _ in unscored)
    return list(ids)


def _plan(config: RunConfig, store: Store, rerankers: Sequence[Reranker], dealt: Sequence[Mapping[str, Any]]) -> Plan:
    """What a rank is about: what was dealt, as far as its store has problems of it."""
    benchmarks = {benchmark.name: benchmark for benchmark in load_part(config, store)}
    samples = [
        Samples(**{**each, "sampling": Spec("sampling", each["sampling"]), "benchmark": benchmarks[each["benchmark"]]})
        for each in dealt
        if each["benchmark"] in benchmarks
    ]
    if config.candidates is not None:
        return plan_run(config, store, rerankers, [*benchmarks.values()], samples)
    plan = plan_run(config, store, rerankers, [*benchmarks.values()])
    if _keys(plan.experiments) != _keys(samples):
        raise RanksError("this rank has other checkpoints or settings than rank 0; start all ranks in one place")
    return plan


def _keys(samples: Sequence[Samples]) -> set[tuple[str, str, str]]:
    return {(each.policy, each.benchmark.name, each.sampling.id) for each in samples}


def _rank_file(work_dir: Path, rank: int) -> Path:
    return work_dir / f"store.rank{rank}.sqlite"


def _last_stored(work_dir: Path, rank: int) -> float:
    """When a rank last stored something, in seconds since 1970; 0 when it never did."""
    path = _rank_file(work_dir, rank)
    times = [0.0]
    for file in (path, path.with_name(path.name + "-wal")):
        with suppress(OSError):
            times.append(file.stat().st_mtime)
    return max(times)
