"""A reward model sees a picture as it is meant to be seen; a problem's picture as its file is."""

from __future__ import annotations

import base64
import csv
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visualprm_eval.core.types import Part, Problem
from visualprm_eval.engine.generate import problem_shown
from visualprm_eval.engine.images import Picture, image_key, load_image
from visualprm_eval.engine.visualprm import VisualPRM
from visualprm_eval.stages.score.critics import shown_images
from visualprm_eval.tasks.demo_world.assets import PRM, demo_path

STEPS = ["Bars: red 5.", "5*3=15.", "Bars: green 5.", "15+5=20.", "The answer is \\boxed{20}."]
"""A right solution to the first problem of the bundled benchmark."""


@pytest.fixture(scope="module")
def first_row() -> dict[str, str]:
    csv.field_size_limit(sys.maxsize)
    with demo_path("DemoWorld.tsv").open(encoding="utf-8") as file:
        return next(csv.DictReader(file, delimiter="\t"))


def lying_jpeg(picture: Image.Image) -> bytes:
    """As a camera stores it that was turned by a quarter."""
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    picture.transpose(Image.Transpose.ROTATE_90).save(buffer, "JPEG", quality=95, exif=exif)
    return buffer.getvalue()


def test_a_picture_that_lies_on_its_side_scores_as_the_upright_one(first_row: dict[str, str]) -> None:
    upright = Image.open(io.BytesIO(base64.b64decode(first_row["image"]))).convert("RGB")
    data, wide = lying_jpeg(upright), io.BytesIO()
    Image.fromarray(np.asarray(upright.convert("L")).astype(np.uint16) * 257).save(wide, "PNG")
    prm = VisualPRM.from_pretrained(demo_path(PRM), device="cpu")

    def scored(source: object) -> list[float]:
        return prm.score_steps(first_row["question"], STEPS, [source])

    assert min(scored(upright)) > 0.8
    assert scored(data) == pytest.approx(scored(upright), abs=0.01)
    (stream,) = prm.score_items([(first_row["question"], STEPS, [data])])
    assert list(stream.scores) == pytest.approx(scored(upright), abs=0.01), "opened once or twice, turned once"
    (raw,) = prm.score_items([(first_row["question"], STEPS, [Picture(data, as_is=True)])])
    assert min(raw.scores) < 0.01, "which is why it matters"
    assert scored(wide.getvalue()) == scored(upright.convert("L"))


def test_a_problems_pictures_are_read_as_their_files_are(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(lying_jpeg(Image.new("RGB", (40, 20), "red")))
    problem = Problem("B", "1", "", (Part("image", str(path)), Part("text", "What?")), "", "id")
    assert load_image(path).size == (40, 20)
    for picture in (*shown_images(problem), problem_shown(problem)[0]):
        assert isinstance(picture, Picture)
        assert load_image(picture).size == (20, 40)
    assert load_image(problem_shown(problem, as_is=False)[0]).size == (40, 20)
    assert image_key(Picture(str(path))) != image_key(Picture(str(path), as_is=True))
