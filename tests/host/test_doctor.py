from __future__ import annotations

import sys

import pytest

from tests.host.material import mcq_rows, write_tsv
from visualprm_eval.config import JudgeOptions
from visualprm_eval.doctor import findings
from visualprm_eval.host import bridge
from visualprm_eval.host.benchmarks import load_benchmark
from visualprm_eval.host.files import use_data_dir


@pytest.fixture(autouse=True)
def own_places(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield
    use_data_dir(None)


def test_it_says_what_is_here(lmu, judge_server):
    write_tsv(lmu / "MMStar.tsv", mcq_rows())
    write_tsv(lmu / "Own.tsv", mcq_rows())
    names = ["MMStar", "WeMath", "Own", "Nobody"]
    judge = JudgeOptions("local", judge_server.url, "sk-secret")
    found = dict(findings(names, None, judge))
    assert found["host"].startswith("vlmeval 0.")
    assert "(package)" in found["host"]
    assert found["data folder"] == str(lmu)
    assert "another version" in found["MMStar"] and str(lmu / "MMStar.tsv") in found["MMStar"]
    assert "missing" in found["WeMath"] and "https://" in found["WeMath"]
    assert "an own table" in found["Own"]
    assert "unknown to the host" in found["Nobody"]
    assert found["judge"] == "local answers"
    assert {"GPU", "torch", "python"} <= found.keys()
    judge_server.reply = lambda text: 401
    found = dict(findings([], None, judge))
    assert "does not answer" in found["judge"]
    assert "sk-secret" not in str(found)
    assert "not asked" in dict(findings([], None, JudgeOptions()))["judge"]
    assert [path.name for path in sorted(lmu.iterdir())] == ["MMStar.tsv", "Own.tsv"]


def test_a_checkout_of_the_host_has_no_runner_in_its_package(lmu, monkeypatch):
    """Such a host is stood in for by the packaged one without it."""
    monkeypatch.setitem(sys.modules, "vlmeval.run", None)
    bridge._import_host()
    assert bridge._kind() == "checkout"
    write_tsv(lmu / "MMStar.tsv", mcq_rows())
    benchmark = load_benchmark("MMStar")
    assert benchmark.task.host_judge == "gpt-4o-mini"
    assert not benchmark.task.needs_judge
