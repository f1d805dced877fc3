"""Addresses, keys, names and waits."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visualprm_eval.core.errors import ConfigError
from visualprm_eval.core.server_address import KEY_VARIABLE, api_key, base_url, completed, served_model
from visualprm_eval.stages.sample.endpoint import EndpointOptions, Patience
from visualprm_eval.stages.sample.endpoint.client import retry_after_s


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        ("http://[::1]:8000/", "http://[::1]:8000/v1"),
        ("https://api.example.org/v1/", "https://api.example.org/v1"),
        ("https://example.org/x/openai/v1/chat/completions", "https://example.org/x/openai/v1"),
    ],
)
def test_addresses(given: str, expected: str) -> None:
    assert base_url(given) == base_url(expected) == expected


@pytest.mark.parametrize("given", ["", "x", "127.0.0.1:8000", "ftp://h/v1", "http://", "http://h:99999", "http://h:x/v1",
                                   "http://h/v1?key=s3cret", "http://h/v1#a", "http://[::1/v1"])  # fmt: skip
def test_what_is_no_address(given: str) -> None:
    with pytest.raises(ConfigError, match="--base-url") as caught:
        base_url(given)
    assert "s3cret" not in str(caught.value)


def test_passwords_do_not_belong_into_addresses() -> None:
    with pytest.raises(ConfigError, match="leave user and password out") as caught:
        base_url("https://me:s3cret@h/v1")
    assert "s3cret" not in str(caught.value)


def test_the_key_comes_from_the_option_then_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    assert api_key(None) is None
    monkeypatch.setenv(KEY_VARIABLE, " sk-env\n")
    assert api_key(None) == "sk-env"
    assert api_key("sk-option") == "sk-option"
    assert api_key("") is None


@pytest.mark.parametrize("key", ["a b", "sk-\u2026", "a\nb", "a\0b"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ConfigError, match="the key in --key") as caught:
        api_key(key)
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gpt-x", ("gpt-x", "gpt-x")),
        ("OpenGVLab/InternVL3-8B", ("InternVL3-8B", "OpenGVLab/InternVL3-8B")),
        ("mine=OpenGVLab/InternVL3-8B", ("mine", "OpenGVLab/InternVL3-8B")),
        ("/data/model/", ("model", "/data/model/")),
        ("m:7b@4bit", ("m:7b@4bit", "m:7b@4bit")),
        ("/a=b/c", ("c", "/a=b/c")),
    ],
)
def test_names(text: str, expected: tuple[str, str]) -> None:
    assert served_model(text) == expected


def test_a_key_is_in_no_representation_and_placeholders_are_no_secrets() -> None:
    options = EndpointOptions(("http://h/v1",), "m", key="sk-0123456789")
    assert "sk-0123456789" not in repr(options)
    assert options.redacted("say sk-0123456789!") == "say [key]!"
    short = EndpointOptions(("http://h/v1",), "m", key="abc123")
    assert short.redacted("abc123 may be a word of a sample") == "abc123 may be a word of a sample"
    assert short.blanked("Incorrect key: abc123; see xabc123x") == "Incorrect key: [key]; see xabc123x"


def test_waits_double_up_to_a_limit_and_are_spread() -> None:
    assert [Patience(jitter=lambda: 1.0).wait_s(n) for n in (1, 2, 3, 6, 7, 5000)] == [1, 2, 4, 32, 60, 60]
    assert [Patience(jitter=lambda: 0.0).wait_s(n) for n in (1, 2)] == [0.5, 1]
    assert len({Patience().wait_s(1) for _ in range(9)}) > 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None), ("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("soon", None), ("", None), ("nan", None),
        ("inf", math.inf),
        ("1e400", math.inf), ("-1e400", 0.0), ("999999999999999999999", 1e21), ("1e9", 1e9),
        ("Mon, 01 Jan 0001 00:00:00 GMT", 0.0), ("Mon, 01 Jan 0001 00:00:00 +2359", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 251606779139.0), ("Fri, 31 Dec 9999 23:59:59 +9999", None),
        ("Fri, 31 Dec 10000 23:59:59 GMT", None), ("Wed, 25 Nov 2026 12:00:30 EST", 18030.0),
        ("Wed, 25 Nov 2026 12:00:30 GMT", 30.0), ("Wed, 25 Nov 2026 11:00:00 GMT", 0.0),
        ("Wed, 25 Nov 2026 13:00:30 +0100", 30.0), ("Wed, 25 Nov 2026 12:00:30 -0000", 30.0),
        ("Wed, 99 Nov 2026 12:00:30 GMT", None),
    ],
)  # fmt: skip
def test_retry_after(value: str | None, expected: float | None) -> None:
    noon = 1795608000.0  # 25 November 2026, 12:00 UTC
    assert retry_after_s(value, now=lambda: noon) == expected


@given(st.one_of(st.text(), st.from_regex(r"\w{0,4},? ?-?\d{0,9} \w{0,4} -?\d{0,9} [\d:.]{0,12} [+-]?\w{0,9}")))
def test_no_header_is_worse_than_none(value: str) -> None:
    seconds = retry_after_s(value)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("http://h:8000", "http://h:8000/v1"),
        ("http://h:8000/", "http://h:8000/v1"),
        ("https://me:pass@h", "https://me:pass@h/v1"),
        ("http://h/v1/chat/completions", "http://h/v1"),
        ("http://h/v1", "http://h/v1"),
        ("http://h/v1/", "http://h/v1/"),
        ("http://h/other/v2", "http://h/other/v2"),
        ("http://h?api-key=x", "http://h?api-key=x"),
        ("no address", "no address"),
        ("http://[", "http://["),
    ],
)
def test_an_address_of_a_judge_is_completed_alike(given: str, expected: str) -> None:
    assert completed(given) == expected
