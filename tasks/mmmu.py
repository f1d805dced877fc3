"""MMMU: college-level questions of six disciplines, most with options, some with several pictures.

Data: the host's ``MMMU_DEV_VAL.tsv`` (https://opencompass.openxlab.space/utils/VLMEval/MMMU_DEV_VAL.tsv);
arXiv:2311.16502. The file holds two splits; the benchmark is the 900 rows of validation, and the others are not even
sampled. The host grades options by their letters, and gives open questions the options "answer" and "Other Answers".
"""

from __future__ import annotations

from visualprm_eval.tasks.base import Published, Task

TASK = Task(
    name="MMMU",
    host_dataset="MMMU_DEV_VAL",
    split_label="validation",
    row_split="validation",
    size=900,
    judge="gpt-4o-mini",
    host_judge="gpt-4o-mini",
    published=Published("MMMU", split="validation"),
    judge_overhead=710,
)
