"""The reference data, and checkpoints made from it for tests of other kinds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
IMAGES = DATA / "images"
CHECKPOINTS = ("a1", "a2")
SCORE_TOLERANCE = 1e-5
LOGIT_TOLERANCE = 5e-5


@cache
def reference(checkpoint: str) -> Mapping[str, Any]:
    return json.loads((DATA / "reference.json").read_text(encoding="utf-8"))["checkpoints"][checkpoint]


@cache
def tile_reference() -> Mapping[str, Any]:
    return json.loads((DATA / "tiles.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Case:
    """One conversation of the reference."""

    facts: Mapping[str, Any]

    @property
    def id(self) -> str:
        return self.facts["id"]

    @property
    def question(self) -> str:
        """As our API takes it: one prefix for two images is written out, since we put one before each."""
        if self.facts["image_prefix"] == "one":
            return "<image>\n" + self.facts["question"]
        return self.facts["question"]

    @property
    def images(self) -> list[Path]:
        return [IMAGES / name for name in self.facts["images"]]

    @property
    def steps(self) -> list[str]:
        from visualprm_eval.core.steps import split_steps

        response = self.facts["response"]
        return [response] if self.facts["mode"] == "orm" else split_steps(response, self.facts["max_steps"])


def cases(checkpoint: str, *, ok: bool) -> list[Case]:
    return [Case(facts) for facts in reference(checkpoint)["cases"] if facts["ok"] == ok]


def copy_checkpoint(name: str, target: Path) -> Path:
    shutil.copytree(DATA / name, target)
    return target
