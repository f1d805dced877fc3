"""Checkpoints are loaded once per kind of attention."""

from __future__ import annotations

from functools import cache

import pytest
import torch

from tests.golden.material import CHECKPOINTS, DATA
from visualprm_eval.engine.visualprm import VisualPRM

# Tensors this small only lose by being shared among threads.
torch.set_num_threads(1)


@cache
def load(name: str, attn: str) -> VisualPRM:
    return VisualPRM.from_pretrained(DATA / name, device="cpu", dtype="float32", attn=attn)


@pytest.fixture(params=CHECKPOINTS)
def name(request) -> str:
    return request.param


@pytest.fixture(params=["eager", "sdpa"])
def prm(request, name) -> VisualPRM:
    return load(name, request.param)
