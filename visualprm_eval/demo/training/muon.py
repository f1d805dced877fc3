"""Muon in float32: orthogonalised momentum for weight matrices.

Source: Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024). ``torch.optim.Muon`` is the
same method, but computes in bfloat16 and one matrix at a time: on a CPU without bfloat16 units its step takes longer
than the forward and backward pass of the demo's network.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch

from visualprm_eval.core.groups import grouped

if TYPE_CHECKING:
    from torch import Tensor, nn

_QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of the Newton-Schulz iteration."""
_ITERATIONS = 5


class Muon(torch.optim.Optimizer):
    """Moves matrices along their momentum with all singular values made about equal.

    Args:
        params: Weight matrices; those of one shape are handled together.
        lr: Learning rate: about by how much a step changes the spectral norm.
        momentum: Of the gradients, Nesterov's kind.
        weight_decay: Decoupled, as in AdamW; it keeps spectral norms below its inverse.
    """

    def __init__(
        self, params: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 0.1
    ) -> None:  # fmt: skip
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:  # noqa: ARG002 - the base class's signature
        """Takes one step from the gradients that are there.

        Args:
            closure: Not called; the base class's signature has it.
        """
        for group in self.param_groups:
            moved = (parameter for parameter in group["params"] if parameter.grad is not None)
            for parameters in grouped(moved, lambda parameter: parameter.shape).values():
                self._step_together(parameters, group)

    def _step_together(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        gradients = torch.stack([parameter.grad for parameter in parameters if parameter.grad is not None])
        state = self.state[parameters[0]]
        momentum = state.setdefault("momentum", torch.zeros_like(gradients))
        momentum.lerp_(gradients, 1 - group["momentum"])
        updates = orthogonalised(gradients.lerp(momentum, group["momentum"]))
        (rows, columns), rate = gradients.shape[-2:], group["lr"]
        for parameter, update in zip(parameters, updates, strict=True):
            parameter.mul_(1 - rate * group["weight_decay"]).sub_(update, alpha=rate * max(1, rows / columns) ** 0.5)


def orthogonalised(matrices: Tensor) -> Tensor:
    """Matrices [n, rows, columns] with the same singular vectors and singular values of about 1 (0.7 to 1.2)."""
    if matrices.shape[-2] > matrices.shape[-1]:
        return orthogonalised(matrices.mT).mT
    first, third, fifth = _QUINTIC
    made: Tensor = matrices / (torch.linalg.matrix_norm(matrices, keepdim=True) + 1e-7)
    for _ in range(_ITERATIONS):
        square = made @ made.mT
        made = torch.baddbmm(made, torch.baddbmm(square, square, square, beta=third, alpha=fifth), made, beta=first)
    return made
