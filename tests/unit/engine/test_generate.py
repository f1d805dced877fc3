"""Samples depend on seed, problem and rank only; greedy ones are those of transformers' own generate."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import torch

from tests.golden.material import DATA, IMAGES
from tests.unit.engine.conftest import load
from visualprm_eval.core.config import SamplingOptions
from visualprm_eval.core.errors import ConfigError
from visualprm_eval.core.types import Candidate, Part, Problem
from visualprm_eval.engine.checkpoint import LoadedCheckpoint, load_checkpoint
from visualprm_eval.engine.generate import GenerationRequest, generate, problem_shown
from visualprm_eval.engine.image_features import ImageEncoder, ImageShelf, embed
from visualprm_eval.engine.images import Picture, load_image
from visualprm_eval.engine.noise import choose_tokens
from visualprm_eval.engine.prompt import ImageSlot, PromptFormat

SMALL, TALL, WIDE = (str(IMAGES / name) for name in ("a01_rgb_100x100.png", "a15_rgb_28x80.png", "a03_rgb_400x200.png"))


def problem(name: str, *parts: Part) -> Problem:
    return Problem("bench", name, "", parts, "", name)


PROBLEMS = [
    problem("one", Part("image", SMALL), Part("text", "What is x?")),
    problem("two", Part("image", TALL), Part("text", "What is the sum of both numbers?"), Part("text", "Think.")),
    problem("text", Part("text", "Spell <|im_end|> and <image>.")),
    problem("both", Part("text", "Is "), Part("image", SMALL), Part("text", "like "), Part("image", WIDE)),
]
REQUESTS = [GenerationRequest(item, rank) for item in PROBLEMS for rank in range(3)]


@pytest.fixture
def checkpoint(name) -> LoadedCheckpoint:
    return load(name).checkpoint


def problem_content(item, tiles):
    """What the policy reads, with the pictures as so many tiles."""
    numbers = iter(tiles)
    return [part if isinstance(part, str) else ImageSlot(next(numbers)) for part in problem_shown(item)]


def sample(checkpoint, requests=REQUESTS, **options) -> dict[tuple[str, int], Candidate]:
    settings = {"temperature": 1.0, "max_tokens": 12, "seed": 5, "batch_size": 4, **options}
    batches = list(generate(checkpoint, requests, SamplingOptions(**settings)))
    assert all(len(batch) <= settings["batch_size"] for batch in batches if batch[0].error is None)
    done = [candidate for batch in batches for candidate in batch]
    assert len(done) == len(requests)
    return {(candidate.problem_id, candidate.rank): candidate for candidate in done}


def texts(candidates):
    return {key: (candidate.text, candidate.finish, candidate.tokens) for key, candidate in candidates.items()}


@pytest.mark.parametrize("top_p", [1.0, 0.8])
def test_batches_and_order_change_nothing(checkpoint, top_p):
    expected = texts(sample(checkpoint, top_p=top_p, batch_size=64))
    assert texts(sample(checkpoint, top_p=top_p, batch_size=1)) == expected
    assert texts(sample(checkpoint, REQUESTS[::-1], top_p=top_p, batch_size=5)) == expected
    part = sample(checkpoint, REQUESTS[4:7], top_p=top_p)
    assert texts(part) == {key: expected[key] for key in part}


def test_ranks_problems_and_seeds_give_other_samples(checkpoint):
    first, second = texts(sample(checkpoint)), texts(sample(checkpoint, seed=6))
    assert len(set(first.values())) == len(first)
    assert all(first[key] != second[key] for key in first)


@pytest.mark.parametrize("prefix", ["", "So x is "])
def test_greedy_samples_are_those_of_transformers(checkpoint, prefix):
    """Also after a prefix, which the prompt has and the sample does not repeat."""
    requests = [GenerationRequest(item, rank, prefix) for item in PROBLEMS for rank in range(2)]
    ours = sample(checkpoint, requests, temperature=0.0)
    form, encoder = PromptFormat(checkpoint.tokenizer, checkpoint.config), ImageEncoder(checkpoint)
    for item in PROBLEMS:
        images = [load_image(path) for path in item.images]
        prompt = form.chat(problem_content(item, [encoder.count(image) for image in images]), prefix)
        embeddings = embed(checkpoint, torch.tensor([prompt.ids]), encoder.encode_tiles(map(encoder.tiles, images)))
        ids = checkpoint.model.generate(
            inputs_embeds=embeddings, attention_mask=torch.ones(embeddings.shape[:2], dtype=torch.long),
            do_sample=False, max_new_tokens=12, pad_token_id=0,
            eos_token_id=[form.control["<|im_end|>"], checkpoint.tokenizer.eos_id],
        )  # fmt: skip
        assert form.tokenizer.decode(prompt.ids).endswith(f"assistant\n{prefix}")
        assert ours[item.id, 0].text == ours[item.id, 1].text == checkpoint.tokenizer.decode(ids[0].tolist())


def test_the_noise_of_a_prefix_is_its_own(checkpoint):
    requests = [GenerationRequest(PROBLEMS[0], rank, prefix="So x is ") for rank in range(2)]
    continued = [candidate.text for candidate in sample(checkpoint, requests).values()]
    assert continued[0] != continued[1]


def test_how_a_sample_ends(checkpoint):
    done = sample(checkpoint, max_tokens=7)
    assert all(candidate.error is None and candidate.seconds > 0 for candidate in done.values())
    for candidate in done.values():
        assert candidate.finish == ("length" if candidate.tokens == 7 else "stop")


@pytest.mark.parametrize("stop", ["<|im_end|>", "eos"])
def test_a_policy_that_stops_at_once_writes_nothing(name, stop):
    loaded = load_checkpoint(DATA / name, device="cpu")
    index = loaded.tokenizer.id_of("<|im_end|>") if stop == "<|im_end|>" else loaded.tokenizer.eos_id
    with torch.no_grad():
        loaded.model.lm_head.weight.zero_()
        loaded.model.model.language_model.norm.weight.zero_()
    loaded.model.lm_head.register_forward_hook(lambda _m, _i, logits: logits.index_fill(-1, torch.tensor(index), 1e4))
    for candidate in sample(loaded).values():
        assert (candidate.text, candidate.finish, candidate.tokens) == ("", "stop", 0)


def test_control_tokens_are_not_written_out(name):
    loaded = load_checkpoint(DATA / name, device="cpu")
    index = loaded.tokenizer.id_of("<IMG_CONTEXT>")
    loaded.model.lm_head.register_forward_hook(lambda _m, _i, logits: logits.index_fill(-1, torch.tensor(index), 1e4))
    for candidate in sample(loaded).values():
        assert (candidate.text, candidate.finish, candidate.tokens) == ("", "length", 12)


def test_trouble_stays_with_its_request(checkpoint, tmp_path):
    limit = checkpoint.config.language.max_position_embeddings
    requests = [
        GenerationRequest(problem("gone", Part("image", str(tmp_path / "gone.png")), Part("text", "q")), 0),
        GenerationRequest(problem("long", Part("text", "+ " * (limit + 1))), 0),
        GenerationRequest(PROBLEMS[0], 1),
    ]
    done = sample(checkpoint, requests)
    assert "gone.png is not there" in done["gone", 0].error
    assert str(limit) in done["long", 0].error
    assert done["one", 1].error is None
    assert done["one", 1].text == sample(checkpoint)["one", 1].text


def test_a_sample_ends_with_the_context(tmp_path):
    import json

    folder = shutil.copytree(DATA / "a2", tmp_path / "a2")
    loaded = load_checkpoint(folder, device="cpu")
    length = len(PromptFormat(loaded.tokenizer, loaded.config).chat(["hello"]).ids)
    config = json.loads((folder / "config.json").read_text())
    config["llm_config"]["max_position_embeddings"] = length + 3
    (folder / "config.json").write_text(json.dumps(config))
    tight = load_checkpoint(folder, device="cpu")
    requests = [GenerationRequest(problem("hello", Part("text", "hello")), 0)]
    (candidate,) = sample(tight, requests).values()
    assert candidate.tokens <= 3
    (longer,) = sample(tight, [replace(requests[0], prefix="and so on")]).values()
    assert "context" in longer.error


@pytest.mark.parametrize(
    ("parts", "tiles", "content"),
    [
        ((Part("text", "a"), Part("text", "b")), [], ["a\nb"]),
        ((Part("text", "a"), Part("image", "x"), Part("text", "b")), [2], [ImageSlot(2), "\n", "a\nb"]),
        (
            (Part("image", "x"), Part("text", "a <image>"), Part("image", "y")),
            [2, 3],
            [ImageSlot(2), "\n", "a <image>", ImageSlot(3), "\n"],
        ),
    ],
)
def test_a_problem_is_asked_as_the_benchmark_has_it(parts, tiles, content):
    assert problem_content(problem("p", *parts), tiles) == content


@pytest.mark.parametrize(
    "options", [{"temperature": -0.1}, {"top_p": 0.0}, {"top_p": 1.1}, {"max_tokens": 0}, {"batch_size": 0}]
)
def test_settings_that_make_no_sense(checkpoint, options):
    with pytest.raises(ConfigError):
        sample(checkpoint, **options)


def test_a_nucleus_keeps_the_likely_tokens_only():
    logits = torch.tensor([[2.0, 1.0, 0.5, -3.0]]).repeat(2000, 1)
    keys = torch.arange(2000) * 7919
    for top_p, kept in ((0.5, {0}), (0.7, {0, 1}), (0.9, {0, 1, 2}), (1.0, {0, 1, 2, 3})):
        picks = choose_tokens(logits, keys, 0, 1.0, top_p)
        assert set(picks.tolist()) == kept
    assert set(choose_tokens(logits, keys, 0, 0.0, 1.0).tolist()) == {0}


def test_samples_of_one_problem_share_its_picture(checkpoint, monkeypatch):
    asked = []
    features = ImageShelf.features

    def count(self, sources):
        asked.append(len(sources))
        return features(self, sources)

    monkeypatch.setattr(ImageShelf, "features", count)
    sample(checkpoint, [GenerationRequest(PROBLEMS[0], rank) for rank in range(8)], batch_size=8)
    assert asked == [1]


def test_a_request_may_say_how_the_problem_is_shown(checkpoint):
    """Its own text, a limit of tiles, and a picture at twice its size."""
    item, wide = PROBLEMS[0], Picture(WIDE, max_tiles=2)
    shown = ("Image: ", wide, "\n", Picture(WIDE, max_tiles=2, upscale=True), " what?")
    encoder = ImageEncoder(checkpoint)
    image = load_image(WIDE)
    assert load_image(shown[3]).size == (2 * image.width, 2 * image.height)
    assert encoder.count(image, 2) == 3 < encoder.count(image)
    assert len(encoder.tiles(image, 2)) == 3
    shelf = ImageShelf(encoder)
    assert [shelf.count(wide), shelf.count(WIDE)] == [3, encoder.count(image)]
    assert [len(features) for features in shelf.features([wide, WIDE])] == [
        number * checkpoint.config.tokens_per_tile for number in (3, encoder.count(image))
    ]
    plain = sample(checkpoint, [GenerationRequest(item, 0)], temperature=0.0)
    same = sample(checkpoint, [GenerationRequest(item, 0, shown=problem_shown(item))], temperature=0.0)
    other = sample(checkpoint, [GenerationRequest(item, 0, shown=shown)], temperature=0.0)
    assert texts(plain) == texts(same) != texts(other)


def test_a_checkpoint_of_one_tile_gets_one_tile(checkpoint):
    still = replace(checkpoint, config=replace(checkpoint.config, dynamic_tiles=False))
    assert ImageEncoder(still).count(load_image(WIDE), 6) == 1
