"""The training loop of all stages: Muon for matrices, AdamW for the rest, one schedule."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import fmean
from typing import TYPE_CHECKING

import torch

from visualprm_eval.core.progress import track
from visualprm_eval.demo.training.muon import Muon

if TYPE_CHECKING:
    from torch import Tensor, nn

MATRIX_RATE = 0.02
"""Learning rate of Muon (hidden weight matrices)."""
OTHER_RATE = 0.003
"""Learning rate of AdamW (the output head, embeddings, norms, biases)."""
HEAD_STEPS = 40
"""So many steps the output head learns alone."""
WARMUP_STEPS = 50
_REPORT_STEPS = 100
DECAY_SHARE = 0.35
"""Share of the steps over which the learning rates fall to nearly nothing."""


def _optimizers(model: nn.Module, scale: float) -> list[torch.optim.Optimizer]:
    """One for the output head, one for the hidden matrices, one for the rest."""
    heads: list[nn.Parameter] = []
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            hidden = matrices if parameter.ndim == 2 and "embed" not in name else others
            (heads if "head" in name else hidden).append(parameter)
    adam = partial(torch.optim.AdamW, lr=scale * OTHER_RATE, betas=(0.9, 0.98), weight_decay=0.0)
    return [adam(heads), Muon(matrices, lr=scale * MATRIX_RATE), adam(others)]


def rate_factors(step: int, steps: int) -> tuple[float, float, float]:
    """Shares of the full learning rates at one step, of the head, the matrices and the rest.

    All rise, stay and fall. The head begins alone: tokens that were never written before would otherwise send so large
    a gradient through the network that it forgets how to look.
    """
    fall = min(1.0, (steps - step) / (DECAY_SHARE * steps))
    head = min(1.0, (step + 1) / (HEAD_STEPS / 2), fall)
    rest = min(1.0, max(0.0, (step + 1 - HEAD_STEPS) / WARMUP_STEPS), fall)
    return head, rest, rest


def fit(
    model: nn.Module, loss_at: Callable[[int], Tensor], steps: int, label: str, *, scale: float = 1.0
) -> list[float]:
    """Trains a model in place.

    Args:
        model: Its parameters that require gradients are trained.
        loss_at: The loss of the batch of one step; it draws the batch itself.
        steps: Number of steps.
        label: What the progress display says.
        scale: Factor of the learning rates.

    Returns:
        The loss of every step.
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
            for optimizer, rate, factor in zip(optimizers, full_rates, rate_factors(step, steps), strict=True):
                optimizer.param_groups[0]["lr"] = rate * factor
                optimizer.step()
                optimizer.zero_grad()
            losses.append(loss.item())
            if (step + 1) % _REPORT_STEPS == 0:
                print(f"{label}: step {step + 1}, mean loss {fmean(losses[-_REPORT_STEPS:]):.4f}", flush=True)
            tracker.advance()
    model.eval()
    return losses
