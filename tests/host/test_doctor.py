from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.host.material import mcq_rows, write_tsv
from visualprm_eval.cli import main
from visualprm_eval.core.config import JudgeOptions
from visualprm_eval.core.errors import HostError
from visualprm_eval.core.folders import use_data_dir
from visualprm_eval.host.load import bridge
from visualprm_eval.run.doctor import findings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def own_places(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield
    use_data_dir(None)


def told(found):
    """What was found, by what was looked at."""
    return {finding.what: finding.found for finding in found}


def unusable(found):
    return [finding.what for finding in found if not finding.is_usable]


def test_it_says_what_is_here(lmu, judge_server, host):
    write_tsv(lmu / "MMStar.tsv", mcq_rows())
    write_tsv(lmu / "Own.tsv", mcq_rows())
    names = ["MMStar", "WeMath", "Own", "Nobody", "MMDU"]
    judge = JudgeOptions("local", judge_server.url, "sk-secret")
    found = told(findings(names, None, judge))
    assert found["host"].startswith("vlmeval 0.")
    assert f"({host.kind}" in found["host"] and found["host"].endswith(f" in {host.folder}")
    assert found["data folder"] == str(lmu)
    assert "another version" in found["MMStar"] and str(lmu / "MMStar.tsv") in found["MMStar"]
    assert "missing" in found["WeMath"] and "https://" in found["WeMath"]
    assert "an own table" in found["Own"]
    assert "unknown to the host" in found["Nobody"]
    assert found["MMDU"] == "cannot be used: it is a dialogue of several turns"
    assert found["judge"] == "local answers"
    assert {"GPU", "torch", "python"} <= found.keys()
    judge_server.reply = lambda text: 401
    found = told(findings([], None, judge))
    assert "does not answer" in found["judge"]
    assert "sk-secret" not in str(found)
    assert "not asked" in told(findings([], None, JudgeOptions()))["judge"]
    assert [path.name for path in sorted(lmu.iterdir())] == ["MMStar.tsv", "Own.tsv"]


def test_the_exit_status_says_whether_all_that_was_asked_for_can_be_used(lmu, judge_server, capsys):
    write_tsv(lmu / "MMStar.tsv", mcq_rows())
    bare = judge_server.url.removesuffix("/v1")
    arguments = [
        "doctor",
        "--data",
        "MMStar",
        "WeMath",
        "--judge",
        "local",
        "--judge-base-url",
        bare,
        "--judge-key",
        "k",
    ]
    assert main(arguments) == 0, "a missing file may be fetched"
    judge_server.reply = lambda text: 401
    assert main(arguments) == 1
    assert main(["doctor", "--data", "Nobody"]) == 1
    assert main(["doctor", "--data-dir", str(lmu / "nowhere")]) == 1
    assert "does not answer" in capsys.readouterr().out


def test_no_proxy_stands_before_a_judge_on_this_machine(lmu, judge_server, monkeypatch):
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://user:secret-password@127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert told(findings([], None, JudgeOptions("local", judge_server.url, "sk-secret")))["judge"] == "local answers"
    found = told(findings([], None, JudgeOptions("local", "http://judge.example/v1", "sk-secret")))["judge"]
    assert "at http://judge.example/v1 through the proxy http://127.0.0.1:9 (HTTP_PROXY) does not answer" in found
    assert "secret" not in found
    assert "NO_PROXY" not in os.environ
    monkeypatch.setenv("HTTP_PROXY", "socks://proxy.example:1")
    found = list(findings([], None, JudgeOptions("local", "http://judge.example/v1", "sk-secret")))
    assert unusable(found) == ["judge"]
    assert "HTTP_PROXY=socks://proxy.example:1 cannot be used" in told(found)["judge"]


def test_without_the_host_files_and_judge_are_told_all_the_same(lmu, monkeypatch):
    def no_host():
        raise HostError("there is no host")

    monkeypatch.setattr(bridge, "load_host", no_host)
    write_tsv(lmu / "MMStar.tsv", mcq_rows())
    found = list(findings(["MMStar", "WeMath"], None, JudgeOptions("local", "http://127.0.0.1:9/v1")))
    assert unusable(found) == ["host", "judge"]
    assert f"{lmu / 'MMStar.tsv'} is there" in told(found)["MMStar"]
    assert f"{lmu / 'WeMath.tsv'} is not there" in told(found)["WeMath"]
    assert "local is not asked" in told(found)["judge"]
    assert unusable(findings([], None, JudgeOptions())) == ["host"]


def test_it_writes_nothing(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    environment = {
        **os.environ,
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    environment.pop("LMUData")
    command = [sys.executable, "-m", "visualprm_eval", "doctor", "--data", "MMStar"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"missing: no {home / 'LMUData' / 'MMStar.tsv'}" in done.stdout
    assert "LMUData" not in {path.name for path in home.iterdir()}
