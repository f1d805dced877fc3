from __future__ import annotations

import itertools
import json

import pytest
import torch

from visualprm_eval.demo import montecarlo, sequences, stages, train, world
from visualprm_eval.demo.draw import picture
from visualprm_eval.demo.fit import fit, rate_factors
from visualprm_eval.demo.network import Eyes, network_config, new_network, sequence_loss
from visualprm_eval.demo.pictures import TARGET_SIZES, Pictures, token_facts
from visualprm_eval.demo.recipe import TINY
from visualprm_eval.demo.tokenizer import CONTROL_TOKENS
from visualprm_eval.prm.images import tiles
from visualprm_eval.prm.prompt import ImageSlot, PromptFormat
from visualprm_eval.prm.tokenizer import load_tokenizer
from visualprm_eval.types import Candidate, Part, Problem


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """The output folder of a run through all stages with a few steps each."""
    folder = tmp_path_factory.mktemp("training")
    train.main(["--tiny", "--out", str(folder), "--threads", "1"])
    return stages.Workshop(folder, TINY)


@pytest.fixture(scope="module")
def tokenizer(shop):
    return load_tokenizer(shop.folder / "tokenizer")


def test_a_run_leaves_everything_that_is_bundled(shop):
    names = {path.relative_to(shop.assets).as_posix() for path in shop.assets.rglob("*") if path.is_file()}
    assert {"DemoWorld.tsv", "manifest.json", "policy/config.json", "prm/model.safetensors"} <= names
    manifest = json.loads((shop.assets / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["seconds"]) == set(train.STAGES) - {"measure"}
    assert set(manifest["percent_by_sampling_seed"]) == {"0"}


def test_training_changes_the_weights_from_stage_to_stage(shop):
    names = ("vision", "reading", "policy", "base", "prm")
    heads = [shop.load(name).model.lm_head.weight for name in names]
    for before, after in itertools.pairwise(heads):
        assert not torch.equal(before, after)


def test_a_stage_run_again_gives_the_same_weights(shop):
    before = shop.load("base").model.state_dict()
    train.run_stage(shop, "base")
    after = shop.load("base").model.state_dict()
    assert all(torch.allclose(before[name], after[name], atol=1e-5) for name in before)


def test_tokenizer_writes_any_text_and_knows_its_control_tokens(tokenizer):
    text = "Ωmega \x00 \n\n 你好 🎲 zebra\t17"
    assert tokenizer.decode(tokenizer.encode(text)) == text
    ids = {token: tokenizer.id_of(token) for token in (*CONTROL_TOKENS, "+", "-")}
    assert len(set(ids.values())) == len(ids)
    newline = tokenizer.encode("\n")
    assert len(newline) == 1
    assert tokenizer.encode("assistant\n+")[-2:] == [*newline, ids["+"]]
    assert tokenizer.encode("assistant\nThe")[1:2] == newline


def _learned(tokenizer, sequence):
    wanted = sequence.wanted or sequence.ids
    return tokenizer.decode([i for i, learned in zip(wanted, sequence.learned, strict=True) if learned])


def test_sequences_mark_what_is_to_be_learned(shop, tokenizer):
    writer = shop.writer
    for problem in world.problems("train", 8):
        assert _learned(tokenizer, writer.solution(problem)) == problem.solution
        assert _learned(tokenizer, writer.process_text(problem)) == "".join(problem.steps)
        labels = [number % 2 == 0 for number in range(len(problem.steps))]
        sequence = writer.process_labels(problem.question, problem.steps, labels)
        assert _learned(tokenizer, sequence) == "".join("+" if label else "-" for label in labels)
        # What is read after every step is "+", whatever its label, as in scoring.
        read = [i for i, learned in zip(sequence.ids, sequence.learned, strict=True) if learned]
        assert tokenizer.decode(read) == "+" * len(labels)
        values = "".join(value for _, value in sequences.readings(problem.scene))
        assert sorted(_learned(tokenizer, writer.reading(problem.scene, world.stream("x")))) == sorted(values)


def test_labels_stand_where_the_reward_model_is_asked(shop, tokenizer):
    problem = world.problems("train", 1)[0]
    form = PromptFormat(tokenizer, network_config(tokenizer.id_of(CONTROL_TOKENS[-1]) + 1))
    prompt = form.prm([ImageSlot(1), "\n", problem.question], problem.steps)
    sequence = shop.writer.process_labels(problem.question, problem.steps, [True] * len(problem.steps))
    assert sequence.ids == prompt.ids
    assert [place - 1 for place, learned in enumerate(sequence.learned) if learned] == list(prompt.positions)


def test_drills_are_right():
    rng = world.stream("drills")
    for _ in range(300):
        given, result = sequences._calculation(rng)
        left, sign, right = given.strip(" =").replace("*", " * ").replace("+", " + ").replace("-", " - ").split()
        assert {"*": int.__mul__, "+": int.__add__, "-": int.__sub__}[sign](int(left), int(right)) == int(result) >= 0


def test_pictures_are_normalised_as_the_models_see_them():
    scenes = [problem.scene for problem in world.problems("train", 4)]
    pixels = Pictures(scenes).pixels([2, 0])
    for row, number in enumerate((2, 0)):
        expected = torch.as_tensor(tiles(picture(scenes[number]), world.PICTURE_SIZE))
        assert torch.allclose(pixels[row], expected[0], atol=1e-6)


def test_token_facts_place_the_items():
    for problem in world.problems("train", 40):
        facts = token_facts(problem.scene)
        assert facts.shape == (16, 4)
        assert (facts < TARGET_SIZES).all()
        colours = {item.colour for item in problem.scene.items}
        assert {world.COLOURS[c - 1] for c in facts[:, 0] if c} == colours
        if problem.scene.family == "shapes":
            assert (facts[:, 1] > 0).sum() == len(problem.scene.items)


def test_fitting_lowers_the_loss(tokenizer):
    problems = world.problems("train", 8)
    pictures = Pictures([problem.scene for problem in problems])
    config = network_config(tokenizer.id_of(CONTROL_TOKENS[-1]) + 1)
    model = new_network(config, tokenizer, seed=0)
    writer = sequences.Writer(PromptFormat(tokenizer, config), tokenizer.id_of(CONTROL_TOKENS[0]))
    batch = writer.batch([writer.solution(problem) for problem in problems])
    losses = fit(model, lambda _: sequence_loss(model, *batch, pictures.pixels(range(8))), 60, "test")
    assert losses[-1] < 0.95 * losses[0]
    eyes = Eyes(model, seed=0)
    facts = torch.from_numpy(token_facts(problems[0].scene))[None]
    losses = fit(eyes, lambda _: eyes.loss(pictures.pixels([0]), facts), 60, "test")
    assert losses[-1] < 0.95 * losses[0]


def test_rates_rise_stay_and_fall_and_the_head_begins_alone():
    factors = [rate_factors(step, 1000) for step in range(1000)]
    assert factors[0][0] > 0
    assert factors[0][1:] == (0, 0)
    assert factors[300] == (1, 1, 1)
    assert all(0 < factor < 0.01 for factor in factors[-1])


class _Script:
    """Stands in for sampling: continues a prefix with what a table says, by rank."""

    def __init__(self, table):
        self.table, self.asked = table, []

    def __call__(self, _policy, requests, **_options):
        for request in requests:
            self.asked.append((request.prefix, request.rank))
            texts = self.table[request.prefix]
            yield [Candidate(request.problem.id, request.rank, texts[request.rank % len(texts)])]


def test_a_step_is_correct_if_any_continuation_ends_right(monkeypatch):
    problem = Problem("b", "1", "", (Part("text", "q"),), "7", "p")
    right, wrong = r"The answer is \boxed{7}.", r"The answer is \boxed{8}."
    script = _Script({"a\n\n": [wrong] * 15 + [right], "a\n\nb\n\n": [wrong], "c\n\n": [right]})
    monkeypatch.setattr(montecarlo, "generate", script)
    texts = [f"a\n\nb\n\n{wrong}", f"c\n\n{right}", f"c\n\n{right}"]
    first, second = montecarlo.label_solutions(None, [problem], [texts], seed=0)
    assert first.steps == ("a", "b", wrong)
    assert first.labels == (True, False, False)
    assert second.labels == (True, True)
    ranks = {prefix: [rank for asked, rank in script.asked if asked == prefix] for prefix, _ in script.asked}
    assert ranks["a\n\n"] == ranks["a\n\nb\n\n"] == list(range(montecarlo.CONTINUATIONS))
    assert ranks["c\n\n"] == [0, 1, 2]
