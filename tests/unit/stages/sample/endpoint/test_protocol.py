"""What requests say and what replies are taken for."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from visualprm_eval.core.errors import InputError
from visualprm_eval.core.types import Part, Usage
from visualprm_eval.stages.sample.endpoint import EndpointOptions
from visualprm_eval.stages.sample.endpoint.dialect import Dialect, is_alike
from visualprm_eval.stages.sample.endpoint.reply import (
    Choice,
    MalformedReplyError,
    error_message,
    listed_models,
    parse_reply,
)
from visualprm_eval.stages.sample.endpoint.request import request_body, request_seed

OPTIONS = EndpointOptions(("http://h/v1",), "org/m", temperature=0.7, top_p=0.9, max_tokens=5, seed=3)


def sent(*parts: Part, dialect: Dialect | None = None, ranks: tuple[int, ...] = (0, 1)) -> dict[str, Any]:
    return json.loads(request_body(OPTIONS, dialect or Dialect(), parts, "p", ranks))


def test_texts_alone_are_sent_as_one_text() -> None:
    message = sent(Part("text", 'a "quoted" \ud800'), Part("text", "b"))["messages"]
    assert message == [{"role": "user", "content": 'a "quoted" \ud800\nb'}]


def test_the_fields_of_a_dialect() -> None:
    plain = sent(Part("text", "a"))
    assert (plain["n"], plain["max_tokens"], plain["seed"]) == (2, 5, request_seed(3, "p", 0))
    assert (plain["temperature"], plain["top_p"], plain["top_k"], plain["repetition_penalty"]) == (0.7, 0.9, -1, 1.0)
    dialect = Dialect(n=False, limit="max_completion_tokens", left_out=frozenset({"seed", "top_k", "temperature"}))
    other = sent(Part("text", "a"), dialect=dialect, ranks=(4,))
    assert set(other) == {"model", "top_p", "repetition_penalty", "max_completion_tokens", "messages"}


def test_seeds_differ_by_run_problem_and_rank_and_stay() -> None:
    seeds = [request_seed(*key) for key in ((0, "p", 0), (1, "p", 0), (0, "q", 0), (0, "p", 1))]
    assert len(set(seeds)) == 4
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert seeds[0] == 879545660, "stored samples could not be drawn again"


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGBA"), ("JPEG", "L"), ("WEBP", "RGB"), ("GIF", "P")])
def test_common_pictures_go_as_they_are(tmp_path: Path, kind: str, mode: str) -> None:
    path = tmp_path / "picture.dat"
    Image.new(mode, (4, 3)).save(path, kind)
    url = sent(Part("image", str(path)))["messages"][0]["content"][0]["image_url"]["url"]
    head, _, data = url.partition(",")
    assert head == f"data:image/{kind.lower()};base64"
    assert base64.b64decode(data) == path.read_bytes()


@pytest.mark.parametrize(("kind", "mode"), [("BMP", "RGB"), ("TIFF", "CMYK"), ("TGA", "RGBA")])
def test_other_pictures_go_as_png(tmp_path: Path, kind: str, mode: str) -> None:
    path = tmp_path / f"picture.{kind.lower()}"
    Image.new(mode, (4, 3)).save(path, kind)
    url = sent(Part("image", str(path)))["messages"][0]["content"][0]["image_url"]["url"]
    with Image.open(io.BytesIO(base64.b64decode(url.removeprefix("data:image/png;base64,")))) as picture:
        assert (picture.format, picture.size) == ("PNG", (4, 3))


def test_pictures_that_are_none(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    for path in (broken, tmp_path / "missing.png"):
        with pytest.raises(InputError, match=str(path)):
            sent(Part("image", str(path)))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("use max_completion_tokens", Dialect(limit="max_completion_tokens")),
        ("extra field: seed", Dialect(left_out=frozenset({"seed"}))),
        ("Unrecognized request argument supplied: top_k", Dialect(left_out=frozenset({"top_k"}))),
        ("Unknown parameter: 'top_k'.", Dialect(left_out=frozenset({"top_k"}))),
        (
            (
                "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is "
                "supported."
            ),
            Dialect(left_out=frozenset({"temperature"})),
        ),
        (
            (
                '[{"type": "extra_forbidden", "loc": ["body", "repetition_penalty"], "msg": "Extra inputs are not '
                'permitted", "input": 1.0}]'
            ),
            Dialect(left_out=frozenset({"repetition_penalty"})),
        ),
        ("top_k is of no use at temperature 0", Dialect(left_out=frozenset({"top_k"}))),
        ("bad prompt", None),
        ("seedy", None),
    ],
)
def test_what_is_tried_after_a_refusal(message: str, expected: Dialect | None) -> None:
    assert Dialect().after_refusal(message) == expected


def test_what_is_left_out_is_not_left_out_again() -> None:
    assert Dialect(left_out=frozenset({"seed"})).after_refusal("extra field: seed") is None


def test_lessons_add_up() -> None:
    both = Dialect(n=False).joined(Dialect(left_out=frozenset({"seed"}), limit="max_completion_tokens"))
    assert both == Dialect(n=False, limit="max_completion_tokens", left_out=frozenset({"seed"}))
    assert both.joined(Dialect()) == both


def test_keys_that_differ_in_refused_fields_alone_are_alike() -> None:
    settings = {"model": "m", "temperature": 0.7, **Dialect().settings()}
    refusing = Dialect(left_out=frozenset({"top_k", "temperature"}))
    other = {**settings, **refusing.settings()}
    assert (other["top_k"], other["temperature"], other["repetition_penalty"]) == (
        "server's own", "server's own", 1.0,
    )  # fmt: skip
    assert Dialect.of(other) == refusing
    assert is_alike(other, settings) and is_alike(settings, other) and is_alike(settings, settings)
    assert not is_alike({**settings, "temperature": 0.8}, settings)
    assert not is_alike({**other, "model": "n"}, settings)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"object": "list", "data": [{"id": "a"}, {"id": "b"}]}', ["a", "b"]),
        (b'{"data": []}', None),
        (b'{"data": [{"id": 3}, 4]}', None),
        (b'["a"]', None),
        (b"<html>", None),
        (b"[" * 100_000, None),
    ],
)
def test_lists_of_models(body: bytes, expected: list[str] | None) -> None:
    assert listed_models(body) == expected


# Replies


def reply(*choices: Any, **more: Any) -> bytes:
    return json.dumps({"choices": list(choices), **more}).encode()


def test_choices_come_by_index() -> None:
    found = parse_reply(reply(*({"index": place, "message": {"content": f"{place}"}} for place in (2, 0, 1))))
    assert [choice.text for choice in found.choices] == ["0", "1", "2"]
    assert found.usage is None


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"content": "a"}, Choice("a", None, "stop")),
        ({"content": [{"type": "text", "text": "a"}, {"type": "x"}]}, Choice("a", None, "stop")),
        ({"content": None, "refusal": "I will not"}, Choice("", None, "refusal")),
        ({}, Choice("", None, "stop")),
        ({"content": 3}, Choice("", "the reply's content is int, expected a text", "stop")),
        (None, Choice("", "the reply's choice has no message", "stop")),
    ],
)  # fmt: skip
def test_messages(message: Any, expected: Choice) -> None:
    assert parse_reply(reply({"message": message, "finish_reason": "stop"})).choices == (expected,)


@pytest.mark.parametrize("content", ["a", None, ""])
@pytest.mark.parametrize(
    ("message", "reasoning"),
    [
        ({"reasoning_content": "hm"}, "hm"),
        ({"reasoning": "hm"}, "hm"),
        ({"reasoning_content": None, "reasoning": "hm"}, "hm"),
        ({"reasoning_content": "hm", "reasoning": "hm"}, "hm"),
        ({"reasoning_content": " \n", "reasoning": None}, ""),
        ({"reasoning_content": 7, "reasoning": {"effort": "low"}}, ""),
        ({"reasoning": [{"type": "text", "text": "h"}, {"type": "text", "text": "m"}]}, "hm"),
    ],
)
def test_thoughts_are_no_answer_and_are_kept(content: str | None, message: dict[str, Any], reasoning: str) -> None:
    (choice,) = parse_reply(reply({"message": {"content": content, **message}, "finish_reason": "length"})).choices
    assert choice == Choice(content or "", None, "length", reasoning)


def test_thoughts_among_the_pieces_of_a_text_stand_beside_it() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    (choice,) = parse_reply(reply({"message": {"content": [thought, {"type": "text", "text": "4"}]}})).choices
    assert choice == Choice("4", None, "", "hm")


@pytest.mark.parametrize("finish", ["error", "abort"])
def test_a_reply_that_the_server_broke_off_never_came(finish: str) -> None:
    (choice,) = parse_reply(reply({"message": {"content": ""}, "finish_reason": finish})).choices
    assert choice == Choice("", f"the server broke the reply off (finish_reason {finish})", finish)


def test_a_refusal_that_the_server_filtered_says_so() -> None:
    message = {"content": None, "refusal": "no"}
    (choice,) = parse_reply(reply({"message": message, "finish_reason": "content_filter"})).choices
    assert choice == Choice("", None, "content_filter")


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 1, "completion_tokens": 2}, Usage(1, 2)),
        ({"completion_tokens": 2}, Usage(0, 2)),
        ({"prompt_tokens": -1, "completion_tokens": "x"}, None),
        ({"prompt_tokens": 2**70}, None),
        ("x", None),
        (None, None),
    ],
)
def test_usage(usage: Any, expected: Usage | None) -> None:
    assert parse_reply(reply({"message": {"content": "a"}}, usage=usage)).usage == expected


def test_an_error_in_a_successful_reply_is_told() -> None:
    with pytest.raises(MalformedReplyError, match="no choices: upstream is down"):
        parse_reply(b'{"error": {"message": "upstream is down", "code": 502}}')


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error": {"message": "a\\n b"}}', "a b"),
        (b'{"error": "a"}', "a"),
        (b'{"detail": [{"loc": 1}]}', '[{"loc": 1}]'),
        (b'{"object": "error", "message": "m"}', "m"),
        (b"<html>", "'<html>'"),
        (b"", "it is empty"),
        (b"x" * 9000, "'" + "x" * 297 + "...'"),
    ],
)
def test_error_messages(body: bytes, expected: str) -> None:
    assert error_message(body) == expected


def test_an_error_message_does_nothing_to_a_terminal() -> None:
    body = json.dumps({"error": {"message": "no \x1b[2J\x07 \u202e\ud800 way\n" + "x" * 10**6}}).encode()
    message = error_message(body)
    assert message.startswith("no \ufffd[2J\ufffd \ufffd\ufffd way x")
    assert len(message) == 300
    assert message.isprintable()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(
        ["choices", "message", "content", "usage", "index", "finish_reason", "error", "code", "prompt_tokens"]), inner),
    max_leaves=12,
)  # fmt: skip


@given(json_values)
def test_whatever_comes_is_a_reply_or_malformed(value: Any) -> None:
    try:
        found = parse_reply(json.dumps(value).encode())
    except MalformedReplyError:
        return
    assert found.choices
    assert all(choice.error is None or not choice.text for choice in found.choices)
