"""The main path: sample, score, grade, evaluate, report.

The stages meet only in the store. Each asks it what is missing, does that, and stores it; the evaluation is
arithmetic on what the store holds. Several ranks, started by ``torchrun``, share the first two.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from visualprm_eval.core.config import RunConfig
from visualprm_eval.core.errors import ConfigError, CriticError, GradingError
from visualprm_eval.core.folders import check_output, passing_cache
from visualprm_eval.core.visible import say
from visualprm_eval.core.words import counted
from visualprm_eval.evaluate.reranker_registry import build_rerankers, unread_prms
from visualprm_eval.evaluate.rerankers import Reranker
from visualprm_eval.host.grading.judge_replies import Asked
from visualprm_eval.host.toolkit import start, use_host_python
from visualprm_eval.run.dry_run import print_plan
from visualprm_eval.run.early_checks import Checked, check_run, check_work_dir
from visualprm_eval.run.last_run import note_run
from visualprm_eval.run.plan_run import plan_run
from visualprm_eval.run.preflight import preflight
from visualprm_eval.run.ranks.launch import launched
from visualprm_eval.run.ranks.team import Team, remove_traces
from visualprm_eval.run.ranks.work import SHARED, follow, lead
from visualprm_eval.run.write_report import write_report
from visualprm_eval.stages.grade.grader import Grader
from visualprm_eval.stages.grade.stage import grade
from visualprm_eval.stages.sample.policy import PolicyOptions
from visualprm_eval.stages.sample.prompts import absorb_prompt_files
from visualprm_eval.stages.sample.stage import sample
from visualprm_eval.stages.score.stage import score
from visualprm_eval.store import STORE_FILE, Store
from visualprm_eval.store.merge import absorb_leftovers, rank_paths
from visualprm_eval.store.soundness import open_copy, open_sound, up_to_date


def run(config: RunConfig) -> None:
    """Does what the configuration asks for and prints the results.

    Raises:
        VisualPRMEvalError: Whatever a user can mend; everything done until then is stored.
    """
    launch = launched(os.environ, config.compute.device)
    if config.step_labels.critics:
        if launch is not None:
            raise ConfigError("--critic is the work of one process: start it without torchrun")
        from visualprm_eval.run.step_labels import run_process_bench

        with _open_store(config, ()) as (store, checked):
            run_process_bench(config, store, checked.sound)
        return
    rerankers = _rerankers(config)
    if launch is None or config.dry_run or not {*SHARED} & {*config.stages}:
        if launch is None or launch.rank == 0:
            _run(config, rerankers, team=None)
        return
    with Team(launch, config.work_dir) as team:
        if launch.rank == 0:
            _run(config, rerankers, team)
        else:
            follow(config, rerankers, team)


def _rerankers(config: RunConfig) -> list[Reranker]:
    """What selects; every reward model that somebody named is read by one of them."""
    names = [prm.name for prm in config.scoring.prms]
    rerankers = build_rerankers(("first", *config.rerankers), names)
    unread = unread_prms(rerankers, names)
    if unread and config.scoring.prms_named:
        raise ConfigError(
            f"--prm {', '.join(unread)} is read by none of the rerankers, which are "
            f"{', '.join(each.name for each in rerankers)}; add visualprm to --reranker, or leave out what is not read"
        )
    return rerankers


def _run(config: RunConfig, rerankers: Sequence[Reranker], team: Team | None) -> None:
    """The whole run, in this process but for what ranks share."""
    use_host_python(config.host_python)
    if not config.dry_run:
        start()
    with _open_store(config, rerankers) as (store, checked):
        if team is None and not config.dry_run:
            remove_traces(config.work_dir)
        plan = plan_run(config, store, rerankers, pack=checked.pack)
        if config.dry_run:
            print_plan(config, store, plan)
            return
        grader = Grader(config.work_dir / "grading", plan.equalities, config.retry_failed, Asked())
        preflight(config, store, plan, grader, checked.sound)
        note_run(config, store, plan, plan.experiments)
        if team is not None:
            lead(config, store, rerankers, plan.experiments, team)
        own = [stage for stage in config.stages if team is None or stage not in SHARED]
        unread, ungraded, unconfirmed = list[str](), list[str](), list[str]()
        if "sample" in own:
            store.check_in_place()
            prompts = PolicyOptions.of(config).prompts
            notes = sample(store, plan.experiments, plan.policies, prompts, retry_failed=config.retry_failed)
            plan.notes.update(notes)
        if "score" in own:
            store.check_in_place()
            unread = score(store, plan.experiments, plan.critics, retry_failed=config.retry_failed)
        if "grade" in own:
            store.check_in_place()
            ungraded, unconfirmed = grade(store, plan.experiments, grader)
        if "report" in own:
            store.check_in_place()
            write_report(store, plan, config.work_dir)
        store.check_in_place()
        _tell(unread, ungraded, unconfirmed)


def _tell(unread: Sequence[str], ungraded: Sequence[str], unconfirmed: Sequence[str]) -> None:
    """Tells at the end what a stage could not do.

    Raises:
        GradingError: When a benchmark could not be graded (the others were), or the host's own figure of a table is
            another than ours.
        CriticError: When nothing else is wrong than that a judge of steps could not be read.
    """
    lists = {"not scored": unread, "not graded": ungraded, "not confirmed by the host's own figure": unconfirmed}
    problems = [f"{problem}: {', '.join(names)}" for problem, names in lists.items() if names]
    if problems:
        kind = GradingError if ungraded or unconfirmed else CriticError
        raise kind(f"{'; '.join(problems)} (the reasons stand above)")


def export(work_dir: Path, output: Path, *, benchmarks: Sequence[str] | None, policies: Sequence[str] | None) -> None:
    """Writes the stored candidates of a work dir as a pack.

    Raises:
        ConfigError: When the output cannot be written.
        StoreDamagedError: When the store is not sound.
        StoreError: When there is no store, or nothing in it fits the filters.
    """
    from visualprm_eval.store.packs import export_candidates

    check_output(output, "-o")
    with open_sound(up_to_date(work_dir / STORE_FILE)) as store:
        summary = export_candidates(store, output, benchmarks=benchmarks, policies=policies)
    say(str(summary))
    if left := rank_paths(work_dir):
        say(f"note: without {counted(len(left), 'store')} that ranks left in {work_dir}; any run there takes them over")


@contextmanager
def _open_store(config: RunConfig, rerankers: Sequence[Reranker]) -> Iterator[tuple[Store, Checked]]:
    """The run's store, after a look for damage and the early checks; a mistake makes no work dir."""
    check_work_dir(config)
    if config.dry_run or os.path.lexists(config.work_dir / STORE_FILE) or rank_paths(config.work_dir):
        with _sound_store(config) as store:
            yield store, check_run(config, store, rerankers)
        return
    with tempfile.TemporaryDirectory() as scratch, Store.open(Path(scratch) / STORE_FILE) as empty:
        checked = check_run(config, empty, rerankers)
    with _sound_store(config) as store:
        yield store, checked


@contextmanager
def _sound_store(config: RunConfig) -> Iterator[Store]:
    """The store, after a look for damage: nothing is paid for that would go into a broken one."""
    path = config.work_dir / STORE_FILE
    if not config.dry_run:
        with open_sound(path, write=True) as store:
            absorb_prompt_files(store, config.work_dir)
            absorb_leftovers(store, config.work_dir)
            yield store
        return
    # A dry run works on a copy, and with a cache of its own: it leaves nothing behind.
    with passing_cache() as scratch:
        copy = scratch / STORE_FILE
        with open_copy(path, copy) if os.path.lexists(path) else Store.open(copy) as store:
            absorb_leftovers(store, config.work_dir, remove=False)
            yield store
