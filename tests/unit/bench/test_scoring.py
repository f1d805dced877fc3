"""Counts agree with known ones, and the benchmark says what it measured; how fast anything is, no test says."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch

from tests.golden.material import IMAGES, Case, reference
from tests.unit.engine.conftest import load
from visualprm_eval.bench import flops
from visualprm_eval.bench.__main__ import main
from visualprm_eval.bench.flops import Load
from visualprm_eval.bench.model_card import card_scores
from visualprm_eval.bench.shapes import ENDING_TOKENS, GRIDS, OPENING_TOKENS, PRESETS, material, random_checkpoint
from visualprm_eval.engine.image_features import ImageEncoder
from visualprm_eval.engine.images import load_image
from visualprm_eval.engine.prompt import ImageSlot, PromptFormat


@pytest.mark.parametrize(
    ("preset", "n", "tokens", "operations"),
    [("mid", 8, 4.87, 4.25), ("mid", 32, 8.31, 6.52), ("8b", 8, 4.87, 4.76), ("8b", 32, 8.31, 7.96)],
)
def test_bounds_of_the_language_model(preset, n, tokens, operations):
    """Worked out apart from this code for a prefix of 3,458 tokens and continuations of 350."""
    load_ = Load(13, 3458, [350] * n)
    assert load_.card_tokens / load_.needed_tokens == pytest.approx(tokens, abs=0.005)
    config = PRESETS[preset].config
    ratio = flops.card_language_flops(config, load_) / flops.needed_language_flops(config, load_)
    assert ratio == pytest.approx(operations, abs=0.006)


def test_operations_are_those_that_torch_counts():
    from torch.utils.flop_counter import FlopCounterMode

    checkpoint = random_checkpoint(PRESETS["tiny"], "cpu", attn="eager")
    config, model = checkpoint.config, checkpoint.model
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model.get_image_features(torch.zeros(3, 3, 112, 112))
    assert counter.get_total_flops() == flops.vision_flops(config, 3)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model.lm_head(model.model.language_model(inputs_embeds=torch.zeros(1, 50, 64), use_cache=False)[0])
    # Eager attention computes the masked half too.
    masked = config.language.num_hidden_layers * 4 * (50 * 50 - 50 * 51 // 2) * 64
    counted = flops.language_flops(config.language, 50) + flops.head_flops(config.language, 50)
    assert counter.get_total_flops() == counted + masked


def test_work_after_a_prefix_is_the_rest_of_the_whole():
    language = PRESETS["mid"].language
    whole = flops.language_flops(language, 1000)
    assert flops.language_flops(language, 700) + flops.language_flops(language, 300, 700) == whole


def test_the_8b_shape_fits_a_card_of_24_gb():
    counted = flops.memory(PRESETS["8b"].config, 16_384, 2, 128 << 20, 16)
    assert counted["weights"] == 2 * 8_075_365_376
    assert counted["prefix"] == 32 * 2 * 8 * 128 * 2 * 16_384
    assert sum(counted.values()) < 24e9


@pytest.mark.parametrize("tiles", GRIDS)
def test_questions_have_the_tokens_that_are_asked_for(tiles):
    checkpoint = random_checkpoint(PRESETS["tiny"], "cpu")
    config, given = checkpoint.config, material(checkpoint.config, checkpoint.tokenizer, tiles, 2)
    assert ImageEncoder(checkpoint).count(load_image(given.picture)) == tiles
    form = PromptFormat(checkpoint.tokenizer, config)
    for steps in given.solutions:
        prompt = form.prm([ImageSlot(tiles), "\n", given.question], steps)
        assert prompt.positions[-1] + 1 == tiles * config.tokens_per_tile + OPENING_TOKENS + ENDING_TOKENS


@pytest.mark.parametrize("name", ["a1", "a2"])
def test_the_baseline_is_the_model_cards_procedure(name):
    cases = [Case(facts) for facts in reference(name)["cases"] if facts["id"] in {"wide", "text_only"}]
    assert len(cases) == 2
    for case in cases:
        images = [IMAGES / image for image in case.facts["images"]]
        scores = card_scores(load(name).checkpoint, case.question, case.steps, images)
        assert scores == pytest.approx(case.facts["step_scores"], abs=1e-5)


def test_both_ways_are_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--preset", "tiny", "--device", "cpu", "--rounds", "2", "--n", "1", "3", "--curve", "2", "--tiles", "1"]
    assert main(["scoring", *options, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "24 GB card" in printed
    assert (tmp_path / "scoring-tiny-cpu.md").read_text(encoding="utf-8") == printed
    with (tmp_path / "scoring-tiny-cpu.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    settings = [(row["part"], row["tiles"], row["n"], row["rounds"]) for row in rows]
    assert settings == [
        ("all", "13", "1", "2"), ("all", "13", "3", "2"), ("language", "13", "1", "2"), ("language", "13", "3", "2"),
        ("all", "13", "2", "1"), ("all", "1", "8", "1"),
    ]  # fmt: skip
    for row in rows:
        # The language model's part is a difference of two measurements, which noise can make anything.
        assert row["part"] == "language" or (float(row["card_s"]) > 0 and float(row["engine_s"]) > 0)
        assert float(row["flop_bound"]) >= 1 and "torch" in row["machine"]
        assert (row["shape"], row["device"], row["dtype"], row["clock"]) == ("tiny", "cpu", "float32", "wall")
    assert all(float(row["difference"]) < 1e-5 for row in rows if row["part"] == "all")
    tokens = 13 * 16 + OPENING_TOKENS
    bound = 3 * (tokens + ENDING_TOKENS) / (tokens + 3 * ENDING_TOKENS)
    assert [float(row["token_bound"]) for row in rows[:2]] == [1.0, pytest.approx(bound, abs=0.01)]


def test_options_are_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scoring", "--preset", "tiny", "--tiles", "4", "--out", str(tmp_path)]) == 2
    assert "--tiles among 1, 3" in capsys.readouterr().err
