"""Makes the demo's benchmark, policy and reward model anew from seeds.

``python -m visualprm_eval.demo.training.train`` does so.

The stages, in order (about half an hour on a CPU):

* ``benchmark``: draws the test problems;
* ``tokenizer``: learns a byte-level BPE;
* ``vision``: teaches the image encoder what each part of a picture shows;
* ``looking``: teaches a language model to read, and to tell true readings from false ones;
* ``policy``: goes on with sums and with worked solutions of readers who misread many pictures, as the policy then does;
* ``base``: goes on with looking, for longer;
* ``verifier``: goes on with worked solutions into which mistakes have slipped; the reward model starts from it, since a
  verifier must see better than what it verifies;
* ``labels``: samples solutions of other problems from the policy, and from the end of each step 16 continuations; a
  step is correct if any of them ends right (how VisualPRM400K was made);
* ``prm``: trains the verifier on the labels of all steps, one user turn per step;
* ``measure``: best-of-8 on the test problems, and the manifest.

What is to be bundled lies in ``assets`` of the output folder at the end.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from importlib import metadata
from pathlib import Path

import torch

from visualprm_eval.core.types import JSONValue
from visualprm_eval.demo.training import stages
from visualprm_eval.demo.training.measure import accuracies
from visualprm_eval.demo.training.recipe import TINY, Recipe
from visualprm_eval.demo.training.stages import Workshop
from visualprm_eval.tasks.demo_world.assets import MANIFEST, POLICY, PRM

TIMES = "seconds.json"
_PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "pillow")


def measure(shop: Workshop) -> None:
    """Measures the result with several sampling seeds and writes the manifest."""
    from visualprm_eval.engine.visualprm import VisualPRM

    recipe = shop.recipe
    problems = shop.problems("test", recipe.test_problems)
    policy = shop.load(POLICY)
    prm = VisualPRM.from_pretrained(shop.path(PRM), device="cpu", dtype="float32")
    measured = {
        str(seed): accuracies(policy, prm, problems, recipe.test_samples, seed) for seed in range(recipe.test_seeds)
    }
    labels = [label for entry in stages.read_labels(shop) for label in entry.labels]
    manifest: dict[str, JSONValue] = {
        "recipe": asdict(recipe),
        "labels": {"steps": len(labels), "correct": sum(labels)},
        "percent_by_sampling_seed": measured,
        "seconds": _read_times(shop),
        "versions": {name: metadata.version(name) for name in _PACKAGES},
        "python": platform.python_version(),
    }
    text = json.dumps(manifest, indent=2)
    (shop.assets / MANIFEST).write_text(text + "\n", encoding="utf-8")
    print(text)


STAGES: dict[str, Callable[[Workshop], None]] = {
    "benchmark": stages.make_benchmark,
    "tokenizer": stages.make_tokenizer,
    "vision": stages.train_vision,
    **{name: partial(stages.teach, name=name) for name in stages.TAUGHT},
    "labels": stages.make_labels,
    "prm": stages.train_prm,
    "measure": measure,
}
"""All stages in order; each needs what those before it left in the output folder."""


def run_stage(shop: Workshop, name: str) -> float:
    """Runs one stage and notes how many seconds it took."""
    print(f"== {name}", flush=True)
    began = time.monotonic()
    STAGES[name](shop)
    seconds = round(time.monotonic() - began, 1)
    (shop.folder / TIMES).write_text(json.dumps({**_read_times(shop), name: seconds}), encoding="utf-8")
    print(f"== {name}: {seconds} s", flush=True)
    return seconds


def _read_times(shop: Workshop) -> dict[str, float]:
    path = shop.folder / TIMES
    times: dict[str, float] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return times


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line.

    Args:
        arguments: Without the program's name; the process's own when ``None``.
    """
    parser = argparse.ArgumentParser(
        prog="python -m visualprm_eval.demo.training.train", description="Makes the demo's assets."
    )
    parser.add_argument("--out", type=Path, default=Path("outputs/demo-training"), help="output folder (%(default)s)")
    parser.add_argument("--stage", nargs="+", choices=list(STAGES), help="run these stages only, on what is there")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (%(default)s)")
    parser.add_argument("--tiny", action="store_true", help="a run of seconds that shows that all stages work")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    shop = Workshop(options.out, TINY if options.tiny else Recipe())
    wanted = options.stage or list(STAGES)
    for name in STAGES:
        if name in wanted:
            run_stage(shop, name)
    print(f"the assets are in {shop.assets}")


if __name__ == "__main__":
    main()
