"""Which addresses go through a proxy, and what is said of variables that cannot be used."""

from __future__ import annotations

import os

import certifi
import pytest

from visualprm_eval.core.errors import ConfigError
from visualprm_eval.core.proxies import check_way, direct_loopback, is_loopback, proxy_of, without_user

PROXY = "http://user:secret-password@proxy.example:3128"
REMOTE = "http://model.example:8000/v1"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, *map(str.lower, VARIABLES), *CERTIFICATES, "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.255.3.9", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::"],
)
def test_this_machine_needs_no_proxy(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "socks://nothing")  # Nobody looks at them.
    address = f"[{host}]" if ":" in host else host
    assert is_loopback(host)
    assert proxy_of(f"http://{address}:8000/v1") is proxy_of(f"https://{address}/v1") is None


@pytest.mark.parametrize("host", ["", "10.0.0.1", "128.0.0.1", "127.0.0.1.example", "localhost.example", "::2"])
def test_others_do(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", PROXY)
    assert not is_loopback(host)
    if host:
        assert proxy_of(f"http://{f'[{host}]' if ':' in host else host}/v1") is not None


@pytest.mark.parametrize(
    ("names", "url", "variable"),
    [
        (["HTTP_PROXY"], REMOTE, "HTTP_PROXY"),
        (["HTTPS_PROXY"], REMOTE, None),
        (["HTTPS_PROXY"], "https://model.example/v1", "HTTPS_PROXY"),
        (["ALL_PROXY", "HTTPS_PROXY"], REMOTE, "ALL_PROXY"),
        (["ALL_PROXY", "http_proxy"], REMOTE, "http_proxy"),
        ([], REMOTE, None),
    ],
)
def test_the_variable_that_counts(
    names: list[str], url: str, variable: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in names:
        monkeypatch.setenv(name, PROXY)
    proxy = proxy_of(url)
    assert (proxy and proxy.variable) == variable
    assert check_way(url) == (f" through the proxy http://proxy.example:3128 ({variable})" if variable else "")


@pytest.mark.parametrize(
    ("entries", "exempt"),
    [
        ("*", True), ("model.example", True), (" .example ", True), ("*.example", True), ("model.example:8000", True),
        ("model.example:9", False), ("odel.example", False), ("other.example, ,", False), ("10.0.0.0/8", False),
    ],
)  # fmt: skip
def test_exceptions(entries: str, exempt: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", entries)
    assert (proxy_of(REMOTE) is None) == exempt


@pytest.mark.parametrize(("entries", "exempt"), [("10.0.0.0/8", True), ("10.1.2.3", True), ("10.1.0.0/24", False)])
def test_networks_are_exceptions_too(entries: str, exempt: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", entries)
    assert (proxy_of("http://10.1.2.3:8000/v1") is None) == exempt


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("socks://user:secret-password@h:1", "HTTP_PROXY=socks://h:1 cannot be used"),
        ("ftp://h", "expected http://HOST:PORT"),
        ("socks5://h:1", "socksio"),
        ("http://", "it has no host"),
        ("http://h:0", "it has no host or no port"),
        ("http://h:x", "it is no address"),
        ("http://[h", "it is no address"),
        (":1", "it has no host"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_in_one_line(
    value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visualprm_eval.core.proxies.find_spec", lambda _: None)
    monkeypatch.setenv("HTTP_PROXY", value)
    with pytest.raises(ConfigError, match=r"mend or unset HTTP_PROXY, or name model\.example in NO_PROXY") as caught:
        check_way(REMOTE)
    assert said in str(caught.value)
    assert "secret-password" not in str(caught.value) and "\n" not in str(caught.value)


def test_socks_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visualprm_eval.core.proxies.find_spec", lambda name: name)
    monkeypatch.setenv("HTTP_PROXY", "socks5h://h:1")
    assert check_way(REMOTE) == check_way(REMOTE, "requests") == " through the proxy socks5h://h:1 (HTTP_PROXY)"
    monkeypatch.setenv("HTTP_PROXY", "socks4://h:1")
    assert check_way(REMOTE, "requests")
    with pytest.raises(ConfigError, match="socks5://, socks5h://"):
        check_way(REMOTE)


@pytest.mark.parametrize(
    ("variable", "library"),
    [
        ("SSL_CERT_FILE", "httpx2"), ("SSL_CERT_DIR", "httpx2"), ("REQUESTS_CA_BUNDLE", "requests"),
        ("CURL_CA_BUNDLE", "requests"),
    ],
)  # fmt: skip
def test_certificates_that_are_not_there(variable, library, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "missing"))
    with pytest.raises(ConfigError, match=f"{variable}=.*missing: .*mend or unset {variable}"):
        check_way("https://model.example/v1", library)
    check_way(REMOTE, library)  # None are needed.
    monkeypatch.setenv(variable, str(tmp_path) if variable == "SSL_CERT_DIR" else certifi.where())
    check_way("https://model.example/v1", library)


def test_certificates_that_cannot_be_read(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "file"))
    (tmp_path / "file").write_text("no certificate")
    monkeypatch.setenv("HTTP_PROXY", "https://proxy.example")  # Which is asked by TLS, whatever the address.
    with pytest.raises(ConfigError, match=r"SSL_CERT_FILE=.*expected a file of certificates"):
        check_way(REMOTE)


@pytest.mark.parametrize("before", ["", "a.example, 10.0.0.0/8", "*", "localhost"])
def test_other_libraries_ask_this_machine_directly(before: str, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = pytest.importorskip("requests")
    monkeypatch.setenv("HTTP_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", before)
    monkeypatch.setattr(os, "environ", os.environ | direct_loopback())
    for url in ("http://127.0.0.1:1", "http://127.9.9.9", "http://localhost:1", "http://[::1]:1"):
        assert not requests.utils.get_environ_proxies(url).get("http")
    assert bool(requests.utils.get_environ_proxies(REMOTE).get("http")) == (before != "*")
    assert not requests.utils.get_environ_proxies("http://a.example").get("http") or "a.example" not in before


def test_an_address_without_its_secrets() -> None:
    assert without_user("http://u:p@h:1/v1?key=k") == "http://h:1/v1"
    assert without_user("u:p@h:1") == "h:1"
