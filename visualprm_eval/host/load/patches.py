"""All that is changed in the host and in libraries that it uses: once per process, when the host is loaded."""

from __future__ import annotations

from visualprm_eval.host.data import data_view, linked_data, table_hook, texts
from visualprm_eval.host.grading import jobs, judge_replies, replies
from visualprm_eval.host.models import internvl_code, request_capture, sampling_settings
from visualprm_eval.host.sandbox import audit_hook, eval_guard, grader_fixes, safe_sympy

_PATCHED = (
    data_view, linked_data, table_hook, texts, jobs, judge_replies, replies, internvl_code, request_capture,
    sampling_settings, audit_hook, eval_guard, grader_fixes, safe_sympy,
)  # fmt: skip


def apply_patches() -> None:
    """Applies each of them, for good; doing it again changes nothing."""
    for module in _PATCHED:
        module.apply()
