"""What ranks do: rank 0 deals the problems that lack something, each samples and scores its own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.errors import RanksError
from visualprm_eval.core.types import Spec
from visualprm_eval.run.export_problems import load_part
from visualprm_eval.run.plan_run import Session
from visualprm_eval.run.ranks.team import Team, remove_traces, told_apart
from visualprm_eval.stages.experiment import Cell
from visualprm_eval.store import STORE_FILE, Store
from visualprm_eval.store.merge import absorb_leftovers

if TYPE_CHECKING:
    from visualprm_eval.core.config import RunConfig
    from visualprm_eval.evaluate.rerankers import Reranker

SHARED = ("sample", "score")
"""The stages that ranks share; the others take no GPU, and are rank 0's."""


def lead(session: Session, rerankers: Sequence[Reranker], team: Team) -> None:
    """Rank 0: deals the work, does its own part, and takes over what all ranks stored.

    Args:
        session: The whole run.
        rerankers: What selects, as every rank builds it.
        team: This rank among the others.

    Raises:
        RanksError: A rank died, or hangs; what it had stored is kept.
    """
    team.publish(_plan(session, team.size))
    _work(session.config, rerankers, team)
    dead = team.wait_for_others(lambda rank: _last_stored(session.config.work_dir, rank))
    absorb_leftovers(session.store, session.config.work_dir, quiet=True)
    if dead:
        raise RanksError(
            f"rank {', '.join(map(str, dead))} of {team.size} ended early (its own message, or the system's log, says "
            "why); what it had stored is kept: run the same command again, with torchrun or without, to go on"
        )
    remove_traces(session.config.work_dir)


def follow(config: RunConfig, rerankers: Sequence[Reranker], team: Team) -> None:
    """Every other rank: does its part of the plan.

    Raises:
        RanksError: Rank 0 ended before there was a plan.
    """
    _work(config, rerankers, team)


def _plan(session: Session, size: int) -> dict[str, Any]:
    """Whose candidates this run is about, and the problems of each rank, dealt like cards."""
    ids = _problems_with_work(session)
    cells = [
        {
            **{field.name: getattr(cell, field.name) for field in fields(cell)},
            "sampling": dict(cell.sampling.settings),
            "benchmark": cell.benchmark.name,
        }
        for cell in session.cells
    ]
    return {"cells": cells, "problems": [ids[rank::size] for rank in range(size)]}


def _problems_with_work(session: Session) -> list[str]:
    """Ids of the problems, in order, that lack a candidate or a score that this run is to make."""
    ids: dict[str, None] = {}
    stages = session.config.stages
    for cell in session.cells if "sample" in stages else ():
        ids |= dict.fromkeys(problem_id for problem_id, _ in session.missing_candidates(cell))
    for cell in session.scored_cells if "score" in stages else ():
        for label in session.critics:
            ids |= dict.fromkeys(problem_id for problem_id, _, _ in session.missing_scores(cell, label))
    return list(ids)


def _work(config: RunConfig, rerankers: Sequence[Reranker], team: Team) -> None:
    """Samples and scores the problems of this rank, in a store of its own."""
    plan = team.plan()
    mine = plan["problems"][team.rank]
    if mine:
        with told_apart(team.rank), Store.open(_rank_file(config.work_dir, team.rank)) as store:
            with Store.open(config.work_dir / STORE_FILE, write=False) as main:
                store.absorb([main], problem_ids=mine)
            session = Session(config, store, rerankers)
            _prepare(session, plan)
            for stage in SHARED:
                if stage in config.stages:
                    getattr(session, stage)()
    team.done()


def _prepare(session: Session, plan: dict[str, Any]) -> None:
    """Lets a session know what it is about, from the plan and from its store."""
    benchmarks = {each.name: each for each in load_part(session.config, session.store)}
    dealt = [
        Cell(
            **{
                **cell,
                "sampling": Spec("sampling", cell["sampling"]),
                "benchmark": benchmarks[cell["benchmark"]],
            }
        )
        for cell in plan["cells"]
        if cell["benchmark"] in benchmarks
    ]
    if session.config.candidates is not None:
        session.cells = dealt
        return
    session.find_policies(list(benchmarks.values()))
    if _keys(session.cells) != _keys(dealt):
        raise RanksError("this rank has other checkpoints or settings than rank 0; start all ranks in one place")


def _keys(cells: Sequence[Cell]) -> set[tuple[str, str, str]]:
    return {(cell.policy, cell.benchmark.name, cell.sampling.id) for cell in cells}


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
