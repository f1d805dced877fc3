"""What reading costs: text, pictures as InternVL cuts them, and questions of which only the number is known."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from PIL import Image

from visualprm_eval.core.types import Part, Problem
from visualprm_eval.stages.checkpoint_source import CheckpointSource
from visualprm_eval.stages.cost import PICTURE_TILES, QUESTION_CHARACTERS, Estimate, Questions, Tiling
from visualprm_eval.tasks.demo_world.assets import demo_path


def asked(*pictures: Path) -> dict[str, Problem]:
    parts = (*(Part("image", str(picture)) for picture in pictures), Part("text", "q" * 40))
    return {"p": Problem("b", "1", "", parts, "", "p")}


def test_a_picture_costs_its_tiles_and_a_thumbnail(tmp_path: Path) -> None:
    Image.new("RGB", (896, 448)).save(wide := tmp_path / "wide.png")
    Image.new("RGB", (448, 448)).save(small := tmp_path / "small.png")
    assert Questions(asked(wide), {}).tokens("p") == 10 + 3 * 256
    assert Questions(asked(small), {}).tokens("p") == 10 + 256


def test_a_picture_that_is_not_written_has_a_size_all_the_same(tmp_path: Path) -> None:
    there, gone = tmp_path / "a.png", tmp_path / "b.png"
    tokens = Questions(asked(there, gone), {str(there): (896, 448)}).picture_tokens("p")
    assert tokens == 3 * 256 + round(256 * PICTURE_TILES)


def test_expected_questions_are_as_long_as_most() -> None:
    questions = Questions({"p": Problem("b", "1", "", (), "", "p")}, {}, expected=True)
    assert questions.tokens("p") == round(QUESTION_CHARACTERS / 4) + round(256 * PICTURE_TILES)


def test_a_checkpoint_that_is_here_says_how_it_cuts() -> None:
    here = Tiling.of(CheckpointSource(str(demo_path("prm")), None, "cpu", "auto"))
    assert here.side != Tiling().side
    assert Tiling.of(CheckpointSource("OpenGVLab/VisualPRM-8B", None, "cpu", "auto")) == Tiling()


def test_sums_know_what_nobody_knows() -> None:
    assert Estimate(1, 2, 3, 4) + Estimate(1, 2, 3, 4) == Estimate(2, 4, 6, 8)
    assert (Estimate(1, 2, 3, 4) + Estimate(1, 2, None, 4)).reply_tokens is None


def test_counting_needs_no_torch() -> None:
    code = (
        "import sys, visualprm_eval.stages.cost, visualprm_eval.stages.sample.cost, visualprm_eval.stages.score.cost\n"
        "assert 'torch' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
