from __future__ import annotations

from types import SimpleNamespace

import pytest

from visualprm_eval.core.types import Candidate, Part, Problem
from visualprm_eval.host.load.runner import load_runner
from visualprm_eval.host.models.host_model import HostPolicy


@pytest.fixture
def engine(monkeypatch):
    """Stands for the native engine; remembers what it was asked."""
    import visualprm_eval.engine.checkpoint as checkpoint
    import visualprm_eval.engine.generate as generation

    calls = SimpleNamespace(loads=[], asked=[], error=None)

    def load_checkpoint(path, **options):
        calls.loads.append((path, options))
        return "weights"

    def generate(weights, requests, sampling):
        [request] = requests
        calls.asked.append((weights, request, sampling))
        text = "" if calls.error else f"noise {sampling.seed}"
        yield [Candidate(request.problem.id, request.rank, text, error=calls.error)]

    monkeypatch.setattr(checkpoint, "load_checkpoint", load_checkpoint)
    monkeypatch.setattr(generation, "generate", generate)
    return calls


def message(text="What?"):
    return [{"type": "text", "value": text}]


def test_the_host_builds_it_by_name_and_by_class(engine, monkeypatch):
    from vlmeval.config import supported_VLM

    import visualprm_eval.host.models.native_model as module

    monkeypatch.setattr(module, "demo_path", lambda name: f"/assets/{name}")
    model = supported_VLM["demo-policy"]()
    assert engine.loads == []
    assert model.generate(message(), dataset="DemoWorld").startswith("noise")
    assert engine.loads[0][0] == "/assets/policy"
    config = {"mine": {"class": "NativePolicyModel", "checkpoint": "/mine", "temperature": 0.5, "seed": 3}}
    mine = load_runner().build_model_from_config(config, "mine")
    assert mine.generate(message()) == "noise 3"
    assert engine.loads[1][0] == "/mine"


def test_weights_are_loaded_once_and_settings_arrive(engine):
    from vlmeval.vlm import NativePolicyModel

    model = NativePolicyModel("/mine", temperature=0.5, top_p=0.9, max_tokens=7)
    model.generate(message("one"))
    model.generate(message("two"))
    assert len(engine.loads) == 1
    weights, request, sampling = engine.asked[0]
    assert weights == "weights"
    assert request.problem.parts == (Part("text", "one"),)
    assert (sampling.temperature, sampling.top_p, sampling.max_tokens) == (0.5, 0.9, 7)


def test_failures_get_the_hosts_mark(engine):
    from vlmeval.vlm import NativePolicyModel

    engine.error = "too long"
    assert NativePolicyModel("/mine").generate(message()) == "Failed to obtain answer: too long"


def test_as_a_policy_of_ours(engine, monkeypatch):
    from functools import partial

    from vlmeval.config import supported_VLM
    from vlmeval.vlm import NativePolicyModel

    monkeypatch.setitem(supported_VLM, "mine", partial(NativePolicyModel, checkpoint="/mine"))
    policy = HostPolicy("mine", temperature=0.7, top_p=0.9, max_tokens=33)
    problem = Problem("Own", "0", "", (Part("text", "What?"),), "", "p")
    replies = [policy.sample(problem, rank, 0).text for rank in range(4)]
    assert len(set(replies)) == 4
    assert policy.sample(problem, 2, 0).text == replies[2]
    assert engine.asked[0][2].temperature == 0.7
    assert engine.asked[0][2].max_tokens == 33
