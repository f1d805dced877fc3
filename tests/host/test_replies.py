"""Judges' replies come from the address that was named, and are bounded."""

from __future__ import annotations

import gzip
import json

import pytest
import requests

from tests.host.material import grade_table
from tests.host.test_grading import RIGHT
from tests.servers import Answer, Server, completion
from visualprm_eval.core.config import JudgeOptions
from visualprm_eval.core.errors import JudgeError
from visualprm_eval.host.data.benchmarks import load_benchmark
from visualprm_eval.host.grading.judge import probe_judge
from visualprm_eval.host.grading.replies import bounded_replies


def judge_at(server, **settings):
    return JudgeOptions(name="a-judge", base_url=server.url, key="sk-secret", retry=1, **settings)


@pytest.mark.parametrize("status", [302, 307, 308])
def test_a_redirect_to_another_port_is_not_followed(mmstar, tmp_path, status):
    """Neither the key nor the question goes there."""
    with Server(lambda _: completion("B")) as other:
        away = Answer(status=status, headers={"Location": f"{other.url}/chat/completions"})
        with Server(lambda seen: away if "yellow" in json.dumps(seen.body) else completion("OK")) as server:
            texts = {"1": "the yellow and long one"}
            verdicts = grade_table(load_benchmark("MMStar"), texts, tmp_path, judge_at(server))
        assert verdicts["1"].value is None
        assert other.requests == []
        with Server(lambda _: away) as server, pytest.raises(JudgeError, match=f"it redirects to {other.url}/"):
            probe_judge(judge_at(server))
        assert other.requests == []


def test_a_redirect_within_the_server_is_followed(mmstar, tmp_path):
    def answer(seen):
        if seen.path == "/v1/chat/completions":
            return Answer(status=307, headers={"Location": "/v2/chat/completions"})
        return completion("B")

    with Server(answer) as server:
        verdicts = grade_table(load_benchmark("MMStar"), {"1": "the yellow one"}, tmp_path, judge_at(server))
    assert verdicts == {"1": RIGHT}


def test_a_bomb_is_not_swallowed(mmstar, tmp_path):
    said = json.dumps({**json.loads(completion("B").body), "more": "x" * (80 * 2**20)}).encode()
    bomb = Answer(body=gzip.compress(said, 1), headers={"Content-Encoding": "gzip"})
    with Server(lambda seen: bomb if "yellow" in json.dumps(seen.body) else completion("OK")) as server:
        texts = {"1": "the yellow and long one"}
        verdicts = grade_table(load_benchmark("MMStar"), texts, tmp_path, judge_at(server))
    assert verdicts["1"].value is None


def test_how_others_take_replies_is_left_alone():
    with Server(lambda _: Answer(body=b"there")) as other:
        away = Answer(307, headers={"Location": f"{other.url}/x"})
        with Server(lambda _: away) as server:
            with pytest.raises(RuntimeError), bounded_replies():
                assert requests.post(server.url, json={}, timeout=20).status_code == 307
                raise RuntimeError
            assert requests.post(server.url, json={}, timeout=20).text == "there"
