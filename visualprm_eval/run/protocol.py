"""The protocol of every single result: all that it takes to say what a number is of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from visualprm_eval.core.steps import ORIGINAL, rule_of
from visualprm_eval.core.types import JSONValue, Spec, digest
from visualprm_eval.evaluate.result_rows import OVERALL, Fingerprint
from visualprm_eval.stages.experiment import settings_of
from visualprm_eval.stages.sample.prompts import prompt_of
from visualprm_eval.store.package_versions import NOT_RECORDED

if TYPE_CHECKING:
    from visualprm_eval.evaluate.rerankers import Reranker
    from visualprm_eval.evaluate.result_rows import ResultRow
    from visualprm_eval.stages.experiment import Experiment
    from visualprm_eval.store import Store

_RULE = "step rule"
FIELDS = (
    "protocol", "policy", "policy checkpoint", "benchmark", "split", "metric", "problems", "problem set", "file MD5",
    "host", "prompt", "temperature", "top_p", "max_tokens", "seed", "N", "k", "reranker", "reward model", _RULE,
    "max_steps", "thoughts", "pool critics", "judge", "judge address", "prediction", "sampling key", "scoring key",
    "grading key", "sampled with", "scored with", "graded with", "parts",
)  # fmt: skip
"""What a protocol has, in order.

``protocol`` is a digest of the rest (without the step rule where that is the original one), ``problem set`` one of the
problems' ids. ``pool critics`` shaped the pool: every candidate needs a score of each. The keys name all settings of
the facts, and what stands after ``with`` are the versions of packages that made them. ``parts`` are, for the mean over
benchmarks only, these with their protocols; its own is a digest of theirs.
"""


def stamped(
    store: Store, experiment: Experiment, rows: Iterable[ResultRow], versions: Mapping[str, str]
) -> tuple[list[ResultRow], list[Fingerprint]]:
    """The rows of an experiment with the digest of each one's protocol, and these protocols.

    Args:
        store: What is known of the prompts.
        experiment: The policy and benchmark of the rows.
        rows: Its results.
        versions: The versions of packages that made facts, by their key.
    """
    by_name = {reranker.name: reranker for reranker in experiment.rerankers}
    benchmark, shared = experiment.benchmark, _facts_of_experiment(store, experiment, versions)
    sets: dict[str, str] = {}
    marked: list[ResultRow] = []
    prints: list[Fingerprint] = []
    for row in rows:
        if row.split not in sets:
            sets[row.split] = digest(sorted(each.id for each in benchmark.problems if each.split == row.split))
        facts = {
            **shared, "benchmark": row.benchmark, "split": row.split or benchmark.task.split_label,
            "metric": row.metric, "problems": _problems(row), "k": row.k, "reranker": row.reranker,
            **_facts_of_scoring(experiment.scorings, by_name[row.reranker], versions),
            "pool critics": _named(experiment.scorings, row.critics), "problem set": sets[row.split],
        }  # fmt: skip
        facts = {name: facts.get(name, "") for name in FIELDS if name != "protocol"}
        name = digest({name: fact for name, fact in facts.items() if name != _RULE or fact not in {"", ORIGINAL}})
        marked.append(replace(row, protocol=name))
        prints.append({"protocol": name, **facts})
    return marked, prints


def overall_prints(rows: Sequence[ResultRow], prints: Iterable[Fingerprint]) -> list[Fingerprint]:
    """The protocols of means over benchmarks: what their parts have in common, and which these are.

    Args:
        rows: All results, the means among them.
        prints: The protocols of the others.
    """
    by_protocol = {each["protocol"]: each for each in prints}
    found: list[Fingerprint] = []
    for row in rows:
        if row.benchmark != OVERALL or not row.protocol:
            continue
        place = (row.policy, row.reranker, row.k)
        parts = [each for each in rows if (each.policy, each.reranker, each.k) == place and each.benchmark != OVERALL]
        theirs = [by_protocol[part.protocol] for part in parts]
        alike = {name: theirs[0][name] for name in FIELDS if all(each[name] == theirs[0][name] for each in theirs)}
        facts = {
            **alike, "protocol": row.protocol, "benchmark": OVERALL, "metric": row.metric, "problems": _problems(row),
            "parts": ", ".join(f"{part.benchmark} {part.protocol}" for part in parts),
        }  # fmt: skip
        found.append({name: facts.get(name, "") for name in FIELDS})
    return found


def _facts_of_experiment(store: Store, experiment: Experiment, versions: Mapping[str, str]) -> dict[str, JSONValue]:
    sampling, grading = settings_of(experiment.sampling), experiment.grading.settings
    file = experiment.benchmark.file
    return {
        "policy": experiment.policy,
        "policy checkpoint": _first(sampling, "checkpoint", "host_model", "model"),
        "file MD5": "" if file is None else file.md5,
        "host": grading.get("host", ""),
        "prompt": prompt_of(store, experiment.benchmark.name, sampling.get("prompt", "")),
        **{name: sampling.get(name, "") for name in ("temperature", "top_p", "max_tokens", "seed")},
        "N": experiment.n,
        "judge": grading.get("judge", ""),
        "judge address": grading.get("judge_url", ""),
        "prediction": grading.get("prediction", ""),
        "sampling key": experiment.sampling.id,
        "grading key": experiment.grading.id,
        "sampled with": versions.get(experiment.sampling.id, NOT_RECORDED),
        "graded with": versions.get(experiment.grading.id, NOT_RECORDED),
    }


def _facts_of_scoring(
    scorings: Mapping[str, Spec], reranker: Reranker, versions: Mapping[str, str]
) -> dict[str, JSONValue]:
    """Empty for a reranker that reads no scores."""
    if reranker.critic is None:
        return {}
    scoring = scorings[reranker.critic]
    return {
        "reward model": _first(scoring.settings, "checkpoint", "model", "critic"),
        _RULE: rule_of(scoring.settings),
        "max_steps": scoring.settings.get("max_steps", ""),
        "thoughts": scoring.settings.get("thoughts", "skip"),
        "scoring key": scoring.id,
        "scored with": versions.get(scoring.id, NOT_RECORDED),
    }


def _named(scorings: Mapping[str, Spec], critics: Iterable[str]) -> str:
    """Critics with the keys of their scores, however they are called in this run."""
    specs = (scorings[critic] for critic in critics)
    return ", ".join(sorted(f"{_first(spec.settings, 'checkpoint', 'model', 'critic')} ({spec.id})" for spec in specs))


def _problems(row: ResultRow) -> str:
    return f"{row.n_problems} of {row.n_total}" if row.n_total else str(row.n_problems)


def _first(settings: Mapping[str, JSONValue], *names: str) -> JSONValue:
    return next((settings[name] for name in names if settings.get(name)), "")
