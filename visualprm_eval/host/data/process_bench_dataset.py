"""Labelled steps as a dataset class of the host, so that its own runner can ask its models to judge them.

Imported by ``bridge.register``, since it needs the host.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from vlmeval.dataset.image_base import ImageBaseDataset
from vlmeval.smp import dump, get_intermediate_file_path

from visualprm_eval.core.config import PROCESS_BENCHMARKS
from visualprm_eval.core.errors import BenchmarkError, InputError
from visualprm_eval.core.folders import data_root
from visualprm_eval.core.types import StepScores
from visualprm_eval.evaluate.step_labels.assess import POOLED, Assessment, Opinion
from visualprm_eval.evaluate.step_labels.values import values_of
from visualprm_eval.host.data.demo_dataset import _read_text_table
from visualprm_eval.host.grading.replies import NO_REPLY
from visualprm_eval.tasks.process_bench.data import ProcessSample
from visualprm_eval.tasks.process_bench.judge_prompt import judge_prompt, question_text
from visualprm_eval.tasks.process_bench.locate import load_set
from visualprm_eval.tasks.process_bench.verdicts import parse_verdicts


class VisualProcessBench(ImageBaseDataset):  # type: ignore[misc]  # the host is not typed
    """Solutions whose steps a model is to judge; see ``visualprm_eval.tasks.process_bench``.

    The prompt is that of our own prompted judges. There is one reply per solution: what cannot be read is a failure,
    since the host asks only once.
    """

    TYPE = "VQA"
    DATASET_URL: ClassVar[dict[str, str]] = dict.fromkeys(PROCESS_BENCHMARKS, "")
    DATASET_MD5: ClassVar[dict[str, str]] = {}
    dataset_name: str
    # Without it some model classes put "Answer the question using a single word or phrase." under the question.
    force_use_dataset_prompt = True

    def load_data(self, dataset: str) -> pd.DataFrame:
        """One row per solution, in the order of the file.

        Raises:
            BenchmarkError: When the set is not there and cannot be had.
        """
        self.samples = load_set(dataset, data_dir=data_root()).samples
        return pd.DataFrame([_row(sample) for sample in self.samples])

    def evaluate(self, eval_file: str, **judge_kwargs: Any) -> pd.DataFrame:  # noqa: ARG002 - needs no judge
        """Compares the replies in a prediction file with the labels.

        Args:
            eval_file: The host's prediction file (TSV or Excel).
            judge_kwargs: The host's judge options; no judge is asked.

        Returns:
            A row for the replies that can be read, and one in which the others count as wrong: macro F1 in percent,
            ``Overall`` over all steps and for every source, and the number of failures. ``*_result`` holds the rows
            with verdicts or the reason why there are none.

        Raises:
            BenchmarkError: When the file has no predictions for solutions of this set.
        """
        data = _read_text_table(eval_file)
        by_line = {str(sample.line): sample for sample in self.samples}
        if not {"index", "prediction"} <= set(data) or not set(data["index"]) <= set(by_line):
            raise BenchmarkError(f"{eval_file} is no prediction file of {self.dataset_name}")
        samples = [by_line[index] for index in data["index"]]
        outcomes = [_read(reply, sample) for reply, sample in zip(data["prediction"], samples, strict=True)]
        data["verdicts"] = [one.error or json.dumps([int(score) for score in one.scores]) for one in outcomes]
        dump(data, get_intermediate_file_path(eval_file, "_result"))
        assessment = Assessment(Opinion("judge", tuple(outcomes), 0.5, labels_only=True), samples)
        values = values_of(assessment, np.ones((1, len(samples))), names := ["macro F1", "macro F1, failures wrong"])
        table = pd.DataFrame([_percents(assessment, values, name) for name in names])
        dump(table, get_intermediate_file_path(eval_file, "_acc"))
        return table


def _row(sample: ProcessSample) -> dict[str, Any]:
    return {
        "index": sample.line,
        "image_path": list(sample.problem.images),
        "question": judge_prompt(question_text(sample.problem), sample.steps),
        "answer": json.dumps(list(sample.labels)),
        "category": sample.source,
    }


def _read(reply: str, sample: ProcessSample) -> StepScores:
    if NO_REPLY in reply:
        return StepScores((), error="the host got no reply")
    try:
        return StepScores(tuple(map(float, parse_verdicts(reply, len(sample.steps)))))
    except InputError as error:
        return StepScores((), error=f"the reply cannot be read: {error}")


def _percents(assessment: Assessment, values: dict[tuple[str, str], Any], metric: str) -> dict[str, Any]:
    splits = {"Overall": POOLED, **{part.name: part.name for part in assessment.sources}}
    percents = {name: 100 * float(values[split, metric][0]) for name, split in splits.items()}
    return {"metric": metric, **percents, "failures": int(assessment.failed.sum())}
