"""Our aggregates over verdicts are the host's own figures, on random tables of whole benchmarks."""

from __future__ import annotations

import random

import pandas as pd
import pytest

from tests.host.seven_tables import rows_of
from visualprm_eval.core.types import Part, Problem
from visualprm_eval.host.data.texts import texts_kept
from visualprm_eval.host.grading.verdict_readers import reader_of
from visualprm_eval.tasks import TASKS


def problems_of(table: pd.DataFrame, task) -> list[Problem]:
    return [
        Problem(
            benchmark=task.name, index=str(row["index"]), split="", parts=(Part("text", "?"),), answer="", id="",
            groups={column: str(row[column]) for column in task.group_columns},
        )
        for row in table.to_dict("records")
    ]  # fmt: skip


def ours(name: str, table: pd.DataFrame, values: list[float]) -> float:
    task = TASKS[name]
    return 100 * task.aggregate(problems_of(table, task), values)


def bare(name):
    """A dataset object of the benchmark's class that never saw a file."""
    from vlmeval.dataset import DATASET_CLASSES

    owner = next(cls for cls in DATASET_CLASSES if name in cls.supported_datasets())
    dataset = object.__new__(owner)
    dataset.dataset_name = name
    return dataset


@pytest.mark.parametrize(("chance", "questions"), [(0.0, 40), (0.3, 40), (0.9, 501), (0.98, 40), (1.0, 40)])
def test_dynamath_worst_case(tmp_path, monkeypatch, chance, questions):
    """A whole benchmark once; of some questions the host counts the same."""
    noise = random.Random(f"dynamath {chance}")
    order = [(question, variant) for variant in range(1, 11) for question in range(questions)]
    noise.shuffle(order)
    table = pd.DataFrame(
        {
            "index": [question * 10 + variant for question, variant in order],
            "qid": [question * 10 + 1 for question, _ in order],
            "varid": [variant for _, variant in order],
            "subject": "algebra", "knowledge_level": "high", "parse": True, "extracted": "x",
            "correct": [noise.random() < chance for _ in order],
        }
    )  # fmt: skip
    monkeypatch.setenv("PRED_FORMAT", "tsv")
    monkeypatch.setenv("EVAL_FORMAT", "csv")
    predictions = tmp_path / "candidates_DynaMath.tsv"
    table[["index"]].to_csv(predictions, sep="\t", index=False)
    table.to_csv(tmp_path / "candidates_DynaMath_exact_matching.tsv", sep="\t", index=False)
    dataset = bare("DynaMath")
    result = dataset.evaluate(str(predictions), model="exact_matching")
    verdicts = reader_of(dataset)(predictions, False)
    values = [verdicts[str(index)].value for index in table["index"]]
    worst = 100 * float(result.loc[result["Setting"] == "Worst Case", "Overall"].iloc[0])
    assert ours("DynaMath", table, values) == pytest.approx(worst)
    average = 100 * float(result.loc[result["Setting"] == "Average", "Overall"].iloc[0])
    assert 100 * sum(values) / len(values) == pytest.approx(average)
    assert TASKS["DynaMath"].remark(problems_of(table, TASKS["DynaMath"])) == ""


@pytest.mark.parametrize("chance", [0.0, 0.2, 0.5, 0.8, 1.0])
def test_wemath_strict(tmp_path, chance):
    from vlmeval.dataset.utils.wemath import wemath_evaluate_models

    noise = random.Random(f"wemath {chance}")
    roles = [("2", group, role) for group in range(360) for role in ("1", "2", "multi")]
    roles += [("3", group, role) for group in range(165) for role in ("1", "2", "3", "multi")]
    noise.shuffle(roles)
    table = pd.DataFrame(
        {
            "index": range(len(roles)), "ID": [group for _, group, _ in roles],
            "key": [f"{steps}steps_{role}" for steps, _, role in roles], "knowledge concept": "x", "log": "x",
            "hit": [int(noise.random() < chance) for _ in roles],
        }
    )  # fmt: skip
    file = tmp_path / "candidates_WeMath_local.tsv"
    table.to_csv(file, sep="\t", index=False)
    with texts_kept():
        strict = wemath_evaluate_models(str(file))["Score (Strict)"][0]
    verdicts = reader_of(bare("WeMath"))(tmp_path / "candidates_WeMath.tsv", False)
    values = [verdicts[str(index)].value for index in table["index"]]
    assert ours("WeMath", table, values) == pytest.approx(float(strict.rstrip("%")), abs=0.0051)
    assert TASKS["WeMath"].remark(problems_of(table, TASKS["WeMath"])) == ""


def random_table(name: str, noise: random.Random) -> tuple[pd.DataFrame, list[bool]]:
    kinds = rows_of(name)
    rows = [{**noise.choice(kinds), "index": number} for number in range(200)]
    return pd.DataFrame(rows).drop(columns="image"), [noise.random() < 0.6 for _ in rows]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["MathVista_MINI", "MathVision_MINI", "MathVerse_MINI_Vision_Only", "LogicVista"])
def test_accuracies(tmp_path, name, seed):
    from vlmeval.dataset.utils.logicvista import evaluate_logicvista
    from vlmeval.dataset.utils.mathv import MATH_V_acc
    from vlmeval.dataset.utils.mathverse import MathVerse_acc
    from vlmeval.dataset.utils.mathvista import MathVista_acc

    table, right = random_table(name, random.Random(f"{name} {seed}"))
    replies = {"res": ["7" if good else "8" for good in right], "log": "Succeed"}
    scores = {"score": right, "log_score": "Succeed", "log_extract": "Succeed", "extract": "7"}
    columns, count, place = {
        "MathVista_MINI": (replies, MathVista_acc, ("Task&Skill", "Overall", "acc")),
        "MathVision_MINI": (replies, MATH_V_acc, ("Subject", "Overall", "acc")),
        "MathVerse_MINI_Vision_Only": (scores, MathVerse_acc, ("split", "Vision Only", "Overall")),
        "LogicVista": (replies | {"hit": [int(good) for good in right]}, evaluate_logicvista,
                       ("Task&Skill", "Overall", "acc")),
    }[name]  # fmt: skip
    file = tmp_path / f"candidates_{name}_local.tsv"
    table.assign(**columns).to_csv(file, sep="\t", index=False)
    with texts_kept():
        result = count(str(file))
        verdicts = reader_of(bare(name))(tmp_path / f"candidates_{name}.tsv", False)
    values = [verdicts[str(index)].value for index in table["index"]]
    column, row, figure = place
    assert values == [float(good) for good in right]
    assert ours(name, table, values) == pytest.approx(float(result.loc[result[column] == row, figure].iloc[0]))


@pytest.mark.parametrize("seed", range(3))
def test_mmmu(seed):
    from vlmeval.dataset.utils.multiple_choice import report_acc

    table, right = random_table("MMMU_DEV_VAL", random.Random(seed))
    table = table.assign(hit=[int(good) for good in right])
    result = report_acc(table.copy())
    chosen = table[table["split"] == "validation"]
    expected = 100 * float(result.loc[result["split"] == "validation", "Overall"].iloc[0])
    assert ours("MMMU_DEV_VAL", chosen, [float(hit) for hit in chosen["hit"]]) == pytest.approx(expected)
