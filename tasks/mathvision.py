"""MathVision (MATH-V): competition problems with figures; in full, and its small split, which is another benchmark.

Data: the host's ``MathVision.tsv`` (3,040 rows) and ``MathVision_MINI.tsv`` (304 rows), both at
https://opencompass.openxlab.space/utils/VLMEval/; arXiv:2402.14804. The host's judge takes the answer out of a text;
the host compares it as text, then as arithmetic.

The best-of-N figures of the VisualPRM paper fit k/304, the small split. Two of its pass@1 figures are those of the
full split from a leaderboard: gains on them cross splits.
"""

from __future__ import annotations

from dataclasses import replace

from visualprm_eval.tasks.base import Published, Task

_FULL = {("InternVL2.5-8B", "pass@1"): "full", ("InternVL2.5-78B", "pass@1"): "full"}

MINI = Task(
    name="MathVision-MINI",
    host_dataset="MathVision_MINI",
    split_label="MINI",
    needs_judge=True,
    size=304,
    judge="gpt-4o-mini",
    host_judge="gpt-4o-mini",
    published=Published("MathVision", split="MINI", other_splits=_FULL),
    judge_overhead=1470,
)
FULL = replace(MINI, name="MathVision-full", host_dataset="MathVision", split_label="full", size=3_040)
