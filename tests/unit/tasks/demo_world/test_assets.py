from __future__ import annotations

import base64
import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from visualprm_eval.demo.training import benchmark
from visualprm_eval.tasks.demo_world import assets, draw, world

LIMIT_BYTES = 10_000_000


def test_bundled_files_stay_small():
    files = [path for path in assets.demo_path().rglob("*") if path.is_file()]
    assert 0 < sum(path.stat().st_size for path in files) < LIMIT_BYTES


def test_an_unknown_asset_says_what_to_do():
    with pytest.raises(FileNotFoundError, match=r"visualprm_eval\.demo\.train"):
        assets.demo_path("nothing-of-this-name")


def bundled_rows() -> list[dict[str, str]]:
    return pd.read_csv(assets.demo_path(assets.BENCHMARK_FILE), sep="\t", dtype=str).to_dict("records")


def test_the_bundled_benchmark_is_what_its_seed_gives():
    rows = bundled_rows()
    problems = world.problems("test", world.TEST_PROBLEMS)
    assert tuple(rows[0]) == benchmark.COLUMNS
    assert [row["index"] for row in rows] == [str(index) for index in range(1, len(problems) + 1)]
    for row, problem in zip(rows, problems, strict=True):
        assert (row["question"], row["answer"], row["category"]) == (
            problem.question,
            problem.answer,
            problem.scene.family,
        )
        with Image.open(io.BytesIO(base64.b64decode(row["image"]))) as image:
            stored = np.asarray(image, dtype=int)
        # Another Pillow may round an edge's pixel another way; another picture differs by far more.
        assert np.abs(stored - np.asarray(draw.picture(problem.scene), dtype=int)).mean() < 0.5


def test_the_bundled_problems_share_no_picture_with_training():
    rows = bundled_rows()
    bundled = {Image.open(io.BytesIO(base64.b64decode(row["image"]))).tobytes() for row in rows}
    assert len(bundled) == len(rows)
    recipe = json.loads(assets.demo_path(assets.MANIFEST).read_text(encoding="utf-8"))["recipe"]
    for split, count in (("train", recipe["scenes"]), ("prm", recipe["prm_problems"])):
        assert not bundled & {draw.picture(p.scene).tobytes() for p in world.problems(split, count, recipe["seed"])}


def test_the_manifest_states_the_gain_that_is_promised():
    manifest = json.loads(assets.demo_path(assets.MANIFEST).read_text(encoding="utf-8"))
    assert len(manifest["percent_by_sampling_seed"]) == manifest["recipe"]["test_seeds"]
    for measured in manifest["percent_by_sampling_seed"].values():
        assert 30 <= measured["first"] <= 60
        assert measured["visualprm"] - measured["first"] >= 10
        assert measured["visualprm"] - measured["random"] >= 8
        assert measured["oracle"] >= measured["visualprm"]
