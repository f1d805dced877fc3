"""Kill -9 in the middle of a batch, in a process that has neither torch nor the host."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

from tests.servers import Answer, Seen, Server, completion
from tests.unit.stages.sample.endpoint.conftest import KEY
from visualprm_eval.store import Store

_SCRIPT = """
import json, os, sys
from pathlib import Path

for name in ("torch", "torchvision", "transformers", "vlmeval", "pandas"):
    sys.modules[name] = None  # Importing it fails.

from visualprm_eval.stages.sample.endpoint import EndpointOptions, EndpointPolicy
from visualprm_eval.stages.sample.stage import sample_missing
from visualprm_eval.store import Store
from visualprm_eval.core.types import Part, Problem, Spec

path, url, n, p = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
spec = Spec("sampling", {"policy": "P"})
options = EndpointOptions((url,), "m", key=os.environ["OPENAI_API_KEY"], nproc=4)
problems = {f"p{i}": Problem("B", f"p{i}", "", (Part("text", f"p{i}"),), "", f"p{i}") for i in range(p)}
with Store.open(path) as store:
    store.put_problems(problems.values())
    missing = store.missing_candidates(spec.id, list(problems), n)
    print(json.dumps(missing), flush=True)
    sample_missing(store, EndpointPolicy("P", options, spec.settings), spec, problems, missing)
"""

N, P = 4, 60


def start(path: Path, url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _SCRIPT, str(path), url, str(N), str(P)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={"OPENAI_API_KEY": KEY}, cwd=Path.cwd(),
    )  # fmt: skip


def test_kill_9_in_the_middle_of_a_batch_loses_and_repeats_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    enough, killed = threading.Event(), threading.Event()

    def slowly(seen: Seen) -> Answer:
        hangs = seen.number >= 20 and not killed.is_set()
        if hangs:
            enough.set()
        texts = [f"{seen.text} {seen.body['seed']} {place}" for place in range(seen.n)]
        return completion(*texts, delay_s=60.0 if hangs else 0.01)

    with Server(slowly) as server:
        with start(path, server.url) as first:
            assert enough.wait(60)
            first.kill()
            killed.set()
        answered = len(server.requests)
        with Store.open(path) as store:
            (spec,) = store.specs("sampling")
            before = store.candidates(spec.id, [f"p{place}" for place in range(P)])
        stored = {(one.problem_id, one.rank) for found in before.values() for one in found}
        assert len(stored) >= 16 * N, "what had arrived was not stored"
        with start(path, server.url) as second:
            output, errors = second.communicate(timeout=60)
        assert second.returncode == 0, errors
        missing = {tuple(item) for item in json.loads(output)}
    assert missing == {(f"p{place}", rank) for place in range(P) for rank in range(N)} - stored
    asked_again = {seen.text for seen in server.requests[answered:]}
    assert asked_again == {problem for problem, _ in missing}
    with Store.open(path) as store:
        after = store.candidates(spec.id, list(before))
        assert store.verify() == []
    assert all(after[name][: len(found)] == found for name, found in before.items())
    assert {len(found) for found in after.values()} == {N}
    assert len({one.text for found in after.values() for one in found}) == N * P
    # Every reply stored its cost once.
    assert sum(one.usage is not None for found in after.values() for one in found) == P
    assert f"{100 * len(asked_again):,} prompt tokens" in errors
    held = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert KEY not in output + errors and KEY.encode() not in held
