"""MathVerse, vision-only: the question stands in the picture, so nothing can be read off the text.

Data: the host's ``MathVerse_MINI_Vision_Only.tsv``, the 788 rows of testmini's version "Vision Only"
(https://opencompass.openxlab.space/utils/benchmarks/MathVerse/MathVerse_MINIVOnly.tsv); arXiv:2403.14624. The host's
judge is asked twice: for the answer in a text, and whether that is the reference answer.
"""

from __future__ import annotations

from visualprm_eval.tasks.base import Published, Task

TASK = Task(
    name="MathVerse-VO",
    host_dataset="MathVerse_MINI_Vision_Only",
    split_label="vision-only",
    needs_judge=True,
    size=788,
    source_file="MathVerse_MINIVOnly.tsv",
    judge="gpt-4o-mini",
    host_judge="gpt-4o-mini",
    published=Published("MathVerse-VO", split="vision-only"),
    judge_requests=2,
    judge_overhead=1470,
)
