"""Where the bundled benchmark, policy and reward model are, also in an installed package."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from visualprm_eval.core.errors import CheckpointError

BENCHMARK = "DemoWorld"
"""The benchmark's name in the host."""
BENCHMARK_FILE = f"{BENCHMARK}.tsv"
"""Host layout: index, image (base64 PNG), question, answer, category."""
POLICY = "policy"
"""Folder of the policy's checkpoint (OpenGVLab layout)."""
PRM = "prm"
"""Folder of the reward model's checkpoint (OpenGVLab layout)."""
MANIFEST = "manifest.json"
"""How the assets were made: seeds, sizes, versions, measurements."""


class MissingAssetError(CheckpointError, FileNotFoundError):
    """A bundled file or folder that is not there."""


def demo_path(name: str = "") -> Path:
    """The path of a bundled file or folder.

    Args:
        name: One of the names above; the folder of all assets when empty.

    Raises:
        MissingAssetError: It is not there (a damaged installation, or assets not yet made).
    """
    folder = Path(str(resources.files("visualprm_eval.tasks.demo_world"))) / "assets"
    path = folder / name if name else folder
    if not path.exists():
        raise MissingAssetError(
            f"the demo's {name or 'assets'} should be at {path} but nothing is there; "
            "install the package again, or make the assets with `python -m visualprm_eval.demo.training.train`"
        )
    return path
