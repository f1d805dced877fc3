"""The protocol of every single result: all that it takes to say what a number is of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from visualprm_eval.types import JSONValue, digest

if TYPE_CHECKING:
    from visualprm_eval.cells import Cell
    from visualprm_eval.outcomes import ResultRow
    from visualprm_eval.rerankers import Reranker
    from visualprm_eval.session import Session

__all__ = ["FIELDS", "Fingerprint", "stamped"]

FIELDS = (
    "protocol", "policy", "policy checkpoint", "benchmark", "split", "metric", "problems", "file MD5", "host", "prompt",
    "temperature", "top_p", "max_tokens", "seed", "N", "k", "reranker", "reward model", "max_steps", "judge",
    "prediction", "packages",
)  # fmt: skip
"""What a protocol has, in order; ``protocol`` is a digest of the rest."""

Fingerprint = Mapping[str, JSONValue]


def stamped(
    session: Session, cell: Cell, rows: Iterable[ResultRow], packages: str
) -> tuple[list[ResultRow], list[Fingerprint]]:
    """The rows of a cell with the digest of each one's protocol, and these protocols.

    Args:
        session: The run.
        cell: The policy and benchmark of the rows.
        rows: Its results.
        packages: The versions of the packages.
    """
    by_name = {reranker.name: reranker for reranker in session.rerankers_of(cell)}
    marked: list[ResultRow] = []
    prints: list[Fingerprint] = []
    for row in rows:
        facts = _facts(session, cell, row, by_name[row.reranker], packages)
        name = digest(facts)
        marked.append(replace(row, protocol=name))
        prints.append({"protocol": name, **facts})
    return marked, prints


def _facts(session: Session, cell: Cell, row: ResultRow, reranker: Reranker, packages: str) -> dict[str, JSONValue]:
    sampling, grading = cell.sampling.settings, session.grading(cell).settings
    scoring = {} if reranker.critic is None else session.scorings[reranker.critic].settings
    task, file = cell.benchmark.task, cell.benchmark.file
    facts: dict[str, JSONValue] = {
        "policy": cell.policy,
        "policy checkpoint": _first(sampling, "checkpoint", "host_model", "model"),
        "benchmark": row.benchmark,
        "split": row.split or task.split_label,
        "metric": row.metric,
        "problems": f"{row.n_problems} of {row.n_total}" if row.n_total else str(row.n_problems),
        "file MD5": "" if file is None else file.md5,
        "host": grading.get("host", ""),
        **{name: sampling.get(name, "") for name in ("prompt", "temperature", "top_p", "max_tokens", "seed")},
        "N": cell.n,
        "k": row.k,
        "reranker": row.reranker,
        "reward model": _first(scoring, "checkpoint", "model", "critic"),
        "max_steps": scoring.get("max_steps", ""),
        "judge": grading.get("judge", ""),
        "prediction": grading.get("prediction", ""),
        "packages": packages,
    }
    return {name: facts[name] for name in FIELDS if name != "protocol"}


def _first(settings: Mapping[str, JSONValue], *names: str) -> JSONValue:
    return next((settings[name] for name in names if settings.get(name)), "")
