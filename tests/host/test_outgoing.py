"""What API classes of the host send is looked at: settings that do not reach the model stop the run."""

from __future__ import annotations

import json
import urllib.request

import httpx2
import pytest
import requests

from tests.host.material import api_model
from visualprm_eval.core.config import ApiOptions, RunConfig, SamplingOptions
from visualprm_eval.core.errors import PolicyError
from visualprm_eval.core.types import Part, Problem
from visualprm_eval.host.models.request_capture import noted, verify_requests
from visualprm_eval.host.models.sampling_settings import SamplingSettings
from visualprm_eval.stages.sample.host_policy import HostModelPolicy
from visualprm_eval.stages.sample.policy import PolicyOptions

OPTIONS = PolicyOptions.of(
    RunConfig(
        models=("test-model",), data=("B",), sampling=SamplingOptions(engine="host", temperature=0.7, top_p=0.9),
        api=ApiOptions(nproc=2),
    )
)  # fmt: skip
PROBLEM = Problem("B", "0", "", (Part("text", "What is it?"),), "", "p")
REQUESTS = [(PROBLEM, rank) for rank in range(3)]


def own_class(server, **sent):
    """An API class with a temperature that it does not use, as some of the host's have it."""
    from vlmeval.api.base import BaseAPI

    class Own(BaseAPI):
        is_api = True
        temperature = 0.0

        def generate_inner(self, inputs, **kwargs):
            body = {"messages": [{"content": "x"}], **sent}
            reply = requests.post(f"{server.url}/chat/completions", json=body, timeout=20)
            return 0, reply.json()["choices"][0]["message"]["content"], reply

    return Own


@pytest.fixture
def server(judge_server):
    judge_server.reply = lambda text: f"reply {len(judge_server.requests)}"
    return judge_server


@pytest.mark.parametrize("kind", ["gpt", "lmdeploy"])
def test_settings_that_arrive_are_noted(add_model, server, kind, monkeypatch):
    for name in ("LMDEPLOY_API_KEY", "LMDEPLOY_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    add_model(api_model(server, kind))
    policy = HostModelPolicy("test-model", OPTIONS)
    assert "temperature and top-p" not in policy.notes(), "nothing was sampled yet"
    drawn = [candidate for batch in policy.sample(REQUESTS) for candidate in batch]
    assert [candidate.error for candidate in drawn] == [None] * 3
    assert policy.notes()["temperature and top-p"] == "seen in its requests"
    assert len(server.requests) == 3, "nothing extra is paid for"


def test_no_proxy_stands_before_a_model_on_this_machine(add_model, server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    add_model(api_model(server, "gpt"))
    drawn = [candidate for batch in HostModelPolicy("test-model", OPTIONS).sample(REQUESTS) for candidate in batch]
    assert [candidate.error for candidate in drawn] == [None] * 3


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({}, "the temperature does not reach the model: 0.7 was asked for, .* sent its first request without one"),
        ({"generationConfig": {"temperature": 1.0}}, "the temperature .* sent its first request with 1"),
        ({"temperature": 0.7}, "the top-p does not reach the model: 0.9 was asked for"),
        ({"temperature": 0.7, "options": [{"topP": 1}]}, "the top-p .* with 1"),
    ],
)
def test_settings_that_do_not_arrive_stop_the_run(add_model, server, sent, said):
    add_model(own_class(server, **sent))
    batches = HostModelPolicy("test-model", OPTIONS).sample(REQUESTS)
    assert [candidate.text for candidate in next(batches)] == ["reply 1"], "what was paid for is handed over first"
    with pytest.raises(PolicyError, match=said):
        next(batches)
    assert len(server.requests) == 1


def test_what_was_sent_is_compared_with_what_was_asked():
    warm = SamplingSettings(0.7)
    assert verify_requests("P", [{"grant": "x"}, {"temperature": 0.7}], warm) == "seen in its requests"
    assert verify_requests("P", [{"temperature": 0, "top_p": 1}], SamplingSettings(0.0)) == "seen in its requests"
    assert verify_requests("P", [], warm).startswith("unverified")
    with pytest.raises(PolicyError, match="top-p"):
        verify_requests("P", [{"temperature": 0.7, "top_p": 0.8}], warm)
    with pytest.raises(PolicyError, match="temperature"):
        verify_requests("P", [{"temperature": 0.7}, {"temperature": 0.2}], warm)


def test_all_libraries_are_listened_to_and_left_as_they_were(server):
    address = f"{server.url}/chat/completions"
    body = {"messages": [{"content": "x"}]}
    with noted() as bodies:
        requests.post(address, json={**body, "by": 1}, timeout=20)
        httpx2.post(address, json={**body, "by": 2}, trust_env=False)
        requests.post(address, data=json.dumps({**body, "by": 3}), timeout=20)
    assert [each["by"] for each in bodies] == [1, 2, 3]
    requests.post(address, json=body, timeout=20)
    assert len(bodies) == 3, "afterwards nobody listens"
    other = urllib.request.Request(address, data=json.dumps(body).encode())
    with noted() as bodies, urllib.request.urlopen(other, timeout=20):
        assert bodies == []
