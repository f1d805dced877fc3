"""Best-of-N with multimodal process reward models, as a plugin for VLMEvalKit.

The public names come from here; each is imported when it is first asked for, since some need torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.packages import VERSION

if TYPE_CHECKING:
    from visualprm_eval.engine.visualprm import ScoredResponse as ScoredResponse
    from visualprm_eval.engine.visualprm import VisualPRM as VisualPRM

__version__ = VERSION

_NAMES = {
    "core.answers": "announced_answer answer final_answer normalise",
    "core.errors": "VisualPRMEvalError",
    "core.steps": "split_steps",
    "core.types": "Candidate Part Problem Spec StepScores Usage Verdict",
    "engine.visualprm": "ScoredResponse VisualPRM",
    "evaluate.benchmark_values": "evaluate_benchmark picked_tables",
    "evaluate.candidate_grid": "Grid Pool build_pool",
    "evaluate.overall": "overall_rows",
    "evaluate.published.comparison": "Comparison compare",
    "evaluate.published.tables": "PublishedRow published_rows",
    "evaluate.rerankers": "Reranker pick",
    "evaluate.result_rows": "Failure Pick ResultRow",
    "evaluate.stats": "Examiner Insight examine",
    "evaluate.study": "Study picked_texts",
    "report": "Results print_table write_reports",
    "stages.sample.endpoint": "EndpointOptions EndpointPolicy Patience",
    "stages.score.critics": "Critic CriticOptions StreamingCritic",
    "stages.score.judge_critic": "JudgeCritic",
    "store": "Replies Store",
    "store.merge": "merge",
    "store.packs": "FieldMap export_candidates import_candidates read_candidates",
    "tasks": "SUITES TASKS Published Task host_name task_for",
    "tasks.process_bench.data": "read_set",
    "tasks.process_bench.verdicts": "parse_verdicts",
}
"""Modules to their public names."""
_HOMES = {name: f"visualprm_eval.{module}" for module, names in _NAMES.items() for name in names.split()}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 - names, all of them


def __getattr__(name: str) -> Any:
    """Imports a public name when it is asked for."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names."""
    return sorted({*globals(), *_HOMES})
