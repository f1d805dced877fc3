from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from PIL import Image

from tests.host.material import api_model
from visualprm_eval.core.errors import PolicyError, UnknownNameError
from visualprm_eval.core.types import Part, Problem
from visualprm_eval.host.load.bridge import set_verbose
from visualprm_eval.host.models.host_model import HostPolicy, model_fingerprint
from visualprm_eval.host.models.sampling_settings import SamplingSettings, forced_generation, seeded
from visualprm_eval.host.toolkit import host_names


@pytest.fixture
def problem(tmp_path):
    path = tmp_path / "picture.png"
    Image.new("RGB", (8, 8)).save(path)
    return make_problem("p", str(path))


def make_problem(name, *pictures):
    parts = (*(Part("image", path) for path in pictures), Part("text", f"What is {name}?"))
    return Problem("Own", "0", "", parts, "", name)


def local_class(reply):
    """A local model class of the host whose replies a function makes."""
    from vlmeval.vlm.base import BaseModel

    class Local(BaseModel):
        INTERLEAVE = True

        def generate_inner(self, message, dataset=None):
            print("noise on the terminal")
            return reply(message)

    return Local


def transformers_class():
    """A local model class around a tiny transformers model, greedy by its own settings, as most of the host's are."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM
    from vlmeval.vlm.base import BaseModel

    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    with seeded(0):
        model = LlamaForCausalLM(LlamaConfig(vocab_size=64, **sizes)).eval()

    class Tiny(BaseModel):
        INTERLEAVE = True

        def __init__(self):
            super().__init__()
            self.kwargs = {"do_sample": False, "max_new_tokens": 9, "top_p": None}

        def generate_inner(self, message, dataset=None):
            assert not torch.is_grad_enabled()
            options = {**self.kwargs, "temperature": 0.6, "top_k": 1}  # As fixed in the code of some classes.
            ids = model.generate(torch.tensor([[5, 6, 7]]), **options)
            return " ".join(map(str, ids[0].tolist()))

    return Tiny


def texts(policy, problem, ranks, seed=0):
    return [policy.sample(problem, rank, seed).text for rank in ranks]


def test_names():
    names = host_names().models
    assert "demo-policy" in names
    assert "InternVL2_5-8B" in names


def test_unknown_name_offers_the_nearest():
    with pytest.raises(UnknownNameError, match="'InternVL2_5-8B'"):
        HostPolicy("InternVL2_5-8BB", temperature=0.7)


def test_fingerprints_name_what_stands_behind_a_name(add_model):
    class Other:
        pass

    def fingerprint(factory):
        return model_fingerprint(add_model(factory))

    variants = [
        partial(dict, model_path="a/b", max_new_tokens=5),
        partial(dict, model_path="a/c", max_new_tokens=5),
        partial(dict, model_path="a/b", max_new_tokens=6),
        partial(Other, model_path="a/b", max_new_tokens=5),
        partial(dict, "a/b", max_new_tokens=5),
        partial(dict, model_path="a/b", max_new_tokens=5, options={"think": True}),
        Other,
    ]
    assert len({fingerprint(variant) for variant in variants}) == len(variants)
    assert fingerprint(partial(dict, max_new_tokens=5, model_path="a/b")) == fingerprint(variants[0])
    # An object's own spelling differs from process to process.
    assert fingerprint(partial(dict, tool=Other())) == fingerprint(partial(dict, tool=Other()))
    with pytest.raises(UnknownNameError):
        model_fingerprint("nobody")
    assert model_fingerprint("GPT4o") == model_fingerprint("GPT4o") != model_fingerprint("GPT4o_MINI")


def test_fingerprints_ignore_keys_and_know_the_address(add_model, monkeypatch):
    from vlmeval.api import GPT4V

    def fingerprint(base, cls=GPT4V, **keywords):
        monkeypatch.setenv("OPENAI_API_BASE", base)
        return model_fingerprint(add_model(partial(cls, **keywords)))

    plain = fingerprint("http://one/v1")
    assert fingerprint("http://me:pass@one/v1", key="sk-1", api_key="sk-2", auth_token="t") == plain
    assert fingerprint("http://two/v1") != plain
    assert fingerprint("http://one/v1", max_tokens=7) != plain
    local = fingerprint("http://one/v1", dict, url="http://me:pass@one/x@y")
    assert local == fingerprint("http://two/v1", dict, url="http://one/x@y")
    assert local != fingerprint("http://two/v1", dict, url="http://one/y")


def test_a_sample_depends_on_seed_problem_and_rank_only(add_model, problem):
    import torch

    policy = HostPolicy(add_model(transformers_class()), temperature=1.0)
    first = texts(policy, problem, range(6))
    assert len(set(first)) > 1
    random.random()
    torch.rand(3)
    assert texts(policy, problem, reversed(range(6))) == first[::-1]
    assert texts(policy, problem, range(6), seed=1) != first
    assert texts(policy, make_problem("q"), range(6)) != first


def test_sampling_leaves_the_global_generators_alone(add_model, problem):
    import numpy as np
    import torch

    policy = HostPolicy(add_model(local_class(lambda message: f"{random.random()}")), temperature=1.0)

    def states():
        numbers = np.random.get_state()[1]  # noqa: NPY002
        return random.getstate(), numbers.tolist(), torch.get_rng_state().tolist()

    before = states()
    policy.sample(problem, 0, 0)
    assert states() == before


@pytest.mark.parametrize("max_tokens", [4, 12])
def test_settings_win_over_those_of_the_class(add_model, problem, max_tokens):
    name = add_model(transformers_class())
    policy = HostPolicy(name, temperature=1.0, max_tokens=max_tokens)
    assert len(policy.sample(problem, 0, 0).text.split()) == 3 + max_tokens
    greedy = HostPolicy(name, temperature=0.0)
    assert len(set(texts(greedy, problem, range(4)))) == 1


def test_forced_generation_ends(add_model):
    from transformers import GenerationMixin

    before = GenerationMixin.generate
    with pytest.raises(RuntimeError), forced_generation(SamplingSettings(1.0)):
        assert GenerationMixin.generate is not before
        raise RuntimeError
    assert GenerationMixin.generate is before


def test_a_sample_as_a_fact(add_model, problem, capfd):
    policy = HostPolicy(add_model(local_class(lambda message: "a reply")), temperature=0.7)
    candidate = policy.sample(problem, 3, 0)
    assert (candidate.problem_id, candidate.rank, candidate.text, candidate.error) == ("p", 3, "a reply", None)
    assert candidate.seconds >= 0
    assert capfd.readouterr() == ("", "")
    assert not policy.is_api


def test_the_prompt_arrives_in_order_and_is_not_changed(add_model, problem):
    seen = []

    def reply(message):
        seen.append([(part["type"], part["value"]) for part in message])
        message.clear()
        return "x"

    policy = HostPolicy(add_model(local_class(reply)), temperature=0.0)
    texts(policy, problem, [0, 1])
    assert seen == [[(part.kind, part.value) for part in problem.parts]] * 2


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ("Failed to obtain answer via API.", "gave up"),
        ("Failed to obtain answer: CUDA", "gave up"),
        (None, "NoneType"),
        (ValueError("bad picture"), "ValueError: bad picture"),
    ],
)
def test_failures_are_facts(add_model, problem, reply, error):
    def answer(message):
        if isinstance(reply, Exception):
            raise reply
        return reply

    candidate = HostPolicy(add_model(local_class(answer)), temperature=0.7).sample(problem, 0, 0)
    assert candidate.text == ""
    assert error in candidate.error


@pytest.mark.parametrize("reply", ["", " \n"])
def test_an_empty_reply_came(add_model, problem, reply):
    policy = HostPolicy(add_model(local_class(lambda message: reply)), temperature=0.7)
    candidate = policy.sample(problem, 0, 0)
    assert (candidate.text, candidate.error) == (reply, None)


def test_replies_with_records(add_model, problem):
    reply = {"prediction": "the text", "extra_records": {"calls": 1}}
    assert (
        HostPolicy(add_model(local_class(lambda message: reply)), temperature=0.7).sample(problem, 0, 0).text
        == "the text"
    )


@pytest.mark.parametrize("where", ["keyword", "environment"])
def test_a_key_that_a_class_logs_is_not_shown(add_model, judge_server, monkeypatch, capfd, where):
    from vlmeval.api import GPT4V

    given = {"key": "sk-of-a-server"} if where == "keyword" else {}
    monkeypatch.setenv("OPENAI_API_KEY", "sk-another-one" if given else "sk-of-a-server")
    set_verbose(True)
    try:
        HostPolicy(add_model(partial(GPT4V, api_base=f"{judge_server.url}/chat/completions", **given)), temperature=0.7)
    finally:
        set_verbose(False)
    shown = "".join(capfd.readouterr())
    assert "API Key: [secret]" in shown, "the host does log it"
    assert "sk-of-a-server" not in shown


def test_keys_are_in_no_failure(add_model, problem, monkeypatch):
    """Servers and libraries repeat them in their errors, which go into the store."""
    monkeypatch.setenv("SOME_VENDOR_API_KEY", "sk-of-a-vendor")

    def answer(message):
        raise ValueError("Incorrect API key provided: sk-of-a-vendor")

    failed = HostPolicy(add_model(local_class(answer)), temperature=0.7).sample(problem, 0, 0)
    assert failed.error == "ValueError: Incorrect API key provided: [secret]"
    with pytest.raises(PolicyError, match=r"Incorrect API key provided: \[secret\]"):
        HostPolicy(add_model(lambda: answer(None)), temperature=0.7)


def test_a_model_that_cannot_be_built(add_model):
    def factory():
        raise ImportError("flash_attn is missing")

    with pytest.raises(PolicyError, match="flash_attn is missing"):
        HostPolicy(add_model(factory), temperature=0.7)


# Models behind an API -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gpt", "lmdeploy"])
def test_api_requests_carry_the_settings_and_a_seed(add_model, problem, judge_server, kind, capfd, monkeypatch):
    for name in ("LMDEPLOY_API_KEY", "LMDEPLOY_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    judge_server.reply = lambda text: f"reply {len(judge_server.requests)}"
    policy = HostPolicy(add_model(api_model(judge_server, kind)), temperature=0.7, top_p=0.9, max_tokens=77)
    assert policy.is_api
    with ThreadPoolExecutor(3) as pool:
        candidates = list(pool.map(lambda rank: policy.sample(problem, rank, 5), range(3)))
    assert all(candidate.error is None for candidate in candidates)
    bodies = [body for _, body in judge_server.requests]
    assert {(body["temperature"], body["top_p"], body["max_tokens"]) for body in bodies} == {(0.7, 0.9, 77)}
    assert len({body["seed"] for body in bodies}) == 3
    assert all("dataset" not in body for body in bodies)
    [picture, text] = bodies[0]["messages"][-1]["content"]
    assert (picture["type"], text["text"]) == ("image_url", "What is p?")
    seeds = {body["seed"] for body in bodies}
    policy.sample(problem, 1, 5)
    assert judge_server.requests[-1][1]["seed"] in seeds
    assert capfd.readouterr() == ("", "")


def test_an_api_that_fails_is_a_fact(add_model, problem, judge_server):
    judge_server.reply = lambda text: 500
    policy = HostPolicy(add_model(api_model(judge_server)), temperature=0.7, retry=2)
    candidate = policy.sample(problem, 0, 0)
    assert "gave up" in candidate.error
    assert len(judge_server.requests) == 2


def test_an_api_class_without_a_temperature_is_refused(add_model):
    from vlmeval.api.base import BaseAPI

    class Fixed(BaseAPI):
        is_api = True

    with pytest.raises(PolicyError, match="has no temperature setting"):
        HostPolicy(add_model(Fixed), temperature=0.7)


# Code that ships with a checkpoint ------------------------------------------------------------------------------------


@pytest.fixture
def checkpoint_with_code(tmp_path):
    """A checkpoint whose configuration is Python code that leaves a mark when it runs."""
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    config = {"model_type": "foreign", "auto_map": {"AutoConfig": "configuration_foreign.ForeignConfig"}}
    (folder / "config.json").write_text(json.dumps(config))
    mark = tmp_path / "ran"
    code = f"""
from transformers import PretrainedConfig
open({str(mark)!r}, "w").close()
class ForeignConfig(PretrainedConfig):
    model_type = "foreign"
"""
    (folder / "configuration_foreign.py").write_text(code)
    return folder, mark


def test_code_of_a_checkpoint_runs_only_when_allowed(add_model, problem, checkpoint_with_code, tmp_path, monkeypatch):
    import transformers.dynamic_module_utils as modules
    from transformers import AutoConfig

    monkeypatch.setattr(modules, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    folder, mark = checkpoint_with_code

    def load(message=None):
        return str(AutoConfig.from_pretrained(str(folder), trust_remote_code=True).model_type)

    def factory():
        load()
        return local_class(load)()

    name = add_model(factory)
    with pytest.raises(PolicyError, match="--allow-remote-code"):
        HostPolicy(name, temperature=0.0)
    late = HostPolicy(add_model(local_class(load), "late"), temperature=0.0)
    with pytest.raises(PolicyError, match="--allow-remote-code"):
        late.sample(problem, 0, 0)
    assert not mark.exists()
    assert HostPolicy(name, temperature=0.0, allow_remote_code=True).sample(problem, 0, 0).text == "foreign"
    assert mark.exists()
