"""The bundled benchmark as a dataset class of the host; imported by ``bridge.register``, since it needs the host."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
from vlmeval.dataset.image_base import ImageBaseDataset
from vlmeval.dataset.utils.vqa_eval import hit_calculate, process_line
from vlmeval.smp import dump, get_intermediate_file_path

from visualprm_eval.core.answers import announced_answer
from visualprm_eval.core.errors import BenchmarkError
from visualprm_eval.tasks.demo_world.assets import BENCHMARK, BENCHMARK_FILE, MissingAssetError, demo_path

COLUMNS = ("index", "image", "question", "answer", "category")
"""Columns of the bundled file; the image is base64."""


class DemoWorld(ImageBaseDataset):  # type: ignore[misc]  # the host is not typed
    """Generated pictures with questions that take two or more steps to answer.

    The host's own metrics for short answers compare whole texts, so a step-by-step solution would never be right: this
    class takes the final answer out of it and passes that on.
    """

    TYPE = "VQA"
    DATASET_URL: ClassVar[dict[str, str]] = {BENCHMARK: ""}
    DATASET_MD5: ClassVar[dict[str, str]] = {}
    img_root: str
    # Without it some model classes put "Answer the question using a single word or phrase." under the question.
    force_use_dataset_prompt = True
    # Its file is no file of the data folder.
    is_bundled = True

    def load_data(self, dataset: str) -> pd.DataFrame:  # noqa: ARG002 - the host's signature
        """Reads the bundled file; nothing is downloaded.

        Raises:
            BenchmarkError: When the file is not there or lacks a column.
        """
        try:
            self.data_path = str(demo_path(BENCHMARK_FILE))
        except MissingAssetError as error:
            raise BenchmarkError(str(error)) from error
        data = _read_text_table(self.data_path)
        missing = [column for column in COLUMNS if column not in data]
        if missing:
            raise BenchmarkError(f"{self.data_path} lacks the columns {', '.join(missing)}")
        # The host never refreshes the images that it once wrote, so another version of the file gets another folder.
        content = hashlib.sha256(Path(self.data_path).read_bytes()).hexdigest()
        self.img_root = f"{self.img_root}-{content[:8]}"
        return data

    def evaluate(self, eval_file: str, **judge_kwargs: Any) -> pd.DataFrame:  # noqa: ARG002 - needs no judge
        """Grades a prediction file with the host's exact-match metric of the final answers.

        Args:
            eval_file: The host's prediction file (TSV or Excel).
            judge_kwargs: The host's judge options; no judge is asked.

        Returns:
            One row: ``Overall`` and every category in percent. ``*_result`` holds the rows with ``final`` and ``hit``.
        """
        data = _read_text_table(eval_file)
        data["final"] = [announced_answer(text) or "" for text in data["prediction"]]
        lines = [{"answer": row.answer, "prediction": row.final} for row in data.itertuples()]
        results = [process_line(line, method="accuracy") for line in lines]
        data["hit"] = [float(hit) for hit in hit_calculate(results, self.dataset_name)]
        dump(data, get_intermediate_file_path(eval_file, "_result"))
        scores = {"Overall": data["hit"].mean(), **data.groupby("category")["hit"].mean()}
        table = pd.DataFrame([{name: 100 * float(value) for name, value in scores.items()}])
        dump(table, get_intermediate_file_path(eval_file, "_acc"))
        return table


def _read_text_table(path: str) -> pd.DataFrame:
    """Every cell as the text that it is; pandas would turn an answer ``07`` into 7 and ``None`` into nothing."""
    if path.endswith(".xlsx"):
        return pd.read_excel(path, dtype=str, keep_default_na=False)
    return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
