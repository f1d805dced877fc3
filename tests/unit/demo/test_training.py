from __future__ import annotations

import itertools
import json
import re

import pytest
import torch

from visualprm_eval.core.types import Candidate, Part, Problem
from visualprm_eval.demo.training import montecarlo, sequences, stages, train
from visualprm_eval.demo.training.fit import fit, rate_factors
from visualprm_eval.demo.training.muon import Muon, orthogonalised
from visualprm_eval.demo.training.network import Eyes, image_features, network_config, new_network, sequence_loss
from visualprm_eval.demo.training.pictures import TARGET_SIZES, Pictures, token_facts
from visualprm_eval.demo.training.recipe import TINY
from visualprm_eval.demo.training.tokenizer import CONTROL_TOKENS
from visualprm_eval.engine.images import tiles
from visualprm_eval.engine.prompt import ImageSlot, PromptFormat
from visualprm_eval.engine.tokenizer import load_tokenizer
from visualprm_eval.tasks.demo_world import world
from visualprm_eval.tasks.demo_world.draw import picture


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
    names = ("looking", "policy", "base", "verifier", "prm")
    heads = [shop.load(name).model.lm_head.weight for name in names]
    for before, after in itertools.pairwise(heads):
        assert not torch.equal(before, after)


def test_all_models_look_through_the_same_eyes(shop):
    names = ("vision", "looking", "policy", "base", "verifier", "prm")
    eyes = [shop.load(name).model.model.vision_tower.state_dict() for name in names]
    for other in eyes[1:]:
        # What is bundled is rounded to bfloat16.
        assert all(torch.allclose(eyes[0][name], other[name], rtol=1e-2) for name in eyes[0])


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
        labels = [number % 2 == 0 for number in range(len(problem.steps))]
        sequence = writer.process_labels(problem.question, problem.steps, labels)
        assert _learned(tokenizer, sequence) == "".join("+" if label else "-" for label in labels)
        # What is read after every step is "+", whatever its label, as in scoring.
        read = [i for i, learned in zip(sequence.ids, sequence.learned, strict=True) if learned]
        assert tokenizer.decode(read) == "+" * len(labels)
        values = "".join(str(value) for value in problem.scene.values().values())
        assert sorted(_learned(tokenizer, writer.reading(problem.scene, world.stream("x")))) == sorted(values)


def test_claims_and_checks_say_what_is_true(shop, tokenizer):
    writer, rng = shop.writer, world.stream("claims")
    wrong = 0
    for problem in world.problems("train", 40):
        values = problem.scene.values()
        claims = writer.claims(problem.scene, rng)
        read = tokenizer.decode(list(claims.ids))
        found = re.findall(r" (\w+) (\d)\+", read)
        assert sorted(name for name, _ in found) == sorted(values)
        labels = "".join("+" if values[name] == int(value) else "-" for name, value in found)
        assert _learned(tokenizer, claims) == labels
        for step, true in sequences.statements(problem.scene, rng):
            wrong += not true
            name, value = re.fullmatch(r"(?:Bars|Dice): (\w+) (\d)\.", step).groups()
            assert (values[name] == int(value)) == true
    assert 50 < wrong < 110


def test_spoiled_solutions_are_wrong_from_the_first_mistake_on():
    rng = world.stream("spoiled")
    right = []
    for problem in world.problems("train", 200):
        steps, labels = sequences.spoiled(problem, rng)
        assert len(steps) == len(labels) == len(problem.steps)
        assert labels == sorted(labels, reverse=True)
        same = [one == other for one, other in zip(steps, problem.steps, strict=True)]
        assert labels == [all(same[: place + 1]) for place in range(len(same))]
        right.append(labels[-1])
    assert 0.2 < sum(right) / len(right) < 0.7


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
        one, sign, two, result = sequences._calculation(rng)
        assert {"*": int.__mul__, "+": int.__add__}[sign](one, two) == result >= 0


def test_pictures_are_normalised_as_the_models_see_them():
    scenes = [problem.scene for problem in world.problems("train", 4)]
    pixels = Pictures(scenes).pixels([2, 0])
    for row, number in enumerate((2, 0)):
        expected = torch.as_tensor(tiles(picture(scenes[number]), world.PICTURE_SIZE))
        assert torch.allclose(pixels[row], expected[0], atol=1e-6)


def test_token_facts_place_the_items():
    for problem in world.problems("train", 40):
        facts = token_facts(problem.scene)
        assert facts.shape == (16, 2)
        assert (facts < TARGET_SIZES).all()
        known = {(world.COLOURS[colour], value) for colour, value in facts.tolist()}
        assert known == set(problem.scene.values().items())


def test_fitting_lowers_the_loss(tokenizer):
    problems = world.problems("train", 4)
    pictures = Pictures([problem.scene for problem in problems])
    config = network_config(tokenizer.id_of(CONTROL_TOKENS[-1]) + 1)
    model = new_network(config, tokenizer, seed=0)
    writer = sequences.Writer(PromptFormat(tokenizer, config), tokenizer.id_of(CONTROL_TOKENS[0]))
    batch = writer.batch([writer.solution(problem) for problem in problems])
    with torch.no_grad():
        features = image_features(model, pictures.pixels(range(4)))
    losses = fit(model, lambda _: sequence_loss(model, *batch, features), 24, "test")
    assert losses[-1] < 0.95 * losses[0]
    eyes = Eyes(model, seed=0)
    facts = torch.from_numpy(token_facts(problems[0].scene))[None]
    losses = fit(eyes, lambda _: eyes.loss(pictures.pixels([0]), facts), 24, "test")
    assert losses[-1] < 0.95 * losses[0]


def test_rates_rise_stay_and_fall_and_the_head_begins_alone():
    factors = [rate_factors(step, 1000) for step in range(1000)]
    assert factors[0][0] > 0
    assert factors[0][1:] == (0, 0)
    assert factors[300] == (1, 1, 1)
    assert all(0 < factor < 0.01 for factor in factors[-1])


def test_the_cached_features_are_what_the_whole_model_sees(tokenizer):
    """Training on features that were computed beforehand is training of the model that is saved."""
    problems = world.problems("train", 3)
    pixels = Pictures([problem.scene for problem in problems]).pixels(range(3))
    config = network_config(tokenizer.id_of(CONTROL_TOKENS[-1]) + 1)
    model = new_network(config, tokenizer, seed=0)
    writer = sequences.Writer(PromptFormat(tokenizer, config), tokenizer.id_of(CONTROL_TOKENS[0]))
    ids, labels = writer.batch([writer.solution(problem) for problem in problems])
    with torch.no_grad():
        loss = sequence_loss(model, ids, labels, image_features(model, pixels))
        logits = model(input_ids=ids, pixel_values=pixels).logits[:, :-1]
    whole = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)
    assert loss.item() == pytest.approx(whole.item(), abs=1e-5)


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 16, 5), (1, 5, 16)])
def test_orthogonalised_matrices_keep_their_directions(shape):
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    made = orthogonalised(matrices)
    assert made.shape == matrices.shape
    values = torch.linalg.svdvals(made)
    assert ((values > 0.3) & (values < 1.3)).all()
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    core = left.mT @ made @ right.mT
    assert (core - torch.diag_embed(core.diagonal(dim1=-2, dim2=-1))).abs().max() < 1e-4


def test_muon_steps_as_torchs_own_does():
    """The library's own computes in bfloat16, hence the tolerance."""
    ours, theirs = (torch.nn.Linear(12, 8, bias=False) for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    optimizers = (
        Muon(ours.parameters(), lr=0.02, weight_decay=0.1),
        torch.optim.Muon(theirs.parameters(), lr=0.02, weight_decay=0.1),
    )
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        gradient = torch.randn(8, 12, generator=generator)
        for module, optimizer in zip((ours, theirs), optimizers, strict=True):
            module.weight.grad = gradient.clone()
            optimizer.step()
    assert torch.allclose(ours.weight, theirs.weight, atol=2e-3)


class _Script:
    """Stands in for sampling: continues a prefix with what a table says, by rank."""

    def __init__(self, table):
        self.table, self.asked = table, []

    def __call__(self, _policy, requests, _sampling):
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
