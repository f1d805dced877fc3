"""A third party's reranker and critic, installed from a package of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.conftest import Run, read_rows
from visualprm_eval.store import STORE_FILE, Store

PACKAGE = Path(__file__).parent / "plugin"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed package, for the module path."""
    target, source = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("source")
    for file in PACKAGE.rglob("*"):
        if file.suffix in {".py", ".toml"}:
            copy = source / file.relative_to(PACKAGE)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
         "--target", str(target), str(source)],
        check=True,
    )  # fmt: skip
    return target


def test_their_names_work_like_ours(run: Run, installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(installed)
    run("--demo", "--limit", "6", "-n", "3", "--reranker", "shortest", "digits", "digits:last", "--work-dir", tmp_path)
    rows = read_rows(tmp_path)
    assert {row["reranker"] for row in rows} == {"first", "shortest", "digits", "digits:last"}
    assert all(row["value"] for row in rows)
    with Store.open(tmp_path / STORE_FILE, write=False) as store:
        assert [spec.settings["critic"] for spec in store.specs("scoring")] == ["digits"]


def test_their_critics_get_the_steps_of_the_rule(
    run: Run, installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(installed)
    pack, work_dir = tmp_path / "pack.jsonl", tmp_path / "out"
    row = {"benchmark": "DemoWorld", "index": "1", "rank": 0, "text": "1.\r\n22.\r\n\r\nSo 333.", "policy": "P"}
    pack.write_text(json.dumps(row) + "\n")
    for rule in ("original", "lines"):
        run("--candidates", pack, "--data", "DemoWorld", "--limit", "1", "--reranker", "digits", "--steps", rule,
            "--work-dir", work_dir)  # fmt: skip
    with Store.open(work_dir / STORE_FILE, write=False) as store:
        ids = [problem.id for problem in store.problems("DemoWorld")]
        found = {spec.settings.get("step_rule"): store.scores(spec.id, ids) for spec in store.specs("scoring")}
    scores = {rule: [one.scores for one in known.values()] for rule, known in found.items()}
    assert scores == {None: [(6.0,)], "lines": [(1.0, 2.0, 3.0)]}


def test_without_the_package_the_name_is_unknown(run: Run, tmp_path: Path) -> None:
    said = run("--demo", "--reranker", "shortest", "--work-dir", tmp_path, status=2)
    assert "unknown reranker 'shortest'" in said
    assert not list(tmp_path.iterdir()), "a wrong name is told before anything is made"
