"""What torch says when memory runs out, and what it says otherwise."""

from __future__ import annotations

import pytest
import torch

from visualprm_eval.engine.out_of_memory import ran_out


def test_memory_that_ran_out_is_told_from_other_trouble():
    with pytest.raises(RuntimeError) as refused:
        torch.empty(1 << 55)
    assert ran_out(refused.value)
    assert ran_out(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."))
    with pytest.raises(RuntimeError) as wrong:
        torch.ones(2, 3) @ torch.ones(2, 3)
    assert not ran_out(wrong.value)
