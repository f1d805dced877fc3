"""Temperature and top-p must reach a class of the host, and nothing that it keeps may reach the next sample."""

from __future__ import annotations

import random
from functools import partial
from types import SimpleNamespace

import pytest
from PIL import Image

from tests.host.test_models import local_class, make_problem, texts, transformers_class
from visualprm_eval.core.config import RunConfig, filled
from visualprm_eval.core.errors import PolicyError
from visualprm_eval.host.models.host_model import TESTED_CLASSES, HostPolicy, class_name
from visualprm_eval.host.models.sampling_probe import verify_settings
from visualprm_eval.host.models.sampling_settings import seeded
from visualprm_eval.stages.sample.host_policy import HostModelPolicy
from visualprm_eval.stages.sample.policy import PolicyOptions

WORDS = [f"word{number}" for number in range(50)]


@pytest.fixture
def problem(tmp_path):
    path = tmp_path / "picture.png"
    Image.new("RGB", (60, 40)).save(path)
    return make_problem("p", str(path))


def own_loop(obeys=("temperature", "top_p")):
    """A class that samples by itself, from as many words as it believes are allowed."""
    from vlmeval.vlm.base import BaseModel

    class Own(BaseModel):
        INTERLEAVE = True

        def __init__(self):
            super().__init__()
            self.temperature, self.top_p = 0.5, 1.0
            self.fixed = SimpleNamespace(temperature=0.5, top_p=1.0)

        def generate_inner(self, message, dataset=None):
            temperature, top_p = (
                getattr(self if key in obeys else self.fixed, key) for key in ("temperature", "top_p")
            )
            words = WORDS if temperature > 0.01 and top_p > 0.01 else WORDS[:1]
            return " ".join(random.choice(words) for _ in range(9))

    return Own


@pytest.mark.parametrize("temperature", [0.0, 0.7])
@pytest.mark.parametrize("top_p", [0.9, 1.0])
@pytest.mark.parametrize("make", [own_loop, transformers_class])
def test_obedient_classes_pass(add_model, problem, make, temperature, top_p):
    policy = HostPolicy(add_model(make()), temperature=temperature, top_p=top_p)
    verify_settings(policy, problem)
    # What was tried leaves no trace in the samples of the run.
    assert (len(set(texts(policy, problem, range(4)))) == 1) == (temperature == 0)


@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_a_temperature_of_its_own_is_found_out(add_model, problem, temperature):
    policy = HostPolicy(add_model(own_loop(obeys=["top_p"])), temperature=temperature)
    with pytest.raises(PolicyError, match=r"the temperature does not reach the model: at .* samples differ"):
        verify_settings(policy, problem)


def test_identical_samples_are_found_out(add_model, problem):
    policy = HostPolicy(add_model(local_class(lambda message: "B")), temperature=0.7)
    with pytest.raises(PolicyError, match="3 samples are identical"):
        verify_settings(policy, problem)
    verify_settings(HostPolicy("test-model", temperature=0.0), problem)


def test_a_nucleus_of_its_own_matters_only_to_who_asks_for_one(add_model, problem):
    name = add_model(own_loop(obeys=["temperature"]))
    verify_settings(HostPolicy(name, temperature=0.7), problem)
    with pytest.raises(PolicyError, match="--top-p does not reach"):
        verify_settings(HostPolicy(name, temperature=0.7, top_p=0.9), problem)


def test_failures_prove_nothing(add_model, problem):
    asked = []

    def fails(message):
        asked.append(message)
        raise ValueError("no")

    verify_settings(HostPolicy(add_model(local_class(fails)), temperature=0.7), problem)
    assert asked, "it was tried, and no failure was taken for equal samples"


def test_empty_replies_prove_nothing(add_model, problem):
    asked = []

    def writes_nothing(message):
        asked.append(message)
        return ""

    verify_settings(HostPolicy(add_model(local_class(writes_nothing)), temperature=0.7), problem)
    assert asked, "it was tried, and no empty reply was taken for equal samples"


def test_the_run_stops_before_its_first_sample(add_model, problem):
    options = PolicyOptions.of(RunConfig(models=("test-model",), data=("Own",)))
    policy = HostModelPolicy(add_model(own_loop(obeys=[])), options)
    with pytest.raises(PolicyError, match="does not reach"):
        next(policy.sample([(problem, 0), (problem, 1)]))
    good = HostModelPolicy(add_model(own_loop()), options)
    drawn = [batch[0].text for batch in good.sample([(problem, 0), (problem, 1)])]
    twin = good.greedy()
    (greedy,) = [batch[0].text for batch in twin.sample([(problem, 0)])]
    assert len({*drawn, greedy}) == 3
    assert greedy == " ".join(WORDS[:1] * 9)
    assert twin._model() is good._model()


# Hidden state ---------------------------------------------------------------------------------------------------------


def test_nothing_that_a_class_keeps_reaches_the_next_sample(add_model, problem):
    from vlmeval.vlm.base import BaseModel

    class Forgetful(BaseModel):
        INTERLEAVE = True

        def __init__(self):
            super().__init__()
            self.history, self.calls, self.kwargs = [], 0, {"max_new_tokens": 5, "stop": []}

        def generate_inner(self, message, dataset=None):
            self.history.append(message)
            self.calls += 1
            self.kwargs["stop"].append("x")
            self.kwargs["max_new_tokens"] = 8196
            self.system_prompt = "new"
            return f"{len(self.history)} {self.calls} {self.kwargs['stop']} {self.kwargs['max_new_tokens']}"

    policy = HostPolicy(add_model(Forgetful), temperature=0.0)
    assert texts(policy, problem, range(3)) == ["1 1 ['x'] 8196"] * 3
    assert not hasattr(policy.model, "system_prompt")
    assert policy.model.kwargs == {"max_new_tokens": 5, "stop": []}


def test_what_is_loaded_late_is_loaded_once(add_model, problem):
    from vlmeval.vlm.base import BaseModel

    loads = []

    class Late(BaseModel):
        INTERLEAVE = True

        def __init__(self):
            super().__init__()
            self.weights = None

        def generate_inner(self, message, dataset=None):
            if self.weights is None:
                loads.append(1)
                self.weights = SimpleNamespace()
            return "reply"

    policy = HostPolicy(add_model(Late), temperature=0.0)
    assert texts(policy, problem, range(3)) == ["reply"] * 3
    assert loads == [1]


# Classes that a test covers -------------------------------------------------------------------------------------------


def test_internvl_samples_as_asked(add_model, problem, monkeypatch):
    """The class has 0.6 and 0.95 fixed in its code; the checkpoint's own chat method ends in transformers' generate."""
    import torch
    import vlmeval.vlm.internvl.internvl_chat as code
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    with seeded(0):
        language_model = LlamaForCausalLM(LlamaConfig(vocab_size=64, **sizes)).eval()

    class Chat:
        def eval(self):
            return self

        def chat(self, tokenizer, generation_config, **_):
            assert generation_config["temperature"] == 0.6
            ids = language_model.generate(torch.tensor([[5, 6, 7]]), **generation_config)
            return " ".join(map(str, ids[0].tolist()))

    monkeypatch.setattr(code, "AutoModel", SimpleNamespace(from_pretrained=lambda *_, **__: Chat()))
    monkeypatch.setattr(code, "AutoTokenizer", SimpleNamespace(from_pretrained=lambda *_, **__: None))
    tensors = SimpleNamespace(to=lambda _: tensors, size=lambda _: 1)
    monkeypatch.setattr(code, "load_image", lambda *_, **__: tensors)
    name = add_model(partial(code.InternVLChat, model_path="x", version="V2.0", max_new_tokens=12))
    assert class_name(name) in TESTED_CLASSES
    for temperature, top_p in ((0.7, 0.9), (0.0, 1.0)):
        policy = HostPolicy(name, temperature=temperature, top_p=top_p, max_tokens=12)
        verify_settings(policy, problem)
        assert len(set(texts(policy, problem, range(4)))) == (1 if temperature == 0 else 4)


def test_others_are_marked_as_unverified(add_model):
    config = RunConfig(models=("x",), data=("Own",))
    options = PolicyOptions.of(config)
    notes = {name: HostModelPolicy(name, options).notes() for name in ("GPT4o", "Qwen2.5-VL-7B-Instruct")}
    assert "covered by a test" in notes["GPT4o"]["class of the host"]
    assert "Qwen2VLChat (unverified" in notes["Qwen2.5-VL-7B-Instruct"]["class of the host"]
    assert notes["GPT4o"]["code that ships with the checkpoint"] == "not allowed"
    allowed = HostModelPolicy("GPT4o", PolicyOptions.of(filled(config, {"sampling.allow_remote_code": True})))
    assert "--allow-remote-code" in allowed.notes()["code that ships with the checkpoint"]
    assert allowed.settings()["remote_code"] is True
    assert "remote_code" not in HostModelPolicy("GPT4o", options).settings()


def test_the_list_of_tested_classes_is_of_classes_that_exist():
    """GPT4V and LMDeployAPI: test_models.py, by what they post."""
    from importlib import import_module

    assert {name.rpartition(".")[2] for name in TESTED_CLASSES} == {"GPT4V", "LMDeployAPI", "InternVLChat"}
    for name in TESTED_CLASSES:
        module, _, attribute = name.rpartition(".")
        assert getattr(import_module(module), attribute)
