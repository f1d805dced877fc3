"""What a benchmark needs beyond the host's data: which text is graded, how answers are read, which number counts."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from visualprm_eval.core.answers import answer as local_answer
from visualprm_eval.core.answers import final_answer
from visualprm_eval.core.config import EXACT_MATCHING, JudgeOptions
from visualprm_eval.core.thoughts import after_thoughts
from visualprm_eval.core.types import Problem
from visualprm_eval.tasks.primary_figures import PrimaryFigure

UNJUDGED = "exact matching"
"""What stands in the metric's name of a value that was graded without the judge that the benchmark is known by."""
HOSTS = "the host's "
"""How the metric's name begins of values that are the host's figures of whole tables; these may have other units."""


def row_mean(problems: Sequence[Problem], values: Sequence[float]) -> float:  # noqa: ARG001 - the signature of a metric
    """The mean over the rows: accuracy."""
    return math.fsum(values) / len(values)


def no_remark(problems: Sequence[Problem]) -> str:  # noqa: ARG001 - the signature of a remark
    """Nothing needs to be said of a metric over these problems."""
    return ""


@dataclass(frozen=True, slots=True)
class Published:
    """Where the papers' figures of a benchmark stand, and of what they are.

    Attributes:
        column: The benchmark's column in the tables of ``visualprm_eval.evaluate.published.tables``.
        split: The split that they are of, as ``Task.split_label`` names it.
        metric: The metric that they are of, as ``Task.metric`` names it.
        other_splits: Figures that are of another split than the rest of their column: the paper's name of the policy
            and the selector, to the split.
    """

    column: str
    split: str
    metric: str = "accuracy"
    other_splits: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def split_of(self, policy: str, selector: str) -> str:
        """The split that one figure is of."""
        return self.other_splits.get((policy, selector), self.split)


@dataclass(frozen=True, slots=True)
class Task:
    """One benchmark.

    Attributes:
        name: What results call it.
        host_dataset: The host's name of the dataset.
        metric: The metric's plain name; ``"accuracy"`` is the mean over the rows.
        split_label: The split that the benchmark is known by, such as ``"testmini"``; ``""`` when nothing is known.
        row_split: Only rows of this split (column ``split``) belong to the benchmark; ``""`` for all rows.
        size: Problems of the whole benchmark; ``None`` when its file is the only word on it.
        source_file: What its file is called at its source, where that is not the name of the dataset.
        is_bundled: Whether it comes with this package.
        needs_judge: Whether the host cannot grade it without a language model.
        judge: The judge that is taken when none is named.
        host_judge: The judge that the host takes when none is named.
        prediction: What the host's grader gets of a text: its final answer (all of it where there is none), or all;
            ``"auto"``: all when a judge reads it, else the final answer.
        answer: The local answer of a text, for votes: text and options to a canonical answer, ``None`` without one.
            Plain strings are compared by their spelling, an ``answers.Vote`` by what it means.
        concluded: What a text concludes with, as it stands there, which is what ``answer`` names; ``None`` without one.
        written: How an answer is written for the host's grader, which reads final answers as ``concluded`` shows them.
        figure: The figure of the host's result that is its value, of a benchmark without a task of its own; ``None``
            where only the host's rule may know it.
        note: What a user should know about how it is graded, ``""`` when there is nothing.
        group_columns: Columns of the table that the metric needs, see ``Problem.groups``.
        aggregate: The benchmark's number, from 0 to 1, from problems and their values, [P]. A value between 0 and 1 is
            a chance, independent of those of other problems, so that the number is the expected one.
        group: Which problems the number counts together, so that they can only be drawn together when problems are
            drawn again for an interval; ``None`` where each counts for itself.
        remark: What must be said of the number over these problems, ``""`` for nothing.
        published: Where the papers' figures stand; ``None`` when there are none.
        judge_requests: Most requests that the host makes to a judge per text, when all replies can be read.
        judge_overhead: Characters of a request to the judge beside the question and the text.
        judge_reads_question: Whether a request to the judge holds the question.
        answer_request: What the dataset's own prompt asks of the answer to a row outside of its question, by column.
            The prompts of the host's InternVLChat drop it; ``--prompt cot`` and ``direct``, which are made of them, put
            it after the question. ``None`` where questions say it all.
        request_note: How that differs from the dataset's own prompt, for the protocol.
    """

    name: str
    host_dataset: str
    metric: str = "accuracy"
    split_label: str = ""
    row_split: str = ""
    size: int | None = None
    source_file: str = ""
    is_bundled: bool = False
    needs_judge: bool = False
    judge: str = EXACT_MATCHING
    host_judge: str = EXACT_MATCHING
    prediction: Literal["auto", "final", "raw"] = "auto"
    answer: Callable[[str, Mapping[str, str]], str | None] = local_answer
    concluded: Callable[[str], str | None] = final_answer
    written: Callable[[str], str] = str
    figure: PrimaryFigure | None = None
    note: str = ""
    group_columns: tuple[str, ...] = ()
    aggregate: Callable[[Sequence[Problem], Sequence[float]], float] = row_mean
    group: Callable[[Problem], Hashable] | None = None
    remark: Callable[[Sequence[Problem]], str] = no_remark
    published: Published | None = None
    judge_requests: int = 1
    judge_overhead: int = 1000
    judge_reads_question: bool = True
    answer_request: Callable[[Mapping[str, Any]], str] | None = None
    request_note: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        """Names under which its file may lie in the data folder."""
        return (f"{self.host_dataset}.tsv", *filter(None, [self.source_file]))

    def note_on_prompt(self, prompt: object) -> str:
        """What must be known of the answer format of samples that a ``--prompt`` led to, ``""`` for nothing."""
        return self.request_note if prompt in {"cot", "direct"} else ""

    def judged_by(self, judge: JudgeOptions) -> JudgeOptions:
        """A judge with the name, and the way to show texts, that the benchmark falls back on."""
        named = replace(judge, name=judge.name or self.judge)
        metric = judge.metric if self.note else None
        return replace(named, prediction=judge.prediction or self.shows(judged=named.used), metric=metric)

    def metric_key(self, judge: JudgeOptions) -> str:
        """What the key of its verdicts says of the figure, so that two never mix; ``""`` for what the rule finds.

        The rule takes what is called Overall before all else, so older stores have the same under keys without it.
        """
        return judge.metric or ("" if self.figure is None or self.figure.is_by_rule else self.figure.metric)

    def shows(self, *, judged: bool) -> Literal["final", "raw"]:
        """Whether the host's grader gets whole texts or their final answers, if nothing else is asked for."""
        if self.prediction != "auto":
            return self.prediction
        return "raw" if judged else "final"

    def shown(self, text: str, how: Literal["final", "raw"], choices: Mapping[str, str] | None = None) -> str:
        """What the host's grader gets of a text: nothing of its thoughts, and nothing at all of an empty reply.

        Args:
            text: What the policy wrote.
            how: ``"raw"`` for all of it, ``"final"`` for its final answer, or all of it when it has none.
            choices: The problem's options; an answer that is one of them is shown as its letter.
        """
        response = after_thoughts(text) or ""
        text = text if response == text else response.strip()
        if how == "raw":
            return text
        if choices:
            letter = self.answer(text, choices)
            if letter is not None and letter in choices:
                return letter
        return self.concluded(text) or text
