"""Chat models of several families through transformers' own classes."""

from __future__ import annotations

import functools
import json
from functools import cache
from pathlib import Path

import pytest
import torch
from PIL import Image

from tests.unit.stages.sample.tiny import FAMILIES, make_checkpoint
from visualprm_eval.core.config import ComputeOptions, ModelSource, RunConfig, SamplingOptions
from visualprm_eval.core.errors import CheckpointError, ConfigError, PolicyError
from visualprm_eval.core.types import Part, Problem
from visualprm_eval.engine.chat_model import chat_fingerprint, inspect_chat_model, load_chat_model
from visualprm_eval.engine.chat_sampling import _inputs, draw
from visualprm_eval.engine.noise import choose_tokens, stream_key
from visualprm_eval.stages.sample.chat_policy import ChatPolicy
from visualprm_eval.stages.sample.policy import PolicyOptions

torch.set_num_threads(1)
SAMPLING = SamplingOptions(temperature=1.0, top_p=1.0, max_tokens=8, seed=5)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A checkpoint of each family, made when it is first asked for."""

    @cache
    def made(family: str) -> Path:
        return make_checkpoint(family, tmp_path_factory.mktemp(family))

    return made


@pytest.fixture(scope="module")
def chats(folders):
    return cache(lambda family: load_chat_model(str(folders(family)), "cpu", "float32"))


@pytest.fixture(params=FAMILIES)
def chat(request, chats):
    return chats(request.param)


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "picture.png"
    Image.linear_gradient("L").resize((56, 42)).save(path)
    return str(path)


def problem(*parts, name="p"):
    return Problem("bench", "0", "", parts, "", name)


@pytest.fixture
def one(picture):
    return problem(Part("image", picture), Part("text", "What is 1 + 2?"))


def texts(candidates):
    assert all(each.error is None for each in candidates), candidates
    return [each.text for each in candidates]


def test_samples_depend_on_seed_problem_and_rank_only(chat, one, picture):
    together = texts(draw(chat, one, range(4), SAMPLING))
    assert len(set(together)) == 4
    apart = [text for ranks in ((3,), (0, 2), (1,)) for text in texts(draw(chat, one, ranks, SAMPLING))]
    assert apart == [together[rank] for rank in (3, 0, 2, 1)]
    other = problem(*one.parts, name="q")
    assert set(texts(draw(chat, other, range(4), SAMPLING))).isdisjoint(together)


def test_several_pictures_or_none(chat, picture, tmp_path):
    other = tmp_path / "other.png"
    Image.linear_gradient("L").rotate(90).resize((28, 84)).save(other)
    both = problem(Part("text", "Is "), Part("image", picture), Part("text", " like "), Part("image", str(other)))
    for each in (both, problem(Part("text", "Only words."))):
        together = texts(draw(chat, each, range(3), SAMPLING))
        assert len(set(together)) == 3
        assert [text for rank in range(3) for text in texts(draw(chat, each, [rank], SAMPLING))] == together


def test_a_picture_is_encoded_once_for_all_samples(chat, one, monkeypatch):
    encoded = []
    kind = type(chat.model.base_model)
    original = kind.get_image_features

    @functools.wraps(original)
    def noting(self, pixel_values, *args, **kwargs):
        encoded.append(tuple(pixel_values.shape))
        return original(self, pixel_values, *args, **kwargs)

    monkeypatch.setattr(kind, "get_image_features", noting)
    draw(chat, one, [0], SAMPLING)
    draw(chat, one, range(4), SAMPLING)
    assert len(encoded) == 2
    assert encoded[0] == encoded[1]


@pytest.mark.parametrize("top_p", [1.0, 0.6])
def test_a_sample_is_what_its_noise_makes_of_the_logits(chat, one, top_p):
    """Token by token, by a loop of our own without a cache."""
    sampling = SamplingOptions(temperature=0.7, top_p=top_p, max_tokens=5, seed=2)
    (candidate,) = draw(chat, one, [3], sampling)
    inputs = _inputs(chat, one)
    keys = torch.tensor([stream_key(2, "p", 3)])
    ids = inputs["input_ids"]
    extra = {key: value for key, value in inputs.items() if key not in {"input_ids", "attention_mask"}}
    written = []
    for step in range(5):
        for key in ("token_type_ids", "mm_token_type_ids"):
            if key in extra:
                missing = ids.shape[1] - extra[key].shape[1]
                extra[key] = torch.nn.functional.pad(extra[key], (0, missing))
        if hasattr(chat.model.model, "rope_deltas"):
            chat.model.model.rope_deltas = None
        with torch.inference_mode():
            logits = chat.model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False, **extra).logits
        token = choose_tokens(logits[:, -1].float(), keys, step, 0.7, top_p)
        if int(token) in chat.stop_ids:
            break
        written.append(int(token))
        ids = torch.cat([ids, token[:, None]], dim=1)
    assert candidate.text == chat.tokenizer.decode(written, skip_special_tokens=True)
    assert candidate.tokens == len(written)
    assert candidate.finish == ("length" if len(written) == 5 else "stop")


def test_greedy(chat, one):
    greedy = SamplingOptions(temperature=0.0, top_p=1.0, max_tokens=8, seed=1)
    assert len(set(texts(draw(chat, one, range(3), greedy)))) == 1


def test_text_is_data(chat):
    """Control tokens that a benchmark spells are ordinary characters, and no picture is looked for."""
    controls = [token.content for token in chat.tokenizer.added_tokens_decoder.values()]
    plain = _inputs(chat, problem(Part("text", "ab")))["input_ids"][0].tolist()
    spelled = _inputs(chat, problem(Part("text", "a" + "".join(controls) + "b")))["input_ids"][0].tolist()
    special = set(chat.tokenizer.all_special_ids)
    assert [each for each in spelled if each in special] == [each for each in plain if each in special]


def test_limits(chat, one, tmp_path):
    long = problem(Part("text", "x" * 600))
    (failed,) = draw(chat, long, [0], SAMPLING)
    assert "context 512" in failed.error
    (gone,) = draw(chat, problem(Part("image", str(tmp_path / "gone.png"))), [0], SAMPLING)
    assert "gone.png is not there" in gone.error
    (short,) = draw(chat, one, [0], SamplingOptions(temperature=1.0, max_tokens=1, seed=5))
    assert short.tokens <= 1
    assert short.seconds > 0


def test_other_settings_of_the_file_do_not_act(folders, tmp_path):
    import shutil

    folder = shutil.copytree(folders("qwen2_5_vl"), tmp_path / "copy")
    plain = chat_fingerprint(str(folder))
    file = folder / "generation_config.json"
    raw = json.loads(file.read_text()) if file.is_file() else {}
    ends = [7, 9]
    file.write_text(json.dumps({**raw, "repetition_penalty": 9.0, "top_k": 1, "do_sample": True, "eos_token_id": ends}))
    loaded = load_chat_model(str(folder), "cpu", "float32")
    assert set(ends) <= set(loaded.stop_ids)
    said = loaded.model.generation_config
    assert (said.repetition_penalty, said.top_k, said.do_sample) == (None, None, False)
    assert chat_fingerprint(str(folder)) != plain
    (folder / "chat_template.jinja").write_text("x")
    assert chat_fingerprint(str(folder)) not in {plain, None}


def test_what_cannot_be_loaded_is_explained(folders, tmp_path):
    import shutil

    from safetensors.torch import load_file, save_file

    def copy(name):
        return shutil.copytree(folders("qwen2_5_vl"), tmp_path / name)

    pickled = copy("pickled")
    torch.save(load_file(pickled / "model.safetensors"), pickled / "pytorch_model.bin")
    (pickled / "model.safetensors").unlink()
    lacking = copy("lacking")
    tensors = load_file(lacking / "model.safetensors")
    name = next(key for key in tensors if "q_proj.weight" in key)
    tensors.pop(name)
    save_file(tensors, lacking / "model.safetensors", metadata={"format": "pt"})
    mute = copy("mute")
    (mute / "chat_template.jinja").unlink()
    foreign = copy("foreign")
    ran = tmp_path / "ran"
    (foreign / "code.py").write_text(f"open({str(ran)!r}, 'w').close()\n")
    config = {"model_type": "foreign", "auto_map": {"AutoConfig": "code.C", "AutoModelForImageTextToText": "code.M"}}
    (foreign / "config.json").write_text(json.dumps(config))
    for folder, message in (
        (pickled, "safetensors"),
        (lacking, "weights are missing"),
        (mute, "no chat template"),
        (foreign, "--allow-remote-code"),
        (tmp_path / "nowhere", "no directory"),
    ):
        with pytest.raises(CheckpointError, match=message):
            load_chat_model(str(folder), "cpu", "float32")
        if folder != lacking:  # Which weights there are is told only by loading them.
            with pytest.raises(CheckpointError, match=message):
                inspect_chat_model(str(folder))
    assert not ran.exists()
    inspect_chat_model(str(lacking))
    cut = lacking / "model.safetensors"
    cut.write_bytes(cut.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="truncated"):
        inspect_chat_model(str(lacking))
    with pytest.raises(ConfigError):
        load_chat_model(str(copy("fine")), "cuda:99", "float32")


# Classes that cannot write several samples ---------------------------------------------------------------------------


def policy(folder, batch_size=8):
    sampling = SamplingOptions(temperature=1.0, top_p=1.0, max_tokens=8, seed=5, batch_size=batch_size)
    config = RunConfig(models=("x",), data=("y",), compute=ComputeOptions(device="cpu"), sampling=sampling)
    return ChatPolicy(ModelSource("tiny", str(folder)), PolicyOptions.of(config))


@pytest.fixture
def generated(monkeypatch):
    """How many rows each call of transformers wrote; those of more than ``allowed`` fail."""
    from transformers import GenerationMixin

    rows, allowed = [], [99]
    original = GenerationMixin.generate

    @functools.wraps(original)
    def generate(self, *args, num_return_sequences, **kwargs):
        if num_return_sequences > allowed[0]:
            raise ValueError("tokens and features do not match")
        rows.append(num_return_sequences)
        return original(self, *args, num_return_sequences=num_return_sequences, **kwargs)

    monkeypatch.setattr(GenerationMixin, "generate", generate)
    return rows, allowed


def test_rows_that_see_each_other_are_drawn_one_by_one(folders, picture, tmp_path, generated, capsys):
    rows, _ = generated
    wide = tmp_path / "wide.png"
    Image.linear_gradient("L").resize((28, 84)).save(wide)
    plain = problem(Part("image", picture), Part("text", "Why?"), name="plain")
    both = problem(Part("image", picture), Part("image", str(wide)), Part("text", "Why?"), name="both")
    writer = policy(folders("glm4v"))
    batches = list(writer.sample([(each, rank) for each in (plain, both) for rank in range(3)]))
    assert [len(batch) for batch in batches] == [1] * 6
    assert rows == [1, 3, *[1] * 6]
    (note,) = writer.notes().values()
    assert "Glm4vForConditionalGeneration" in note
    assert "drawn one by one" in capsys.readouterr().err
    alone = [texts(draw(writer.checkpoint.model, both, [rank], SAMPLING)) for rank in range(3)]
    assert [[each.text for each in batch] for batch in batches[3:]] == alone
    # One picture per problem shows no fault: they go together.
    writer = policy(folders("glm4v"))
    assert [len(batch) for batch in writer.sample([(plain, rank) for rank in range(3)])] == [3]
    assert writer.notes() == {}


def test_what_fails_in_a_batch_is_tried_alone(folders, one, generated):
    rows, allowed = generated
    allowed[0] = 1
    writer = policy(folders("qwen2_5_vl"))
    batches = list(writer.sample([(one, rank) for rank in range(3)]))
    assert [texts(batch) for batch in batches] == [
        texts(draw(writer.checkpoint.model, one, [rank], SAMPLING)) for rank in range(3)
    ]
    assert "failed with 3 samples at a time (ValueError" in writer.notes()["samples drawn one by one"]
    # Where only a later batch fails, too.
    rows.clear()
    assert len(texts(draw(writer.checkpoint.model, one, range(4), SAMPLING))) == 4
    assert rows == [1] * 4
    allowed[0] = 0
    failed = [each for batch in policy(folders("qwen2_5_vl")).sample([(one, 0), (one, 1)]) for each in batch]
    assert [each.error for each in failed] == ["ValueError: tokens and features do not match"] * 2


def test_a_class_that_does_not_ask_our_sampler_stops_the_run(folders, one, monkeypatch):
    from transformers import GenerationMixin

    original = GenerationMixin.generate

    def never(self, *args, logits_processor, **kwargs):
        return original(self, *args, **kwargs)

    def seldom(self, *args, logits_processor, **kwargs):
        """Asks for a first token and goes on by itself."""
        (ours,) = logits_processor

        def first(ids, scores):
            return ours(ids, scores) if not ours.chosen else scores

        return original(self, *args, logits_processor=[first], **kwargs)

    for generate in (never, seldom):
        monkeypatch.setattr(GenerationMixin, "generate", generate)
        for ranks in (1, 3):
            with pytest.raises(PolicyError, match=r"does not ask our sampler.*--engine host.*--candidates"):
                list(policy(folders("qwen2_5_vl")).sample([(one, rank) for rank in range(ranks)]))


def test_a_device_that_failed_ends_the_run(chats, one, monkeypatch):
    from transformers import GenerationMixin

    def fail(*_args, **_kwargs):
        raise torch.AcceleratorError("CUDA error: device-side assert triggered", 710)

    chat = chats("qwen2_5_vl")
    monkeypatch.setattr(GenerationMixin, "generate", fail)
    with pytest.raises(PolicyError, match=r"the device failed .*run the same command again"):
        draw(chat, one, range(2), SAMPLING)
