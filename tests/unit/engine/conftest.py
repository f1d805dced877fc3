"""The tiny checkpoints of the parity tests, loaded once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import torch
from PIL import Image

from tests.golden.material import CHECKPOINTS, DATA, copy_checkpoint
from visualprm_eval.engine.visualprm import VisualPRM

# Tensors this small only lose by being shared among threads.
torch.set_num_threads(1)


@cache
def load(name: str) -> VisualPRM:
    return VisualPRM.from_pretrained(DATA / name, device="cpu", dtype="float32")


@pytest.fixture(params=CHECKPOINTS)
def name(request) -> str:
    return request.param


@pytest.fixture
def prm(name) -> VisualPRM:
    return load(name)


@pytest.fixture
def checkpoint_copy(name, tmp_path) -> Path:
    """A checkpoint directory that a test may damage."""
    return copy_checkpoint(name, tmp_path / name)


@pytest.fixture
def picture(tmp_path) -> Path:
    path = tmp_path / "picture.png"
    Image.new("RGB", (40, 30), "teal").save(path)
    return path
