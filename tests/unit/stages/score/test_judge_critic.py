"""A prompted judge: what it is asked, how strictly it is read, and that no reply is paid for twice."""

from __future__ import annotations

import json
import time
from contextlib import nullcontext

import pytest

from tests.servers import Answer, Server, completion, failure
from visualprm_eval.core.config import ApiOptions, RunConfig, ScoringOptions
from visualprm_eval.core.errors import CriticError, InputError, UnreadableJudgeError
from visualprm_eval.core.types import Candidate, Part, Problem, Spec, StepScores, text_id
from visualprm_eval.stages.checkpoint_source import spec_of
from visualprm_eval.stages.score.judge_critic import JudgeCritic, judge_policy, kept_by
from visualprm_eval.stages.score.stage import MOST_ITEMS, score_missing
from visualprm_eval.store import Store
from visualprm_eval.tasks.process_bench.judge_prompt import judge_prompt
from visualprm_eval.tasks.process_bench.verdicts import parse_verdicts


def reply(*verdicts: bool, **more) -> str:
    entries = [{"step": place, "reason": "so", "correct": said} for place, said in enumerate(verdicts, start=1)]
    return json.dumps({"steps": entries, **more})


def test_the_prompt_numbers_the_steps_and_keeps_their_text() -> None:
    text = judge_prompt("Which? <image 1> {x}", ["one\n\nstill one {y}", "", "three"])
    assert "Which? <image 1> {x}" in text
    assert "<step 1>\none\n\nstill one {y}\n</step 1>\n\n<step 2>\n\n</step 2>\n\n<step 3>\nthree\n</step 3>" in text
    assert "3 step(s)" in text


@pytest.mark.parametrize(
    "text",
    [
        reply(True, False),
        f"\n {reply(True, False)} \n",
        f"```json\n{reply(True, False)}\n```",
        f"```\n{reply(True, False)}\n```",
        f"<think>\nsteps {{}} ...</think>\n\n{reply(True, False)}",
        reply(True, False, note="well"),
        f"\ufeff{reply(True, False)}",
        f"let me see {{steps}}</think>\n{reply(True, False)}",
        f"[THINK]no: {reply(False, True)}[/THINK]{reply(True, False)}",
        f"Here you are: {reply(True, False)} I hope that helps.",
        f"Step 1 holds, \\frac{{1}}{{2}}, but {{2 does not.\n{reply(True, False)}",
        f"```JSON\n{reply(True, False)}\n```\nThat is all.",
        f"First {reply(True, False)}, and again: {reply(True, False)}",
        '{"steps": [{"step": "1", "correct": "true"}, {"step": "2", "correct": "False"}]}',
        '{"steps": [{"step": 1, "reason": "\\(a \\cdot b\\)", "correct": true}, {"step": 2, "correct": false}]}',
        '{"steps": [{"step": 1, "reason": "one\ntwo\tthree", "correct": true}, {"step": 2, "correct": false}]}',
        '{"steps": [{"step": 1, "correct": true}, {"step": 2, "correct": false},]}',
        '{"steps": [{"step": 1, "reason": "\\( {x} ]", "correct": true,}, {"step": 2, "correct": false,},],}',
        "{'steps': [{'step': 1, 'correct': True}, {'step': 2, 'correct': False}]}",
        f'{{"result": {reply(True, False)}}}',
        '[{"step": 1, "correct": true}, {"step": 2.0, "correct": false}]',
        '{"steps": [{"step": 1, "reason": "a", "reason": "b", "correct": true}, {"step": 2, "correct": false}]}',
    ],
)
def test_the_form_that_was_asked_for_is_read(text: str) -> None:
    assert parse_verdicts(text, 2) == [True, False]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JSON object"),
        ("Step 1 is correct.", "no JSON object"),
        (f"Here you are: {reply(True)}", "judges 1 steps instead of 2"),
        (f"{reply(True, False)} or rather {reply(True, True)}", "2 objects that contradict"),
        (f"<think>{reply(True, False)}", "thoughts never end"),
        (f"so {reply(True, False)[:-1]}", "no JSON object"),
        (f"so {reply(True, False)[:-2]}", "no JSON object"),
        (reply(True, False)[:-2], "no JSON object"),
        ('{"steps": [{"step": 1, "correct": true}, {"step": 2, "correct": tr', "no JSON object"),
        ('{"steps": [{"step": 1, "correct": true}, {"step": 2, "correct": true', "no JSON object"),
        ('{"steps": [{"step": 1, "correct": true}, {"step": 2, "correct": true}}', "no JSON object"),
        (
            'so {"steps": [{"step": 1, "correct": true}, {"step": 2, "reason": "\\(x\\)"}]}',
            "entry 2 has no truth value",
        ),
        ('{"steps": [{"step": 1, "correct": true, "correct": false}, {"step": 2, "correct": true}]}', "two values"),
        (
            '{"steps": [{"step": 1, "correct": true, "correct": false,}, {"step": 2, "correct": true}]}',
            "two values|more",
        ),
        ('{"steps": [{"step": 1, "correct": true}, {"step": 1, "correct": false}]}', 'entry 2 has "step": 1'),
        (
            '{"steps": [{"step": 1, "correct": true},], "steps": [{"step": 1, "correct": false}]}',
            "more often than once",
        ),
        ('{"steps": [{"step": 1, "reason": "a short reason", "correct": true}, ...]}', "no JSON object"),
        (
            '{"steps": [{"step": 1, "correct": "not true",}, {"step": 2, "correct": "true"}]}',
            "entry 1 has no truth value",
        ),
        ('{"steps": [{"step": 1, "correct": null}, {"step": 2, "correct": true}]}', "entry 1 has no truth value"),
        ('{"steps": [{"step": 1.5, "correct": true}, {"step": 2, "correct": true}]}', 'entry 1 has "step": 1.5'),
        (reply(True, False)[:-3], "no JSON object"),
        ("[" * 100_000, "no JSON object"),
        ("[true, false]", 'no list "steps"'),
        ('{"steps": [true, false]}', 'no list "steps" of objects'),
        (reply(True), "judges 1 steps instead of 2"),
        (reply(True, False, True), "judges 3 steps instead of 2"),
        ('{"steps": [{"step": 2, "correct": true}, {"step": 1, "correct": true}]}', 'entry 1 has "step": 2'),
        ('{"steps": [{"step": true, "correct": true}, {"step": 2, "correct": true}]}', 'entry 1 has "step": true'),
        ('{"steps": [{"step": 1, "correct": "yes"}, {"step": 2, "correct": true}]}', "entry 1 has no truth value"),
        ('{"steps": [{"step": 1, "correct": 1}, {"step": 2, "correct": true}]}', "entry 1 has no truth value"),
    ],
)
def test_any_other_form_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_verdicts(text, 2)


@pytest.mark.parametrize("piece", ['{"', "{", '{"steps": [', '{"steps": "', "}{", "\\", '{"steps": {"a": ', "...]"])
def test_a_long_reply_takes_no_time(piece: str) -> None:
    start = time.monotonic()
    with pytest.raises(InputError):
        parse_verdicts("so " + piece * (200_000 // len(piece)), 2)
    assert time.monotonic() - start < 5


def problem(number: int) -> Problem:
    return Problem("B", str(number), "", (Part("text", f"Question {number}?"),), "", f"p{number}")


def judge(server: Server, **options) -> JudgeCritic:
    scoring = ScoringOptions(base_urls=(server.url,), key="sk-secret-secret")
    config = RunConfig(scoring=scoring, api=ApiOptions(retry=2))
    return JudgeCritic(lambda: judge_policy("m", config), 12, **options)


def number_of(seen) -> int:
    return int(seen.text.partition("Question ")[2].partition("?")[0])


def answering(seen) -> Answer:
    """Good at once, good when told what was wrong, never good, refused."""
    number, again = number_of(seen), "could not be read" in seen.text
    if number == 3:
        return failure(400, "too long")
    if number == 2 or (number == 1 and not again):
        return completion("I think all is fine.")
    return completion(reply(True, number == 1))


def test_good_malformed_and_missing_replies() -> None:
    with Server(answering) as server:
        outcomes = judge(server).score([(problem(number), ["a", "b"]) for number in range(4)])
        bodies = [seen.body for seen in server.requests]
    assert outcomes[0] == StepScores((1.0, 0.0), ("a", "b"))
    assert outcomes[1] == StepScores((1.0, 1.0), ("a", "b"))
    assert outcomes[2].error == "the judge's reply cannot be read: it is no JSON object (3 tries)"
    assert "too long" in outcomes[3].error
    assert all(body["temperature"] == 0 and body["model"] == "m" for body in bodies)
    assert sorted(number_of(seen) for seen in server.requests) == [0, 1, 1, 2, 2, 2, 3]


def test_equal_questions_are_asked_once() -> None:
    with Server(answering) as server:
        outcomes = judge(server).score([(problem(0), ["a", "b"])] * 3)
        assert len(server.requests) == 1
    assert [one.scores for one in outcomes] == [(1.0, 0.0)] * 3


def test_replies_outlive_a_crash(tmp_path) -> None:
    """A server that dies in the middle: what was answered is not asked again, unreadable replies included."""
    items = [(problem(number), ["a", "b"]) for number in (0, 1, 2)]

    def dying(seen) -> Answer:
        if len(server.requests) > 3:
            server.die()
        return answering(seen)

    with Store.open(tmp_path / "store.sqlite") as store:
        with Server(dying) as server:
            critic = judge(server)
            with pytest.raises(CriticError, match="no endpoint is left"), kept_by(critic, store):
                critic.score(items)
        first = [number_of(seen) for seen in server.requests[:3]]
        assert sorted(first) == [0, 1, 2]
        with Server(answering) as server:
            critic = judge(server)
            with kept_by(critic, store):
                outcomes = critic.score(items)
            asked = sorted(number_of(seen) for seen in server.requests)
            assert asked == [1, 2, 2], "only what followed the first replies"
            with kept_by(critic, store):
                assert critic.score(items) == outcomes
            assert len(server.requests) == 3
    assert [one.scores for one in outcomes] == [(1.0, 0.0), (1.0, 1.0), ()]


@pytest.mark.parametrize("extra", [1, 0])
def test_a_judge_that_is_never_read_is_asked_about_one_batch(tmp_path, capsys, extra: int) -> None:
    """And it is said what came; its replies are kept."""
    problems = {f"p{number}": problem(number) for number in range(MOST_ITEMS + extra)}
    work = [(name, text_id("a\n\nb"), "a\n\nb") for name in problems]
    with Store.open(tmp_path / "store.sqlite") as store, Server(lambda _: completion("All \x1b[31m fine.")) as server:
        critic = judge(server)
        scoring = spec_of("scoring", critic, store, will_make=True, dry_run=False)
        store.put_problems(problems.values())
        sampling = Spec("sampling", {"policy": "P"})
        store.put_spec(sampling)
        store.put_candidates(sampling.id, [Candidate(name, 0, "a\n\nb") for name in problems])
        told = pytest.raises(UnreadableJudgeError, match="not asked about the other 1") if extra else nullcontext()
        with told as caught:
            score_missing(store, critic, scoring, problems, work, label="score")
        said = str(caught.value) if caught is not None else capsys.readouterr().err
        assert "none got a reply that can be read" in said
        assert "it is no JSON object (3 tries)" in said
        assert "'All \ufffd[31m fine.'" in said
        assert len(server.requests) == 3 * MOST_ITEMS
        left = store.missing_scores(scoring.id, sampling.id, list(problems), 1, retry_failed=False)
        assert len(left) == extra


def test_only_unreadable_replies_are_asked_for_again_on_demand(tmp_path) -> None:
    items = [(problem(number), ["a", "b"]) for number in (0, 2)]
    with Store.open(tmp_path / "store.sqlite") as store, Server(answering) as server:
        critic = judge(server)
        with kept_by(critic, store):
            critic.score(items)
        before = len(server.requests)
        server.answer = lambda seen: completion(reply(True, True))
        critic = judge(server, retry_failed=True)
        with kept_by(critic, store):
            outcomes = critic.score(items)
        assert [number_of(seen) for seen in server.requests[before:]] == [2]
    assert [one.scores for one in outcomes] == [(1.0, 0.0), (1.0, 1.0)]


def test_the_key_of_scores_says_who_is_asked_and_how() -> None:
    with Server() as server:
        settings = judge(server).settings()
        other = judge(server, tries=2).settings()
    assert settings["judge"]["model"] == "m"
    assert settings["judge"]["temperature"] == 0
    assert server.url not in json.dumps(settings)
    assert "secret" not in json.dumps(settings)
    assert settings != other


def test_the_policy_s_key_does_not_reach_the_judge(monkeypatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with Server(answering) as server:
        policies = ApiOptions(base_urls=("http://127.0.0.1:1/v1",), key="sk-policy-policy")
        config = RunConfig(api=policies, scoring=ScoringOptions(base_urls=(server.url,)))
        JudgeCritic(lambda: judge_policy("m", config), 12).score([(problem(0), ["a", "b"])])
        assert "authorization" not in server.requests[0].headers
