"""Runs a command line where modules are missing: ``python -m tests.blocked torch,vlmeval run --help``.

A finder before all others refuses them, as if they were not installed. With ``--fake-policy`` first, ``--model`` names
a policy that writes ``text RANK of INDEX, N pictures``, with a pause of ``$FAKE_PAUSE_S`` before each.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path


class Blocker:
    def __init__(self, names: set[str]) -> None:
        self.names = names

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r} (blocked)", name=name)


def fake_policy(name, options):
    from visualprm_eval.core.types import Candidate

    class Fake:
        def __init__(self) -> None:
            self.name = name

        def settings(self):
            return {"policy": name, "engine": "fake", **options.sampling.settings()}

        def sample(self, requests):
            for problem, rank in requests:
                pictures = sum(bool(Path(image).read_bytes()) for image in problem.images)
                time.sleep(float(os.environ.get("FAKE_PAUSE_S", "0")))
                yield [Candidate(problem.id, rank, f"text {rank} of {problem.index}, {pictures} pictures")]

    return Fake()


if __name__ == "__main__":
    sys.meta_path.insert(0, Blocker(set(sys.argv[1].split(","))))
    from visualprm_eval.cli import main

    arguments = sys.argv[2:]
    if arguments[0] == "--fake-policy":
        import visualprm_eval.run.plan_run

        visualprm_eval.run.plan_run.find_policy = fake_policy
        del arguments[0]
    try:
        status = main(arguments)
    finally:
        loaded = {name.partition(".")[0] for name in sys.modules} & set(sys.argv[1].split(","))
        assert not loaded, loaded
    sys.exit(status)
