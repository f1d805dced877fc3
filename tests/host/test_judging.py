"""Replies of a judge are kept one by one; what was paid for is not asked again."""

from __future__ import annotations

import json

import pytest

from tests.host.material import demo_rows, write_tsv
from tests.host.test_grading import RIGHT, WRONG, local_judge
from visualprm_eval.errors import GradingError
from visualprm_eval.host.benchmarks import load_benchmark
from visualprm_eval.host.grading import grade_table
from visualprm_eval.host.judging import kept_replies, request_key
from visualprm_eval.store import Store

TEXTS = {"0": "the red and round one", "1": "the yellow and long one", "2": "the small and dark one"}
LETTERS = {"red": "A", "yellow": "B", "dark": "D"}


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "store.sqlite") as opened:
        yield opened


def letter(text):
    return next((letter for word, letter in LETTERS.items() if word in text), "OK")


def asked(server):
    """How often the judge was asked for each of the texts; its probes do not count."""
    said = [json.dumps(body) for _, body in server.requests]
    return [sum(text in one for one in said) for text in TEXTS.values()]


def test_what_was_asked_is_not_asked_again(mmstar, tmp_path, judge_server, store):
    judge_server.reply = letter
    benchmark, judge = load_benchmark("MMStar"), local_judge(judge_server)
    with store.replies() as replies:
        assert grade_table(benchmark, {"1": TEXTS["1"]}, tmp_path, judge, replies) == {"1": RIGHT}
        assert asked(judge_server) == [0, 1, 0]
        assert grade_table(benchmark, TEXTS, tmp_path, judge, replies) == {"0": RIGHT, "1": RIGHT, "2": WRONG}
        assert asked(judge_server) == [1, 1, 1]
    assert grade_table(benchmark, {"1": TEXTS["1"]}, tmp_path, judge) == {"1": RIGHT}
    assert asked(judge_server) == [1, 2, 1], "nothing is remembered but in a store"


def test_a_judge_that_goes_away_costs_no_reply(mmstar, tmp_path, judge_server, store):
    benchmark, judge = load_benchmark("MMStar"), local_judge(judge_server, nproc=1)
    judge_server.reply = lambda text: 500 if asked(judge_server)[1] else letter(text)
    with store.replies() as replies:
        with pytest.raises(GradingError, match="status 500"):
            grade_table(benchmark, TEXTS, tmp_path, judge, replies)
        first, second, _ = asked(judge_server)
        assert (first, second > 0) == (1, True)
        judge_server.reply = letter
        assert grade_table(benchmark, TEXTS, tmp_path, judge, replies) == {"0": RIGHT, "1": RIGHT, "2": WRONG}
        assert asked(judge_server)[0] == 1


def test_a_text_that_the_judge_refuses_is_a_failure_of_its_row(mmstar, tmp_path, judge_server, store):
    judge_server.reply = lambda text: 400 if "yellow" in text else letter(text)
    with store.replies() as replies:
        verdicts = grade_table(load_benchmark("MMStar"), TEXTS, tmp_path, local_judge(judge_server), replies)
    assert (verdicts["0"], verdicts["2"]) == (RIGHT, WRONG)
    assert verdicts["1"].value is None


def test_a_yes_or_no_without_a_reply_is_no_wrong_answer(lmu, tmp_path, monkeypatch, judge_server, store):
    from vlmeval.dataset import ImageYORNDataset

    monkeypatch.setitem(ImageYORNDataset.DATASET_URL, "OwnYesNo", "")
    write_tsv(lmu / "OwnYesNo.tsv", [{**row, "answer": "Yes"} for row in demo_rows(3)])
    texts = {"0": "Yes", "1": "certainly", "2": "perhaps"}
    judge_server.reply = lambda text: 400 if "certainly" in text else "OK"
    with store.replies() as replies:
        verdicts = grade_table(load_benchmark("OwnYesNo"), texts, tmp_path, local_judge(judge_server), replies)
    assert verdicts["0"] == RIGHT
    assert verdicts["1"].value is verdicts["2"].value is None
    judge_server.reply = lambda text: "OK"
    verdicts = grade_table(load_benchmark("OwnYesNo"), {"2": "perhaps"}, tmp_path, local_judge(judge_server))
    assert verdicts == {"2": WRONG}, "a judge that cannot tell is the host's own case"


def test_a_question_that_the_host_repeats_is_asked_again(mmstar, tmp_path, judge_server, store):
    replies_in_turn = iter(["hm", "well", "B"])
    judge_server.reply = lambda text: next(replies_in_turn) if "yellow" in text else "OK"
    benchmark, judge = load_benchmark("MMStar"), local_judge(judge_server)
    with store.replies() as replies:
        for _ in range(2):
            assert grade_table(benchmark, {"1": TEXTS["1"]}, tmp_path, judge, replies) == {"1": RIGHT}
    assert asked(judge_server) == [0, 3, 0]


def test_the_key_of_a_judge_is_not_kept(mmstar, tmp_path, judge_server):
    judge_server.reply = letter
    with Store.open(tmp_path / "store.sqlite") as store, store.replies() as replies:
        grade_table(load_benchmark("MMStar"), TEXTS, tmp_path / "grading", local_judge(judge_server), replies)
    assert b"sk-secret" not in (tmp_path / "store.sqlite").read_bytes()


def test_the_hosts_classes_are_given_back(store):
    from vlmeval.api.base import BaseAPI

    before = BaseAPI.generate, BaseAPI.working
    with store.replies() as replies, pytest.raises(RuntimeError), kept_replies(replies):
        assert BaseAPI.generate is not before[0]
        raise RuntimeError
    assert (BaseAPI.generate, BaseAPI.working) == before


def test_a_request_is_known_by_all_that_matters(tmp_path):
    from vlmeval.api import OpenAIWrapper

    def key(message="Which?", options=None, **settings):
        given = {"model": "m", "key": "sk-1", "api_base": "http://host/v1", **settings}
        return request_key(OpenAIWrapper(**given), message, options or {})

    image, copy = tmp_path / "a.png", tmp_path / "b.png"
    image.write_bytes(b"one")
    copy.write_bytes(b"one")
    picture = [{"type": "image", "value": str(image)}]
    same = [
        key(),
        key(key="sk-2"),
        key(api_base="http://me:pass@host/v1"),
        key(retry=9, timeout=3),
    ]
    assert len(set(same)) == 1
    assert key(picture) == key([{"type": "image", "value": str(copy)}])
    copy.write_bytes(b"other")
    others = [
        key("Whose?"),
        key([{"type": "text", "value": "Which?"}]),
        key(model="n"),
        key(api_base="http://other/v1"),
        key(system_prompt="Be kind."),
        key(max_tokens=5),
        key(temperature=0.5),
        key(options={"temperature": 0.5}),
        key(top_p=0.5),
        key(picture),
        key([{"type": "image", "value": str(copy)}]),
        key("\ud800"),
        key([{"type": "image", "value": "data:image/png;base64," + "A" * 5000}]),
        key([{"type": "image", "value": "http://host/a\0.png"}]),
    ]
    assert len({*same, *others}) == 1 + len(others)
