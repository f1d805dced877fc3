"""The main path: sample, score, grade, evaluate, report.

The stages meet only in the store. Each asks it what is missing, does that, and stores it; the evaluation is
arithmetic on what the store holds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from visualprm_eval.config import RunConfig
from visualprm_eval.errors import ConfigError
from visualprm_eval.preflight import check
from visualprm_eval.registry import build_rerankers, unread_prms
from visualprm_eval.session import Session
from visualprm_eval.store import STORE_FILE, Store


def run(config: RunConfig) -> None:
    """Does what the configuration asks for and prints the results.

    Raises:
        VisualPRMEvalError: Whatever a user can mend; everything done until then is stored.
    """
    names = [prm.name for prm in config.prms]
    rerankers = build_rerankers(("first", *config.rerankers), names)
    unread = unread_prms(rerankers, names)
    if unread and config.prms_named:
        raise ConfigError(
            f"--prm {', '.join(unread)} is read by none of the rerankers, which are "
            f"{', '.join(each.name for each in rerankers)}; add visualprm to --reranker, or leave out what is not read"
        )
    with _open_store(config) as store:
        session = Session(config, store, rerankers)
        session.gather()
        if config.dry_run:
            session.plan()
            return
        check(session)
        for stage in config.stages:
            getattr(session, stage)()
        session.finish()


def export(work_dir: Path, output: Path, *, benchmarks: Sequence[str] | None, policies: Sequence[str] | None) -> None:
    """Writes the stored candidates of a work dir as a pack.

    Raises:
        StoreError: When there is no store, or nothing in it fits the filters.
    """
    from visualprm_eval.candidates import export_candidates

    with Store.open(work_dir / STORE_FILE, write=False) as store:
        summary = export_candidates(store, output, benchmarks=benchmarks, policies=policies)
    print(summary)


@contextmanager
def _open_store(config: RunConfig) -> Iterator[Store]:
    path = config.work_dir / STORE_FILE
    if not config.dry_run:
        with Store.open(path) as store:
            yield store
        return
    with tempfile.TemporaryDirectory() as scratch:  # A dry run works on a copy and leaves nothing behind.
        copy = Path(scratch) / STORE_FILE
        if path.exists():
            with Store.open(path, write=False) as store:
                store.copy_to(copy)
        with Store.open(copy) as store:
            yield store
