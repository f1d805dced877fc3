"""The first contact: servers that are not there, do not know the model, or take fewer fields."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.servers import Answer, Seen, Server, completion, failure, honest, listing, sociable
from tests.unit.stages.sample.endpoint.conftest import KEY, Asked
from visualprm_eval.core.errors import PolicyError

DEAD = "http://127.0.0.1:9/v1"
OWN = "server's own"


def lists(*names: str) -> Callable[[Seen], Answer]:
    return lambda seen: listing(*names) if seen.path == "/v1/models" else completion("Hi")


# Is it there, and does it know the model?


def test_a_model_that_is_listed_costs_no_request() -> None:
    with Server(contact=lists("other", "m")) as server:
        run = Asked([server])
        run.policy.greet()
    assert [seen.path for seen in server.contacts] == ["/v1/models"]
    assert server.contacts[0].headers["authorization"] == f"Bearer {KEY}"
    assert run.warnings == []


def test_a_name_without_ollamas_default_tag_is_known() -> None:
    with Server(contact=lists("m:latest")) as server:
        Asked([server]).policy.greet()
    assert [seen.path for seen in server.contacts] == ["/v1/models"]


def test_a_model_that_is_not_listed_is_an_error_with_what_is() -> None:
    with Server(contact=lists("Qwen2.5-VL-7B", "b", "c", "d", "e", "f", "g")) as server:
        run = Asked([server], model="Qwen2.5-VL-3B")
        with pytest.raises(PolicyError) as caught:
            run.policy.greet()
    said = str(caught.value)
    assert f"{server.url} has no model Qwen2.5-VL-3B: did you mean Qwen2.5-VL-7B?" in said
    assert "lists Qwen2.5-VL-7B, b, c, d, e and 2 more" in said


@pytest.mark.parametrize(
    "answer",
    [failure(404), failure(405), failure(501), failure(500), Answer(body=b"<html>"), Answer(body=b'{"data": []}')],
)
def test_a_server_without_a_list_is_asked_for_one_token(answer: Answer) -> None:
    with Server(contact=lambda seen: answer if seen.path == "/v1/models" else completion("Hi")) as server:
        run = Asked([server])
        run.policy.greet()
    assert server.contacts[1].body["max_tokens"] == 1
    assert any("does not say which models it has" in warning for warning in run.warnings)


@pytest.mark.parametrize(
    "refusal",
    [
        failure(404, "The model `m` does not exist."),
        failure(400, "Invalid model: m"),
        failure(400, "model m not found"),
        Answer(status=404, body=b"<html>nothing here</html>"),
    ],
)
def test_the_one_token_tells_whether_the_name_is_known(refusal: Answer) -> None:
    with Server(contact=lambda seen: failure(404) if seen.path == "/v1/models" else refusal) as server:
        with pytest.raises(PolicyError, match="takes no request for the model m"):
            Asked([server]).policy.greet()
        with pytest.raises(PolicyError, match="takes no request for the model m"):
            Asked([server]).policy.learn()


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_is_an_error_at_once(status: int) -> None:
    with Server(contact=lambda seen: failure(status, f"bad key {KEY}")) as server:
        with pytest.raises(PolicyError, match="the key is refused") as caught:
            Asked([server]).policy.greet()
        assert len(server.contacts) == 1
        with pytest.raises(PolicyError, match="it asks for a key"):
            Asked([server], key=None).policy.learn()
    assert KEY not in str(caught.value)


def test_a_dead_server_is_an_error_and_of_several_a_warning() -> None:
    with pytest.raises(PolicyError, match=r"127\.0\.0\.1:9/v1 cannot be reached .*tried twice.*Start the server"):
        Asked([DEAD]).policy.greet()
    with pytest.raises(PolicyError, match="cannot be reached"):
        Asked([DEAD]).policy.learn()
    with Server() as server:
        run = Asked([DEAD, server])
        run.policy.greet()
        run.policy.learn()
        assert len([warning for warning in run.warnings if "cannot be reached" in warning]) == 1
        assert all(candidate.error is None for candidate in run.draw(n=2, problems=2).values())


# Which fields does it take?


def refusing(*wordings: tuple[str, str], status: int = 400) -> Callable[[Seen], Answer]:
    """Refuses fields, each in its wording, the first one first."""

    def contact(seen: Seen) -> Answer:
        said = next((wording for field, wording in wordings if field in seen.body), None)
        return sociable(seen) if said is None else failure(status, said)

    return contact


TEMPERATURE = (
    "temperature",
    "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is supported.",
)
COMMERCIAL = refusing(
    ("max_tokens", ("Unsupported parameter: 'max_tokens' is not supported with this model. Use "
     "'max_completion_tokens' instead.")),
    ("top_k", "Unrecognized request argument supplied: top_k"),
    ("repetition_penalty", "Unknown parameter: 'repetition_penalty'."),
    TEMPERATURE,
)  # fmt: skip


def forbidding(seen: Seen) -> Answer:
    """As servers whose requests are models of pydantic that forbid more."""
    extra = [name for name in ("top_k", "repetition_penalty", "seed") if name in seen.body]
    detail = [{"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted"}
              for name in extra]  # fmt: skip
    return Answer(status=422, body=json.dumps({"detail": detail}).encode()) if extra else sociable(seen)


def unspoken(seen: Seen) -> Answer:
    return failure(400, "Bad Request") if "top_k" in seen.body else sociable(seen)


@pytest.mark.parametrize(
    ("contact", "left_out"),
    [
        (sociable, set()),
        (COMMERCIAL, {"top_k", "repetition_penalty", "temperature"}),
        (forbidding, {"top_k", "repetition_penalty", "seed"}),
        (refusing(("top_k", "unexpected keyword argument 'top_k'"), status=500), {"top_k"}),
        (refusing(("top_k", "The top_k -1 cannot be a negative integer.")), {"top_k"}),
        (unspoken, {"top_k", "repetition_penalty"}),
        (lambda seen: failure(400, "Could not finish the message because max_tokens was reached"), set()),
    ],
)  # fmt: skip
def test_what_is_refused_is_left_out_and_the_key_says_so(contact: Callable[[Seen], Answer], left_out: set[str]) -> None:
    with Server(contact=contact) as server:
        run = Asked([server])
        run.policy.learn()
        found = run.draw(n=2)
    settings = run.policy.settings()
    assert {name for name, value in settings.items() if value == OWN} == left_out
    assert {"temperature", "top_p", "top_k", "repetition_penalty", "seed"} - server.requests[0].body.keys() == left_out
    assert all(candidate.error is None for candidate in found.values())
    assert bool(run.warnings) == bool(left_out)


def test_the_reason_is_that_of_a_field_that_is_left_out() -> None:
    contact = refusing(("top_k", "Unknown argument: top_k"), ("max_tokens", "Use 'max_completion_tokens' instead."))
    with Server(contact=contact) as server:
        run = Asked([server])
        run.policy.learn()
    assert [w for w in run.warnings if "refuses top_k (" in w and "Unknown argument: top_k" in w]


def test_a_server_that_takes_everything_is_asked_once_and_gets_what_changes_nothing() -> None:
    with Server() as server:
        run = Asked([server])
        run.policy.learn()
        run.draw(n=1)
    assert len(server.contacts) == 1
    fields = {name: server.requests[0].body[name] for name in ("temperature", "top_p", "top_k", "repetition_penalty")}
    assert fields == {"temperature": 0.7, "top_p": 1.0, "top_k": -1, "repetition_penalty": 1.0}
    assert run.policy.settings() == {"policy": "P", "top_k": -1, "repetition_penalty": 1.0}


def test_what_somebody_asked_for_must_be_taken() -> None:
    with Server(contact=COMMERCIAL) as server:
        with pytest.raises(PolicyError, match="refuses what --temperature asked for"):
            Asked([server], asked_for=frozenset({"temperature", "top_p"})).policy.learn()
        Asked([server], asked_for=frozenset({"top_p"})).policy.learn()
    with Server(contact=forbidding) as server, pytest.raises(PolicyError, match="--seed"):
        Asked([server], asked_for=frozenset({"seed"})).policy.learn()


def test_what_one_server_refuses_none_gets() -> None:
    with Server() as willing, Server(contact=refusing(("top_k", "Unknown parameter: 'top_k'."))) as other:
        run = Asked([willing, other], nproc=4)
        run.policy.learn()
        run.draw(n=1, problems=6)
    assert run.policy.settings()["top_k"] == OWN
    assert not any("top_k" in seen.body for seen in willing.requests + other.requests)
    assert willing.requests and other.requests


def test_the_terms_of_stored_samples_are_kept_without_asking() -> None:
    with Server() as server:
        run = Asked([server])
        run.policy.adopt({"policy": "P", "top_k": OWN, "repetition_penalty": 1.0})
        run.draw(n=1)
    assert server.contacts == []
    assert "top_k" not in server.requests[0].body and server.requests[0].body["repetition_penalty"] == 1.0
    assert run.policy.settings() == {"policy": "P", "top_k": OWN, "repetition_penalty": 1.0}


@pytest.mark.parametrize("answer", [failure(429), failure(503), Answer(drop=True)])
def test_a_server_that_is_busy_tells_nothing_and_is_asked_later(answer: Answer) -> None:
    with Server(honest, lambda seen: answer) as server:
        run = Asked([server])
        run.policy.learn()
        assert all(candidate.error is None for candidate in run.draw(n=2).values())
    assert run.policy.settings()["top_k"] == -1
