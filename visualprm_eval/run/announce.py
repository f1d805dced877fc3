"""What a command is about, in the line that it begins with: before anything is looked at or imported."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from visualprm_eval.core.config import STAGES
from visualprm_eval.core.visible import tell
from visualprm_eval.core.words import counted, listed

if TYPE_CHECKING:
    from visualprm_eval.core.config import RunConfig


def announce(line: str) -> None:
    """Says on standard error what is being done; of the ranks of one run the first says it for all."""
    if os.environ.get("RANK", "0") == "0":
        tell(line)


def run_line(config: RunConfig) -> str:
    """What a run is about, such as "work dir outputs, 2 policies, 3 benchmarks, N = 8"."""
    said = [f"work dir {config.work_dir}"]
    if config.step_labels.critics:
        said.append(_named(config.step_labels.critics, "critic"))
    elif config.candidates is not None:
        said.append(f"candidates of {config.candidates}")
    else:
        said.append(_named(config.models, "policy", "policies"))
    said.append(_named(config.data, "benchmark"))
    if config.sampling.num_samples and not config.step_labels.critics:
        said.append(f"N = {config.sampling.num_samples}")
    if len(config.stages) < len(STAGES):
        said.append(f"only {listed(config.stages)}")
    return ", ".join(said) + (" (dry run)" if config.dry_run else "")


def _named(names: Sequence[str], noun: str, plural: str = "") -> str:
    return f"{noun} {names[0]}" if len(names) == 1 else counted(len(names), noun, plural)
