"""The bundled benchmark's file, and the world's problems as the pipeline knows them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from visualprm_eval.core.types import Part, Problem
from visualprm_eval.tasks.demo_world.assets import BENCHMARK
from visualprm_eval.tasks.demo_world.draw import png
from visualprm_eval.tasks.demo_world.world import WorldProblem

COLUMNS = ("index", "image", "question", "answer", "category")


def write_benchmark(problems: Sequence[WorldProblem], path: Path) -> None:
    """Writes problems in the host's layout: tab-separated, the picture as base64 PNG.

    Args:
        problems: The rows in order; their indices count from 1.
        path: The file to write.
    """
    rows = []
    for index, problem in enumerate(problems, 1):
        image = base64.b64encode(png(problem.scene)).decode("ascii")
        rows.append((index, image, problem.question, problem.answer, problem.scene.family))
    pd.DataFrame(rows, columns=COLUMNS).to_csv(path, sep="\t", index=False)


def pipeline_problems(problems: Sequence[WorldProblem], folder: Path) -> list[Problem]:
    """Problems with their pictures as files, ready for sampling and scoring.

    Args:
        problems: Problems of distinct scenes.
        folder: Where the PNG files go; it is made when missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number, problem in enumerate(problems, 1):
        file = folder / f"{problem.scene.id}.png"
        file.write_bytes(png(problem.scene))
        parts = (Part("image", str(file)), Part("text", problem.question))
        made.append(Problem(BENCHMARK, str(number), "", parts, problem.answer, problem.scene.id))
    return made
