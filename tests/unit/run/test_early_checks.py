"""A mistake in paths, names, keys and files is told while neither torch nor the host is imported.

All command lines run one after the other in one process, which says after each what it has imported until then.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from tests.golden.material import copy_checkpoint
from visualprm_eval.core.types import Candidate, Problem, Spec
from visualprm_eval.host.data.entries import OF_VIDEOS, DatasetEntry
from visualprm_eval.host.load.host_names import HostNames, host_stamp
from visualprm_eval.store import STORE_FILE, Store
from visualprm_eval.store.packs import export_candidates

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import contextlib, io, json, sys
import visualprm_eval.run.pipeline
from visualprm_eval.cli import main
visualprm_eval.run.pipeline.start = lambda: None  # It would put the host's own names over the shortened ones.
told = []
for line in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(line)
    loaded = sorted({"torch", "transformers", "vlmeval"} & set(sys.modules))
    told.append([status, out.getvalue(), err.getvalue(), loaded])
print(json.dumps(told))
"""
DEMO = "--model demo-policy --prm demo-prm --data DemoWorld"
CASES = {
    "candidates: not there": ("run --candidates {tmp}/no.jsonl --data DemoWorld", r"cannot read .*no\.jsonl"),
    "candidates: a folder": ("run --candidates {tmp} --data DemoWorld", r"is a device, a pipe or a folder"),
    "candidates: a row": ("run --candidates {tmp}/row.jsonl --data DemoWorld", r"row\.jsonl, line 2: missing field"),
    "candidates: fields": (
        "run --candidates {tmp}/row.jsonl --data DemoWorld --candidate-fields index=indx text=text",
        r"row\.jsonl, line 1: index: missing field 'indx'",
    ),
    "candidates: changed": ("run --candidates {tmp}/changed.jsonl --data B", r"not the file that its manifest describ"),
    "candidates: of others": ("run --candidates {tmp}/pack.jsonl --data DemoWorld", r"no candidates of DemoWorld"),
    "prm: not there": ("run --model demo-policy --data DemoWorld --prm ./nowhere", r"no directory nowhere"),
    "prm: not there, report": (
        "run --model demo-policy --data DemoWorld --prm ./nowhere --stages report", r"no directory nowhere",
    ),
    "prm: a file": ("run --model demo-policy --data DemoWorld --prm {tmp}/row.jsonl", r"row\.jsonl is a file"),
    "prm: no config": ("run --model demo-policy --data DemoWorld --prm {tmp}/empty", r"empty: no config\.json"),
    "prm: no layout": ("run --model demo-policy --data DemoWorld --prm {tmp}/other", r"model_type is 'llama'"),
    "prm: cut off": ("run --model demo-policy --data DemoWorld --prm {tmp}/cut", r"model\.safetensors is truncated"),
    "prm: not on the hub": ("run --model demo-policy --data DemoWorld --prm who/what", r"who/what is no local direct"),
    "model: not there": ("run --model ./nowhere --prm demo-prm --data DemoWorld", r"no directory nowhere"),
    "model: hf, not there": ("run --model hf:./nowhere --prm demo-prm --data DemoWorld", r"no directory nowhere"),
    "model: hf, no config": ("run --model hf:{tmp}/empty --prm demo-prm --data DemoWorld", r"empty: no config\.json"),
    "model: a name": (
        "run --model demo-policy Qwen-VL --prm demo-prm --data DemoWorld", r"unknown model 'Qwen-VL'; did you mean",
    ),
    "model: the engine": ("run --model {tmp}/empty --data DemoWorld --engine host", r"--engine host cannot run"),
    "model: two of a name": (f"run {DEMO} --model demo-policy x/demo-policy", r"two --model are called demo-policy"),
    "data: a name": ("run --model demo-policy --prm demo-prm --data DemoWrold", r"'DemoWrold'; did you mean 'Demo"),
    "data: videos": ("run --model demo-policy --prm demo-prm --data Clips", r"Clips is made of videos"),
    "data: files": (
        "run --model demo-policy --prm demo-prm --data DemoWorld Far Away --data-dir {tmp}",
        r"files are missing:\n  Far: .*Far\.tsv and .*far_1\.tsv; .*127\.0\.0\.1:9.*\n  Away: ",
    ),
    "data-dir": (f"run {DEMO} --data-dir {{tmp}}/nowhere", r"--data-dir \S+nowhere is no folder"),
    "work-dir: a file": (f"run {DEMO} --work-dir {{tmp}}/row.jsonl/out", r"row\.jsonl is a file, expected a folder"),
    "work-dir: no store": (f"run {DEMO} --work-dir {{tmp}}/damaged", r"damaged/store\.sqlite is not a sound store"),
    "work-dir: newer": (f"run {DEMO} --work-dir {{tmp}}/newer", r"was written by a newer version"),
    "reranker: a name": (f"run {DEMO} --reranker orcale", r"unknown reranker 'orcale'; did you mean 'oracle'"),
    "reranker: its judge": (f"run {DEMO} --reranker visualprm judge:Qwen-VL", r"unknown model 'Qwen-VL'; did you mean"),
    "critic: a name": (
        "run --data VisualProcessBench --critic visaulprm", r"unknown critic 'visaulprm'; did you mean 'visualprm'",
    ),
    "critic: its model": ("run --data VisualProcessBench --critic judge:./nowhere", r"no directory nowhere"),
    "vpb-dir": ("run --data VisualProcessBench --critic random --vpb-dir {tmp}/empty", r"no test\.jsonl in it"),
    "judge: none": ("run --model demo-policy --prm demo-prm --data MathVista --judge exact_matching", r"without a jud"),
    "judge: no key": ("run --model demo-policy --prm demo-prm --data MathVista", r"gpt-4o-mini .* OPENAI_API_KEY"),
    "judge: not used": (f"run {DEMO} --judge-base-url http://127.0.0.1:9/v1", r"DemoWorld is graded without a judge"),
    "device: none": (f"run {DEMO} --device gpu", r"unknown device 'gpu'; expected auto, cpu"),
    "report: no store": ("report --work-dir {tmp}/nowhere", r"there is no store at \S+nowhere"),
    "compare: no store": ("compare visualprm oracle --work-dir {tmp}/nowhere", r"there is no store at \S+nowhere"),
    "export: no folder": ("export-candidates --work-dir {tmp}/store -o {tmp}/no/p.jsonl", r"no folder \S+/no; make it"),
    "export: a folder": ("export-candidates --work-dir {tmp}/store -o {tmp}/empty", r"-o \S+empty is a folder"),
    "export-problems: a name": ("export-problems --data DemoWrold -o {tmp}/new", r"did you mean 'DemoWorld'"),
    "export-problems: a file": ("export-problems --data DemoWorld -o {tmp}/row.jsonl", r"row\.jsonl is no folder"),
    "merge: no store": ("merge {tmp}/nowhere -o {tmp}/new", r"there is no store at \S+nowhere"),
    "merge: a file": ("merge {tmp}/store -o {tmp}/row.jsonl/new", r"row\.jsonl is no folder"),
    # Whether there is a GPU only torch can tell: the host is still not asked.
    "device: not there": (f"run {DEMO} --device cuda:99", r"device 'cuda:99' is not there"),
}  # fmt: skip


def material(tmp: Path) -> None:
    """Files that are wrong in one way each."""
    row = {"benchmark": "DemoWorld", "index": "0", "text": "7", "policy": "P"}
    (tmp / "row.jsonl").write_text(f"{json.dumps(row)}\n{json.dumps({**row, 'text': None})}\n")
    problem = Problem("B", "0", "", (), "7", "id-0")
    with Store.open(tmp / "store" / STORE_FILE) as store:
        sampling = Spec("sampling", {"policy": "P"})
        store.put_problems([problem])
        store.put_spec(sampling)
        store.put_candidates(sampling.id, [Candidate(problem.id, 0, "7")])
        for name in ("pack", "changed"):
            export_candidates(store, tmp / f"{name}.jsonl")
    with (tmp / "changed.jsonl").open("a") as file:
        file.write("\n")
    (tmp / "empty").mkdir()
    (tmp / "other").mkdir()
    (tmp / "other" / "config.json").write_text(json.dumps({"model_type": "llama"}))
    weights = copy_checkpoint("a1", tmp / "cut") / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    (tmp / "damaged").mkdir()
    (tmp / "damaged" / STORE_FILE).write_bytes(b"this is no database" * 100)
    newer = bytearray((tmp / "store" / STORE_FILE).read_bytes())
    newer[60:64] = (9999).to_bytes(4, "big")  # SQLite's user_version.
    (tmp / "newer").mkdir()
    (tmp / "newer" / STORE_FILE).write_bytes(newer)


def keep(cache: Path, stamp: str) -> None:
    """What an import of the host would have left, shortened."""
    away = "http://127.0.0.1:9/{}.tsv"
    datasets = {
        "DemoWorld": DatasetEntry(), "MathVista_MINI": DatasetEntry(), "Clips": OF_VIDEOS,
        **{name: DatasetEntry(url=away.format(f"{name.lower()}_1"), one_file=True) for name in ("Far", "Away")},
    }  # fmt: skip
    names = HostNames(stamp, ("Qwen2-VL", "demo-policy"), datasets)
    path = cache / "visualprm_eval" / "host-names.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(TypeAdapter(HostNames).dump_json(names))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, str, list[str]]]:
    """What each command line came to: exit status, both outputs, and what is imported by then."""
    tmp = tmp_path_factory.mktemp("early")
    material(tmp)
    keep(tmp / "cache", host_stamp())
    lines = [line.format(tmp=tmp).split() for line, _ in CASES.values()]
    for line in lines:
        if line[0] == "run" and "--work-dir" not in line:
            line += ["--work-dir", str(tmp / "made")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], input=json.dumps(lines), capture_output=True, text=True, check=False, cwd=ROOT,
        env=environment | {"XDG_CACHE_HOME": str(tmp / "cache")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not (tmp / "made").exists(), "a mistake makes no work dir"
    return dict(zip(CASES, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_told_before_torch_and_the_host_are_imported(
    told: dict[str, tuple[int, str, str, list[str]]], case: str
) -> None:
    status, out, err, loaded = told[case]
    assert status == 2, err
    assert re.search(CASES[case][1], err), err
    assert re.match(r"([^\n]+\n)?(loading torch \.\.\.\n(torch loaded after \d+ s\n)?)?error: ", err), err
    assert out == "", "what standard output is for never came"
    assert loaded == (["torch"] if case == "device: not there" else [])
