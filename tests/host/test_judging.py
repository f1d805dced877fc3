"""Replies of a judge are kept one by one; what was paid for is not asked again."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.host.material import demo_rows, grade_table, write_tsv
from tests.host.seven_tables import TABLE2, pattern, rows_of, text, write_seven
from tests.host.seven_tables import judge as seven_judge
from tests.host.test_grading import RIGHT, WRONG, local_judge
from visualprm_eval.core.errors import GradingError
from visualprm_eval.host.data.benchmarks import load_benchmark
from visualprm_eval.host.grading.judge_replies import Asked, counted_requests, kept_replies, no_requests, request_key
from visualprm_eval.host.grading.replies import NO_REPLY
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
    assert verdicts["1"].value is verdicts["2"].value is None, "nobody said that it is wrong"
    judge_server.reply = lambda text: "Unknown"
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


@pytest.mark.parametrize("name", ["DynaMath", "MathVerse_MINI_Vision_Only", "LogicVista", "MathVision_MINI"])
def test_rows_that_ask_the_same_share_a_reply(lmu, tmp_path, judge_server, store, name):
    rows = [{**row, "question": "Which?"} for row in rows_of(name)]
    write_tsv(lmu / f"{name}.tsv", rows)
    judge_server.reply = lambda text: "8"
    texts = {str(row["index"]): "seven of course, as shown" for row in rows}
    with store.replies() as replies:
        grade_table(load_benchmark(name), texts, tmp_path, local_judge(judge_server, nproc=4), replies)
        bodies = [json.dumps(body, sort_keys=True) for _, body in judge_server.requests]
        assert len(bodies) == len(set(bodies)), "the same is asked once"
        judge_server.requests.clear()
        grade_table(load_benchmark(name), texts, tmp_path, local_judge(judge_server, nproc=4), replies)
    assert judge_server.requests == []


def asking(reply):
    """An object of the host's API class that answers with what ``reply`` says."""
    from vlmeval.api.base import BaseAPI

    class Judge(BaseAPI):
        key = "sk-a-secret-key"
        api_base = "http://me:a-pass-word@host/v1/chat/completions"

        def generate_inner(self, inputs, **kwargs):
            return 0, reply(inputs[0]["value"]), "log"

    return Judge(retry=1, wait=0, verbose=False)


def in_rows(api, texts, ask=lambda api, text: api.generate(text)):
    """What rows hear that are worked on at the same time, as the host's graders work on them."""
    from vlmeval.utils.mp_util import track_progress_rich

    return track_progress_rich(lambda text: ask(api, text), [(text,) for text in texts], nproc=len(texts))


def test_what_is_asked_at_the_same_time_is_one_request(store):
    together, told = threading.Barrier(2, timeout=30), []

    def reply(text):
        told.append(text)
        together.wait()  # Until the other question is asked as well.
        return f"reply to {text}"

    with store.replies() as replies, kept_replies(replies) as asked:
        said = in_rows(asking(reply), ["same", "same", "other", "same"])
    assert sorted(told) == ["other", "same"]
    assert said[0] == said[1] == said[3] != said[2]
    assert (asked.made, asked.saved) == (2, 2)


def test_each_row_is_told_when_it_is_done(store):
    told = []
    with store.replies() as replies:
        for _ in range(2):  # The second time all replies are known.
            with kept_replies(replies, done=told.append):
                in_rows(asking(lambda text: f"reply to {text}"), ["one", "other", "one"])
    assert told == [1] * 6


@pytest.mark.parametrize("kept", [True, False])
def test_only_a_retry_of_the_same_row_asks_anew(store, kept):
    told = []

    def reply(text):
        told.append(text)
        return f"reply {len(told)}"

    def twice(api, text):
        return api.generate(text), api.generate(text)

    with store.replies() as replies:
        for _ in range(2):
            with kept_replies(replies if kept else None):
                assert len(set(in_rows(asking(reply), ["same"] * 3, twice))) == 1
    assert len(told) == (2 if kept else 4)


def test_a_failure_is_told_to_nobody_else(store):
    """A row that asks later tries anew; the failed request is one."""
    answers = iter(["", "", "fine"])
    with store.replies() as replies, kept_replies(replies) as asked:
        api = asking(lambda _: next(answers))
        with ThreadPoolExecutor(1) as pool:
            said = [pool.submit(api.generate, "same").result() for _ in range(3)]
    assert [one == "fine" for one in said] == [False, False, True]
    assert (asked.made, asked.unanswered, asked.saved) == (1, 2, 0)


def test_an_error_reaches_every_row_that_waited(store, monkeypatch):
    """No row waits for a reply that does not come."""
    started = threading.Event()

    def fail(*_):
        started.wait(5)
        raise OSError("no disk")

    with store.replies() as replies, kept_replies(replies), ThreadPoolExecutor(2) as pool:
        monkeypatch.setattr(replies, "put", fail)
        waiting = [pool.submit(asking(lambda _: "B").generate, "same") for _ in range(2)]
        started.set()
        for one in waiting:
            with pytest.raises(OSError, match="no disk"):
                one.result(30)


def test_a_judge_that_repeats_its_key_puts_it_nowhere(tmp_path):
    with Store.open(tmp_path / "store.sqlite") as store, store.replies() as replies:
        for _ in range(2):
            with kept_replies(replies, secrets=("sk-of-the-run",)):
                said = asking(lambda _: "B sk-a-secret-key a-pass-word sk-of-the-run").generate("Which?")
                assert said == "B [key] [key] [key]", "grading gets the same the second time"
    stored = (tmp_path / "store.sqlite").read_bytes()
    assert not any(secret in stored for secret in (b"sk-a-secret", b"a-pass-word", b"sk-of-the-run"))


def test_a_key_in_a_reply_is_not_in_the_store(mmstar, tmp_path, judge_server):
    judge_server.reply = lambda text: f"{letter(text)} sk-secret"
    with Store.open(tmp_path / "store.sqlite") as store, store.replies() as replies:
        verdicts = grade_table(
            load_benchmark("MMStar"), TEXTS, tmp_path / "grading", local_judge(judge_server), replies
        )
    assert verdicts["0"] == RIGHT
    assert b"sk-secret" not in (tmp_path / "store.sqlite").read_bytes()


@pytest.mark.parametrize("name", TABLE2)
def test_what_is_counted_is_what_the_judge_sees(lmu, tmp_path, judge_server, store, name):
    write_seven(lmu, [name])
    judge_server.reply = seven_judge
    texts, tally = {i: text(name, int(i), right=right) for i, right in pattern(name).items()}, Asked()
    with store.replies() as replies, counted_requests(tally):
        grade_table(load_benchmark(name), texts, tmp_path, local_judge(judge_server), replies, tally=tally)
    assert tally.sent == len(judge_server.requests) == tally.made + 1, "and one to see whether it answers"


def test_tries_are_counted(mmstar, tmp_path, judge_server, store):
    judge_server.reply = lambda text: 500 if "yellow" in text else letter(text)
    tally = Asked()
    with store.replies() as replies, counted_requests(tally):
        grade_table(load_benchmark("MMStar"), TEXTS, tmp_path, local_judge(judge_server), replies, tally=tally)
    assert tally.sent == len(judge_server.requests) > tally.made + 1


def test_replies_of_earlier_stores_are_found():
    """The key of a request, as it always was."""
    from vlmeval.api import OpenAIWrapper

    model = OpenAIWrapper("m", key="sk", api_base="http://host/v1")
    assert request_key(model, "Which?", {}) == "d3955c940fe0ca196c66ccc6534d1373"


def test_the_key_of_a_judge_is_not_kept(mmstar, tmp_path, judge_server):
    judge_server.reply = letter
    with Store.open(tmp_path / "store.sqlite") as store, store.replies() as replies:
        grade_table(load_benchmark("MMStar"), TEXTS, tmp_path / "grading", local_judge(judge_server), replies)
    assert b"sk-secret" not in (tmp_path / "store.sqlite").read_bytes()


def test_otherwise_the_hosts_classes_ask_as_ever(store):
    asked = []
    api = asking(lambda text: asked.append(text) or "B")
    with store.replies() as replies, pytest.raises(RuntimeError), kept_replies(replies):
        assert api.working() and asked == []
        assert [api.generate("one") for _ in range(2)] == ["B", "B"]
        raise RuntimeError
    with no_requests():
        assert NO_REPLY in api.generate("two")
    assert asked == ["one", "one"]
    assert api.working() and api.generate("one") == "B"
    assert asked == ["one", "one", "hello", "one"]


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
