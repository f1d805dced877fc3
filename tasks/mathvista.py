"""MathVista: mathematical reasoning on figures, plots and photographs.

Data: the host's ``MathVista_MINI.tsv`` (https://opencompass.openxlab.space/utils/VLMEval/MathVista_MINI.tsv), the 1,000
rows of testmini; arXiv:2310.02255. The host's judge takes the answer out of a text; the host compares it.
"""

from __future__ import annotations

from visualprm_eval.tasks.base import Published, Task

TASK = Task(
    name="MathVista",
    host_dataset="MathVista_MINI",
    split_label="testmini",
    needs_judge=True,
    size=1_000,
    judge="gpt-4o-mini",
    host_judge="gpt-4o-mini",
    published=Published("MathVista", split="testmini"),
    judge_overhead=1740,
)
