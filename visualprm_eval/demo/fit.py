"""The training loop of all stages: Muon for matrices, AdamW for the rest, one schedule."""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean
from typing import TYPE_CHECKING

import torch

from visualprm_eval.progress import track

if TYPE_CHECKING:
    from torch import Tensor, nn

MATRIX_RATE = 0.02
"""Learning rate of Muon (hidden weight matrices)."""
OTHER_RATE = 0.003
"""Learning rate of AdamW (embeddings, the output head, norms, biases)."""
WARMUP_STEPS = 50
_REPORT_STEPS = 100
DECAY_SHARE = 0.35
"""Share of the steps over which the learning rates fall to nearly nothing."""


def _optimizers(model: nn.Module, scale: float) -> list[torch.optim.Optimizer]:
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        hidden = parameter.ndim == 2 and "embed" not in name and "head" not in name
        (matrices if hidden else others).append(parameter)
    return [
        torch.optim.Muon(matrices, lr=scale * MATRIX_RATE, weight_decay=0.01),
        torch.optim.AdamW(others, lr=scale * OTHER_RATE, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def rate_factor(step: int, steps: int) -> float:
    """The share of the full learning rate at one step: a linear rise, a plateau, a linear fall."""
    rise = (step + 1) / WARMUP_STEPS
    fall = (steps - step) / (DECAY_SHARE * steps)
    return min(1.0, rise, fall)


def fit(model: nn.Module, loss_at: Callable[[int], Tensor], steps: int, label: str, scale: float = 1.0) -> list[float]:
    """Trains a model in place.

    Args:
        model: Every parameter of it is trained.
        loss_at: The loss of the batch of one step; it draws the batch itself.
        steps: Number of steps.
        label: What the progress display says.
        scale: Factor of both learning rates.

    Returns:
        The loss of every step, [steps].
    """
    # The host switches gradients off for the whole process when it is imported.
    with torch.enable_grad(), track(label, steps) as tracker:
        optimizers = _optimizers(model.train(), scale)
        full_rates = [optimizer.param_groups[0]["lr"] for optimizer in optimizers]
        losses = []
        for step in range(steps):
            loss = loss_at(step)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for optimizer, rate in zip(optimizers, full_rates, strict=True):
                optimizer.param_groups[0]["lr"] = rate * rate_factor(step, steps)
                optimizer.step()
                optimizer.zero_grad()
            losses.append(loss.item())
            if (step + 1) % _REPORT_STEPS == 0:
                print(f"{label}: step {step + 1}, mean loss {fmean(losses[-_REPORT_STEPS:]):.4f}", flush=True)
            tracker.advance()
    model.eval()
    return losses
