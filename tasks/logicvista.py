"""LogicVista: logical reasoning on diagrams, graphs and puzzles; some questions have several right options.

Data: the host's ``LogicVista.tsv`` (https://opencompass.openxlab.space/utils/VLMEval/LogicVista.tsv);
arXiv:2407.04973. The host's judge says which letters a text chose, for every text; the host compares them. The whole
benchmark has 447 questions: the one number of which all published figures are a part.
"""

from __future__ import annotations

from visualprm_eval.tasks.base import Published, Task

TASK = Task(
    name="LogicVista",
    host_dataset="LogicVista",
    split_label="all",
    size=447,
    needs_judge=True,
    judge="gpt-4o-mini",
    host_judge="gpt-4o-mini",
    published=Published("LogicVista", split="all"),
    judge_overhead=1360,
)
